"""用 MLP 做迴歸：目標先標準化，預測時再換回原來的單位。"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import nn

from dlbook.foundations.loaders import TensorLoader
from dlbook.foundations.mlp import MLP
from dlbook.supervised_learning.splits import rmse
from dlbook.training import History, fit


@dataclass(frozen=True)
class FittedMLP:
    """訓練好的網路，與目標的平均、標準差。"""

    network: nn.Module
    mean: float
    std: float

    def __call__(self, x: Float[ndarray, "count features"]) -> Float[ndarray, " count"]:
        """x (count, features) → 預測 (count,)，單位與訓練時的 y 相同。"""
        device = next(self.network.parameters()).device
        with torch.no_grad():
            output = self.network(torch.as_tensor(x, dtype=torch.float32, device=device))
        return output.squeeze(1).cpu().numpy().astype(float) * self.std + self.mean


def fit_mlp(
    x: Float[ndarray, "count features"],
    y: Float[ndarray, " count"],
    *,
    hidden: list[int],
    epochs: int,
    seed: int,
    lr: float = 3e-3,
    weight_decay: float = 0.0,
    one_cycle: bool = False,
    valid: tuple[ndarray, ndarray] | None = None,
    early_stop: bool = True,
    device: str | torch.device = "cpu",
) -> tuple[FittedMLP, History]:
    """AdamW 最小化均方誤差（Kingma & Ba, arXiv:1412.6980；Loshchilov & Hutter, arXiv:1711.05101）。

    給了 ``valid`` 就每個 epoch 量一次驗證 RMSE（``History.score`` 是它的負數）；``early_stop`` 時
    留下驗證最好的那一次，否則留下最後一次。``one_cycle``：學習率先升後降到 0。
    """
    torch.manual_seed(seed)
    network = MLP([x.shape[1], *hidden, 1]).to(device)
    mean, std = float(y.mean()), float(y.std())
    target = torch.as_tensor((y - mean) / std, dtype=torch.float32).unsqueeze(1)
    loader = TensorLoader(torch.as_tensor(x, dtype=torch.float32), target, 128)
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=weight_decay)
    schedule = None
    if one_cycle:
        steps = epochs * len(loader)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    last: dict[str, torch.Tensor] = {}

    def score(network: nn.Module) -> float:
        """驗證 RMSE 的負數（越大越好）。"""
        last.update({name: p.clone() for name, p in network.state_dict().items()})
        assert valid is not None
        return -rmse(FittedMLP(network, mean, std)(valid[0]), valid[1])

    history = fit(
        network, loader, nn.functional.mse_loss, optimizer, epochs=epochs,
        evaluate=None if valid is None else score, scheduler=schedule, progress=False,
    )  # fmt: skip
    if last and not early_stop:
        network.load_state_dict(last)
    return FittedMLP(network, mean, std), history


def average(models: list[FittedMLP], x: Float[ndarray, "count features"]) -> ndarray:
    """集成（ensemble）：幾個網路的預測取平均，(count,)。"""
    return np.mean([model(x) for model in models], axis=0)
