"""Fréchet distance：兩堆影像的特徵各配一個常態分布，量兩個分布的距離；越小越像。

Heusel et al., GANs Trained by a Two Time-Scale Update Rule (FID), arXiv:1706.08500。FID 用 Inception 的特徵；
這裡用課程自己訓練的小網路，所以數字不能和別處的 FID 比，只能和同一個特徵網路的比。
"""

import torch
from jaxtyping import Float
from torch import Tensor


def frechet_distance(
    first: Float[Tensor, "n features"], second: Float[Tensor, "m features"]
) -> float:
    """‖μ₁ − μ₂‖² + tr(C₁ + C₂ − 2(C₁C₂)^½)；兩堆至少各要兩筆，否則丟出 ValueError。

    (C₁C₂)^½ 的跡是 √C₁ C₂ √C₁ 各特徵值開根號的和：那個矩陣對稱、半正定，算起來穩定。
    """
    if min(len(first), len(second)) < 2:
        raise ValueError(f"要算共變異數，至少各要兩筆，收到 {len(first)} 與 {len(second)} 筆")
    first, second = first.double(), second.double()
    (mean_1, cov_1), (mean_2, cov_2) = (
        (x.mean(0), torch.atleast_2d(torch.cov(x.T))) for x in (first, second)
    )
    values, vectors = torch.linalg.eigh(cov_1)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_2 @ root).clamp(min=0).sqrt().sum()
    return float((mean_1 - mean_2).square().sum() + cov_1.trace() + cov_2.trace() - 2 * cross)
