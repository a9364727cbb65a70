"""逐步向前的特徵選擇：每次加入讓驗證誤差降最多的那一欄。

Guyon & Elisseeff, An Introduction to Variable and Feature Selection, JMLR 3, 2003。
"""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from dlbook.supervised_learning.splits import Fold


def moments(x: Float[ndarray, "count features"], y: Float[ndarray, " count"]) -> ndarray:
    """[X 1 y]ᵀ[X 1 y]：用任何一組欄位做最小平方法，都只需要這個矩陣。"""
    table = np.column_stack([x, np.ones(len(x)), y])
    return table.T @ table


def squared_error(
    train: ndarray, valid: ndarray, columns: Sequence[int], alpha: float = 1.0
) -> float:
    """用訓練的 moments 解 ridge（只看 ``columns`` 與截距），傳回驗證資料的平方誤差和。"""
    used = [*columns, len(train) - 2]  # 倒數第二列是那一欄 1
    penalty = alpha * np.eye(len(used))
    penalty[-1, -1] = 0.0  # 截距不受罰
    w = np.linalg.solve(train[np.ix_(used, used)] + penalty, train[used, -1])
    signed = np.append(w, -1.0)  # 誤差 = [X 1 y] · (w, −1)
    used.append(len(train) - 1)
    return float(signed @ valid[np.ix_(used, used)] @ signed)


def forward_selection(
    x: Float[ndarray, "count features"],
    y: Float[ndarray, " count"],
    folds: Iterable[Fold],
    count: int,
) -> tuple[list[int], list[float]]:
    """依序選出 ``count`` 欄；傳回 (欄的編號, 選到第幾欄時各 fold 合計的 RMSE)。

    Raises:
        ValueError: 要選的比欄位還多。
    """
    if count > x.shape[1]:
        raise ValueError(f"只有 {x.shape[1]} 欄，選不出 {count} 欄。")
    pairs = [(moments(x[a], y[a]), moments(x[b], y[b]), len(b)) for a, b in folds]
    total = sum(size for _, _, size in pairs)
    chosen: list[int] = []
    scores: list[float] = []
    for _ in range(count):
        left = [j for j in range(x.shape[1]) if j not in chosen]
        errors = {j: sum(squared_error(t, v, [*chosen, j]) for t, v, _ in pairs) for j in left}
        best = min(errors, key=errors.__getitem__)
        chosen.append(best)
        scores.append(float(np.sqrt(errors[best] / total)))
    return chosen, scores
