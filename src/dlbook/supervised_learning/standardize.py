"""標準化：平均與標準差只能從訓練資料來。"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True)
class Standardizer:
    """記住訓練資料每一欄的平均與標準差，再用到任何資料上。"""

    mean: Float[ndarray, " features"]
    std: Float[ndarray, " features"]

    @classmethod
    def fit(cls, train: Float[ndarray, "count features"]) -> "Standardizer":
        """只看訓練資料。整欄是常數的，標準差當成 1（結果是 0，不會除以零）。"""
        std = train.std(axis=0)
        return cls(train.mean(axis=0), np.where(std > 0, std, 1.0))

    def __call__(self, x: Float[ndarray, "count features"]) -> Float[ndarray, "count features"]:
        """x (count, features) → 同樣的形狀，以訓練資料的標準差為單位。"""
        return (x - self.mean) / self.std
