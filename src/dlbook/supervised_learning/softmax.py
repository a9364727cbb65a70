"""softmax、交叉熵與標籤平滑（label smoothing）。

標籤平滑：Szegedy et al., Rethinking the Inception Architecture, arXiv:1512.00567。
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def log_softmax(z: Float[Tensor, "batch classes"]) -> Float[Tensor, "batch classes"]:
    """分數 → 對數機率，每一**列**加總是 1；先減去每列的最大值，再大的分數也不會溢位。"""
    z = z - z.max(dim=-1, keepdim=True).values
    return z - z.exp().sum(dim=-1, keepdim=True).log()


def soft_targets(
    targets: Int[Tensor, " batch"], classes: int, smoothing: float
) -> Float[Tensor, "batch classes"]:
    """目標分布 q：smoothing 平分給**所有**類別，剩下的 1 − smoothing 給答案。

    Raises:
        ValueError: ``smoothing`` 不在 0 到 1 之間。
    """
    if not 0 <= smoothing <= 1:
        raise ValueError(f"smoothing 要在 0 到 1 之間，現在是 {smoothing}。")
    q = torch.full((len(targets), classes), smoothing / classes, dtype=torch.float64)
    q[torch.arange(len(targets)), targets] += 1 - smoothing
    return q


def cross_entropy(
    z: Float[Tensor, "batch classes"], targets: Int[Tensor, " batch"], smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """−Σₖ qₖ log pₖ，對批次平均，單位 nat。"""
    q = soft_targets(targets, z.shape[-1], smoothing).to(z)
    return -(q * log_softmax(z)).sum(dim=-1).mean()
