"""切資料：K-fold（可依群組）、依時間往前走，以及自助法的誤差範圍。

Stone, Cross-Validatory Choice and Assessment of Statistical Predictions, JRSS-B 36(2), 1974；
Efron, Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics 7(1), 1979。
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

Fold = tuple[Int[ndarray, " train"], Int[ndarray, " valid"]]


def k_folds(groups: Int[ndarray, " count"], k: int, rng: np.random.Generator) -> Iterator[Fold]:
    """把「群組」洗牌分成 k 份，輪流當驗證集；產生 k 組 (訓練的索引, 驗證的索引)。

    同一群的資料不會分在兩邊。每一筆自成一群（``np.arange(count)``）就是一般的隨機 K-fold。

    Raises:
        ValueError: k 小於 2，或比群組還多。
    """
    names = np.unique(groups)
    if not 2 <= k <= len(names):
        raise ValueError(f"k 要在 2 到群組數 {len(names)} 之間，現在是 {k}。")
    for part in np.array_split(rng.permutation(names), k):
        held_out = np.isin(groups, part)
        yield np.flatnonzero(~held_out), np.flatnonzero(held_out)


def walk_forward(periods: Int[ndarray, " count"], first: int) -> Iterator[Fold]:
    """從時期 ``first`` 起，每次用「之前的全部」預測「這一期」；產生 (訓練的索引, 驗證的索引)。

    Raises:
        ValueError: ``first`` 之前沒有資料，或從 ``first`` 起沒有資料。
    """
    if not (periods < first).any() or not (periods >= first).any():
        raise ValueError(f"{first} 的之前與之後都要有資料。")
    for period in np.unique(periods[periods >= first]):
        yield np.flatnonzero(periods < period), np.flatnonzero(periods == period)


def rmse(predicted: Float[ndarray, " count"], truth: Float[ndarray, " count"]) -> float:
    """均方根誤差，單位與 ``truth`` 相同。"""
    return float(np.sqrt(np.mean((predicted - truth) ** 2)))


def bootstrap_rmse(
    squared_errors: Float[ndarray, " count"],
    groups: Int[ndarray, " count"],
    rng: np.random.Generator,
    *,
    repeats: int = 2_000,
    level: float = 0.95,
) -> tuple[float, float]:
    """重抽「群組」的自助法：RMSE 的 ``level`` 信賴區間 (下界, 上界)。"""
    _, group = np.unique(groups, return_inverse=True)
    sums = np.bincount(group, weights=squared_errors)
    sizes = np.bincount(group)
    drawn = rng.integers(0, len(sums), (repeats, len(sums)))
    scores = np.sqrt(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    tail = (1 - level) / 2
    low, high = np.quantile(scores, [tail, 1 - tail])
    return float(low), float(high)
