"""稀疏自編碼器（sparse auto-encoder, SAE）：把一個激發值向量拆成少數幾個特徵的和。

TopK SAE：Gao et al., arXiv:2406.04093；開放給大家用的一套：Gemma Scope, arXiv:2408.05147。
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class SparseAutoencoder(nn.Module):
    """x ≈ bias + Σ（至多 active 個特徵）強度 · 方向；特徵的數目 features 遠多於 x 的維度。"""

    def __init__(self, width: int, features: int, active: int):
        super().__init__()
        if not 0 < active <= features:
            raise ValueError(f"同時亮的特徵數要在 1 到 {features} 之間，收到 {active}")
        self.active = active
        self.bias = nn.Parameter(torch.zeros(width))
        self.encoder = nn.Linear(width, features)
        self.decoder = nn.Linear(features, width, bias=False)
        self.normalize_directions()
        with torch.no_grad():
            self.encoder.weight.copy_(self.decoder.weight.T)
            self.encoder.bias.zero_()

    @torch.no_grad()
    def normalize_directions(self) -> None:
        """每個特徵的方向都保持單位長：強度才不會被藏進方向裡。"""
        self.decoder.weight.copy_(F.normalize(self.decoder.weight, dim=0))

    def encode(self, x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch features"]:
        """各特徵的強度：只留最強的 active 個，其餘是 0，沒有負的。"""
        strength = self.encoder(x - self.bias).relu()
        values, indices = strength.topk(self.active)
        return torch.zeros_like(strength).scatter(-1, indices, values)

    def forward(self, x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
        return self.bias + self.decoder(self.encode(x))


def train_sae(
    sae: SparseAutoencoder,
    x: Float[Tensor, "samples width"],
    steps: int,
    batch_size: int = 256,
    lr: float = 1e-3,
    generator: torch.Generator | None = None,
) -> list[float]:
    """用 Adam 最小化重建誤差；bias 從平均值開始。回傳每一步的均方誤差。"""
    with torch.no_grad():
        sae.bias.copy_(x.mean(0))
    optimizer = torch.optim.Adam(sae.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        batch = x[torch.randint(len(x), (batch_size,), generator=generator)]
        loss = F.mse_loss(sae(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sae.normalize_directions()
        losses.append(loss.item())
    return losses


def explained_variance(
    x: Float[Tensor, "samples width"], reconstruction: Float[Tensor, "samples width"]
) -> float:
    """重建解釋了多少變異：1 是完美，0 和「永遠猜平均」一樣。"""
    residual = (x - reconstruction).square().sum()
    return 1 - (residual / (x - x.mean(0)).square().sum()).item()
