"""手寫數字的 MLP：資料、網路，與一個把每種訓練技巧都做成參數的訓練函式。"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dlbook import datasets
from dlbook.foundations.loaders import TensorLoader
from dlbook.supervised_learning.averaging import WeightAverage, refresh_batchnorm
from dlbook.supervised_learning.initialization import he_std, set_weights
from dlbook.supervised_learning.muon import Muon, muon_groups
from dlbook.supervised_learning.normalization import BatchNorm, LayerNorm
from dlbook.supervised_learning.optimizers import SGD, AdamW
from dlbook.supervised_learning.regularization import (
    Dropout,
    clip_gradients,
    mixup,
    one_hot,
    shift,
)
from dlbook.supervised_learning.schedules import follow, warmup_cosine
from dlbook.training import fit


@dataclass(frozen=True)
class DigitData:
    """MNIST，已攤平；60,000 張的最後 5,000 張是驗證集。像素以訓練集的平均與標準差標準化。"""

    train_x: Float[Tensor, "55000 784"]
    train_y: Int[Tensor, " 55000"]
    valid_x: Float[Tensor, "5000 784"]
    valid_y: Int[Tensor, " 5000"]
    test_x: Float[Tensor, "10000 784"]
    test_y: Int[Tensor, " 10000"]


def digit_data() -> DigitData:
    """讀 MNIST；平均與標準差只由訓練的 55,000 張算，三份資料都用同一組。"""
    data = datasets.mnist()
    x = data.train_images.flatten(1).float() / 255
    test_x = data.test_images.flatten(1).float() / 255
    mean, std = x[:55_000].mean(), x[:55_000].std()
    x, test_x, y = (x - mean) / std, (test_x - mean) / std, data.train_labels
    return DigitData(x[:55_000], y[:55_000], x[55_000:], y[55_000:], test_x, data.test_labels)


def digit_mlp(
    width: int = 256,
    norm: Callable[[int], nn.Module] | None = None,
    dropout: float = 0.0,
    activation: Callable[[], nn.Module] = nn.ReLU,
    depth: int = 2,
) -> nn.Sequential:
    """784 → ``depth`` 層 ``width`` → 10；每層依序是 Linear、正規化、活化函數、dropout。"""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers.append(nn.Linear(width if i else 784, width))
        if norm is not None:
            layers.append(norm(width))
        layers.append(activation())
        if dropout:
            layers.append(Dropout(dropout))
    model = nn.Sequential(*layers, nn.Linear(width, 10))
    set_weights(model, lambda fan_in, fan_out: he_std(fan_in))
    return model


class AugmentedLoader:
    """每個批次：標籤變成 one-hot，影像隨機平移，再做 mixup；兩者都可以不做。"""

    def __init__(self, loader: TensorLoader, most: int = 0, alpha: float = 0.0) -> None:
        self.loader, self.most, self.alpha = loader, most, alpha

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for x, y in self.loader:
            target = one_hot(y)
            if self.most:
                x = shift(x, self.most)
            if self.alpha:
                x, target = mixup(x, target, self.alpha)
            yield x, target


def make_optimizer(
    model: nn.Module, name: str, lr: float, weight_decay: float
) -> torch.optim.Optimizer:
    """``name`` 是 adamw、sgd（Nesterov 動量 0.9）或 muon（其餘參數以 AdamW 1e-3 更新）。"""
    if name == "muon":
        return Muon(muon_groups(model, lr=lr, adam_lr=1e-3, weight_decay=weight_decay), lr)
    if name == "sgd":
        return SGD(model.parameters(), lr, momentum=0.9, nesterov=True, weight_decay=weight_decay)
    if name == "adamw":
        return AdamW(model.parameters(), lr, weight_decay=weight_decay)
    raise ValueError(f"optimizer 要是 adamw、sgd 或 muon，現在是「{name}」。")


NORMS: dict[str, Callable[[int], nn.Module] | None] = {
    "none": None,
    "batch": BatchNorm,
    "layer": LayerNorm,
}


def train_digits(
    seed: int,
    x: Float[Tensor, "count 784"],
    y: Int[Tensor, " count"],
    *,
    epochs: int,
    width: int = 256,
    norm: str = "none",
    dropout: float = 0.0,
    activation: Callable[[], nn.Module] = nn.ReLU,
    optimizer: str = "adamw",
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    batch_size: int = 128,
    schedule: bool = False,
    smoothing: float = 0.0,
    mixup_alpha: float = 0.0,
    most_shift: int = 0,
    clip: float | None = None,
    ema: float | None = None,
    swa: int = 0,
) -> nn.Sequential:
    """訓練一個數字辨識的 MLP；預設是什麼技巧都不用的 Adam。回傳停在評估模式的模型。

    ``schedule``：warm-up（一成的步數）加 cosine。``swa``：最後這麼多個 epoch，每個 epoch 結束時的
    參數等權平均。參數的起點、批次順序、dropout 都由 ``seed`` 決定；不用驗證集挑 epoch。
    """
    seed_all(seed)
    model = digit_mlp(width, NORMS[norm], dropout, activation)
    loader = AugmentedLoader(TensorLoader(x, y, batch_size), most_shift, mixup_alpha)
    rule = make_optimizer(model, optimizer, lr, weight_decay)
    total = epochs * len(loader)
    scheduler = follow(rule, lambda s: warmup_cosine(s, total, total // 10)) if schedule else None
    settings: dict[str, Any] = {"scheduler": scheduler, "clip": clip, "progress": False}
    loss_fn = nn.CrossEntropyLoss(label_smoothing=smoothing)
    fit(model, loader, loss_fn, rule, epochs=epochs - swa, ema=ema, **settings)
    if swa:
        average = WeightAverage(model)
        for _ in range(swa):
            fit(model, loader, loss_fn, rule, epochs=1, **settings)
            average.update(model)
        model.load_state_dict(average.model.state_dict())
        norms = [layer for layer in model if isinstance(layer, BatchNorm)]
        refresh_batchnorm(model, norms, (batch for batch, _ in loader) if norms else ())
    return model.eval()


def seed_all(seed: int) -> None:
    """批次、dropout、平移用 PyTorch 的亂數，mixup 的 λ 用 NumPy 的。"""
    torch.manual_seed(seed)
    np.random.seed(seed)


def train_steps(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Float[Tensor, "count 784"],
    y: Int[Tensor, " count"],
    steps: int,
    *,
    seed: int,
    batch_size: int = 128,
    clip: float | None = None,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> list[float]:
    """最短的迴圈：跑固定的步數，傳回每一步的損失；變成 nan 也照跑。模型停在評估模式。"""
    torch.manual_seed(seed)
    model.train()
    loader = TensorLoader(x, y, batch_size)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    losses = []
    for batch_x, batch_y in itertools.islice(batches, steps):
        loss = nn.functional.cross_entropy(model(batch_x), batch_y)
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            clip_gradients(model.parameters(), clip)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.item())
    model.eval()
    return losses


@torch.no_grad()
def error_rate(model: nn.Module, x: Float[Tensor, "count 784"], y: Int[Tensor, " count"]) -> float:
    """答錯的比例；模型要先在評估模式。"""
    return (model(x).argmax(dim=1) != y).double().mean().item()
