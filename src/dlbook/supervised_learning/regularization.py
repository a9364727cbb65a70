"""正則化：dropout、mixup、平移增強；以及梯度裁剪。

Srivastava et al., JMLR 2014（dropout）；Zhang et al., arXiv:1710.09412（mixup）；
Pascanu et al., arXiv:1211.5063（梯度裁剪）。
"""

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Dropout(nn.Module):
    """訓練時每個數以機率 p 變成 0，留下的乘上 1 / (1 − p)，期望值不變；評估時什麼都不做。"""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        if not self.training or self.p == 0:
            return x
        keep = torch.empty_like(x).bernoulli_(1 - self.p)
        return x * keep / (1 - self.p)


def mixup(
    x: Float[Tensor, "batch features"], target: Float[Tensor, "batch classes"], alpha: float
) -> tuple[Float[Tensor, "batch features"], Float[Tensor, "batch classes"]]:
    """每一筆和另一筆按 λ : 1 − λ 混合，標籤也一樣混；λ 由 Beta(α, α) 抽，一個批次一個。"""
    lam = float(np.random.beta(alpha, alpha))
    other = torch.randperm(len(x))
    return lam * x + (1 - lam) * x[other], lam * target + (1 - lam) * target[other]


def shift(
    x: Float[Tensor, "batch 784"], most: int, generator: torch.Generator | None = None
) -> Float[Tensor, "batch 784"]:
    """每張 28×28 的圖各自往上下、左右平移最多 ``most`` 個像素，空出來的地方補最小值（背景）。"""
    count, side = len(x), 28
    background = float(x.min())
    padded = nn.functional.pad(x.reshape(count, side, side), [most] * 4, value=background)
    corner = torch.randint(0, 2 * most + 1, (2, count, 1), generator=generator)
    rows, columns = corner + torch.arange(side)
    picked = padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return picked.reshape(count, side * side)


def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """所有梯度合起來的長度超過 ``max_norm`` 就一起縮短，方向不變；傳回原本的長度。"""
    gradients = [p.grad for p in parameters if p.grad is not None]
    total = torch.stack([g.norm() for g in gradients]).norm()
    scale = (max_norm / (total + 1e-6)).clamp(max=1.0)
    for g in gradients:
        g.mul_(scale)
    return total


def one_hot(y: Int[Tensor, " batch"], classes: int = 10) -> Float[Tensor, "batch classes"]:
    """類別編號 → 只有那一格是 1 的機率分布。"""
    return nn.functional.one_hot(y, classes).float()
