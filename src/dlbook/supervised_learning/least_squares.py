"""最小平方法的三種解法：正規方程式、QR 分解、隨機梯度下降；以及 ridge。

Gauss（1809）；Householder, Unitary Triangularization of a Nonsymmetric Matrix, JACM 5(4), 1958；
Hoerl & Kennard, Ridge Regression, Technometrics 12(1), 1970。
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True)
class Linear:
    """線性模型：``weights`` (features,) 與截距 ``intercept``。"""

    weights: Float[ndarray, " features"]
    intercept: float

    def __call__(self, x: Float[ndarray, "count features"]) -> Float[ndarray, " count"]:
        """x (count, features) → 預測 (count,)。"""
        return x @ self.weights + self.intercept


def add_ones(x: Float[ndarray, "count features"]) -> Float[ndarray, "count features_and_one"]:
    """最後加一欄 1，那一欄的權重就是截距。"""
    return np.hstack([x, np.ones((len(x), 1))])


def solve_normal(
    x: Float[ndarray, "count features"], y: Float[ndarray, " count"]
) -> Float[ndarray, " features"]:
    """解正規方程式 XᵀX w = Xᵀy。

    Raises:
        numpy.linalg.LinAlgError: XᵀX 不可逆（有的欄位可以由其他欄位算出來）。
    """
    return np.linalg.solve(x.T @ x, x.T @ y)


def householder(
    x: Float[ndarray, "count features"], y: Float[ndarray, " count"]
) -> tuple[Float[ndarray, "features features"], Float[ndarray, " features"]]:
    """用鏡射把 X 變成上三角 R，同時把 y 變成 Qᵀy；傳回 (R, Qᵀy 的前 features 項)。"""
    r, b = x.astype(float), y.astype(float)
    for j in range(x.shape[1]):
        v = r[j:, j].copy()  # 這一欄對角線（含）以下的部分，要鏡射到第一軸上
        v[0] += np.copysign(np.linalg.norm(v), v[0])
        length = np.linalg.norm(v)
        if length > 0:  # 整欄都是 0 就不必鏡射
            v /= length
            r[j:, j:] -= 2 * np.outer(v, v @ r[j:, j:])
            b[j:] -= 2 * v * (v @ b[j:])
    return np.triu(r[: x.shape[1]]), b[: x.shape[1]]


def back_substitution(
    r: Float[ndarray, "features features"], b: Float[ndarray, " features"]
) -> Float[ndarray, " features"]:
    """解上三角的 R w = b：由最後一個未知數往前，一個一個代。"""
    w = np.zeros(len(b))
    for j in reversed(range(len(b))):
        w[j] = (b[j] - r[j, j + 1 :] @ w[j + 1 :]) / r[j, j]
    return w


def solve_qr(
    x: Float[ndarray, "count features"], y: Float[ndarray, " count"]
) -> Float[ndarray, " features"]:
    """用 QR 分解解 min |Xw − y|²，不必算出 XᵀX。

    Raises:
        ValueError: 資料比特徵少，或有的欄位（在捨入誤差內）可以由其他欄位算出來。
    """
    if len(x) < x.shape[1]:
        raise ValueError(f"{len(x)} 筆資料決定不了 {x.shape[1]} 個權重；改用 ridge。")
    r, b = householder(x, y)
    diagonal = np.abs(np.diag(r))
    smallest = np.finfo(float).eps * len(x) * diagonal.max()
    if (bad := np.flatnonzero(diagonal <= smallest)).size:
        raise ValueError(
            f"第 {'、'.join(map(str, bad))} 欄可以由前面的欄位算出來，解不唯一；拿掉它，或改用 ridge。"
        )
    return back_substitution(r, b)


def mse_gradient(
    w: Float[ndarray, " features"],
    x: Float[ndarray, "count features"],
    y: Float[ndarray, " count"],
) -> Float[ndarray, " features"]:
    """均方誤差 mean((Xw − y)²) 對 w 的梯度：2 Xᵀ(Xw − y) / count。"""
    return 2 * x.T @ (x @ w - y) / len(y)


def solve_sgd(
    x: Float[ndarray, "count features"],
    y: Float[ndarray, " count"],
    *,
    lr: float,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
) -> Float[ndarray, "steps features"]:
    """從 0 出發的小批次梯度下降，學習率線性降到 0；傳回走過的每一個 w，最後一列是答案。"""
    batches = -(-len(x) // batch_size)
    path = [np.zeros(x.shape[1])]
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(x)), batches):
            rate = lr * (1 - (len(path) - 1) / (epochs * batches))
            path.append(path[-1] - rate * mse_gradient(path[-1], x[batch], y[batch]))
    return np.stack(path)


def ridge(x: Float[ndarray, "count features"], y: Float[ndarray, " count"], alpha: float) -> Linear:
    """最小化 |y − Xw − b|² + alpha |w|²；截距 b 不受罰。alpha 大於 0 就一定有唯一解。

    Raises:
        ValueError: alpha 是負的。
    """
    if alpha < 0:
        raise ValueError(f"alpha 不能是負的，現在是 {alpha}。")
    x_mean, y_mean = x.mean(axis=0), float(y.mean())
    centred = x - x_mean
    penalised = centred.T @ centred + alpha * np.eye(x.shape[1])
    weights = np.linalg.solve(penalised, centred.T @ (y - y_mean))
    return Linear(weights, y_mean - float(x_mean @ weights))
