"""主成分分析（PCA）：把很多欄壓成幾欄，留下變化最大的方向。

Pearson, On Lines and Planes of Closest Fit, Phil. Mag. 2(11), 1901。
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True)
class PCA:
    """``mean`` (features,)；``directions`` (features, k) 每欄是一個方向；``variances`` (k,)。"""

    mean: Float[ndarray, " features"]
    directions: Float[ndarray, "features k"]
    variances: Float[ndarray, " k"]

    @classmethod
    def fit(cls, train: Float[ndarray, "count features"], k: int) -> "PCA":
        """共變異矩陣的前 k 個特徵向量；只看訓練資料。

        Raises:
            ValueError: k 不在 1 到特徵數之間。
        """
        if not 1 <= k <= train.shape[1]:
            raise ValueError(f"k 要在 1 到 {train.shape[1]} 之間，現在是 {k}。")
        mean = train.mean(axis=0)
        centred = train - mean
        values, vectors = np.linalg.eigh(centred.T @ centred / (len(train) - 1))
        return cls(mean, vectors[:, : -k - 1 : -1], values[: -k - 1 : -1])

    def __call__(self, x: Float[ndarray, "count features"]) -> Float[ndarray, "count k"]:
        """x (count, features) → 在 k 個方向上的座標 (count, k)。"""
        return (x - self.mean) @ self.directions
