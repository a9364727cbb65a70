"""double descent：模型剛好背得起訓練資料時最糟，再大反而變好。

Belkin et al., arXiv:1812.11118（亂數特徵）；Nakkiran et al., Deep Double Descent, arXiv:1912.02292。
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor


def flip_labels(
    y: Int[Tensor, " count"], share: float, generator: torch.Generator, classes: int = 10
) -> Int[Tensor, " count"]:
    """隨機挑 ``share`` 的標籤，換成另一個類別（一定是錯的）。"""
    chosen = torch.randperm(len(y), generator=generator)[: round(share * len(y))]
    wrong = y.clone()
    offset = torch.randint(1, classes, (len(chosen),), generator=generator)
    wrong[chosen] = (y[chosen] + offset) % classes
    return wrong


def random_features(
    x: Float[Tensor, "batch inputs"], count: int, generator: torch.Generator
) -> Float[Tensor, "batch count"]:
    """第一層是亂數、不訓練的單層網路：relu(x W) / √count，float64。"""
    weight = torch.randn(x.shape[1], count, generator=generator, dtype=torch.float64)
    return torch.relu(x.double() @ weight) / math.sqrt(count)


def shortest_solution(
    features: Float[Tensor, "batch count"], target: Float[Tensor, "batch classes"], ridge: float
) -> Float[Tensor, "count classes"]:
    """最小平方的輸出層；``ridge`` 是 0 時取長度最短的解（pinv）。"""
    if ridge == 0:
        return torch.linalg.pinv(features, rtol=1e-10) @ target
    batch, count = features.shape
    if count <= batch:
        eye = torch.eye(count, dtype=features.dtype)
        return torch.linalg.solve(features.T @ features + ridge * eye, features.T @ target)
    eye = torch.eye(batch, dtype=features.dtype)
    return features.T @ torch.linalg.solve(features @ features.T + ridge * eye, target)
