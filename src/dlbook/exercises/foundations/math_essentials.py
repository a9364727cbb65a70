"""math_essentials 的練習。"""

import numpy as np
import torch
from jaxtyping import Float, Int

from dlbook import datasets
from dlbook.exercise import exercise
from dlbook.foundations.critical_points import (
    find_critical_point,
    gradient_and_hessian,
    small_net_loss,
)
from dlbook.foundations.linear_algebra import low_rank, psnr


@exercise(
    stars=1,
    hints=[
        "課文的 low_rank(image, k) 與 psnr(image, other) 可以直接用。",
        "從 k = 1 往上試，第一個達到的就是答案；也可以只做一次 SVD。",
    ],
)
def rank_for_quality(image: Float[np.ndarray, "height width"], decibels: float) -> int:
    """要留幾組才夠像

    傳回**最小的**秩 `k`，讓秩 `k` 近似與 `image` 的 PSNR 不低於 `decibels` 分貝。
    """
    for k in range(1, min(image.shape)):
        if psnr(image, low_rank(image, k)) >= decibels:
            return k
    return min(image.shape)


@rank_for_quality.cases
def _(rng: torch.Generator):
    photos = datasets.photos()
    names = [list(photos)[int(i)] for i in torch.randperm(len(photos), generator=rng)[:2]]
    crops = [photos[name].image[:, :60, :80].double().mean(dim=0).numpy() for name in names]
    return [(crop, decibels) for crop in crops for decibels in (22.0, 30.0)]


@rank_for_quality.verify
def _(case, output):
    image, decibels = case
    whole = isinstance(output, (int, np.integer)) and 1 <= output <= min(image.shape)
    assert whole, f"要傳回 1 到 {min(image.shape)} 的整數，你傳回的是 {output!r}。"
    u, s, vt = np.linalg.svd(image, full_matrices=False)

    def quality(k: int) -> float:
        return psnr(image, (u[:, :k] * s[:k]) @ vt[:k])

    assert output == min(image.shape) or quality(output) >= decibels, (
        f"秩 {output} 只有 {quality(output):.2f} 分貝，還不到 {decibels}。"
    )
    assert output == 1 or quality(output - 1) < decibels, (
        f"秩 {output - 1} 就有 {quality(output - 1):.2f} 分貝了，{output} 不是最小的。"
    )


@rank_for_quality.wrong("差一：多留了一組")
def _(image, decibels):
    return min(rank_for_quality.reference(image, decibels) + 1, min(image.shape))


@rank_for_quality.wrong("看的是奇異值的總和，不是平方和")
def _(image, decibels):
    s = np.linalg.svd(image, compute_uv=False)
    share = np.cumsum(s) / s.sum()
    return int(np.searchsorted(share, 1 - 10 ** (-decibels / 10))) + 1


@rank_for_quality.wrong("分貝的公式少了 255")
def _(image, decibels):
    for k in range(1, min(image.shape)):
        if -10 * np.log10(np.square(image - low_rank(image, k)).mean()) >= decibels:
            return k
    return min(image.shape)


@exercise(
    stars=2,
    hints=[
        "對角線：∂p_i/∂z_i = p_i(1 − p_i)；其餘：∂p_i/∂z_j = −p_i p_j。",
        "一行寫法：torch.diag(p) − torch.outer(p, p)。",
    ],
)
def softmax_jacobian(z: Float[torch.Tensor, " k"]) -> Float[torch.Tensor, "k k"]:
    """softmax 的 Jacobian

    `p = softmax(z)`。傳回 `J`，其中 `J[i, j]` 是 `p[i]` 對 `z[j]` 的偏導數。不要用自動微分。
    """
    p = z.softmax(dim=0)
    return torch.diag(p) - torch.outer(p, p)


@softmax_jacobian.cases
def _(rng: torch.Generator):
    return [(torch.randn(k, generator=rng, dtype=torch.float64) * 2,) for k in (2, 4, 7)]


@softmax_jacobian.verify
def _(case, output):
    (z,) = case
    expected = torch.autograd.functional.jacobian(lambda z: z.softmax(dim=0), z)
    k = len(z)
    assert isinstance(output, torch.Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == (k, k), f"形狀應是 ({k}, {k})，你的是 {tuple(output.shape)}。"
    total = output.sum(dim=1).abs().max().item()
    assert total < 1e-6, (
        f"每一列加起來應是 0（所有分數一起加一個數，機率不變），你的最多差到 {total:.3f}。"
        "別忘了非對角線的 −p_i·p_j。"
    )
    assert torch.allclose(output.double(), expected, atol=1e-8), (
        f"J[0, 1] 應是 {expected[0, 1]:.5f}，你的是 {output[0, 1]:.5f}；正負號與大小都檢查一下。"
    )


@softmax_jacobian.wrong("只有對角線")
def _(z):
    p = z.softmax(dim=0)
    return torch.diag(p * (1 - p))


@softmax_jacobian.wrong("正負號反了")
def _(z):
    return -softmax_jacobian.reference(z)


@softmax_jacobian.wrong("忘了先做 softmax")
def _(z):
    return torch.diag(z) - torch.outer(z, z)


@exercise(
    stars=2,
    hints=[
        "每個方向每一步乘上 (1 − η·λ)。",
        "最陡的方向收縮成 |1 − η·λmax|，最平的方向是 |1 − η·λmin|；讓兩個絕對值相等。",
    ],
)
def best_learning_rate(hessian: Float[torch.Tensor, "n n"]) -> tuple[float, float]:
    """最好的學習率

    `L(z) = ½ zᵀHz`，`H` 對稱、特徵值都是正的。傳回 `(η, ρ)`：讓梯度下降收縮得最快的固定學習率，
    以及每一步離谷底的距離最多縮成原來的幾倍。
    """
    values = torch.linalg.eigvalsh(hessian)
    low, high = values[0].item(), values[-1].item()
    return 2 / (low + high), (high - low) / (high + low)


@best_learning_rate.cases
def _(rng: torch.Generator):
    cases = []
    for n in (2, 3, 6):
        basis, _ = torch.linalg.qr(torch.randn(n, n, generator=rng, dtype=torch.float64))
        values = torch.rand(n, generator=rng, dtype=torch.float64) * 9 + 0.5
        cases.append((basis @ torch.diag(values) @ basis.T,))
    return cases


@best_learning_rate.verify
def _(case, output):
    (hessian,) = case
    pair = isinstance(output, tuple) and len(output) == 2
    assert pair, "要傳回 (學習率, 收縮倍數) 兩個數。"
    eta, rho = map(float, output)
    values = torch.linalg.eigvalsh(hessian)

    def shrink(eta: float) -> float:
        return (1 - eta * values).abs().max().item()

    best = 2 / (values[0] + values[-1]).item()
    assert shrink(eta) < 1, (
        f"學習率 {eta:.4f} 太大，會發散：不能超過 2/λmax = {2 / values[-1]:.4f}。"
    )
    assert shrink(eta) <= shrink(best) * (1 + 1e-6), (
        f"學習率 {eta:.4f} 每步縮成 {shrink(eta):.4f} 倍；{best:.4f} 可以縮成 {shrink(best):.4f} 倍。"
        "最陡與最平的方向要一樣快。"
    )
    assert abs(rho - shrink(best)) < 1e-6, (
        f"收縮倍數應是 {shrink(best):.5f}（最慢的那個方向），你的是 {rho:.5f}。"
    )


@best_learning_rate.wrong("用 1/λmax：安全，但慢一倍")
def _(hessian):
    values = torch.linalg.eigvalsh(hessian)
    return 1 / values[-1].item(), 1 - (values[0] / values[-1]).item()


@best_learning_rate.wrong("用對角線當特徵值")
def _(hessian):
    values = hessian.diagonal().sort().values
    low, high = values[0].item(), values[-1].item()
    return 2 / (low + high), (high - low) / (high + low)


@best_learning_rate.wrong("收縮倍數平方了")
def _(hessian):
    eta, rho = best_learning_rate.reference(hessian)
    return eta, rho**2


@exercise(
    stars=2,
    hints=[
        "先把次數變成比例：每邊除以自己的總和。",
        "p 為 0 的項算 0；p > 0 而 q 為 0 時，答案是無限大（float('inf')）。",
    ],
)
def kl_from_counts(p_counts: Int[np.ndarray, " k"], q_counts: Int[np.ndarray, " k"]) -> float:
    """由次數算 KL

    兩個長度相同的次數表（例如兩個人各類字詞用了幾次），先各自換成比例 p 與 q，
    傳回 KL(p‖q)，單位 nat。總和都不是 0。
    """
    p, q = p_counts / p_counts.sum(), q_counts / q_counts.sum()
    used = p > 0
    if (q[used] == 0).any():
        return float("inf")
    return float((p[used] * np.log(p[used] / q[used])).sum())


@kl_from_counts.cases
def _(rng: torch.Generator):
    cases = [(np.array([3, 0, 1]), np.array([1, 1, 2])), (np.array([1, 1]), np.array([2, 0]))]
    for _ in range(3):
        p, q = (torch.randint(0, 30, (6,), generator=rng).numpy() for _ in range(2))
        cases.append((p + (p.sum() == 0), q + 1))
    return cases


@kl_from_counts.verify
def _(case, output):
    p_counts, q_counts = case
    p, q = p_counts / p_counts.sum(), q_counts / q_counts.sum()
    shown = f"p = {p.round(3).tolist()}、q = {q.round(3).tolist()}"
    output = float(output)
    if ((p > 0) & (q == 0)).any():
        assert output == float("inf"), (
            f"{shown}：p 會出現、q 卻說不可能，KL 是無限大；你的是 {output}。"
        )
        return
    assert not np.isnan(output), f"{shown}：得到 nan。0·ln 0 要當成 0，先把 p = 0 的項拿掉。"
    used = p > 0
    expected = float((p[used] * np.log(p[used] / q[used])).sum())
    assert abs(output - expected) < 1e-8, (
        f"{shown}：KL(p‖q) 應是 {expected:.5f}，你的是 {output:.5f}。"
        "先換成比例；方向是 p 對 q；用自然對數。"
    )


@kl_from_counts.wrong("方向反了")
def _(p_counts, q_counts):
    return kl_from_counts.reference(q_counts, p_counts)


@kl_from_counts.wrong("忘了換成比例")
def _(p_counts, q_counts):
    used = (p_counts > 0) & (q_counts > 0)
    return float((p_counts[used] * np.log(p_counts[used] / q_counts[used])).sum())


@kl_from_counts.wrong("0 的項變成 nan")
def _(p_counts, q_counts):
    p, q = p_counts / p_counts.sum(), q_counts / q_counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((p * np.log(p / q)).sum())


@kl_from_counts.wrong("用以 2 為底的對數")
def _(p_counts, q_counts):
    return kl_from_counts.reference(p_counts, q_counts) / np.log(2)


@exercise(
    stars=3,
    hints=[
        "torch.linalg.eigh 由小到大傳回特徵值，特徵向量是「欄」。",
        "最負的特徵值對應的單位特徵向量，就是下降最快的方向；沒有負的就傳回全 0。",
    ],
)
def escape_direction(hessian: Float[torch.Tensor, "n n"]) -> Float[torch.Tensor, " n"]:
    """實驗－從鞍點往哪裡逃

    `hessian` 是某個臨界點的 Hessian。傳回一個**單位向量** `d`，讓損失沿著它（正反兩邊都一樣）
    下降得最快，也就是 `dᵀHd` 最小。若它是谷底（沒有小於 −1e-8 的特徵值），傳回全 0 的向量。
    """
    values, vectors = torch.linalg.eigh(hessian)
    if values[0] >= -1e-8:
        return torch.zeros_like(values)
    return vectors[:, 0]


@escape_direction.cases
def _(rng: torch.Generator):
    x = torch.linspace(-1, 1, 40, dtype=torch.float64)
    loss, size = small_net_loss(x, torch.sinc(5 * x), hidden=4)
    hessians = []
    for _ in range(2):
        start = torch.randn(size, generator=rng, dtype=torch.float64)
        point = find_critical_point(loss, start, steps=40)
        hessians.append(gradient_and_hessian(loss, point)[1])
    a = torch.randn(5, 5, generator=rng, dtype=torch.float64)
    saddle = torch.diag(torch.tensor([2.0, -5.0, 1.0], dtype=torch.float64))
    return [(saddle,), (a @ a.T + torch.eye(5, dtype=torch.float64),), *[(h,) for h in hessians]]


@escape_direction.verify
def _(case, output):
    (hessian,) = case
    values = torch.linalg.eigvalsh(hessian)
    n = len(hessian)
    assert isinstance(output, torch.Tensor), f"要傳回張量，你傳回的是 {type(output).__name__}。"
    assert output.shape == (n,), f"長度應是 {n}，你的形狀是 {tuple(output.shape)}。"
    output = output.double()
    if values[0] >= -1e-8:
        assert output.abs().max() == 0, "這裡是谷底，沒有方向會往下，要傳回全 0。"
        return
    length = output.norm().item()
    assert abs(length - 1) < 1e-6, f"要單位向量（長度 1），你的長度是 {length:.4f}。"
    curvature = (output @ hessian @ output).item()
    assert curvature <= values[0].item() * (1 - 1e-6), (
        f"沿你的方向，彎曲程度 dᵀHd 是 {curvature:.4f}；最多可以到 {values[0]:.4f}。"
        "要的是最小的特徵值，而且特徵向量是 eigh 傳回的矩陣的一「欄」。"
    )


@escape_direction.wrong("取到列，不是欄")
def _(hessian):
    values, vectors = torch.linalg.eigh(hessian)
    return torch.zeros_like(values) if values[0] >= -1e-8 else vectors[0]


@escape_direction.wrong("取了最大的特徵值")
def _(hessian):
    return torch.linalg.eigh(hessian)[1][:, -1]


@escape_direction.wrong("谷底也傳回一個方向")
def _(hessian):
    return torch.linalg.eigh(hessian)[1][:, 0]


@escape_direction.wrong("沒有變成單位向量")
def _(hessian):
    return 3 * escape_direction.reference(hessian)
