# %% [markdown]
r"""
# 訓練的技術：讓 MLP 練得起來

**一句話**：網路、資料、訓練的時間都不變，只換「怎麼練」，錯誤率就能差一倍以上；但技巧不是越多越好，每一個都要量。

學完這一課，你能夠：

- 從變異數推出 Xavier 與 He 初始化，說出十層的網路為什麼會練不起來；
- 從零寫出 SGD、動量、Nesterov、RMSProp、Adam、AdamW、Muon、BatchNorm、LayerNorm、dropout、mixup、EMA 與學習率排程，每一步都和 PyTorch 相同；
- 替一個新問題挑學習率，用消融實驗判斷一個技巧有沒有用，並且不被測試集騙。

| | |
| --- | --- |
| 先備 | [PyTorch 基礎](../foundations/pytorch_fundamentals.ipynb)、[迴歸](regression.ipynb)、[分類](classification.ipynb)；Hessian 與鞍點在[數學要點](../foundations/math_essentials.ipynb) |
| 作業 | 2021 HW2-2（臨界點與 minimum ratio）接著[數學要點](../foundations/math_essentials.ipynb)做；其餘取材自 2021 與 2025 秋季班的課堂內容，不是作業 |
| 時間 | 兩核心 CPU 執行約 1 分鐘；讀與練習約 5 小時。GPU（full）未驗證 |
| 資料 | MNIST（CC BY-SA 3.0）與 FashionMNIST（MIT），都隨課程附上 |
"""

# %%
import itertools
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import optuna
import pandas as pd
import torch
from IPython.display import display
from torch import nn

from dlbook import datasets, lesson, measure, plotting

run = lesson.start(
    "supervised_learning/mlp_training",
    quick={
        "width": 128,
        "steps": 200,
        "small": 10_000,
        "repeats": 3,
        "trials": 12,
        "searches": 3,
        "final_epochs": 6,
    },
    full={
        "width": 256,
        "steps": 800,
        "small": 20_000,
        "repeats": 5,
        "trials": 40,
        "searches": 8,
        "final_epochs": 20,
    },
)
seeds = [run.seed + 100 * i for i in range(run.repeats)]


def chart(series, **labels):
    """小一號的折線圖。"""
    _, axes = plt.subplots(figsize=(5.6, 3.0))
    return plotting.line_chart(series, ax=axes, **labels)


# %% [markdown]
r"""
## 先看結果

下面三根長條是**同一個網路**（784 → 256 → 256 → 10）、同樣的 55,000 張 MNIST、同樣的 8 個 epoch。差別只在怎麼練：

- **基準**：Adam，學習率固定，其他什麼都不做；
- **全套**：這一課教的九個技巧同時用上；
- **精簡**：從全套拿掉 dropout、梯度裁剪、mixup、EMA，留下 warm-up + cosine 與四倍學習率、BatchNorm、權重衰減、標籤平滑、平移。

三個種子合起來要跑二十分鐘左右，所以是**預先測得**的：`python -m dlbook.supervised_learning.tricks_study --seed 0`（再跑 1 與 2）。縮短的版本等一下會在〈實驗〉裡現場跑。
"""

# %%
from dlbook.supervised_learning import tricks_study

recorded = tricks_study.load_study()
study = 100 * pd.DataFrame({seed: r["errors"] for seed, r in recorded["runs"].items()})
chosen = study.loc[["基準", "全套", "精簡"]]
figure = plotting.bar_chart(
    chosen.mean(axis=1).to_dict(),
    errors=list(chosen.std(axis=1)),
    title="同一個網路、同一份資料：只換訓練的方法（預先測得，三個種子）",
    ylabel="MNIST 驗證錯誤率（%，越低越好）",
    highlight="精簡",
    horizontal=True,
)
plotting.show(
    figure,
    alt="三根長條：基準、全套、精簡的驗證錯誤率是 "
    + "、".join(f"{x:.2f}%" for x in chosen.mean(axis=1))
    + "；精簡最低。",
)
minutes = sum(r["seconds"] for r in recorded["runs"].values()) / 60
print(f"預先測得：{len(study)} 種設定 × {study.shape[1]} 個種子，共 {minutes:.0f} 分鐘")
unseen = chosen[["1", "2"]].mean(axis=1)  # 精簡是看種子 0 挑的，主張只算沒看過的種子
run.claim(
    "精簡配方比基準少錯幾個百分點（預先測得）",
    unseen["基準"] - unseen["精簡"],
    at_least=0.8,
    level="strong",
    source="records/supervised_learning/mlp_training-tricks.json，種子 1 與 2 的平均",
)
run.claim(
    "精簡比全套少錯幾個百分點（預先測得）",
    unseen["全套"] - unseen["精簡"],
    at_least=0.2,
    level="medium",
    source="同一份紀錄：技巧不是越多越好",
)

# %% [markdown]
r"""
把所有技巧都打開，反而輸給只用一部分。要知道留哪些、丟哪些，得先知道每一個在修什麼毛病。

## 直覺

### 訊號要穿得過很多層

把一批亂數送進 50 層的網路，看每一層輸出的大小。權重的標準差差一點點，乘 50 次就差很多：不是消失，就是爆炸。
"""

# %%
from dlbook.supervised_learning import initialization

generator = torch.Generator().manual_seed(run.seed)
x = torch.randn(200, 256, generator=generator, dtype=torch.float64)
right_std = initialization.he_std(256)
scales = {"一半": 0.5, "He": 1.0, "1.5 倍": 1.5}
signals = {
    name: initialization.signal_through_depth(x, 50, k * right_std, torch.relu, generator)
    for name, k in scales.items()
}
figure, panels = plt.subplots(1, 2, figsize=(8, 3))
for i, (axes, title) in enumerate(
    zip(panels, ["前向：每一層輸出的大小", "反向：梯度回到每一層的大小"])
):
    plotting.line_chart(
        {name: (range(1, 51), both[i]) for name, both in signals.items()},
        title=title,
        xlabel="第幾層",
        ylabel="均方根（對數座標）",
        logy=True,
        ax=axes,
    )
plotting.show(
    figure,
    alt="兩張對數圖：權重標準差是 He 的一半時，訊號與梯度都直線掉到 10 的負十幾次方；1.5 倍時直線上升到 10 的八次方左右；He 的線是平的。",
)
for name, (forward, backward) in signals.items():
    print(f"{name:　<4} 第 50 層的訊號 {forward[-1]:.1e}，回到第 1 層的梯度 {backward[0]:.1e}")

# %% [markdown]
r"""
### 最佳化器在修什麼

一個長條形的谷：橫的平、直的陡（條件數 50）。普通的梯度下降在陡的方向來回彈，學習率不敢再大，平的方向就走得很慢。動量把來回的部分抵銷掉；RMSProp 與 Adam 把每個方向除以自己的梯度大小，兩個方向走得一樣快。
"""

# %%
from dlbook.supervised_learning import optimizers

valley = torch.tensor([1.0, 50.0])


def descend_valley(make, steps=40):
    """從同一點出發，在 ½(x² + 50y²) 上走；傳回路徑。"""
    p = nn.Parameter(torch.tensor([-4.0, 0.8]))
    optimizer = make([p])
    path = [p.detach().clone()]
    for _ in range(steps):
        optimizer.zero_grad()
        (valley * p**2).sum().div(2).backward()
        optimizer.step()
        path.append(p.detach().clone())
    return torch.stack(path)


rules = {
    "SGD": lambda p: optimizers.SGD(p, 0.036),
    "SGD + 動量": lambda p: optimizers.SGD(p, 0.03, momentum=0.75),
    "RMSProp": lambda p: optimizers.RMSProp(p, 0.15, alpha=0.9),
    "Adam": lambda p: optimizers.Adam(p, 0.25, betas=(0.8, 0.99)),
}
grid_x, grid_y = np.meshgrid(np.linspace(-4.5, 1.5, 80), np.linspace(-1, 1, 80))
figure, panels = plt.subplots(2, 2, figsize=(6.6, 3.6), sharex=True, sharey=True)
for axes, (name, make) in zip(panels.flat, rules.items()):
    path = descend_valley(make)
    axes.contour(grid_x, grid_y, (grid_x**2 + 50 * grid_y**2) / 2, levels=4, colors="0.8")
    axes.plot(*path.T, "o-", color=plotting.COLORS[1], markersize=3)
    axes.set(
        title=f"{name}：40 步後離谷底 {path[-1].norm():.2f}", xlabel="平的方向", ylabel="陡的方向"
    )
plotting.show(
    figure,
    alt="四張等高線圖：SGD 上下來回彈，四十步還沒走到谷底；動量擺盪幾下就到；RMSProp 先走斜線、再沿谷底筆直走到；Adam 走出一條弧線，也到了谷底。",
)

# %% [markdown]
r"""
## 原理

### 初始化：一層一層算變異數

一層是 $z_j=\sum_{i=1}^{n}W_{ji}h_i$，$n$ 是輸入的個數（fan-in）。權重的平均是 0、標準差是 $\sigma$，彼此獨立，所以

$$\mathbb E[z_j^2]=n\,\sigma^2\,\mathbb E[h_i^2].$$

線性或 tanh 在 0 附近時，要大小不變就取 $\sigma^2=1/n$。反向也是同一回事，只是加總的是輸出的個數 $m$（fan-out），要 $\sigma^2=1/m$；**Xavier** 取折衷 $\sigma^2=2/(n+m)$。

ReLU 把一半擋成 0。$z$ 的分布左右對稱，所以 $\mathbb E[\mathrm{relu}(z)^2]=\frac12\mathbb E[z^2]$，每過一層少一半。**He** 補回來：$\sigma^2=2/n$。

標準差是理想值的 $k$ 倍，過 $L$ 層就是 $k^L$ 倍：$0.5^{50}\approx10^{-15}$，正是上圖的那條線。

### 從 SGD 到 AdamW

$g_t$ 是第 $t$ 步的梯度，$\eta$ 是學習率，$\theta$ 是參數，平方、開根號、除法都是逐元素。

| 名稱 | 更新 | 修的毛病 |
| --- | --- | --- |
| SGD | $\theta\leftarrow\theta-\eta g_t$ | |
| 動量 | $v\leftarrow\mu v+g_t$，$\ \theta\leftarrow\theta-\eta v$ | 來回震盪互相抵銷，同方向的累積 |
| Nesterov | $\theta\leftarrow\theta-\eta(g_t+\mu v)$ | 先照動量走一步再看，減少衝過頭 |
| RMSProp | $s\leftarrow\alpha s+(1-\alpha)g_t^2$，$\ \theta\leftarrow\theta-\eta g_t/(\sqrt s+\epsilon)$ | 每個參數的梯度大小不同 |
| Adam | $m$、$v$ 各是 $g_t$、$g_t^2$ 的移動平均，$\ \theta\leftarrow\theta-\eta\,\hat m/(\sqrt{\hat v}+\epsilon)$ | 動量加 RMSProp |
| AdamW | 先 $\theta\leftarrow(1-\eta\lambda)\theta$，再走 Adam | L2 不會被 $\sqrt{\hat v}$ 除掉 |

**偏差修正**：$m_0=0$，展開得 $m_t=(1-\beta_1)\sum_{i\le t}\beta_1^{t-i}g_i$，係數加起來是 $1-\beta_1^t$，不是 1。除回去：$\hat m=m_t/(1-\beta_1^t)$，$\hat v$ 同理。第一步因此是 $\hat m/\sqrt{\hat v}=g_1/|g_1|$：每個參數都走正好 $\eta$。

**權重衰減**（weight decay）：想讓權重往 0 縮。對 SGD，把 $\lambda\theta$ 加進梯度（L2）和直接縮小 $1-\eta\lambda$ 倍是同一件事。對 Adam 不是：加進梯度之後會被 $\sqrt{\hat v}$ 除，梯度大的參數縮得少、梯度小的縮得多。AdamW 把兩件事**脫鉤**（decoupled）。

### Muon：把矩陣當矩陣

Adam 逐元素地調大小，但權重是矩陣。動量矩陣 $M=USV^\top$ 常常由少數幾個奇異值主導，更新就只往那幾個方向走。Muon 把它換成 $UV^\top$：奇異值全部變成 1，每個方向走一樣遠。做 SVD 太慢，改用 Newton–Schulz 迭代：對 $X$ 反覆做

$$X\leftarrow aX+b\,(XX^\top)X+c\,(XX^\top)^2X,$$

代入 SVD，$U$、$V$ 不動，只有奇異值變成 $as+bs^3+cs^5$。係數 $(3.4445,-4.7750,2.0315)$ 讓 0 到 1 之間的 $s$（太小的除外）五步之內都跑到 1 附近。只用矩陣乘法，GPU 最擅長。

### 學習率：先大後小，一開始更小

批次的梯度是全體梯度加雜訊：$g_B=g+\xi$，$\mathbb E\lVert\xi\rVert^2\propto 1/B$。學習率大，走得快，但雜訊讓你停不進谷底；所以**先大後小**（cosine）。剛開始參數是亂的、Adam 的 $\hat v$ 只看過幾個批次，一大步可能就毀了，所以最前面再加一段由小升大的 **warm-up**。

### 正規化

BatchNorm 對每個特徵，沿著**批次**：$\hat x=(x-\mu_B)/\sqrt{\sigma_B^2+\epsilon}$，再乘 $\gamma$ 加 $\beta$。評估時一張一張來，沒有批次，改用訓練中累積的統計量。LayerNorm 沿著**特徵**，每一筆自己算，訓練與評估一樣。

好處之一：權重整個乘上 $c$ 倍，輸出不變，所以 $\partial L/\partial (cW)=\frac1c\,\partial L/\partial W$。權重越大，同樣的學習率走得越小步。學習率設得太大時，權重先變大，步伐就自己縮回來；〈實驗〉的 BatchNorm 那一段會量這件事。

### 正則化與平均

- **dropout**：每個單元以機率 $p$ 關掉，留下的乘 $\frac1{1-p}$，期望值不變。
- **標籤平滑**：答案類別的目標由 1 改成 $1-\epsilon+\epsilon/K$，上一課講過。
- **mixup**：拿 $\lambda x_i+(1-\lambda)x_j$ 當輸入、$\lambda y_i+(1-\lambda)y_j$ 當答案，$\lambda\sim\mathrm{Beta}(\alpha,\alpha)$。
- **梯度裁剪**：所有梯度合起來的長度超過 $c$，就整個縮成 $c$，方向不變。
- **EMA 與 SWA**：參數在谷底附近繞圈，平均起來就在中間。EMA 是 $\bar\theta\leftarrow d\,\bar\theta+(1-d)\,\theta$；SWA 把最後幾個 epoch 的 $\theta$ 等權平均。

### double descent

參數個數剛好等於資料筆數時，只有一組解能把（含雜訊的）標籤全部背起來，這組解為了通過每個雜訊點而扭得很大，測試最糟。再多給參數，通過所有點的解有無限多組，最短的那一組反而平滑。所以測試誤差先降、再升到尖峰、**再降一次**。
"""

# %% [markdown]
r"""
## 從零實作

### 資料

平均與標準差**只由訓練的 55,000 張**算。最後 5,000 張是驗證集，所有選擇都看它；測試集留到最後只用一次。
"""

# %%
from dlbook.supervised_learning.digit_mlp import DigitData, digit_data, error_rate  # inline

# %%
data = digit_data()
small_x, small_y = data.train_x[: run.small], data.train_y[: run.small]
print(f"訓練集的平均 {data.train_x.mean():.4f}、標準差 {data.train_x.std():.4f}")
print(f"測試集的平均 {data.test_x.mean():.4f}、標準差 {data.test_x.std():.4f}（不會剛好是 0 與 1）")

# %% [markdown]
r"""
### 初始化與活化函數

兩個標準差各是一行公式。`signal_through_depth` 就是〈直覺〉畫圖用的那一個。拿它把每一種活化函數配上 Xavier 與 He，看 30 層之後訊號剩多少：
"""

# %%
from dlbook.supervised_learning.initialization import he_std, set_weights, xavier_std  # inline

# %%
from dlbook.supervised_learning.initialization import ACTIVATIONS, signal_through_depth  # inline

# %%
x = torch.randn(200, 256, generator=generator, dtype=torch.float64)
rows = {}
for name, activation in ACTIVATIONS.items():
    rows[name] = {}
    for rule, std in [("Xavier", xavier_std(256, 256)), ("He", he_std(256))]:
        forward, backward = signal_through_depth(x, 30, std, activation, generator)
        rows[name] |= {f"{rule}：訊號": forward[-1], f"{rule}：梯度": backward[0]}
display(pd.DataFrame(rows).T.map("{:.1e}".format))
largest_drift = max(abs(np.log(forward[-1] / forward[0])) / 49 for forward, _ in [signals["He"]])
run.claim(
    "He 初始化的 ReLU 網路，每過一層訊號改變的比例",
    largest_drift,
    at_most=0.02,
    level="simple",
    source="arXiv:1502.01852：應該是 0；50 層、256 個單元，50 層平均",
)

# %% [markdown]
r"""
ReLU 配 He、線性配 Xavier，訊號與梯度都留在 1 附近。sigmoid 的輸出永遠在 0.5 附近，梯度卻每層最多剩四分之一：**前向看起來沒事，反向已經消失**，這是深層網路放棄 sigmoid 的原因。tanh 用 Xavier 會慢慢變小，但撐得住。GELU 在 0 附近比 ReLU 小，He 對它不夠，三十層之後小了兩三個數量級；實務上中間有正規化層，會把大小補回來。

### 最佳化器

走訪參數的部分大家都一樣，所以每種最佳化器只剩一個 `update`。繼承 `torch.optim.Optimizer` 是為了 `zero_grad`、存檔與排程，更新規則全部是我們的。
"""

# %%
from dlbook.supervised_learning.optimizers import SGD, RMSProp, State, UpdateRule  # inline

# %%
from dlbook.supervised_learning.optimizers import Adam, AdamW  # inline

# %% [markdown]
r"""
### Muon

`orthogonalize` 預設用 bfloat16，和 PyTorch 的 Muon 一樣：奇異值本來就只求「差不多是 1」，低精度夠用。先看它把奇異值變成什麼：
"""

# %%
from dlbook.supervised_learning.muon import Muon, muon_groups, orthogonalize  # inline

# %%
momentum_like = torch.randn(64, 256, generator=generator) @ torch.diag(torch.logspace(0, -2, 256))
spectra = {"原本（最大的縮成 1）": torch.linalg.svdvals(momentum_like)}
spectra["原本（最大的縮成 1）"] /= spectra["原本（最大的縮成 1）"][0].clone()
for steps in (2, 5):
    out = orthogonalize(momentum_like, steps, torch.float32)
    spectra[f"Newton–Schulz {steps} 步"] = torch.linalg.svdvals(out)
figure = chart(
    {name: (range(1, 65), s) for name, s in spectra.items()},
    title="Muon：把動量矩陣的奇異值拉到 1 附近",
    xlabel="第幾個奇異值",
    ylabel="大小",
)
plotting.show(
    figure,
    alt="原本的奇異值由 1 迅速降到 0.1 以下；兩步之後抬高許多；五步之後六十四個都靠近 1。",
)

# %% [markdown]
r"""
### 學習率排程

排程只是「第幾步 → 最高學習率的幾倍」的函式；`follow` 把它接到最佳化器上，之後**每一步**呼叫一次 `step()`。
"""

# %%
from dlbook.supervised_learning.schedules import (  # inline
    cosine,
    follow,
    linear_warmup,
    one_cycle,
    warmup_cosine,
)

# %%
figure = chart(
    {
        "warm-up（30 步）": (range(300), [linear_warmup(s, 30) for s in range(300)]),
        "cosine": (range(300), [cosine(s, 300) for s in range(300)]),
        "warm-up + cosine": (range(300), [warmup_cosine(s, 300, 30) for s in range(300)]),
        "one-cycle": (range(300), [one_cycle(s, 300) for s in range(300)]),
    },
    title="四種排程：學習率是最高值的幾倍",
    xlabel="步",
    ylabel="倍數",
)
figure.axes[0].set_ylim(0, 1.45)
figure.axes[0].legend(loc="upper center", ncols=2)
plotting.show(
    figure,
    alt="四條線：warm-up 升到 1 後持平；cosine 從 1 平滑降到 0；warm-up 加 cosine 先升再降；one-cycle 用三成的步數升到頂，再降到幾乎 0。",
)

# %% [markdown]
r"""
### 正規化
"""

# %%
from dlbook.supervised_learning.normalization import BatchNorm, LayerNorm  # inline

# %%
layer, heights = BatchNorm(2), torch.tensor([[170.0, 60.0], [180.0, 80.0], [160.0, 70.0]])
print("訓練：\n", layer(heights).detach().numpy().round(2))
print("累積的平均：", layer.mean.tolist(), "（只移動了一成）")
print("評估（用的是累積的）：\n", layer.eval()(heights).detach().numpy().round(2))

# %% [markdown]
r"""
### 正則化、裁剪與參數平均
"""

# %%
from dlbook.supervised_learning.regularization import (  # inline
    Dropout,
    clip_gradients,
    mixup,
    one_hot,
    shift,
)

# %%
torch.manual_seed(run.seed)
np.random.seed(run.seed)
images, target = small_x[:8], one_hot(small_y[:8])
mixed, soft = mixup(images, target, 1.0)
titles = ["原圖"] * 8 + ["平移"] * 8
titles += [" + ".join(f"{k}:{p:.1f}" for k, p in enumerate(row) if p > 0) for row in soft.tolist()]
figure = plotting.image_grid(
    torch.cat([images, shift(images, 2), mixed]).reshape(-1, 28, 28),
    titles=titles,
    title="平移增強與 mixup（下排的標題是混好的標籤）",
    columns=8,
)
plotting.show(
    figure,
    alt="上排是八張手寫數字，中排同樣的數字各自移動了一兩個像素，下排每張是兩個數字疊在一起。",
)

# %%
from dlbook.supervised_learning.averaging import WeightAverage, refresh_batchnorm  # inline

# %% [markdown]
r"""
### 網路

零件齊了，組成網路：每一層依序是 Linear、正規化、活化函數、dropout，權重用 He 初始化。
"""

# %%
from dlbook.supervised_learning.digit_mlp import digit_mlp  # inline

print(digit_mlp(64, norm=BatchNorm, dropout=0.2))

# %% [markdown]
r"""
### 對答案：每一步都和 PyTorch 相同

同樣的起點、同樣的批次，float64，跑 120 步，**每一步**都比較所有參數，記下最大的差。排程比每一步的學習率，正規化比輸出、梯度與累積的統計量，dropout 用同樣的亂數。
"""


# %%
def optimizer_difference(make, reference):
    """兩份相同的小網路各用一個最佳化器訓練 120 步；傳回參數的最大差。"""
    torch.manual_seed(run.seed)
    nets = [nn.Sequential(nn.Linear(20, 16), nn.Tanh(), nn.Linear(16, 5)).double() for _ in "ab"]
    nets[1].load_state_dict(nets[0].state_dict())
    rules = [make(nets[0]), reference(nets[1])]
    x, y = torch.randn(120, 32, 20).double(), torch.randint(5, (120, 32))
    worst = 0.0
    for step in range(120):
        for net, rule in zip(nets, rules):
            net.zero_grad()
            nn.functional.cross_entropy(net(x[step]), y[step]).backward()
            rule.step()
        pairs = zip(*(net.parameters() for net in nets))
        worst = max(worst, *((p - q).abs().max().item() for p, q in pairs))
    return worst


class TwoOptimizers:
    """PyTorch 的 Muon 只收矩陣；其餘的參數另外給一個 AdamW。"""

    def __init__(self, net):
        linears = [net[0].weight]
        others = [p for p in net.parameters() if p is not net[0].weight]
        self.rules = [
            torch.optim.Muon(linears, 0.02, weight_decay=0.1),
            torch.optim.AdamW(others, 0.01, weight_decay=0.1),
        ]

    def step(self):
        for rule in self.rules:
            rule.step()


def all_of(kind, *arguments, **settings):
    """給一個網路，傳回管它全部參數的最佳化器。"""
    return lambda net: kind(net.parameters(), *arguments, **settings)


nesterov = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
differences = {
    "SGD": optimizer_difference(all_of(SGD, 0.1), all_of(torch.optim.SGD, 0.1)),
    "動量": optimizer_difference(
        all_of(SGD, 0.05, momentum=0.9), all_of(torch.optim.SGD, 0.05, momentum=0.9)
    ),
    "Nesterov + L2": optimizer_difference(
        all_of(SGD, 0.05, **nesterov), all_of(torch.optim.SGD, 0.05, **nesterov)
    ),
    "RMSProp": optimizer_difference(all_of(RMSProp, 0.003), all_of(torch.optim.RMSprop, 0.003)),
    "Adam + L2": optimizer_difference(
        all_of(Adam, 0.01, weight_decay=0.1), all_of(torch.optim.Adam, 0.01, weight_decay=0.1)
    ),
    "AdamW": optimizer_difference(
        all_of(AdamW, 0.01, weight_decay=0.1), all_of(torch.optim.AdamW, 0.01, weight_decay=0.1)
    ),
    "Muon": optimizer_difference(
        lambda net: Muon(muon_groups(net, lr=0.02, adam_lr=0.01, weight_decay=0.1), 0.02),
        TwoOptimizers,
    ),
}


# %%
def rates(make_scheduler):
    """跑 120 步，記下每一步用的學習率。"""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.4)
    scheduler = make_scheduler(optimizer)
    used = []
    for _ in range(120):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(used)


torch_schedules = torch.optim.lr_scheduler
for name, factor, reference in [
    (
        "warm-up",
        lambda s: linear_warmup(s, 30),
        lambda o: torch_schedules.LinearLR(o, 1 / 30, 1.0, 29),
    ),
    (
        "cosine",
        lambda s: cosine(s, 120, 0.05),
        lambda o: torch_schedules.CosineAnnealingLR(o, 120, 0.4 * 0.05),
    ),
    (
        "one-cycle",
        lambda s: one_cycle(s, 121),
        lambda o: torch_schedules.OneCycleLR(o, 0.4, total_steps=121),
    ),
]:
    gap = rates(lambda o, factor=factor: follow(o, factor)) - rates(reference)
    differences[name] = np.abs(gap).max()


def layer_difference(ours, theirs):
    """120 個批次：輸出、輸入的梯度與緩衝區的最大差。"""
    worst = 0.0
    for _ in range(120):
        x, weight = torch.randn(2, 16, 8).double() * 3 + 1
        results = []
        for module in (ours, theirs):
            torch.manual_seed(run.seed)  # dropout 要用同樣的亂數
            leaf = x.clone().requires_grad_()
            out = module(leaf)
            (out * weight).sum().backward()
            buffers = [b for b in module.buffers() if b.ndim]
            results.append([out.detach(), leaf.grad, *buffers])
        worst = max(worst, *((a - b).abs().max().item() for a, b in zip(*results)))
    return worst


differences["BatchNorm"] = layer_difference(BatchNorm(8).double(), nn.BatchNorm1d(8).double())
differences["LayerNorm"] = layer_difference(LayerNorm(8).double(), nn.LayerNorm(8).double())
differences["dropout"] = layer_difference(Dropout(0.3), nn.Dropout(0.3))
display(pd.Series(differences, name="120 步裡的最大差").map("{:.1e}".format).to_frame())
run.claim(
    f"{len(differences)} 種最佳化器、排程與正規化，120 步裡和 PyTorch 的最大差",
    max(differences.values()),
    at_most=1e-10,
    level="parity",
    source="torch.optim、lr_scheduler、nn；float64。裁剪、EMA、SWA 的對照在測試裡",
)

# %% [markdown]
r"""
### 成本：最佳化器要記多少東西

動量記一份和參數一樣大的張量，Adam 記兩份。模型大到要算記憶體的時候，這就是大事：
"""

# %%
from dlbook.supervised_learning.optimizer_sweep import MAKERS  # inline
from dlbook.supervised_learning.optimizers import state_bytes  # inline

# %%
memory = {}
for name, make in MAKERS.items():
    net = digit_mlp(256)
    optimizer = make(net, 1e-3)
    nn.functional.cross_entropy(net(small_x[:64]), small_y[:64]).backward()
    optimizer.step()
    memory[name] = state_bytes(optimizer) / sum(p.numel() for p in net.parameters())
display(pd.Series(memory, name="每個參數另外記幾個位元組").round(2).to_frame())
run.claim(
    "AdamW 每個參數記的位元組，是動量的幾倍",
    memory["AdamW"] / memory["動量"],
    near=(2, 1e-6),
    level="cost",
    source="m 與 v 各一份，float32",
)
run.claim(
    "Muon 記的比 AdamW 省多少",
    1 - memory["Muon"] / memory["AdamW"],
    at_least=0.4,
    level="cost",
    source="矩陣只記動量，其餘（不到百分之二的參數）照 AdamW",
)

# %% [markdown]
r"""
## 實驗

短的實驗都用同一個迴圈：固定的步數，中途不挑模型。損失變成 nan 也照跑，因為「練壞了」正是要看的。
"""

# %%
from dlbook.foundations.loaders import TensorLoader
from dlbook.supervised_learning.digit_mlp import train_steps  # inline


# %%
def practise(model, optimizer, steps=None, **settings):
    """在 small_x 上訓練固定的步數。"""
    return train_steps(model, optimizer, small_x, small_y, steps or run.steps, **settings)


def fresh(seed, **settings):
    """同一個種子，同樣的起點。"""
    torch.manual_seed(seed)
    return digit_mlp(run.width, **settings)


def valid_error(model):
    """驗證錯誤率。"""
    return error_rate(model, data.valid_x, data.valid_y)


# %% [markdown]
r"""
### 初始化：十層的網路，只換權重的標準差
"""

# %%
init_rules = {
    "標準差 0.01": lambda fan_in, fan_out: 0.01,
    "Xavier": xavier_std,
    "He": lambda fan_in, fan_out: he_std(fan_in),
    "He 的三倍": lambda fan_in, fan_out: 3 * he_std(fan_in),
}
init_errors, init_curves = {}, {}
for name, rule in init_rules.items():
    init_errors[name] = []
    for seed in seeds:
        net = fresh(seed, depth=10)
        set_weights(net, rule)
        init_curves[name] = practise(
            net, SGD(net.parameters(), 0.02, momentum=0.9), run.steps // 2, seed=seed
        )
        init_errors[name].append(valid_error(net))
init_table = pd.DataFrame(init_errors, index=[f"種子 {s}" for s in seeds]).T
display(init_table.map("{:.1%}".format))
figure = chart(
    {name: (range(len(curve)), np.clip(curve, 0, 6)) for name, curve in init_curves.items()},
    title="十層的 ReLU 網路：只換初始化",
    xlabel="步",
    ylabel="損失（6 以上畫成 6，nan 不畫）",
)
figure.axes[0].plot(0, 6, "v", color=plotting.COLORS[3], markersize=8)
plotting.show(
    figure,
    alt="標準差 0.01 的損失一直停在 2.3；He 降得最快最低；Xavier 跟在後面，中間衝高過一次；He 三倍的第一步就在圖頂，之後是 nan。",
)
run.claim(
    "標準差 0.01：三個種子最低的驗證錯誤率",
    min(init_errors["標準差 0.01"]),
    at_least=0.8,
    level="simple",
    source=f"亂猜是 0.9；{run.steps // 2} 步之後仍然沒學到東西",
)
run.claim(
    "He：三個種子最高的驗證錯誤率",
    max(init_errors["He"]),
    at_most=0.15,
    level="medium",
    source="消融：同樣的網路、最佳化器、步數，只換標準差",
)

# %% [markdown]
r"""
標準差 0.01 的網路連第一步都沒走出去：訊號在前向就消失了，每一張圖的分數都一樣，損失停在 $\ln 10\approx2.3$。

### 學習率範圍測試

學習率該設多少？讓它從很小開始，每一步乘上同一個倍數，看損失在哪裡開始掉、哪裡爆掉。一次一百多步，就知道數量級。
"""

# %%
from dlbook.supervised_learning.schedules import lr_range_test  # inline

# %%
ranges = {}
for name, norm, make in [
    ("SGD", None, SGD),
    ("SGD，有 BatchNorm", BatchNorm, SGD),
    ("AdamW", None, AdamW),
]:
    net = fresh(run.seed, norm=norm)
    loader = TensorLoader(small_x, small_y, 128)
    ranges[name] = lr_range_test(
        net, loader, make(net.parameters(), 1.0), lowest=1e-5, highest=100, steps=150
    )
figure = chart(
    {name: (lr, np.clip(losses, 0, 6)) for name, (lr, losses) in ranges.items()},
    title="學習率範圍測試：先掉下去、再爆掉",
    xlabel="學習率",
    ylabel="損失",
    logx=True,
)
figure.axes[0].legend(loc="lower left")
plotting.show(
    figure,
    alt="三條 U 形曲線：AdamW 在千分之一之前就開始下降、不到十分之一就爆掉；SGD 到百分之一才明顯下降、十分之幾爆掉；加了 BatchNorm 的 SGD 到 1 以上才變差。",
)
for name, (lr, losses) in ranges.items():
    lowest = int(np.argmin(losses))
    print(f"{name}：損失最低在學習率 {lr[lowest]:.2g}，常用的起點是它的十分之一到三分之一")

# %% [markdown]
r"""
### 最佳化器：同樣的步數

比最佳化器之前，要先替每一種挑它自己的學習率，不然比的只是誰的預設值運氣好。下圖是**預先測得**的（`python -m dlbook.supervised_learning.optimizer_sweep`，約半分鐘）：10,000 張、200 步、三個種子，每一種試五個學習率。
"""

# %%
from dlbook.supervised_learning import optimizer_sweep

sweep = optimizer_sweep.load_sweep()["errors"]
best_lr = optimizer_sweep.best_rates(sweep)
figure = chart(
    {
        name: ([float(lr) for lr in row], [100 * np.mean(errors) for errors in row.values()])
        for name, row in sweep.items()
    },
    title="每種最佳化器對學習率的胃口（預先測得，三個種子平均）",
    xlabel="學習率",
    ylabel="200 步後的驗證錯誤率（%，對數座標）",
    logx=True,
    logy=True,
    markers=True,
)
figure.axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))
plotting.show(
    figure,
    alt="七條 U 形曲線：SGD 的最低點在 0.3、再大三倍就壞掉；動量與 Nesterov 在 0.03；RMSProp、Adam、AdamW 在千分之一到三；Muon 在 0.01，而且最低。",
)
print("錯誤率最低的學習率：", "、".join(f"{name} {lr:g}" for name, lr in best_lr.items()))

# %% [markdown]
r"""
每一種的最低點差了上百倍，所以換最佳化器時學習率要重挑。SGD 最好的學習率離爆掉只有三倍；Adam 與 AdamW 的谷比較寬，學習率設得不太準也過得去，這是它們好用的一大原因。

和上面的範圍測試對照：它說 SGD 該用「損失最低處的十分之一到三分之一」，掃描出來最好的卻比那還大。**範圍測試只給數量級，最後還是要掃。**

用各自最好的學習率，現場跑同樣的步數：
"""

# %%
curves, results = {}, {}
for name, make in MAKERS.items():
    losses, errors = [], []
    for seed in seeds:
        net = fresh(seed)
        losses.append(practise(net, make(net, best_lr[name]), seed=seed))
        errors.append(valid_error(net))
    curves[name] = np.mean(losses, axis=0)
    results[name] = {
        "學習率": best_lr[name],
        "最後 20 步的損失": np.mean([x[-20:] for x in losses]),
        "驗證錯誤率 %": 100 * np.mean(errors),
        "標準差": 100 * np.std(errors),
    }
display(pd.DataFrame(results).T.round(3))
shown = ["SGD", "Nesterov", "AdamW", "Muon"]
smooth = {name: np.convolve(curves[name], np.ones(10) / 10, "valid") for name in shown}
figure = chart(
    {name: (range(len(c)), c) for name, c in smooth.items()},
    title=f"同樣的 {run.steps} 步（三個種子，10 步移動平均）",
    xlabel="步",
    ylabel="損失（對數座標）",
    logy=True,
)
plotting.show(
    figure,
    alt="四條損失曲線都往下；後半段 SGD 最高，AdamW 與 Nesterov 接近，Muon 明顯最低。",
)
final_loss = {name: row["最後 20 步的損失"] for name, row in results.items()}
run.claim(
    "Nesterov 動量的損失，是普通 SGD 的幾倍",
    final_loss["Nesterov"] / final_loss["SGD"],
    at_most=0.95,
    level="simple",
    source="同樣的步數，各用自己的學習率；最後 20 步、三個種子平均",
)
run.claim(
    "Muon 的損失，是 AdamW 的幾倍",
    final_loss["Muon"] / final_loss["AdamW"],
    at_most=0.6,
    level="medium",
    source="同上",
)

# %%
step_nets = {name: fresh(run.seed) for name in ("Muon", "AdamW")}
step_rules = {name: MAKERS[name](net, best_lr[name]) for name, net in step_nets.items()}


def one_step(name):
    """前向、反向、更新各一次。"""
    loss = nn.functional.cross_entropy(step_nets[name](small_x[:128]), small_y[:128])
    step_rules[name].zero_grad()
    loss.backward()
    step_rules[name].step()


times = measure.paired_times(
    lambda: one_step("Muon"), lambda: one_step("AdamW"), pairs=30, warmup=5
)
print(f"這台電腦上，Muon 一步的時間是 AdamW 的 {times.ratio:.1f} 倍")

# %% [markdown]
r"""
Muon 每一步降得最快，但每一步也比較貴；網路越大、批次越大，矩陣乘法的額外花費占的比例越小。這裡比的是**同樣步數的訓練損失**：降得快不等於最後比較準，55,000 張、8 個 epoch 的結果在下面的大表裡。

### BatchNorm：大的學習率也撐得住

普通的 SGD，學習率由 0.3 到 10，有與沒有 BatchNorm，三個種子取最差的：
"""

# %%
tolerance_lrs = [0.3, 1.0, 3.0, 10.0]
tolerance = {}
weight_growth: dict[float, list[float]] = {}
for name, norm in {"沒有正規化": None, "BatchNorm": BatchNorm}.items():
    tolerance[name] = []
    for lr in tolerance_lrs:
        errors = []
        for seed in seeds:
            net = fresh(seed, norm=norm)
            first = next(layer for layer in net.modules() if isinstance(layer, nn.Linear)).weight
            before = first.norm().item()
            practise(net, SGD(net.parameters(), lr), 120, seed=seed)
            errors.append(valid_error(net))
            if norm is BatchNorm:
                weight_growth.setdefault(lr, []).append(first.norm().item() / before)
        tolerance[name].append(max(errors))
figure = chart(
    {name: (tolerance_lrs, [100 * e for e in errors]) for name, errors in tolerance.items()},
    title="SGD 120 步之後，三個種子裡最差的驗證錯誤率",
    xlabel="學習率",
    ylabel="錯誤率（%）",
    logx=True,
    markers=True,
)
plotting.show(
    figure,
    alt="沒有正規化的線在學習率 1 就跳到九成錯；BatchNorm 到 3 還在一成以下，到 10 才壞掉。",
)
usable = {
    name: max(lr for lr, e in zip(tolerance_lrs, errors) if e < 0.15)
    for name, errors in tolerance.items()
}
print("錯誤率低於 15% 的最大學習率：", usable)
run.claim(
    "有 BatchNorm 時，能用的最大學習率是沒有時的幾倍",
    usable["BatchNorm"] / usable["沒有正規化"],
    at_least=3.0,
    level="strong",
    source="消融：三個種子都在 15% 以下才算能用",
)
growth = {lr: float(np.mean(values)) for lr, values in weight_growth.items()}
print(
    "有 BatchNorm 時，第一層權重的長度變成幾倍：",
    "、".join(f"學習率 {lr:g} {g:.2f}" for lr, g in growth.items()),
)
run.claim(
    "學習率 10 的第一層權重，比學習率 0.3 的多長大幾倍",
    growth[10.0] / growth[0.3],
    at_least=1.5,
    level="medium",
    source="〈原理〉：權重先變大，同樣的學習率就走得越小步",
)

# %% [markdown]
r"""
### 梯度裁剪：最後一道保險

同樣的十層網路，學習率故意設大。沒有裁剪，某一步的梯度特別長，一步就把參數踢飛：
"""

# %%
clipped = {}
for name, limit in [("沒有裁剪", None), ("裁剪到 1", 1.0)]:
    errors = []
    for seed in seeds:
        net = fresh(seed, depth=10)
        practise(net, SGD(net.parameters(), 0.15, momentum=0.9), 120, seed=seed, clip=limit)
        errors.append(valid_error(net))
    clipped[name] = errors
display(pd.DataFrame(clipped, index=[f"種子 {s}" for s in seeds]).T.map("{:.1%}".format))
run.claim(
    "學習率太大時，裁剪讓平均錯誤率少多少",
    np.mean(clipped["沒有裁剪"]) - np.mean(clipped["裁剪到 1"]),
    at_least=0.5,
    level="medium",
    source="消融：同樣的網路、學習率、步數",
)

# %% [markdown]
r"""
### 批次大小：雜訊是 1/B

在訓練到一半的網路上，抽很多個批次，量批次梯度離全體梯度多遠：
"""

# %%
from dlbook.supervised_learning.gradient_noise import flat_gradient, gradient_noise  # inline

# %%
net = fresh(run.seed)
practise(net, SGD(net.parameters(), 0.1), 50, seed=run.seed)
generator = torch.Generator().manual_seed(run.seed)
sizes = [8, 32, 128, 512]
noise = [gradient_noise(net, small_x, small_y, b, 60, generator) for b in sizes]
slope = np.polyfit(np.log(sizes), np.log(noise), 1)[0]
figure, panels = plt.subplots(1, 2, figsize=(8, 3))
plotting.line_chart(
    {"量得": (sizes, noise), "斜率 −1 的直線": (sizes, [noise[0] * 8 / b for b in sizes])},
    title="批次梯度的雜訊",
    xlabel="批次大小",
    ylabel="雜訊² ÷ 梯度²",
    logx=True,
    logy=True,
    markers=True,
    ax=panels[0],
)
reached = {}


def after_four_epochs(size, lr):
    """同樣 4 個 epoch（warm-up + cosine）之後的驗證錯誤率；跑過的設定不重跑。"""
    if (size, lr) not in reached:
        net = fresh(run.seed)
        rule = SGD(net.parameters(), lr, momentum=0.9)
        steps = 4 * len(TensorLoader(small_x, small_y, size))
        warm = follow(rule, lambda s: warmup_cosine(s, steps, steps // 5))
        practise(net, rule, steps, seed=run.seed, batch_size=size, scheduler=warm)
        reached[size, lr] = 100 * valid_error(net)
    return reached[size, lr]


powers = {"學習率固定 0.05": 0.0, "學習率 ∝ √批次": 0.5, "學習率 ∝ 批次": 1.0}
same_epochs = {
    label: [after_four_epochs(size, 0.05 * (size / 32) ** power) for size in [32, 128, 512]]
    for label, power in powers.items()
}
plotting.line_chart(
    {name: ([32, 128, 512], np.clip(errors, 0, 12)) for name, errors in same_epochs.items()},
    title="同樣 4 個 epoch",
    xlabel="批次大小",
    ylabel="驗證錯誤率（%，12 以上畫成 12）",
    logx=True,
    markers=True,
    ax=panels[1],
)
panels[1].set_xticks([32, 128, 512], ["32", "128", "512"])
panels[1].minorticks_off()
plotting.show(
    figure,
    alt="左圖：雜訊對批次大小在對數座標上是斜率負一的直線。右圖：epoch 數相同時，學習率固定的線隨批次往上；學習率隨批次的平方根放大，批次 512 時補回一些；隨批次等比放大，512 時衝到圖頂，沒有練起來。",
)
run.claim(
    "梯度雜訊對批次大小的斜率（雙對數）",
    slope,
    near=(-1, 0.12),
    level="simple",
    source="獨立樣本的平均，變異數是 1/B；arXiv:1812.06162",
)
for label, errors in same_epochs.items():
    print(label, "：", "、".join(f"批次 {b} {e:.1f}%" for b, e in zip([32, 128, 512], errors)))

# %% [markdown]
r"""
小批次的雜訊比梯度本身還大（縱軸大於 1），照樣練得起來，因為雜訊會互相抵銷。右圖（只跑一個種子）的提醒：epoch 數固定時，批次放大等於步數變少；「學習率跟著放大」能補回一些，但只在一定範圍內有效，等比放大到一個程度就爆掉。

### 十八個技巧，一個一個量

先把每種技巧都做成 `train_digits` 的一個參數。它呼叫的就是上面的零件，加上課程共用的 `fit`；**不**用驗證集挑 epoch，跑完就算。
"""

# %%
from dlbook.supervised_learning.digit_mlp import (  # inline
    NORMS,
    AugmentedLoader,
    make_optimizer,
    seed_all,
    train_digits,
)

# %% [markdown]
r"""
下表是**預先測得**的：55,000 張、8 個 epoch、三個種子，驗證集 5,000 張的錯誤率。「單獨加」是基準減去「基準加這一樣」；「從全套拿掉」是「全套少這一樣」減去全套。兩欄都是**正的表示有用**，單位是百分點。
"""

# %%
mean, spread = study.mean(axis=1), study.std(axis=1)
gains = {}
for name in tricks_study.ADDED:
    alone = study.loc["基準"] - study.loc[f"加：{name}"]
    gains[name] = {"單獨加": alone.mean(), "單獨加的標準差": alone.std()}
    if name in tricks_study.REMOVED:
        inside = study.loc[f"拿掉：{name}"] - study.loc["全套"]
        gains[name] |= {"從全套拿掉": inside.mean(), "拿掉的標準差": inside.std()}
gains = pd.DataFrame(gains).T.sort_values("單獨加", ascending=False)
print(f"基準 {mean['基準']:.2f}%，全套 {mean['全套']:.2f}%，精簡 {mean['精簡']:.2f}%")
display(gains.map(lambda value: "—" if np.isnan(value) else f"{value:.2f}"))

# %%
figure, axes = plt.subplots(figsize=(7, 5.8))
rows = np.arange(len(gains))
for offset, kind, error, colour in [
    (-0.2, "單獨加", "單獨加的標準差", plotting.COLORS[0]),
    (0.2, "從全套拿掉", "拿掉的標準差", plotting.COLORS[1]),
]:
    axes.barh(
        rows + offset, gains[kind], 0.38, xerr=gains[error], capsize=2, color=colour, label=kind
    )
axes.axvline(0, color="black", linewidth=1)
axes.set_yticks(rows, list(gains.index))
axes.invert_yaxis()
axes.legend(loc="lower right")
axes.set(
    title="每個技巧讓驗證錯誤率少多少（預先測得，三個種子）",
    xlabel="少錯幾個百分點（負的是幫倒忙）",
    ylabel="技巧",
)


def sort_out(kind, error):
    """贏過兩個標準差叫有用，輸過兩個標準差叫變差，其餘分不出來。"""
    verdicts = {"有用": [], "分不出來": [], "變差": []}
    for name, row in gains.dropna(subset=[kind]).iterrows():
        margin = row[kind] / row[error]
        verdicts["有用" if margin > 2 else "變差" if margin < -2 else "分不出來"].append(name)
    return {verdict: "、".join(names) or "（沒有）" for verdict, names in verdicts.items()}


alone, inside = sort_out("單獨加", "單獨加的標準差"), sort_out("從全套拿掉", "拿掉的標準差")
plotting.show(
    figure,
    alt=f"橫條圖：單獨加時最有用的是 {'、'.join(gains.index[:3])}；分不出來的是 {alone['分不出來']}；在全套裡幫倒忙的是 {inside['變差']}。",
)
for where, verdicts in [("單獨加到基準", alone), ("放在全套裡", inside)]:
    for verdict, names in verdicts.items():
        print(f"{where}，{verdict}：{names}")
run.claim(
    "dropout 單獨加，少錯幾個百分點（預先測得）",
    gains["單獨加"]["dropout 0.2"],
    at_least=0.3,
    level="simple",
    source="同一份紀錄，三個種子的平均",
)
run.claim(
    "dropout 放在全套裡，少錯幾個百分點（預先測得）",
    gains["從全套拿掉"]["dropout 0.2"],
    at_most=-0.1,
    level="medium",
    source="同一份紀錄：單獨有用的技巧，一起用時幫了倒忙",
)

# %% [markdown]
r"""
讀這張圖要注意四件事：

1. **單獨有用，不等於一起有用。** 好幾個技巧修的是同一個毛病（過度擬合、最後停不下來）。毛病被別人修好了，再加一個就只剩副作用。8 個 epoch 也不長，正則化加得太重，網路連訓練集都還沒學好。
2. **差距不到兩個標準差（圖上誤差條的兩倍），就不能說有用。** 5,000 張裡差 0.1 個百分點只是 5 張圖，三個種子分不出來。
3. **學習率沒有替每個技巧重新調過。** 「沒有幫助」的意思是「在這個設定下沒有幫助」。Muon、GELU、加寬、大批次在別的問題上常常有用。
4. **「精簡」是看種子 0 的驗證集挑的**，所以它的驗證成績略為樂觀（為什麼，見坑五）；最後那個模型的測試分數才算數。

現場跑一個縮短的版本：資料、寬度、步數都小很多，三個種子，看主要的結論還在不在。
"""

# %%
live_settings: dict[str, Any] = {
    "基準": {},
    "warm-up + cosine": tricks_study.ADDED["warm-up + cosine，學習率 4 倍"],
    "平移 1 像素": tricks_study.ADDED["平移 1 像素"],
    "EMA 0.98": {"ema": 0.98},
    "權重衰減 0.05": tricks_study.ADDED["權重衰減 0.05"],
    "全套（EMA 0.98）": tricks_study.EVERYTHING | {"ema": 0.98},
    "精簡": tricks_study.LEAN,
}
live = pd.DataFrame(index=list(live_settings), columns=seeds, dtype=float)
for name, changes in live_settings.items():
    for seed in seeds:
        settings: dict[str, Any] = {"width": run.width} | changes
        net = train_digits(seed, small_x, small_y, epochs=3, **settings)
        live.loc[name, seed] = 100 * valid_error(net)
short = pd.DataFrame({"驗證錯誤率 %": live.mean(axis=1), "標準差": live.std(axis=1)})
short["比基準少"] = short["驗證錯誤率 %"]["基準"] - short["驗證錯誤率 %"]
print(f"現場的縮短版：{run.small:,} 張、3 個 epoch、三個種子")
display(short.round(2))
run.claim(
    "縮短版：精簡比基準少錯幾個百分點",
    live.mean(axis=1)["基準"] - live.mean(axis=1)["精簡"],
    at_least=1.0,
    level="medium",
    source="消融：同樣的網路、資料與 epoch 數；三個種子的平均",
)
run.claim(
    "縮短版：精簡比全套少錯幾個百分點",
    live.mean(axis=1)["全套（EMA 0.98）"] - live.mean(axis=1)["精簡"],
    at_least=0.2,
    level="medium",
    source="同上",
)
run.claim(
    "縮短版：全套比基準少錯幾個百分點",
    live.mean(axis=1)["基準"] - live.mean(axis=1)["全套（EMA 0.98）"],
    at_least=0.2,
    level="medium",
    source="同上；哪個技巧寫錯了，這裡就會輸給基準",
)

# %% [markdown]
r"""
縮短版的步數不到長版的一成，排名不會完全一樣，有的技巧連設定都得跟著改。EMA 就是：衰減率 0.999 等於平均最近一千步左右，縮短版總共才兩百多步，平均裡還留著剛開始的亂數，所以上面改用 0.98。不改會怎樣？
"""

# %%
too_long = train_digits(run.seed, small_x, small_y, epochs=3, width=run.width, ema=0.999)
print(
    f"EMA 0.98 錯 {live.loc['EMA 0.98', seeds[0]]:.1f}%，EMA 0.999 錯 {100 * valid_error(too_long):.1f}%"
)
run.claim(
    "步數不夠時，EMA 0.999 比 0.98 多錯幾個百分點",
    100 * valid_error(too_long) - live.loc["EMA 0.98", seeds[0]],
    at_least=2.0,
    level="simple",
    source="同一個種子；平均的長度 1/(1−衰減率) 要比總步數短得多",
)

# %% [markdown]
r"""
**小實驗的結論不能直接搬到大實驗**，這也是預先測得那張表存在的理由。

### 最後的模型：測試集，用一次

配方由驗證集決定好了（精簡）。訓練一次（quick 設定只跑 6 個 epoch，比預先測得的少 2 個），在測試集上算一次分數：
"""

# %%
final = train_digits(
    run.seed, data.train_x, data.train_y, epochs=run.final_epochs, **tricks_study.LEAN
)
with torch.no_grad():
    test_logits = final(data.test_x)
test_error = float((test_logits.argmax(dim=1) != data.test_y).double().mean())
lecun = {
    "線性分類器（1998）": 12.0,
    "兩層，300 單元（1998）": 4.7,
    "三層，500+150 單元（1998）": 2.95,
    "兩層，800 單元，交叉熵（2003）": 1.6,
    "LeNet-5，卷積（1998）": 0.95,
}
everyone = lecun | {"這一課：784-256-256-10，精簡配方": round(100 * test_error, 2)}
display(pd.Series(everyone, name="測試錯誤率（%）").to_frame())
run.claim(
    "MNIST 測試錯誤率（精簡配方，%）",
    100 * test_error,
    at_most=1.3,
    level="strong",
    source="課程的門檻是 1.8；LeCun 網頁上不做資料增強的 MLP 最好約 1.5，供參考",
)

# %% [markdown]
r"""
比較要公平：我們用了平移增強，等於多看了資料；LeCun 網頁上做了變形增強的 MLP 也能到 1% 以下。卷積網路不必增強就能到 0.95%，因為「同一個圖樣移到哪裡都認得」寫在它的結構裡；那是下一課的事。

### 換一個資料集還成立嗎

同樣的配方不重調，用在 FashionMNIST（和縮短版一樣 10,000 張、3 個 epoch，另外 2,000 張驗證）：
"""

# %%
fashion = datasets.fashion_mnist()
clothes = fashion.train_images.flatten(1).float() / 255
clothes = (clothes - clothes[:10_000].mean()) / clothes[:10_000].std()
fashion_errors = {}
for name, changes in [("基準", {}), ("精簡", tricks_study.LEAN)]:
    fashion_errors[name] = []
    for seed in seeds:
        net = train_digits(
            seed, clothes[:10_000], fashion.train_labels[:10_000],
            epochs=3, width=run.width, **changes,
        )  # fmt: skip
        wrong_share = error_rate(net, clothes[18_000:], fashion.train_labels[18_000:])
        fashion_errors[name].append(100 * wrong_share)
display(pd.DataFrame(fashion_errors, index=[f"種子 {s}" for s in seeds]).T.round(2))
fashion_gain = np.mean(fashion_errors["基準"]) - np.mean(fashion_errors["精簡"])
fashion_share = fashion_gain / np.mean(fashion_errors["基準"])
digit_share = 1 - live.mean(axis=1)["精簡"] / live.mean(axis=1)["基準"]
print(f"精簡讓錯誤少了：MNIST（縮短版）{digit_share:.0%}，FashionMNIST {fashion_share:.0%}")
run.claim(
    "FashionMNIST 少錯的比例，是 MNIST 縮短版的幾倍",
    fashion_share / digit_share,
    at_most=0.6,
    level="simple",
    source="同樣的配方；配方是在 MNIST 上挑的，換了資料就打折",
)

# %% [markdown]
r"""
在 MNIST 上挑出來的配方，換一個資料集就打了折扣：上表兩種配方的差距，和種子之間的起伏比起來不大。可能的原因：衣服的照片都擺得很正，平移增強補的變化在測試時並不出現；標籤平滑、學習率也都沒有替它調過。**配方不是真理，要在自己的資料上重新量。**

### double descent 一瞥

500 張圖、兩成標籤故意弄錯；第一層是亂數、不訓練，只解最後一層的最小平方（最短解）。把特徵由 20 個加到 4,000 個：
"""

# %%
from dlbook.supervised_learning.double_descent import (  # inline
    flip_labels,
    random_features,
    shortest_solution,
)

# %%
generator = torch.Generator().manual_seed(run.seed)
few_x, few_y = data.train_x[:500], flip_labels(data.train_y[:500], 0.2, generator)
few_target = one_hot(few_y).double()
unseen_x, unseen_y = data.valid_x[:2_000], data.valid_y[:2_000]
feature_counts = [20, 50, 100, 200, 300, 400, 500, 600, 800, 1500, 4000]
descent = {"訓練（最短解）": [], "驗證（最短解）": [], "驗證（ridge）": []}
for count in feature_counts:
    both = random_features(torch.cat([few_x, unseen_x]), count, generator)
    inside, outside = both[:500], both[500:]
    for label, ridge in [("最短解", 0.0), ("ridge", 10.0)]:
        weight = shortest_solution(inside, few_target, ridge)
        missed = ((outside @ weight).argmax(dim=1) != unseen_y).double().mean()
        descent[f"驗證（{label}）"].append(100 * missed.item())
        if ridge == 0:
            missed = ((inside @ weight).argmax(dim=1) != few_y).double().mean()
            descent["訓練（最短解）"].append(100 * missed.item())
figure = chart(
    {name: (feature_counts, errors) for name, errors in descent.items()},
    title="double descent：500 張圖（兩成標籤是錯的），特徵越來越多",
    xlabel="亂數特徵的個數（對數座標）",
    ylabel="錯誤率（%）",
    logx=True,
    markers=True,
)
figure.axes[0].axvline(500, color="gray", linestyle=":")
figure.axes[0].text(520, 5, "特徵數 = 資料數", color="gray")
plotting.show(
    figure,
    alt="最短解的驗證錯誤率先降，在特徵數等於 500 時衝到最高，之後再降到比前面的低點更低；訓練錯誤率在 500 之前降到 0；ridge 的線沒有尖峰。",
)
peak = descent["驗證（最短解）"][feature_counts.index(500)]
first_valley = min(descent["驗證（最短解）"][: feature_counts.index(500)])
run.claim(
    "尖峰（特徵數 = 資料數）比 4,000 個特徵多錯幾個百分點",
    peak - descent["驗證（最短解）"][-1],
    at_least=30.0,
    level="medium",
    source="arXiv:1912.02292；arXiv:1812.11118",
)
run.claim(
    "第二次下降比第一個低點再少錯幾個百分點",
    first_valley - descent["驗證（最短解）"][-1],
    at_least=1.0,
    level="strong",
    source="同上：過參數化的模型，儘管訓練錯誤是 0，仍然比小模型準",
)
run.claim(
    "在尖峰處，ridge 讓錯誤率少幾個百分點",
    peak - descent["驗證（ridge）"][feature_counts.index(500)],
    at_least=25.0,
    level="medium",
    source="消融：同樣的特徵，只加正則化",
)

# %% [markdown]
r"""
正則化加得夠，就沒有尖峰。在這個亂數特徵的模型上，大到「剛好背得起來」又沒有正則化，是最危險的地方；真的大很多，就回到（甚至低於）小模型的水準，但仍輸給調好的 ridge。

### 超參數搜尋：optuna 對亂數搜尋

五個超參數一起找：學習率、權重衰減、dropout、標籤平滑、批次大小。每次試驗是一個 0.1 秒左右的小訓練。optuna 的 TPE（tree-structured Parzen estimator）會看前面的結果決定下一組；**亂數搜尋**用同樣的次數當對照。前四次兩者抽到的相同。
"""

# %%
optuna.logging.set_verbosity(optuna.logging.WARNING)
tiny_x, tiny_y = data.train_x[:2_000], data.train_y[:2_000]


def tiny_error(trial):
    """一次試驗：2,000 張、3 個 epoch；傳回驗證錯誤率。"""
    settings = {
        "lr": trial.suggest_float("lr", 1e-4, 1e-1, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-3, 1.0, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        "smoothing": trial.suggest_float("smoothing", 0.0, 0.3),
        "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128, 256]),
    }
    net = train_digits(run.seed, tiny_x, tiny_y, epochs=3, width=64, schedule=True, **settings)
    return valid_error(net)


searches = {"TPE": [], "亂數": []}
trials = []
for i in range(run.searches):
    for name in searches:
        seed = 1000 * run.seed + i
        sampler = (
            optuna.samplers.TPESampler(seed=seed, n_startup_trials=4)
            if name == "TPE"
            else optuna.samplers.RandomSampler(seed=seed)
        )
        search = optuna.create_study(sampler=sampler)
        search.optimize(tiny_error, n_trials=run.trials)
        table = search.trials_dataframe()
        searches[name].append(100 * table["value"].cummin())
        trials.append(table[["params_lr", "value"]])
default_net = train_digits(run.seed, tiny_x, tiny_y, epochs=3, width=64, schedule=True)
default_error = 100 * valid_error(default_net)

# %%
figure, panels = plt.subplots(1, 2, figsize=(8, 3.1))
plotting.line_chart(
    {name: (range(1, run.trials + 1), np.mean(s, axis=0)) for name, s in searches.items()},
    title=f"到目前為止最好的（{run.searches} 次搜尋平均）",
    xlabel="第幾次試驗",
    ylabel="驗證錯誤率（%）",
    markers=True,
    ax=panels[0],
)
panels[0].axhline(default_error, color="gray", linestyle=":", label="預設值")
panels[0].legend()
trials = pd.concat(trials)
panels[1].scatter(trials["params_lr"], 100 * trials["value"], s=14, color=plotting.COLORS[0])
panels[1].set(
    xscale="log", title="全部的試驗：學習率與錯誤率", xlabel="學習率", ylabel="驗證錯誤率（%）"
)
plotting.show(
    figure,
    alt="左圖：兩種搜尋最好的錯誤率都隨試驗次數下降，起初還在預設值之上，後來遠低於它。右圖：每一點是一次試驗，學習率在百分之一附近的錯誤率最低，太小的都很差，太大的散得很開。",
)
ends = {name: np.array([s.iloc[-1] for s in values]) for name, values in searches.items()}
gap = ends["亂數"] - ends["TPE"]
print(
    f"預設值 {default_error:.1f}%；TPE {ends['TPE'].mean():.2f}%，亂數 {ends['亂數'].mean():.2f}%"
)
error = gap.std(ddof=1) / np.sqrt(len(gap))
verdict = "分不出勝負" if abs(gap.mean()) < 2 * error else "TPE 贏" if gap.mean() > 0 else "亂數贏"
print(f"TPE 比亂數少錯 {gap.mean():.2f} ± {error:.2f} 個百分點（{len(gap)} 次搜尋）：{verdict}")
run.claim(
    f"{run.trials} 次試驗的亂數搜尋，比預設值少錯幾個百分點",
    default_error - ends["亂數"].mean(),
    at_least=2.0,
    level="medium",
    source="同一次執行裡預設的學習率 1e-3、不做正則化",
)

# %% [markdown]
r"""
「有找」比「沒找」好很多。至於「聰明地找」有沒有贏過「亂數地找」，看上面那一行：差距要大過搜尋之間的起伏才算數，這麼少的次數通常不夠。TPE 的優勢通常要試得更多次才看得出來。右圖裡學習率太小的一定不好，太大的則要看其他四個超參數的臉色。
"""

# %% [markdown]
r"""
## 看看哪裡錯

### 還錯的那些圖
"""

# %%
losses = nn.functional.cross_entropy(test_logits, data.test_y, reduction="none")
predicted = test_logits.argmax(dim=1)
wrong = torch.nonzero(predicted != data.test_y).flatten()
hardest = wrong[losses[wrong].argsort(descending=True)][:20]
figure = plotting.image_grid(
    data.test_x[hardest].reshape(-1, 28, 28),
    titles=[f"{int(data.test_y[i])} → {int(predicted[i])}" for i in hardest],
    title="錯得最有把握的 20 張（正確答案 → 模型的答案）",
)
plotting.show(figure, alt="二十張答錯的手寫數字，多半寫得殘缺、傾斜或像另一個數字。")
confidence = test_logits.softmax(dim=1).max(dim=1).values
right = predicted == data.test_y
print(f"{len(data.test_y):,} 張答錯 {len(wrong)} 張")
print(f"平均把握：答對的 {confidence[right].mean():.1%}，答錯的 {confidence[~right].mean():.1%}")
run.claim(
    "答對與答錯的平均把握差多少",
    confidence[right].mean() - confidence[~right].mean(),
    at_least=0.2,
    level="simple",
    source="測試集；把握是 softmax 的最大值",
)

# %% [markdown]
r"""
剩下的錯，有些連人都要猶豫。用了標籤平滑，模型答對時的把握也到不了 100%，答錯時明顯低：把握可以拿來決定「哪些要交給人看」。

### 死掉的 ReLU

學習率太大時，一步就可能把偏置推到很負，之後**每一張圖**經過這個單元都是 0，梯度也是 0，幾乎救不回來：
"""

# %%
from dlbook.supervised_learning.initialization import dead_share  # inline

# %%
rows = []
for lr in [1e-3, 1e-2, 5e-2]:
    net, leaky = fresh(run.seed), fresh(run.seed, activation=lambda: nn.LeakyReLU(0.1))
    for model in (net, leaky):
        practise(model, Adam(model.parameters(), lr), seed=run.seed)
    rows.append([lr, dead_share(net, data.valid_x), valid_error(net), valid_error(leaky)])
columns = ["學習率", "死掉的 ReLU", "ReLU 的錯誤率", "leaky ReLU 的錯誤率"]
display(pd.DataFrame(rows, columns=columns).set_index("學習率").map("{:.1%}".format))
run.claim(
    "學習率 0.05 時死掉的 ReLU，比學習率 0.001 多多少（比例）",
    rows[-1][1] - rows[0][1],
    at_least=0.4,
    level="medium",
    source="Adam；「死掉」是對 5,000 張驗證圖的輸出全是 0",
)

# %% [markdown]
r"""
leaky ReLU 在負的那邊留一點斜率，單元不會死透；但根本的解法是把學習率降下來，或加上 warm-up 與正規化。

### 損失不動了，是走到臨界點了嗎

接著 2021 HW2-2：用[數學要點](../foundations/math_essentials.ipynb)的小網路與 Hessian，沿著訓練一路量損失、梯度的長度與 minimum ratio（正的特徵值的比例，超過 0.5 當作像谷底）。真正的判準是有沒有負的特徵值。
"""

# %%
from dlbook.foundations.critical_points import (
    descend,
    gradient_and_hessian,
    minimum_ratio,
    small_net_loss,
)

line = torch.linspace(-1, 1, 40, dtype=torch.float64)
small_loss, count = small_net_loss(line, torch.sinc(5 * line), hidden=8)
generator = torch.Generator().manual_seed(run.seed)
start = torch.randn(count, generator=generator, dtype=torch.float64)
walk = descend(small_loss, start, lr=0.05, steps=4_000)
marks = list(range(0, 4_001, 200))
derivatives = [gradient_and_hessian(small_loss, walk[i]) for i in marks]
lengths = [g.norm().item() for g, _ in derivatives]
ratios = [minimum_ratio(h) for _, h in derivatives]
figure, panels = plt.subplots(1, 3, figsize=(9.5, 2.8))
for axes, values, label, logy in [
    (panels[0], [small_loss(walk[i]).item() for i in marks], "損失", False),
    (panels[1], lengths, "梯度的長度", True),
    (panels[2], ratios, "minimum ratio", False),
]:
    plotting.line_chart(
        {label: (marks, values)}, title=label, xlabel="步", ylabel=label, logy=logy, ax=axes
    )
panels[2].axhline(1, color="gray", linestyle=":")
plotting.show(
    figure,
    alt="三張圖：損失先快降再慢慢下降；梯度的長度降到百分之一左右就不再變小；minimum ratio 一直在 1 以下。",
)
negative = int((torch.linalg.eigvalsh(derivatives[-1][1]) < -1e-8).sum())
run.claim(
    "下降 4,000 步之後，Hessian 負的特徵值有幾個",
    negative,
    at_least=1,
    level="simple",
    source=f"還有往下彎的方向；minimum ratio 是 {ratios[-1]:.2f}",
)
late = small_loss(walk[4_000]).item() / small_loss(walk[400]).item()
print(f"最後的梯度長度 {lengths[-1]:.1e}：不是 0，所以連臨界點都還不是")
print(f"第 4,000 步的損失是第 400 步的 {late:.0%}")
run.claim(
    "第 4,000 步的損失，是第 400 步的幾分之幾",
    late,
    at_most=0.95,
    level="simple",
    source="看起來停了，其實還在慢慢降",
)

# %% [markdown]
r"""
損失還在慢慢降，梯度也不是 0，Hessian 還有負的特徵值：**這個小網路不是卡在谷底**，而是在又長又平的地方慢慢走。動量、Adam、學習率排程修的正是這件事。
"""

# %% [markdown]
r"""
## 常見的坑

### 坑一：在 Adam 裡用 L2 當權重衰減

`torch.optim.Adam(weight_decay=…)` 是 L2，`AdamW` 才是脫鉤的。兩個參數都從 1 出發，梯度是平均 0 的雜訊，只差大小一千倍。權重衰減應該把兩個縮得一樣多：
"""


# %%
def shrink(kind):
    """兩個參數，梯度雜訊的大小是 0.01 與 10；傳回 500 步的路徑。"""
    p = nn.Parameter(torch.ones(2))
    optimizer = kind([p], 3e-3, weight_decay=0.3)
    noise = torch.randn(500, 2, generator=torch.Generator().manual_seed(run.seed))
    path = []
    for step in range(500):
        p.grad = noise[step] * torch.tensor([0.01, 10.0])
        optimizer.step()
        path.append(p.detach().clone())
    return torch.stack(path)


figure, panels = plt.subplots(1, 2, figsize=(8, 3), sharey=True)
for axes, kind in zip(panels, [Adam, AdamW]):
    path = shrink(kind)
    plotting.line_chart(
        {"梯度小（0.01）": (range(500), path[:, 0]), "梯度大（10）": (range(500), path[:, 1])},
        title={"Adam": "Adam：L2 加進梯度", "AdamW": "AdamW：脫鉤"}[kind.__name__],
        xlabel="步",
        ylabel="參數",
        ax=axes,
    )
plotting.show(
    figure,
    alt="左圖：Adam 加 L2，梯度小的參數很快縮到 0，梯度大的幾乎不縮。右圖：AdamW，兩個參數大致以同樣的速度慢慢變小。",
)
decayed = {}
for kind in (Adam, AdamW):
    errors = []
    for seed in seeds:
        net = fresh(seed)
        rule = kind(net.parameters(), 2e-3, weight_decay=0.05)
        practise(net, rule, 3 * run.steps // 2, seed=seed)
        errors.append(100 * valid_error(net))
    decayed[kind.__name__] = np.mean(errors)
print("權重衰減都設 0.05：", "、".join(f"{k} 錯 {v:.1f}%" for k, v in decayed.items()))
run.claim(
    "同樣的權重衰減 0.05，Adam 的 L2 比 AdamW 多錯幾個百分點",
    decayed["Adam"] - decayed["AdamW"],
    at_least=1.5,
    level="medium",
    source="三個種子；arXiv:1711.05101",
)

# %% [markdown]
r"""
**症狀**：權重衰減設成論文的值，模型卻學不起來。**解法**：用 `AdamW`；從 `Adam` 換過來時，權重衰減要重新調。

### 坑二：評估時忘了 `eval()`

同一個模型、同一份驗證集，只差評估的模式與批次怎麼排：
"""

# %%
import copy

forgetful = copy.deepcopy(
    train_digits(run.seed, small_x, small_y, epochs=4, width=run.width, norm="batch", dropout=0.3)
)
order = data.valid_y.argsort(stable=True)  # 同一類排在一起


@torch.no_grad()
def batched_error(model, index):
    """一次 100 張，照 index 的順序評估。"""
    missed = [(model(data.valid_x[b]).argmax(1) != data.valid_y[b]).sum() for b in index.split(100)]
    return float(sum(missed)) / len(index)


shuffled = torch.randperm(5_000, generator=torch.Generator().manual_seed(0))
modes = {"有 eval()": batched_error(forgetful.eval(), shuffled)}
modes["有 eval()，同類排在一起"] = batched_error(forgetful.eval(), order)
modes["忘了 eval()，批次打亂"] = batched_error(copy.deepcopy(forgetful).train(), shuffled)
modes["忘了 eval()，同類排在一起"] = batched_error(copy.deepcopy(forgetful).train(), order)
display((100 * pd.Series(modes, name="驗證錯誤率（%）")).round(1).to_frame())
run.claim(
    "忘了 eval()、同類排在一起，多錯幾個百分點",
    100 * (modes["忘了 eval()，同類排在一起"] - modes["有 eval()"]),
    at_least=15.0,
    level="simple",
    source="同一個模型；BatchNorm 用了評估批次自己的統計量，dropout 還開著",
)

# %% [markdown]
r"""
**症狀**：同一張圖的答案，會隨著跟誰一起送進去而變。**解法**：評估前 `model.eval()`，訓練前 `model.train()`；改變批次的順序或大小，結果應該完全不變，可以拿來當測試。

### 坑三：排程該每步走，卻每個 epoch 才走一次

排程以「總步數」設計，卻只在 epoch 結束時呼叫 `scheduler.step()`：整個訓練都停在 warm-up 的最前面。
"""

# %%
per_epoch = len(TensorLoader(small_x, small_y, 128))
total = 3 * per_epoch


class EveryEpoch:
    """錯的版本：每 per_epoch 步才真的走一格。"""

    def __init__(self, scheduler):
        self.scheduler, self.calls = scheduler, 0

    def step(self):
        self.calls += 1
        if self.calls % per_epoch == 0:
            self.scheduler.step()


stepped = {}
for name, wrap in [("每一步走一格", lambda s: s), ("每個 epoch 走一格", EveryEpoch)]:
    errors = []
    for seed in seeds:
        net = fresh(seed)
        rule = SGD(net.parameters(), 0.05, momentum=0.9)
        schedule = wrap(follow(rule, lambda s: warmup_cosine(s, total, total // 10)))
        practise(net, rule, total, seed=seed, scheduler=schedule)
        errors.append(100 * valid_error(net))
    stepped[name] = errors
    used = rule.param_groups[0]["lr"]
    print(f"{name}：錯 {np.mean(errors):.1f}%，結束時的學習率 {used:.1e}")
run.claim(
    "排程每個 epoch 才走一格，多錯幾個百分點",
    np.mean(stepped["每個 epoch 走一格"]) - np.mean(stepped["每一步走一格"]),
    at_least=1.0,
    level="medium",
    source="三個種子；同樣的步數與最高學習率",
)

# %% [markdown]
r"""
反過來也會錯：以 epoch 數設計的排程（`CosineAnnealingLR(optimizer, T_max=5)`）每一步都走，5 步就到底，之後學習率又升回去，一路上下震盪。**症狀**：學得特別慢，或損失週期性地起伏。**解法**：把每一步的學習率畫出來看一次。

### 坑四：忘了 `zero_grad`

在 SGD 上會大幅震盪（[PyTorch 基礎](../foundations/pytorch_fundamentals.ipynb)看過）。Adam 會除以梯度的大小，所以不會一下子變成 nan：損失先降一點，然後卡在高處。
"""


# %%
class NeverZero(AdamW):
    """錯的版本：zero_grad 什麼都不做。"""

    def zero_grad(self, set_to_none=True):
        pass


zeroed = {}
for name, kind in [("有 zero_grad", AdamW), ("忘了 zero_grad", NeverZero)]:
    net = fresh(run.seed)
    zeroed[name] = practise(net, kind(net.parameters(), 2e-3), seed=run.seed)
for name, losses in zeroed.items():
    parts = [np.mean(losses[i : i + 10]) for i in (0, 10, 60, len(losses) - 10)]
    print(f"{name}：損失", " → ".join(f"{x:.2f}" for x in parts))
run.claim(
    "忘了 zero_grad 時，最後 50 步的損失是正常的幾倍",
    np.mean(zeroed["忘了 zero_grad"][-50:]) / np.mean(zeroed["有 zero_grad"][-50:]),
    at_least=3.0,
    level="simple",
    source="同樣的起點、批次與學習率",
)

# %% [markdown]
r"""
**症狀**：剛開始還會降，接著卡住或往上。**解法**：每一步 `backward()` 之前 `zero_grad()`；只有故意累積好幾個批次的梯度（湊出大批次）時才例外。

### 坑五：看著測試集挑模型

「我只是挑了分數最高的那個」，聽起來沒有作弊。實驗：40 個**完全相同的配方**，只差種子，實力幾乎一樣。把驗證集切成兩份：500 張當「公開的測試集」拿來挑，4,500 張當「沒看過的資料」。
"""

# %%
answers = []
for seed in range(40):
    net = train_digits(
        1000 * run.seed + seed, tiny_x, tiny_y, epochs=4, width=64, schedule=True, lr=4e-3
    )
    with torch.no_grad():
        answers.append((net(data.valid_x).argmax(1) != data.valid_y).numpy())
answers = 100.0 * np.array(answers)
rng = np.random.default_rng(run.seed)
tried = [1, 2, 5, 10, 20, 40]
public, private = [], []
for k in tried:
    pairs = []
    for _ in range(1_000):  # 重切一千次，平均掉「剛好切到哪些圖」
        mixed = rng.permutation(5_000)
        models = answers[rng.permutation(40)[:k]]
        scores = models[:, mixed[:500]].mean(axis=1)
        best = scores.argmin()
        pairs.append((scores[best], models[best, mixed[500:]].mean()))
    public.append(np.mean([p for p, _ in pairs]))
    private.append(np.mean([q for _, q in pairs]))
figure = chart(
    {"在挑選用的 500 張上": (tried, public), "在沒看過的 4,500 張上": (tried, private)},
    title="從 k 個配方相同的模型裡，挑測試分數最好的",
    xlabel="試了幾個模型（對數座標）",
    ylabel="錯誤率（%）",
    logx=True,
    markers=True,
)
plotting.show(
    figure,
    alt="試的模型越多，挑選用的那份錯誤率越低；沒看過的資料上只降一點點，兩條線越離越開。",
)
print(f"試 40 個：報告的錯誤率 {public[-1]:.2f}%，真正的 {private[-1]:.2f}%")
run.claim(
    "試 40 個再挑，報告的錯誤率虛報了幾個百分點",
    private[-1] - public[-1],
    at_least=0.8,
    level="medium",
    source="500 張的測試集；只試一個時的虛報應該是 0",
)
run.claim(
    "只試一個，虛報了幾個百分點",
    private[0] - public[0],
    near=(0, 0.25),
    level="simple",
    source="對照：不挑就沒有虛報",
)

# %% [markdown]
r"""
**症狀**：競賽的公開排行榜很高，私有排行榜掉下來。**解法**：用驗證集挑，測試集只在最後用一次；驗證集也會被挑壞，所以最後報的是測試的數字。同一個道理，標準化的平均與標準差、字典、特徵選擇，都不能看測試集。

## 練習

寫完執行下一格，就會告訴你對不對。
"""

# %%
from dlbook.exercises.supervised_learning.mlp_training import he_weight  # exercise

# %%
from dlbook.exercises.supervised_learning.mlp_training import learning_rate  # exercise

# %%
from dlbook.exercises.supervised_learning.mlp_training import adam_step  # exercise

# %%
from dlbook.exercises.supervised_learning.mlp_training import batch_norm  # exercise

# %%
from dlbook.exercises.supervised_learning.mlp_training import mixup_batch  # exercise

# %%
from dlbook.exercises.supervised_learning.mlp_training import path_errors  # exercise

# %% [markdown]
r"""
用你的 `path_errors` 走一次：一條路是兩個不同種子的模型之間，另一條是同一次訓練的第 3 與第 6 個 epoch 之間。（還沒作答時，這裡用的是參考解答。）
"""

# %%
ts = [0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0]
plain = {"width": run.width}
early, other = (train_digits(s, small_x, small_y, epochs=3, **plain) for s in (seeds[0], seeds[1]))
later = copy.deepcopy(early)
practise(later, AdamW(later.parameters(), 1e-3), 3 * per_epoch, seed=run.seed)
roads = {
    "不同種子的兩個模型": path_errors(early, other, data.valid_x, data.valid_y, ts),
    "同一次訓練的前後": path_errors(early, later, data.valid_x, data.valid_y, ts),
}
figure = chart(
    {name: (ts, [100 * e for e in errors]) for name, errors in roads.items()},
    title="參數直線內插，路上的錯誤率",
    xlabel="t（0 是第一個模型，1 是第二個）",
    ylabel="驗證錯誤率（%）",
    markers=True,
)
plotting.show(
    figure,
    alt="不同種子之間的路中間高高隆起；同一次訓練前後之間的路是平的，甚至略低於兩端。",
)

# %% [markdown]
r"""
同一次訓練的前後在同一個谷裡，平均起來還在谷底：這就是 EMA 與 SWA 能用的原因。不同種子的模型在不同的谷，平均起來掉在山上。

### 想一想

1. Adam 的第一步，每個參數都走正好一個學習率，不管梯度多大。這對 warm-up 說明了什麼？

<details><summary>參考答案</summary>

第一步的 $\hat m/\sqrt{\hat v}=\pm1$：就算某個參數的梯度只是雜訊，也照樣走滿一步。前幾步的 $\hat v$ 只看過幾個批次，很不準，所以一開始用小的學習率，等統計量穩定再放大。

</details>

2. BatchNorm 前面的 Linear 還需要偏置嗎？權重衰減作用在那個 Linear 上，還有沒有意義？

<details><summary>參考答案</summary>

偏置會被減平均消掉，不需要。權重放大縮小也不改變輸出，所以權重衰減不是在限制函式，而是在控制「有效學習率」：權重變小，同樣的步伐相對就變大。

</details>

3. 「加上這個技巧少錯 0.05 個百分點，所以有用。」聽到這句話，你會先問什麼？

<details><summary>參考答案</summary>

幾個種子、標準差多少、驗證集多大（5,000 張裡 0.05 個百分點是 2.5 張圖）；基準的學習率有沒有一樣認真地調過；是不是試了很多個技巧、只報最好的那個（坑五）。

</details>
"""

# %% [markdown]
r"""
## 驗收

本課的主張與量測結果：
"""

# %%
lesson.finish(run)

# %% [markdown]
r"""
## 延伸閱讀

- Glorot 與 Bengio，*Understanding the difficulty of training deep feedforward neural networks*，AISTATS 2010；He 等人，[arXiv:1502.01852](https://arxiv.org/abs/1502.01852)——初始化。
- Kingma 與 Ba，*Adam*，[arXiv:1412.6980](https://arxiv.org/abs/1412.6980)；Loshchilov 與 Hutter，*Decoupled Weight Decay Regularization*，[arXiv:1711.05101](https://arxiv.org/abs/1711.05101)——Adam 與 AdamW。
- Keller Jordan，*Muon: An optimizer for hidden layers in neural networks*，2024；Liu 等人，*Muon is Scalable for LLM Training*，[arXiv:2502.16982](https://arxiv.org/abs/2502.16982)。
- Loshchilov 與 Hutter，*SGDR*，[arXiv:1608.03983](https://arxiv.org/abs/1608.03983)；Goyal 等人，[arXiv:1706.02677](https://arxiv.org/abs/1706.02677)；Smith，[arXiv:1506.01186](https://arxiv.org/abs/1506.01186)——cosine、warm-up、範圍測試。
- Ioffe 與 Szegedy，*Batch Normalization*，[arXiv:1502.03167](https://arxiv.org/abs/1502.03167)；Ba 等人，*Layer Normalization*，[arXiv:1607.06450](https://arxiv.org/abs/1607.06450)。
- Zhang 等人，*mixup*，[arXiv:1710.09412](https://arxiv.org/abs/1710.09412)；Izmailov 等人（SWA），[arXiv:1803.05407](https://arxiv.org/abs/1803.05407)。
- McCandlish 等人，*An Empirical Model of Large-Batch Training*，[arXiv:1812.06162](https://arxiv.org/abs/1812.06162)——批次該多大。
- Akiba 等人，*Optuna*，[arXiv:1907.10902](https://arxiv.org/abs/1907.10902)——超參數搜尋。
- Nakkiran 等人，*Deep Double Descent*，[arXiv:1912.02292](https://arxiv.org/abs/1912.02292)；Dauphin 等人（鞍點），[arXiv:1406.2572](https://arxiv.org/abs/1406.2572)。
- 課程：李宏毅 [ML 2021](https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php)「類神經網路訓練不起來怎麼辦」系列（局部最小值與鞍點、批次與動量、自動調整學習率、批次標準化）與作業 HW2-2。
- 下一課：[卷積神經網路](../computer_vision/cnn_fundamentals.ipynb)——把「同一個圖樣移到哪裡都認得」寫進網路的結構。
"""
