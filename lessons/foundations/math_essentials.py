# %% [markdown]
r"""
# 數學要點：從 SVD 到臨界點

**一句話**：深度學習用到的數學，是「矩陣怎麼變形、函式往哪裡下降、機率怎麼打分數」這三件事；這一課各做一遍，每個結論都算給你看，能用真的資料就用真的資料。

學完這一課，你能夠：

- 用奇異值分解（singular value decomposition，SVD）壓縮一張照片，並說明主成分分析（principal component analysis，PCA）為什麼就是它；
- 由條件數算出梯度下降要走幾步，分得出谷底與鞍點；
- 自己寫出純量的自動微分；說出交叉熵為什麼就是最大概似（maximum likelihood），KL 散度多付的是什麼。

| | |
| --- | --- |
| 先備 | 矩陣乘法、特徵值與一點偏微分；[環境與量測](environment_setup.ipynb) |
| 作業 | 2021 HW2-2：算小網路的梯度範數與 minimum ratio，判斷停在局部極小值還是鞍點（作業用 ReLU 的小網路，這裡用 8 個 tanh 單元，處處可微）。其餘是本課加的 |
| 時間 | 兩核心 CPU 執行不到 1 分鐘；讀與練習約 3 小時。GPU（full）未驗證 |
| 資料 | scikit-image 的照片（CC0），MNIST 手寫數字（CC BY-SA 3.0），都隨課程附上 |
"""

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.stats
import torch
from IPython.display import display
from sklearn.decomposition import PCA
from sklearn.naive_bayes import BernoulliNB

from dlbook import datasets, lesson, measure, plotting

run = lesson.start(
    "foundations/math_essentials",
    quick={"digits": 5_000, "hidden": 8, "starts": 10},
    full={"digits": 60_000, "hidden": 32, "starts": 50},
)
rng = np.random.default_rng(run.seed)

# %% [markdown]
r"""
## 先看結果

一張照片是一個矩陣。下面每張圖都只用少少幾組「一欄乘一列」加起來，標題裡的百分比是占原本儲存量的比例：
"""

# %%
from dlbook.foundations import linear_algebra

cat = datasets.photos()["chelsea"]
photo = cat.image.double().mean(dim=0).numpy()  # 灰階，0 到 255
height, width = photo.shape
ranks = [1, 5, 15, 31, 100]
figure = plotting.image_grid(
    np.stack([linear_algebra.low_rank(photo, k) for k in ranks] + [photo]),
    titles=[f"秩 {k}：{linear_algebra.stored_share(height, width, k):.0%}" for k in ranks]
    + ["原圖"],
    title="同一張照片，用 k 組欄與列加出來",
    columns=3,
    size=2.2,
)
plotting.show(
    figure,
    alt="六張貓的照片：秩 1 只看得出明暗，秩 5 隱約看得出眼鼻的位置，秩 15 認得出貓，秩 31 已經很接近原圖。",
)
print(f"照片 {height}×{width}，共 {photo.size:,} 個數；作者 {cat.author}，{cat.licence}")

# %% [markdown]
r"""
照片裡的列彼此很像，所以不必每個數都存。這件「找出重複」的事，就是 SVD；神經網路的壓縮、LoRA、PCA 用的都是它。
"""

# %% [markdown]
r"""
## 直覺

### 矩陣是一種變形

一個矩陣把每個點搬到新的位置。單位圓經過它，會變成一個橢圓：橢圓的兩根半軸有多長，就是兩個**奇異值**；半軸朝哪裡，就是左邊的正交矩陣。
"""

# %%
matrix = np.array([[1.6, 0.8], [0.3, 0.9]])
u, s, vt = np.linalg.svd(matrix)
angle = np.linspace(0, 2 * np.pi, 200)
circle = np.stack([np.cos(angle), np.sin(angle)])
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4.4), layout="tight")
for axes, shape, arrows, title in [
    (left, circle, vt.T, "之前：單位圓與兩個互相垂直的方向"),
    (right, matrix @ circle, u * s, f"之後：半軸長 {s[0]:.2f} 與 {s[1]:.2f}"),
]:
    axes.plot(*shape)
    for i in range(2):
        axes.annotate(
            "",
            arrows[:, i],
            (0, 0),
            arrowprops={"arrowstyle": "->", "color": plotting.COLORS[i + 1], "lw": 2},
        )
    axes.set(
        xlim=(-2.2, 2.2),
        ylim=(-2.2, 2.2),
        aspect="equal",
        title=title,
        xlabel="第一軸",
        ylabel="第二軸",
    )
plotting.show(
    figure,
    alt="左圖是單位圓與兩個互相垂直的箭頭；右圖是被矩陣拉成的橢圓，兩個箭頭變成橢圓的長軸與短軸，仍然垂直。",
)

# %% [markdown]
r"""
### 下降的快慢看谷的形狀

在一個長條形的谷裡，陡的方向逼你走小步，平的方向就要走很多步。陡與平的比值叫**條件數**（condition number）：
"""


# %%
def valley_path(kappa, steps=30):
    """在 ½(x² + κ y²) 上，用最好的固定學習率走。"""
    scale = np.array([1.0, kappa])
    points = [np.array([4.0, 1.0])]
    for _ in range(steps):
        points.append(points[-1] - 2 / (1 + kappa) * scale * points[-1])
    return np.array(points)


figure, panels = plt.subplots(2, 1, figsize=(8, 5.8), layout="constrained")
for axes, kappa in zip(panels, [2, 20]):
    grid_x, grid_y = np.meshgrid(np.linspace(-5, 5, 100), np.linspace(-1.6, 1.6, 100))
    axes.contour(grid_x, grid_y, (grid_x**2 + kappa * grid_y**2) / 2, levels=12, alpha=0.5)
    path = valley_path(kappa)
    axes.plot(*path.T, "o-", color=plotting.COLORS[1], markersize=3)
    left_over = np.linalg.norm(path[-1]) / np.linalg.norm(path[0])
    axes.set(
        title=f"條件數 {kappa}：30 步後還差 {left_over:.0e}",
        xlabel="平的方向",
        ylabel="陡的方向",
        aspect="equal",
    )
plotting.show(
    figure,
    alt="兩張等高線圖：條件數 2 的谷接近圓形，幾步就到谷底；條件數 20 的谷是長條形，路徑來回震盪，三十步後離谷底還遠。",
)

# %% [markdown]
r"""
## 原理

### SVD：任何矩陣都是「轉、拉、再轉」

$A$ 的形狀是 $(m,n)$，它可以寫成

$$A=U\,\mathrm{diag}(s)\,V^\top=\sum_{i} s_i\,u_i v_i^\top .$$

$u_i\in\mathbb R^m$ 是彼此垂直的單位向量，$v_i\in\mathbb R^n$ 也是，$s_1\ge s_2\ge\dots\ge0$。怎麼求？把 $A$ 消掉一邊：

$$A^\top A=V\,\mathrm{diag}(s^2)\,V^\top,$$

所以 $v_i$ 是 $A^\top A$ 的特徵向量，$s_i$ 是特徵值的平方根，而 $u_i=Av_i/s_i$。

**Eckart–Young 定理**：只留前 $k$ 項，就是所有秩 $k$ 的矩陣裡離 $A$ 最近的，誤差的平方正好是丟掉的 $\sum_{i>k}s_i^2$。存起來只要 $k(m+n+1)$ 個數。

### PCA 就是減掉平均之後的 SVD

資料 $X$ 的每一列是一筆，減去平均後，沿單位方向 $v$ 的變異數是 $\frac{1}{N-1}\lVert Xv\rVert^2$。把 $X$ 換成 SVD：$\lVert Xv\rVert^2=\sum_i s_i^2(v_i^\top v)^2$，而 $(v_i^\top v)^2$ 加起來最多是 1，全放在 $s_1$ 上最大。所以這個值在 $v=v_1$ 時最大，等於 $s_1^2/(N-1)$。所以主成分就是右奇異向量。

### 梯度下降要走幾步

最簡單的谷是 $L(z)=\frac12\sum_i\lambda_i z_i^2$，$\lambda_i>0$ 是 Hessian 的特徵值。梯度下降各走各的：$z_i\leftarrow(1-\eta\lambda_i)z_i$。要收斂，每個方向都得 $|1-\eta\lambda_i|<1$，也就是 $\eta<2/\lambda_{\max}$。要讓最陡與最平的方向收縮得一樣快，取 $\eta=\dfrac{2}{\lambda_{\min}+\lambda_{\max}}$，每一步縮成

$$\rho=\frac{\kappa-1}{\kappa+1},\qquad \kappa=\frac{\lambda_{\max}}{\lambda_{\min}} .$$

要縮到 $\varepsilon$ 倍，需要 $\ln(1/\varepsilon)/\ln(1/\rho)$ 步；$\kappa$ 大的時候，大約是 $\frac{\kappa}{2}\ln\frac1\varepsilon$，**和條件數成正比**。

### 梯度為零的地方，不一定是谷底

在臨界點 $p$ 附近，$L(p+d)\approx L(p)+\frac12 d^\top H d$，$H$ 是 Hessian（所有二階偏導數排成的矩陣）。沿特徵向量 $v_i$ 走 $t$，損失變化 $\frac12\lambda_i t^2$：特徵值全正是谷底，有正有負是**鞍點**（saddle point）。作業 2021 HW2-2 用「正特徵值的比例」判斷，叫 minimum ratio：梯度範數小於 $10^{-3}$ 時，比例超過 0.5 當作（像）局部極小值，不到就當作鞍點。這是粗略的門檻：特徵值是 0 的平坦方向也算進「不是正的」，真正的判準是**有沒有負的特徵值**。一個函式若處處 $H\succeq0$，它就是**凸的**（convex），不會有鞍點；神經網路的損失不是凸的。

### 連鎖律與 Jacobian

$y=f(x)$ 的 Jacobian 是 $J_{ij}=\partial y_i/\partial x_j$。兩個函式接起來，Jacobian 就相乘。損失是一個數，從後面往前乘，每一步都只是「向量乘矩陣」，這就是反向傳播。

### 從最大概似到交叉熵，再到 KL

模型給樣本 $x_n$ 的機率是 $q(x_n)$。最大概似要讓 $\prod_n q(x_n)$ 最大，取對數、除以 $-N$：

$$-\frac1N\sum_n\ln q(x_n)=-\sum_x \hat p(x)\ln q(x)=H(\hat p,q),$$

$\hat p$ 是資料的比例。所以**最大概似就是最小化交叉熵**。再拆開：$H(\hat p,q)=H(\hat p)+\mathrm{KL}(\hat p\,\|\,q)$，熵 $H(\hat p)$ 和模型無關，能降的只有 KL；KL 不會是負的（Jensen 不等式，因為 $-\ln$ 是凸的）。

貝氏定理把「類別怎麼產生影像」反過來變成「影像屬於哪一類」：$P(c\mid x)\propto P(c)\,P(x\mid c)$。
"""

# %% [markdown]
r"""
## 從零實作

### SVD：由特徵向量來
"""

# %%
from dlbook.foundations.linear_algebra import svd_by_eigen  # inline

# %%
u, s, vt = svd_by_eigen(photo)
reference = np.linalg.svd(photo, compute_uv=False)
run.claim(
    "照片的奇異值與 numpy 的最大相對差（前 100 個）",
    np.abs(s[:100] / reference[:100] - 1).max(),
    at_most=1e-6,
    level="parity",
    source="numpy.linalg.svd，float64；特徵值是奇異值的平方，精度少一半",
)
print(f"重建的最大誤差：{np.abs((u * s) @ vt - photo).max():.1e}（像素 0 到 255）")

# %% [markdown]
r"""
### 低秩近似、儲存量與 PCA
"""

# %%
from dlbook.foundations.linear_algebra import low_rank, pca, psnr, stored_share  # inline

# %%
data = datasets.mnist()
chosen = rng.permutation(60_000)[: run.digits]
digits = data.train_images[chosen].flatten(1).double().numpy() / 255
labels = data.train_labels[chosen].numpy()
test_digits = data.test_images[:2_000].flatten(1).double().numpy() / 255
test_labels = data.test_labels[:2_000].numpy()

mean, directions, variance = pca(digits, 20)
theirs = PCA(20, svd_solver="full").fit(digits)
signs = np.sign((directions * theirs.components_).sum(axis=1, keepdims=True))
run.claim(
    "PCA：方向與變異數，和 sklearn 的最大差",
    max(
        np.abs(directions * signs - theirs.components_).max(),
        np.abs(variance - theirs.explained_variance_).max(),
    ),
    at_most=1e-8,
    level="parity",
    source="sklearn.decomposition.PCA；方向的正負號不計",
)
figure = plotting.image_grid(
    np.concatenate([mean[None], directions[:9]]).reshape(-1, 28, 28),
    titles=["平均"] + [f"方向 {i}" for i in range(1, 10)],
    title="手寫數字的平均，與前九個主成分",
)
plotting.show(
    figure,
    alt="左上角是模糊的平均數字；其餘九張是主成分，看得出圓圈、直筆、斜筆等粗略的形狀，越後面越細碎。",
)

# %% [markdown]
r"""
### 純量的自動微分

一個數記得自己從哪裡來、每個來源的局部導數是多少，往回乘就得到梯度。`grad` 用加的：一個數用了兩次，兩條路的梯度要相加。
"""

# %%
from dlbook.foundations.scalar_graph import Value  # inline


# %%
def expression(a, b, c):
    """(tanh(ab+c)·(ab+c) + e^{ac})·(ab+c)：同一個中間結果用了三次。"""
    d = a * b + c
    return (d.tanh() * d + (a * c).exp()) * d


largest = 0.0
for numbers in rng.uniform(-1.5, 1.5, (50, 3)):
    mine = [Value(x) for x in numbers]
    theirs = [torch.tensor(x, requires_grad=True) for x in numbers]
    expression(*mine).backward()
    expression(*theirs).backward()
    largest = max([largest, *(abs(m.grad - t.grad.item()) for m, t in zip(mine, theirs))])
run.claim(
    "純量自動微分的梯度與 torch 的最大差（50 組亂數）",
    largest,
    at_most=1e-10,
    level="parity",
    source="torch.autograd，float64",
)

# %% [markdown]
r"""
### 熵、交叉熵、KL
"""

# %%
from dlbook.foundations.probability import cross_entropy, entropy, gaussian_kl, kl  # inline

# %%
pairs = [(rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6))) for _ in range(50)]
run.claim(
    "KL 與熵，和 scipy 的最大差（50 組機率）",
    max(
        max(abs(kl(p, q) - scipy.stats.entropy(p, q)), abs(entropy(p) - scipy.stats.entropy(p)))
        for p, q in pairs
    ),
    at_most=1e-10,
    level="parity",
    source="scipy.stats.entropy",
)
print("KL 最小的一組：", f"{min(kl(p, q) for p, q in pairs):.3f}", "（不會是負的）")
print("KL 不對稱：", f"KL(p‖q) = {kl(*pairs[0]):.3f}，KL(q‖p) = {kl(*pairs[0][::-1]):.3f}")
print(f"高斯的公式：KL(N(0,1)‖N(1,2²)) = {gaussian_kl(0, 1, 1, 2):.4f}")

# %% [markdown]
r"""
「最大概似就是最小化交叉熵」也可以用眼睛看：擲一個不公平的硬幣 100 次，正面 70 次。把正面機率 $q$ 從 0 掃到 1，平均的負對數概似在哪裡最低？
"""

# %%
observed = np.array([0.7, 0.3])
guesses = np.linspace(0.02, 0.98, 97)
losses = [cross_entropy(observed, np.array([q, 1 - q])) for q in guesses]
figure = plotting.line_chart(
    {
        "交叉熵（平均的負對數概似）": (guesses, losses),
        "熵（不可能更低）": (guesses, [entropy(observed)] * 97),
    },
    title="最大概似：交叉熵最低的地方就是資料的比例",
    xlabel="猜的正面機率 q",
    ylabel="nat",
)
plotting.show(
    figure,
    alt="一條碗形的曲線，在 q = 0.7 碰到水平的熵那條線，兩側升高；曲線與水平線的距離就是 KL。",
)
print(f"最低點在 q = {guesses[int(np.argmin(losses))]:.2f}")

# %% [markdown]
r"""
### 貝氏分類器：數一數就會認數字

假設像素在給定類別後互相獨立（天真的假設，所以叫 naive Bayes），$P(x\mid c)$ 就只要數「這個像素在這一類裡亮的比例」。
"""

# %%
from dlbook.foundations.probability import NaiveBayes  # inline

# %%
black_white, test_black_white = (digits > 0.5).astype(int), (test_digits > 0.5).astype(int)
bayes = NaiveBayes(black_white, labels, 10)
theirs = BernoulliNB(alpha=1).fit(black_white, labels)
run.claim(
    "naive Bayes 的聯合對數機率與 sklearn 的最大差",
    np.abs(
        bayes.log_joint(test_black_white) - theirs.predict_joint_log_proba(test_black_white)
    ).max(),
    at_most=1e-7,
    level="parity",
    source="sklearn.naive_bayes.BernoulliNB",
)

# %% [markdown]
r"""
### Hessian 與臨界點

對梯度的每個分量再微分一次，一列一列疊起來就是 Hessian。網路用作業的題目：一個輸入、一個輸出，去擬合 $\dfrac{\sin 5\pi x}{5\pi x}$。
"""

# %%
from dlbook.foundations.critical_points import (  # inline
    Loss,
    descend,
    find_critical_point,
    gradient_and_hessian,
    minimum_ratio,
    quadratic_steps,
    small_net_loss,
)

# %%
x = torch.linspace(-1, 1, 64, dtype=torch.float64)
target = torch.sinc(5 * x)  # torch 的 sinc 自己會乘 π
loss, parameters = small_net_loss(x, target, run.hidden)


def random_start(seed):
    """亂數的起點。"""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(parameters, generator=generator, dtype=torch.float64)


p = random_start(run.seed)
gradient, hessian = gradient_and_hessian(loss, p)
run.claim(
    "Hessian 與 torch.autograd.functional.hessian 的最大差",
    (hessian - torch.autograd.functional.hessian(loss, p)).abs().max(),
    at_most=1e-8,
    level="parity",
    source="float64",
)
print(f"{parameters} 個參數，Hessian 是 {tuple(hessian.shape)}，要 {parameters} 次反向")
print("softmax 的 Jacobian，每一列加起來是 0：", end="")
scores = torch.tensor([2.0, 1.0, -1.0])
jacobian = torch.autograd.functional.jacobian(lambda z: z.softmax(dim=0), scores)
print([round(abs(v), 6) for v in jacobian.sum(dim=1).tolist()])

# %% [markdown]
r"""
## 實驗

### 壓縮一張照片

儲存量壓到四分之一，還剩多少品質？對照組是最簡單的壓縮：把照片縮成一半大再放大，儲存量同樣是四分之一。
"""

# %%
quarter = int(0.25 * photo.size / (height + width + 1))
even = photo[: height // 2 * 2, : width // 2 * 2]
blocks = even.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
half_size = torch.nn.functional.interpolate(
    torch.from_numpy(blocks)[None, None], scale_factor=2, mode="bicubic", align_corners=False
)[0, 0].numpy()
all_ranks = list(range(2, 60, 3))
svd_quality = [psnr(photo, low_rank(photo, k)) for k in all_ranks]
figure = plotting.line_chart(
    {"SVD": ([stored_share(height, width, k) for k in all_ranks], svd_quality)},
    title="存得越多越像", xlabel="儲存量是原圖的幾分之幾", ylabel="PSNR（分貝，越高越像）", markers=True,
)  # fmt: skip
axes = figure.axes[0]
axes.plot([0.25], [psnr(even, half_size)], "s", color=plotting.COLORS[1], label="縮小一半再放大")
axes.legend()
plotting.show(
    figure, alt="PSNR 隨儲存量上升的曲線；儲存量四分之一處，「縮小再放大」的方塊在 SVD 的曲線上方。"
)
compressed = psnr(photo, low_rank(photo, quarter))
print(
    f"四分之一：SVD（秩 {quarter}）{compressed:.1f} 分貝，縮小再放大 {psnr(even, half_size):.1f} 分貝"
)
run.claim(
    f"秩 {quarter}（儲存量 {stored_share(height, width, quarter):.1%}）的 PSNR",
    compressed,
    at_least=25.0,
    level="simple",
    source="本課的門檻：儲存量 ≤ 25% 時 PSNR ≥ 25 分貝",
)
_, photo_s, _ = np.linalg.svd(photo, full_matrices=False)
run.claim(
    f"秩 {quarter} 丟掉的平方和，與 Σ s²（i > {quarter}）的比",
    np.square(photo - low_rank(photo, quarter)).sum() / np.square(photo_s[quarter:]).sum(),
    near=(1.0, 1e-6),
    level="parity",
    source="Eckart–Young 定理",
)
run.claim(
    "同樣的儲存量，縮小再放大比 SVD 多幾分貝",
    psnr(even, half_size) - compressed,
    at_least=0.5,
    level="medium",
    source="自然照片：鄰近的像素相像，SVD 用不上這一點",
)

# %% [markdown]
r"""
老實說，對**自然照片**，SVD 反而輸給縮小再放大（雙三次內插）：照片的重複主要是「鄰近的像素相像」，SVD 只懂「整列整欄相像」。換一種資料，差別就大了：同樣的 SVD 用在手寫數字上（每一列是一個字），就是 PCA。

### PCA：二十個數代替 784 個

留下幾個數、用最近鄰（1-nearest neighbour）認數字。對照組：隨便挑同樣多個像素。
"""


# %%
def nearest_accuracy(train_features, test_features):
    """最近鄰分類的正確率。"""
    a, b = torch.from_numpy(train_features), torch.from_numpy(test_features)
    nearest = torch.cdist(b, a).argmin(dim=1)
    return float((labels[nearest.numpy()] == test_labels).mean())


counts = [2, 5, 10, 20, 50]
_, all_directions, _ = pca(digits, max(counts))
bright = np.flatnonzero(digits.std(axis=0) > 0.1)  # 至少要會變的像素，不占對照組便宜
by_pca, by_pixels = [], []
for k in counts:
    project = all_directions[:k].T
    by_pca.append(nearest_accuracy((digits - mean) @ project, (test_digits - mean) @ project))
    picked = rng.choice(bright, k, replace=False)
    by_pixels.append(nearest_accuracy(digits[:, picked], test_digits[:, picked]))
whole = nearest_accuracy(digits, test_digits)
figure = plotting.line_chart(
    {
        "PCA 的前 k 個方向": (counts, by_pca),
        "隨便挑 k 個像素": (counts, by_pixels),
        "784 個像素全用": (counts, [whole] * len(counts)),
    },
    title="留下 k 個數，還認得出數字嗎",
    xlabel="留下幾個數",
    ylabel="最近鄰的正確率",
    logx=True,
    markers=True,
)
figure.axes[0].set_xticks(counts, [str(k) for k in counts])
figure.axes[0].minorticks_off()
plotting.show(
    figure, alt="PCA 的正確率很快上升，二十個方向就追上全部像素的水準；隨便挑的像素始終低得多。"
)
run.claim(
    "二十個主成分比二十個隨機像素高多少",
    by_pca[3] - by_pixels[3],
    at_least=0.15,
    level="medium",
    source="消融：同樣的個數與分類器，只差怎麼挑",
)
run.claim(
    "二十個主成分與全部像素的正確率差",
    whole - by_pca[3],
    at_most=0.02,
    level="strong",
    source="同一次執行；MNIST 測試集前 2,000 張",
)

# %% [markdown]
r"""
比較的數少了，時間也跟著少。兩種最近鄰交替量：
"""

# %%
project = all_directions[:20].T
train_20, test_20 = (torch.from_numpy((a - mean) @ project) for a in (digits, test_digits))
train_784, test_784 = torch.from_numpy(digits), torch.from_numpy(test_digits)
times = measure.paired_times(
    lambda: torch.cdist(test_784, train_784), lambda: torch.cdist(test_20, train_20), pairs=5
)
print(
    f"每筆 784 個數 {np.median(times.a) * 1e3:.0f} 毫秒，20 個數 {np.median(times.b) * 1e3:.0f} 毫秒"
)
run.claim(
    "用 20 個主成分算距離，比 784 個像素快幾倍",
    times.ratio,
    at_least=1.3,
    level="cost",
    source="同一次執行中交替量測 5 對，取中位數",
)

# %% [markdown]
r"""
### 條件數與步數：理論準不準
"""

# %%
kappas = [2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
counted, predicted = [], []
for kappa in kappas:
    eigenvalues = torch.logspace(0, math.log10(kappa), 20, dtype=torch.float64)
    counted.append(quadratic_steps(eigenvalues))
    predicted.append(math.log(1e6) / math.log((kappa + 1) / (kappa - 1)))
figure = plotting.line_chart(
    {"實際走了幾步": (kappas, counted), "理論": (kappas, predicted)},
    title="把離谷底的距離縮到百萬分之一，要走幾步",
    xlabel="條件數 κ",
    ylabel="步數",
    logx=True,
    logy=True,
    markers=True,
)
plotting.show(figure, alt="雙對數座標上兩條幾乎重合的直線：步數和條件數成正比，從幾步到幾千步。")
run.claim(
    "步數與 κ 理論的最大相對誤差",
    max(abs(c / t - 1) for c, t in zip(counted, predicted)),
    at_most=0.2,
    level="medium",
    source="ρ = (κ−1)/(κ+1)；κ 從 2 到 1000",
)

# %% [markdown]
r"""
### 真的資料也有條件數：標準化為什麼有用

線性迴歸的 Hessian 是 $X^\top X/N$，它的條件數決定梯度下降要走幾步。MNIST 的像素各有各的亮度與變化；減平均、再除以標準差，條件數各變成多少？
"""

# %%
used = digits[:, bright]


def valley_shape(features):
    """最大的特徵值占總和的比例，與條件數；兩個越大，谷越狹長。"""
    values = np.linalg.svd(features, compute_uv=False).astype(float) ** 2
    return {"最大特徵值占總和": values[0] / values.sum(), "條件數": values[0] / values[-1]}


shapes = pd.DataFrame(
    {
        "原始像素": valley_shape(used),
        "減平均": valley_shape(used - used.mean(axis=0)),
        "減平均再除以標準差": valley_shape((used - used.mean(axis=0)) / used.std(axis=0)),
    }
).T
display(shapes.style.format({"最大特徵值占總和": "{:.3f}", "條件數": "{:,.0f}"}))
for before, after in [("原始像素", "減平均"), ("減平均", "減平均再除以標準差")]:
    run.claim(
        f"條件數：{before}是{after}的幾倍",
        shapes["條件數"][before] / shapes["條件數"][after],
        at_least=2.0,
        level="medium",
        source="MNIST 會變的像素；梯度下降的步數和條件數成正比",
    )

# %% [markdown]
r"""
減平均之後，最陡的方向不再獨大：像素都是正的，「整張一起變亮」原本占了一大塊。除以標準差，再把各像素拉到同樣的尺度。兩步都讓條件數少了好幾倍，所以都有用；剩下的，來自像素彼此相關。

### 找一個鞍點，再從它逃走

從幾個亂數的起點出發，讓**梯度**變成零（不是讓損失變小），留下梯度最小的一個。這個方法停在哪一種臨界點都可以；是不是鞍點，要看 Hessian 才知道：
"""

# %%
found = []
for seed in range(run.seed * run.starts, (run.seed + 1) * run.starts):
    candidate = find_critical_point(loss, random_start(seed))
    found.append((gradient_and_hessian(loss, candidate)[0].norm().item(), seed, candidate))
_, seed, saddle = min(found, key=lambda entry: entry[:2])  # 梯度最小的那一個
gradient, hessian = gradient_and_hessian(loss, saddle)
values, vectors = torch.linalg.eigh(hessian)
print(f"{run.starts} 個起點裡梯度最小的：損失 {loss(saddle):.4f}，梯度範數 {gradient.norm():.1e}")
print("最小與最大的特徵值：", f"{values[0]:.4f}、{values[-1]:.2f}")
run.claim(
    "鞍點的梯度範數",
    gradient.norm(),
    at_most=1e-6,
    level="medium",
    source="2021 HW2-2 的條件是 < 1e-3",
)
flat = values.abs() <= 1e-8
print("正、零、負的特徵值各有：", *(int(c.sum()) for c in (values > 1e-8, flat, values < -1e-8)))
run.claim(
    "鞍點最小的特徵值",
    values[0],
    at_most=-1e-3,
    level="medium",
    source="嚴格的鞍點：有往下彎的方向",
)
run.claim(
    "鞍點的 minimum ratio",
    minimum_ratio(hessian),
    at_most=0.5,
    level="medium",
    source="2021 HW2-2：不到 0.5 判為鞍點",
)
constant = (target - target.mean()).square().mean()
run.claim(
    "鞍點的損失與「只猜一個常數」的差",
    abs(loss(saddle) - constant),
    at_most=1e-6,
    level="simple",
    source="所有隱藏單元互相抵消或沒派上用場，網路只剩輸出層的偏置",
)

# %% [markdown]
r"""
這個鞍點有名堂：它的損失等於「不管輸入，永遠猜平均」。網路的隱藏單元在這裡沒有派上用場，梯度卻是零。訓練剛開始的一大段平台，可能就是路過這種地方。
"""

# %%
steps = 4_000
offsets = torch.linspace(-1, 1, 81, dtype=torch.float64)
down = [loss(saddle + t * vectors[:, 0]).item() for t in offsets]
up = [
    loss(saddle + t * vectors[:, -1] / values[-1].sqrt() * values[0].abs().sqrt()).item()
    for t in offsets
]
figure = plotting.line_chart(
    {"沿最負的特徵向量": (offsets, down), "沿最正的特徵向量（縮短）": (offsets, up)},
    title="站在鞍點上往兩個方向看",
    xlabel="離鞍點的距離",
    ylabel="損失",
)
plotting.show(
    figure, alt="兩條曲線在中央相交：一條往上彎像山谷，一條在中央往下彎像山頂；交點就是鞍點。"
)

sign = 1 if loss(saddle + 0.1 * vectors[:, 0]) < loss(saddle - 0.1 * vectors[:, 0]) else -1
starts = {
    "留在鞍點": saddle,
    "沿負特徵向量推 0.1": saddle + 0.1 * sign * vectors[:, 0],
    "沿正特徵向量推 0.1": saddle + 0.1 * vectors[:, -1],
}
paths = {
    name: [loss(q).item() for q in descend(loss, begin, 0.05, steps)]
    for name, begin in starts.items()
}
figure = plotting.line_chart(
    {name: (range(steps + 1), curve) for name, curve in paths.items()},
    title="從鞍點開始梯度下降",
    xlabel="步",
    ylabel="損失",
)
plotting.show(
    figure,
    alt="留在鞍點的損失是一條水平線；沿負特徵向量推一下的，損失起初幾乎不動，接著明顯下降；沿正特徵向量推的，損失先衝高，馬上又落回鞍點的高度，停在那裡。",
)
run.claim(
    f"推一下再下降 {steps:,} 步，損失比鞍點低多少（占鞍點損失的比例）",
    1 - paths["沿負特徵向量推 0.1"][-1] / paths["留在鞍點"][-1],
    at_least=0.08,
    level="strong",
    source="消融：留在鞍點的那一條完全不動",
)

# %% [markdown]
r"""
### 中央極限定理：平均會變成鐘形

MNIST 的像素多半是 0，其餘散開，一點也不像鐘形。一次抽 $n$ 個像素取平均，平均的分布離鐘形（常態分布）多遠？用 Kolmogorov–Smirnov 距離量。
"""

# %%
pixels = digits[:, bright].ravel()
sizes = [1, 4, 16, 64, 256]
distances = []
figure, panels = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
for n in sizes:
    averages = rng.choice(pixels, (4_000, n)).mean(axis=1)
    if n in (1, 4, 64):
        axes = panels[(1, 4, 64).index(n)]
        axes.hist(averages, bins=40, density=True)
        axes.set(title=f"{n} 個像素的平均", xlabel="平均的亮度", ylabel="密度")
    scaled = (averages - averages.mean()) / averages.std()
    distances.append(scipy.stats.kstest(scaled, "norm").statistic)
plotting.show(
    figure,
    alt="三張直方圖：單一像素擠在 0，右邊有一小堆；四個的平均散開成幾小堆；六十四個的平均是對稱的鐘形。",
)
figure = plotting.line_chart(
    {"離常態分布的距離": (sizes, distances)},
    title="n 個像素的平均，離鐘形多遠", xlabel="n", ylabel="KS 距離", logx=True, logy=True, markers=True,
)  # fmt: skip
plotting.show(
    figure,
    alt="雙對數座標上往下走的線：平均的像素越多，分布越接近常態，到 64 個之後就和抽樣的誤差差不多（4,000 次抽樣，KS 距離本來就有 0.01 左右）。",
)
run.claim(
    "平均 256 個像素的 KS 距離，是單一像素的幾分之幾",
    distances[-1] / distances[0],
    at_most=0.15,
    level="simple",
    source="中央極限定理；4,000 次抽樣",
)

# %% [markdown]
r"""
## 看看哪裡錯

### naive Bayes 錯在哪裡

只靠數數，就能贏過「永遠猜最常見的類別」很多。但它的假設是錯的：像素一點也不獨立。症狀不只是答錯，而是**太有把握**：
"""

# %%
joint = bayes.log_joint(test_black_white)
answers = joint.argmax(axis=1)
posterior = np.exp(joint - joint.max(axis=1, keepdims=True))
confidence = (posterior / posterior.sum(axis=1, keepdims=True)).max(axis=1)
right = answers == test_labels
majority = np.bincount(test_labels).max() / len(test_labels)
print(f"正確率 {right.mean():.3f}（永遠猜最常見的類別是 {majority:.3f}）")
print(f"平均的把握 {confidence.mean():.3f}；答錯的那些，平均的把握 {confidence[~right].mean():.3f}")
run.claim(
    "naive Bayes 比「永遠猜最常見的類別」高多少",
    right.mean() - majority,
    at_least=0.6,
    level="simple",
    source="MNIST 測試集前 2,000 張",
)
run.claim(
    "naive Bayes 的把握比正確率高多少",
    confidence.mean() - right.mean(),
    at_least=0.1,
    level="medium",
    source="獨立的假設不成立：同一件證據被數了很多次",
)
worst = np.flatnonzero(~right)[np.argsort(-confidence[~right])[:10]]
figure = plotting.image_grid(
    test_digits[worst].reshape(-1, 28, 28),
    titles=[f"{test_labels[i]} → {answers[i]}" for i in worst],
    title="naive Bayes 答錯而且最有把握的十張（正確答案 → 它的答案）",
)
plotting.show(figure, alt="十張被 naive Bayes 認錯的手寫數字，其中好幾張人一眼就看得出來。")

# %% [markdown]
r"""
## 常見的坑

### 坑一：PCA 忘了減平均

不減平均，第一個方向就只是「平均的數字」本身，白白浪費一個：
"""

# %%
_, _, uncentred = np.linalg.svd(digits, full_matrices=False)
cosine = abs(uncentred[0] @ mean) / np.linalg.norm(mean)
print(f"沒減平均的第一個方向，和平均影像的餘弦：{cosine:.3f}")
print(
    f"減了平均的第一個方向，和平均影像的餘弦：{abs(directions[0] @ mean) / np.linalg.norm(mean):.3f}"
)

# %% [markdown]
r"""
**症狀**：第一主成分解釋了一大半「變異」，畫出來卻像平均。**解法**：先減平均（用**訓練資料**的平均）。

### 坑二：學習率比 $2/\lambda_{\max}$ 大一點，就發散
"""

# %%
for factor in (0.95, 1.05):
    z = np.array([1.0, 1.0])
    scale = np.array([1.0, 100.0])
    for _ in range(100):
        z = z - factor * 2 / 100 * scale * z
    print(f"學習率是 2/λmax 的 {factor} 倍，100 步後離谷底 {np.linalg.norm(z):.2e}")

# %% [markdown]
r"""
**症狀**：損失一步比一步大，最後變成 nan。**解法**：先把學習率除以 10 再說；想知道上限，量 Hessian 的最大特徵值。

### 坑三：機率相乘，乘到變成 0

784 個像素的機率相乘，小到 float32（深度學習的預設型別）存不下；取對數改成相加就沒事。測試集的每一張圖，算它在自己的類別裡的機率：
"""

# %%
own = bayes.p[test_labels]  # (2000, 784)
probabilities = np.where(test_black_white == 1, own, 1 - own).astype(np.float32)
products = probabilities.prod(axis=1)
print(f"直接相乘，剛好變成 0 的圖占 {(products == 0).mean():.0%}")
sums = np.log(probabilities).sum(axis=1)
print(f"對數相加：最小 {sums.min():.0f}，最大 {sums.max():.0f}，沒有一個是負無限大")

# %% [markdown]
r"""
**症狀**：概似變成 0，對數變成負無限大。**解法**：全程用對數，softmax 前先減最大值。

### 坑四：看到損失不動，就以為到谷底了

上面「留在鞍點」那條線一動也不動，梯度也是零，卻不是谷底。**症狀**：損失持平很久，突然又往下掉。**解法**：看 Hessian 的特徵值，或推它一下；隨機梯度下降的雜訊會替你推。
"""

# %%
print(f"鞍點：梯度範數 {gradient.norm():.1e}、minimum ratio {minimum_ratio(hessian):.2f}")
after = descend(loss, starts["沿負特徵向量推 0.1"], 0.05, steps)[-1]
after_gradient, after_hessian = gradient_and_hessian(loss, after)
print(
    f"逃走之後：梯度範數 {after_gradient.norm():.1e}、minimum ratio {minimum_ratio(after_hessian):.2f}、"
    f"負的特徵值 {int((torch.linalg.eigvalsh(after_hessian) < -1e-8).sum())} 個"
)

# %% [markdown]
r"""
逃走之後不等於到了谷底：minimum ratio 小於 1，可能是還有往下的方向，也可能只是平坦，數負的特徵值才分得出來；梯度也還沒有小到可以停。
"""

# %% [markdown]
r"""
## 練習
"""

# %%
from dlbook.exercises.foundations.math_essentials import rank_for_quality  # exercise

# %%
from dlbook.exercises.foundations.math_essentials import softmax_jacobian  # exercise

# %%
from dlbook.exercises.foundations.math_essentials import best_learning_rate  # exercise

# %%
from dlbook.exercises.foundations.math_essentials import kl_from_counts  # exercise

# %%
from dlbook.exercises.foundations.math_essentials import escape_direction  # exercise

# %% [markdown]
r"""
用你的 `escape_direction` 從課文的鞍點推出去，再下降同樣多步：
"""

# %%
pushed = saddle + 0.1 * escape_direction(hessian)
print(f"鞍點的損失 {loss(saddle):.4f} → {loss(descend(loss, pushed, 0.05, steps)[-1]):.4f}")

# %% [markdown]
r"""
### 想一想

1. 為什麼一百萬個參數的網路，幾乎不會停在「真正的」局部極小值，卻常常在鞍點附近變慢？

<details><summary>看答案</summary>

要是谷底，一百萬個特徵值必須**全部**為正。若每個方向往上或往下彎的機會差不多，全正的機會小到可以忽略；只要有一個方向往下，就是鞍點。（真實網路的特徵值並不獨立，但方向的數目之多仍然說得通；見 arXiv:1406.2572。）這說的是損失還高的地方：損失越低，臨界點裡負特徵值的比例越小；參數很多的網路也能走到損失接近 0 的（平坦的）谷底。

</details>

2. 交叉熵降到 0.2 就不再降，一定是模型不夠好嗎？

<details><summary>看答案</summary>

不一定。交叉熵 = 熵 + KL，模型能消掉的只有 KL。資料本身若有歧義（例如同一張潦草的字，有人標 4、有人標 9），熵就是降不下去的底。

</details>

3. LoRA 把權重的更新量寫成兩個瘦長矩陣的乘積。用這一課的話，它假設了什麼？

<details><summary>看答案</summary>

假設更新量接近低秩：少數幾個方向就解釋了大部分的變化。參數量從 $mn$ 變成 $k(m+n)$，和照片壓縮是同一筆帳。

</details>
"""

# %% [markdown]
r"""
## 驗收
"""

# %%
lesson.finish(run)

# %% [markdown]
r"""
## 延伸閱讀

- Dauphin 等人，*Identifying and attacking the saddle point problem in high-dimensional non-convex optimization*，arXiv:1406.2572：高維度的難處是鞍點，不是局部極小值。
- Eckart、Young, *The approximation of one matrix by another of lower rank*, Psychometrika 1, 1936：低秩近似的定理。
- Baydin 等人，*Automatic Differentiation in Machine Learning: a Survey*，arXiv:1502.05767：自動微分和數值微分、符號微分差在哪裡。
- Deisenroth、Faisal、Ong, *Mathematics for Machine Learning*（劍橋大學出版社，2020）：想把每個證明補齊就讀這本。
- 課程：李宏毅 ML 2021「類神經網路訓練不起來怎麼辦（一）：局部最小值與鞍點」與作業 HW2-2。
- 下一課：[PyTorch 基礎](pytorch_fundamentals.ipynb)。
"""
