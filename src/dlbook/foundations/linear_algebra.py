"""奇異值分解（SVD）與主成分分析（PCA）。

Eckart & Young, The approximation of one matrix by another of lower rank, Psychometrika 1, 1936：
只留最大的 k 個奇異值，就是所有秩 k 的矩陣中最接近原矩陣的。
"""

import numpy as np
from jaxtyping import Float


def svd_by_eigen(
    a: Float[np.ndarray, "m n"],
) -> tuple[Float[np.ndarray, "m r"], Float[np.ndarray, " r"], Float[np.ndarray, "r n"]]:
    """由 ``a.T @ a`` 的特徵向量求 SVD：``a = u @ diag(s) @ vt``，``s`` 由大到小。

    奇異值小於最大值的 1e-7 倍時，平方之後被捨入淹沒，這裡直接丟掉（實務上用 ``np.linalg.svd``）。
    """
    eigenvalues, vectors = np.linalg.eigh(a.T @ a)  # 由小到大
    s = np.sqrt(np.clip(eigenvalues[::-1], 0, None))
    keep = s > 1e-7 * s[0]
    s, v = s[keep], vectors[:, ::-1][:, keep]
    return a @ v / s, s, v.T


def low_rank(a: Float[np.ndarray, "m n"], k: int) -> Float[np.ndarray, "m n"]:
    """最接近 ``a`` 的秩 ``k`` 矩陣。

    Raises:
        ValueError: ``k`` 不在 1 到 ``min(m, n)`` 之間。
    """
    if not 1 <= k <= min(a.shape):
        raise ValueError(f"秩要在 1 到 {min(a.shape)} 之間，現在是 {k}。")
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return (u[:, :k] * s[:k]) @ vt[:k]


def stored_share(m: int, n: int, k: int) -> float:
    """秩 k 只要存 k 組 (u, s, v)：``k(m + n + 1)`` 個數，是原來 ``mn`` 個的幾分之幾。"""
    return k * (m + n + 1) / (m * n)


def psnr(image: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."]) -> float:
    """峰值訊噪比（分貝），像素 0 到 255；越高越像，30 左右已經很像，40 以上才難分辨。"""
    return float(10 * np.log10(255**2 / np.square(image - other).mean()))


def pca(
    x: Float[np.ndarray, "count features"], k: int
) -> tuple[
    Float[np.ndarray, " features"], Float[np.ndarray, "k features"], Float[np.ndarray, " k"]
]:
    """PCA 就是「減掉平均之後的 SVD」：平均、前 k 個方向（每列一個）、各方向的變異數。"""
    mean = x.mean(axis=0)
    _, s, vt = np.linalg.svd(x - mean, full_matrices=False)
    return mean, vt[:k], np.square(s[:k]) / (len(x) - 1)
