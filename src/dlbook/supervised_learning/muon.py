"""Muon：把動量矩陣的奇異值都拉到 1 附近再更新。

Keller Jordan, Muon: An optimizer for hidden layers in neural networks, 2024；
Liu et al., Muon is Scalable for LLM Training, arXiv:2502.16982。
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dlbook.supervised_learning.optimizers import AdamW, State


def orthogonalize(
    g: Float[Tensor, "rows columns"], steps: int = 5, dtype: torch.dtype = torch.bfloat16
) -> Float[Tensor, "rows columns"]:
    """Newton–Schulz 迭代：g = U S Vᵀ → 大約 U Vᵀ，只用矩陣乘法，不做 SVD。

    每一步對奇異值套用 s → 3.4445 s − 4.7750 s³ + 2.0315 s⁵；五步之後大多落在 0.7 到 1.2 之間。
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.to(dtype)
    if g.shape[0] > g.shape[1]:  # 讓 x xᵀ 是小的那個方陣
        x = x.T
    x = x / x.norm().clamp(min=1e-7)  # 奇異值都壓到 1 以下
    for _ in range(steps):
        xx = x @ x.T
        x = torch.addmm(x, torch.addmm(xx, xx, xx, beta=b, alpha=c), x, beta=a)
    return x.T if g.shape[0] > g.shape[1] else x


class Muon(AdamW):
    """矩陣用 Muon；``muon`` 是 False 的那一組（偏置、正規化、輸出層）用 AdamW。

    Raises:
        ValueError: 交給 Muon 的參數裡有不是二維的。
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.1,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)
        for group in self.param_groups:
            group.setdefault("muon", True)
            group.setdefault("momentum", momentum)
            shapes = [tuple(p.shape) for p in group["params"] if group["muon"] and p.ndim != 2]
            if shapes:
                raise ValueError(
                    f"Muon 只能用在矩陣；形狀 {shapes[0]} 請放進 muon=False 的那一組。"
                )

    def update(self, p: Tensor, g: Tensor, state: State, group: State) -> None:
        if not group["muon"]:
            super().update(p, g, state, group)
            return
        buffer = state.setdefault("v", torch.zeros_like(g))
        buffer.lerp_(g, 1 - group["momentum"])
        ahead = g.lerp(buffer, group["momentum"])  # Nesterov 的先看一步
        p.mul_(1 - group["lr"] * group["weight_decay"])
        scale = math.sqrt(max(1, p.shape[0] / p.shape[1]))
        p.sub_(group["lr"] * scale * orthogonalize(ahead).to(p.dtype))


def muon_groups(
    model: nn.Module, *, lr: float, adam_lr: float, weight_decay: float
) -> list[dict[str, Any]]:
    """隱藏層的權重矩陣給 Muon，其餘（偏置、正規化、最後一層）給 AdamW。"""
    linears = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    matrices = [layer.weight for layer in linears[:-1]]
    others = [p for p in model.parameters() if all(p is not m for m in matrices)]
    return [
        {"params": matrices, "lr": lr, "weight_decay": weight_decay, "muon": True},
        {"params": others, "lr": adam_lr, "weight_decay": weight_decay, "muon": False},
    ]
