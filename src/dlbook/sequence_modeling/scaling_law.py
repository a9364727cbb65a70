"""縮放律：損失對參數量（或資料、運算量）是冪次律。

Kaplan et al., arXiv:2001.08361；Hoffmann et al. (Chinchilla), arXiv:2203.15556。
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PowerLaw:
    """L = a · N^(−b)；``r2`` 是在雙對數座標上的 R²。"""

    a: float
    b: float
    r2: float

    def __call__(self, n: float) -> float:
        """大小 n 的預測損失。"""
        return self.a * n**-self.b


def fit_power_law(sizes: Sequence[float], losses: Sequence[float]) -> PowerLaw:
    """在雙對數座標上配一條直線。少於三點，或有不是正的數，丟出 ValueError。"""
    if len(sizes) < 3 or min(*sizes, *losses) <= 0:
        raise ValueError("要至少三個點，而且都是正的，才配得出冪次律")
    x, y = np.log(sizes), np.log(losses)
    slope, intercept = np.polyfit(x, y, 1)
    residual = y - (slope * x + intercept)
    return PowerLaw(float(np.exp(intercept)), float(-slope), float(1 - residual.var() / y.var()))
