"""Lasso：用座標下降求 L1 懲罰的線性迴歸。

Tibshirani, Regression Shrinkage and Selection via the Lasso, JRSS-B 58(1), 1996；座標下降與熱啟動：
Friedman et al., Regularization Paths for Generalized Linear Models, J. Stat. Software 33(1), 2010。
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from dlbook.supervised_learning.least_squares import Linear


def soft_threshold(z: float, t: float) -> float:
    """往 0 靠 t；離 0 不到 t 的直接變 0。這是 min ½(w − z)² + t|w| 的解。"""
    return np.sign(z) * max(abs(z) - t, 0.0)


def coordinate_descent(
    gram: Float[ndarray, "features features"],
    correlation: Float[ndarray, " features"],
    alpha: float,
    start: Float[ndarray, " features"],
    *,
    tolerance: float = 1e-6,
    max_sweeps: int = 20_000,
) -> tuple[Float[ndarray, " features"], int]:
    """最小化 ½ wᵀGw − cᵀw + alpha |w|₁，一次只動一個權重；傳回 (w, 掃了幾輪)。

    一輪裡動得最多的那一步小於 ``tolerance`` × 最大的權重就停。

    Raises:
        RuntimeError: ``max_sweeps`` 輪還沒收斂。
    """
    w = start.copy()
    residual = correlation - gram @ w  # Xᵀ(y − Xw)/N：每個特徵與殘差的內積
    for sweep in range(1, max_sweeps + 1):
        largest = 0.0
        for j in range(len(w)):
            if gram[j, j] == 0:  # 整欄都是常數：權重留在 0
                continue
            new = soft_threshold(residual[j] + gram[j, j] * w[j], alpha) / gram[j, j]
            if (step := new - w[j]) != 0:
                residual -= step * gram[j]
                w[j] = new
                largest = max(largest, abs(step))
        if largest <= tolerance * np.abs(w).max(initial=0.0):
            return w, sweep
    raise RuntimeError(f"{max_sweeps} 輪還沒收斂；特徵標準化了嗎？")


def lasso_path(
    x: Float[ndarray, "count features"],
    y: Float[ndarray, " count"],
    alphas: Sequence[float] | Float[ndarray, " alphas"],
    *,
    warm: bool = True,
    tolerance: float = 1e-6,
) -> tuple[list[Linear], list[int]]:
    """對每個 alpha 最小化 |y − Xw − b|²/(2N) + alpha |w|₁；傳回 (模型, 各掃了幾輪)。

    ``warm``：從上一個 alpha 的答案出發（熱啟動），alpha 由大到小排時最省；否則每次從 0 出發。
    """
    x_mean, y_mean = x.mean(axis=0), float(y.mean())
    centred = x - x_mean
    gram, correlation = centred.T @ centred / len(x), centred.T @ (y - y_mean) / len(x)
    models: list[Linear] = []
    sweeps: list[int] = []
    w = np.zeros(x.shape[1])
    for alpha in alphas:
        start = w if warm else np.zeros_like(w)
        w, count = coordinate_descent(gram, correlation, alpha, start, tolerance=tolerance)
        models.append(Linear(w, y_mean - float(x_mean @ w)))
        sweeps.append(count)
    return models, sweeps


def largest_alpha(x: Float[ndarray, "count features"], y: Float[ndarray, " count"]) -> float:
    """大到這個 alpha，lasso 的權重就全是 0：特徵與目標的最大共變異。"""
    return float(np.abs((x - x.mean(axis=0)).T @ (y - y.mean())).max() / len(x))
