"""熵、交叉熵、KL 散度，與用計數做的貝氏分類器。

Shannon, A Mathematical Theory of Communication, 1948；單位都是 nat（自然對數）。
"""

import numpy as np
from jaxtyping import Float, Int


def entropy(p: Float[np.ndarray, " k"]) -> float:
    """H(p) = −Σ p ln p；機率為 0 的項算 0。"""
    positive = p[p > 0]
    return float(-(positive * np.log(positive)).sum())


def cross_entropy(p: Float[np.ndarray, " k"], q: Float[np.ndarray, " k"]) -> float:
    """H(p, q) = −Σ p ln q：真相是 p，你以為是 q 時的平均訊息量。"""
    used = p > 0
    with np.errstate(divide="ignore"):
        return float(-(p[used] * np.log(q[used])).sum())


def kl(p: Float[np.ndarray, " k"], q: Float[np.ndarray, " k"]) -> float:
    """KL(p‖q) = H(p, q) − H(p)：多付的那一截，不會是負的。"""
    return cross_entropy(p, q) - entropy(p)


def gaussian_kl(mean_p: float, std_p: float, mean_q: float, std_q: float) -> float:
    """兩個一維高斯的 KL(p‖q)，有公式可算。"""
    ratio = std_p / std_q
    return float(np.log(1 / ratio) + (ratio**2 + ((mean_p - mean_q) / std_q) ** 2 - 1) / 2)


class NaiveBayes:
    """假設像素在給定類別後互相獨立的分類器；機率用計數加一（Laplace 平滑）估計。"""

    def __init__(
        self, x: Int[np.ndarray, "count features"], y: Int[np.ndarray, " count"], classes: int
    ) -> None:
        counts = np.bincount(y, minlength=classes)
        ones = np.stack([x[y == k].sum(axis=0) for k in range(classes)])
        self.log_prior = np.log(counts / counts.sum())
        self.p = (ones + 1) / (counts[:, None] + 2)  # (classes, features)

    def log_joint(self, x: Int[np.ndarray, "count features"]) -> Float[np.ndarray, "count k"]:
        """每個類別的 ln P(類別) + ln P(x｜類別)；差一個常數就是後驗機率的對數。"""
        return self.log_prior + x @ np.log(self.p).T + (1 - x) @ np.log(1 - self.p).T
