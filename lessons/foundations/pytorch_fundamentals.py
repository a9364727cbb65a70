# %% [markdown]
r"""
# PyTorch 基礎：從零寫一個自動微分引擎

**一句話**：自動微分（automatic differentiation）就是「會記帳的陣列」——每個陣列記得自己怎麼算出來的，梯度就能沿著帳本一路算回去。

學完這一課，你能夠：

- 看著 shape 和 stride，說出一個張量在記憶體裡長什麼樣子，哪些操作不花記憶體；
- 用 150 行以內的 NumPy 寫出自動微分引擎，梯度和 PyTorch 一致；
- 用 PyTorch 的 `Module`、`Dataset`、最佳化器（optimizer）與這門課的 `fit` 訓練網路，存檔、續跑、找出時間花在哪裡。

| | |
| --- | --- |
| 先備 | 會 Python 與 NumPy；知道偏微分與連鎖律。[環境與量測](environment_setup.ipynb)、[數學要點](math_essentials.ipynb)，已有同等的基礎就可以直接開始 |
| 作業 | 沒有直接對應的作業；李宏毅老師三門課（ML 2021、ML 2025、GenAI-ML 2025）的程式作業都用到這些工具 |
| 時間 | 兩核心 CPU 執行不到 1 分鐘；讀與練習約 3 小時。GPU（full）未驗證 |
| 資料 | MNIST 手寫數字，隨課程附上（CC BY-SA 3.0） |
"""

# %%
import inspect
from typing import Any

import numpy as np
import pandas as pd
import torch
from IPython.display import display
from torch import nn

from dlbook import datasets, lesson, measure, plotting

run = lesson.start(
    "foundations/pytorch_fundamentals",
    quick={"train_size": 10_000, "hidden": 64, "torch_epochs": 4, "repeats": 3},
    full={"train_size": 50_000, "hidden": 256, "torch_epochs": 20, "repeats": 3},
)

# %% [markdown]
r"""
## 先看結果

下面用兩個引擎訓練同一個網路：一個是這一課要寫的，只用 NumPy；一個是 PyTorch。起始權重、資料、批次的順序都相同，只差「梯度由誰算」。

資料是 MNIST。訓練集 60,000 張的最後 5,000 張留作**驗證集**（validation set，用來做選擇），測試集 10,000 張只在〈實驗〉的最後算分數。
"""

# %%
from dlbook.foundations import autograd, mlp

data = datasets.mnist()
images = data.train_images.flatten(1).float() / 255  # (60000, 784)，像素 0 到 1
train_x, train_y = images[:55_000], data.train_labels[:55_000]
valid_x, valid_y = images[55_000:], data.train_labels[55_000:]
test_x, test_y = data.test_images.flatten(1).float() / 255, data.test_labels

first = mlp.init_weights([784, 32, 10], np.random.default_rng(run.seed))
recipe: dict[str, Any] = {"lr": 0.2, "epochs": 1, "batch_size": 100}
curves = {}
for name, train in [("自己的引擎", mlp.train_by_engine), ("PyTorch", mlp.train_by_torch)]:
    rng = np.random.default_rng(run.seed)
    _, curves[name] = train(
        first, train_x[:6_000].numpy(), train_y[:6_000].numpy(), **recipe, rng=rng
    )

steps = range(1, 61)
figure = plotting.line_chart(
    {"自己的引擎（線）": (steps, curves["自己的引擎"])},
    title="同樣的起點、同樣的資料：兩條訓練曲線",
    xlabel="步",
    ylabel="交叉熵損失",
)
axes = figure.axes[0]
axes.plot(steps[::3], curves["PyTorch"][::3], "o", color=plotting.COLORS[1], label="PyTorch（點）")
axes.legend()
plotting.show(
    figure, alt="自己的引擎的訓練損失是一條往下走的線，PyTorch 每隔三步畫一個點，每個點都落在線上。"
)
gap = max(abs(a - b) for a, b in zip(curves["自己的引擎"], curves["PyTorch"]))
print(f"60 步裡兩條曲線最大的差距：{gap:.1e}")
source = [line for line in inspect.getsource(autograd).splitlines() if line.strip()]
print(f"整個引擎（含交叉熵）扣掉空行共 {len(source)} 行")

# %% [markdown]
r"""
每個點都落在線上：差距小到只剩浮點數的捨入誤差。
接下來就把畫出那條線的引擎寫出來。先從它的材料——張量——開始。
"""

# %% [markdown]
r"""
## 直覺

### 張量是「一排數字」加上「怎麼走」

記憶體是一維的。一個 2×3 的矩陣其實是六個數排成一排，外加一份說明書：形狀（shape）與步幅（stride）。
步幅說的是「這一軸的索引加一，要在那一排裡跨幾格」。

換一份說明書，同一排數字就變成另一個張量，一個數都不用搬。下圖格子裡的數字是元素在記憶體中的位置：
"""

# %%
from dlbook.foundations.pictures import graph_picture, storage_picture

x = torch.arange(6).reshape(2, 3)
views = {"x": x, "x.T（轉置）": x.T, "x[:, ::2]": x[:, ::2], "x[1:]": x[1:]}
plotting.show(
    storage_picture(views),
    alt="一排六格的記憶體與四種視圖：2×3 的 x，步幅 (3, 1)；3×2 的轉置，步幅 (1, 3)；隔欄取的 2×2，步幅 (3, 2)；從位置 3 開始的第二列。",
)
# %% [markdown]
r"""
轉置只是把步幅的順序對調；`x[:, ::2]` 隔一欄取，欄的步幅乘以二；`x[1:]` 換了起點，從位置 3 開始。這種「共用同一排數字」的張量叫**視圖**（view）：改視圖，原本的張量也跟著變。

廣播（broadcasting）也是同一招，把步幅設成 0：不管索引走到哪，讀到的都是同一個數。
"""

# %%
y = torch.arange(6).reshape(2, 3)
y.T[0, 1] = 99
print("改了轉置的 [0, 1]，原本的張量變成", y.tolist())

row = torch.tensor([10.0, 20.0, 30.0])
stretched = row.expand(1_000_000, 3)
print("廣播後的 shape =", tuple(stretched.shape), "，stride =", stretched.stride())
print("看起來有", stretched.numel(), "個數，實際佔", stretched.untyped_storage().nbytes(), "位元組")

# %% [markdown]
r"""
### 自動微分是「記帳」

算 $L=(a\,b+c)^2$ 的時候，把每一步的輸入都記下來，就得到一張**計算圖**（computational graph）。前向（forward）時，值由左往右流；反向（backward）時，梯度由右往左流，每經過一條邊就乘上那一步的局部導數。這就是**反向傳播**（backpropagation）。
"""

# %%
a, b, c = (autograd.Tensor(v) for v in (2.0, 3.0, 1.0))
product = a * b
inner = product + c
loss = inner**2
loss.backward()
place: dict[str, Any] = {"a": (0, 2, a), "b": (0, 1, b), "c": (0, 0, c)}
place |= {"a·b": (2, 1.5, product), "a·b + c": (4, 0.75, inner), "L": (6, 0.75, loss)}
nodes = {name: (x, y, float(t.data), float(t.grad)) for name, (x, y, t) in place.items()}
edges = [
    ("a", "a·b", f"{b.data:g}"),
    ("b", "a·b", f"{a.data:g}"),
    ("a·b", "a·b + c", "1"),
    ("c", "a·b + c", "1"),
    ("a·b + c", "L", f"{2 * inner.data:g}"),
]
plotting.show(
    graph_picture(nodes, edges),
    alt="L=(ab+c)² 的計算圖。a=2、b=3、c=1，前向得到 L=49；反向得到 a 的梯度 42、b 的梯度 28、c 的梯度 14。",
)

# %% [markdown]
r"""
以 $a$ 為例：從 $L$ 走到 $a$ 要經過三條邊，局部導數是 14、1、3，相乘得 42。意思是：$a$ 加大一點點，$L$ 會增加大約 42 倍。代進去驗證：
"""

# %%
print(f"a 加大 0.001，L 增加 {(2.001 * 3 + 1) ** 2 - (2 * 3 + 1) ** 2:.6f}")

# %% [markdown]
r"""
## 原理

### 一個元素住在哪裡

$d$ 維張量的索引是 $(i_1,\dots,i_d)$，第 $k$ 軸的步幅是 $s_k$，起點是 $o$。元素在那一排數字裡的位置是

$$\text{位置}=o+\sum_{k=1}^{d} i_k\,s_k .$$

新建的張量通常是**連續的**（contiguous）：最後一軸的步幅是 1，往前一軸就乘上後面的長度，
$s_k=n_{k+1}n_{k+2}\cdots n_d$，其中 $n_k$ 是第 $k$ 軸的長度。
轉置之後公式照樣成立，但不再連續，這正是 `view` 有時會失敗的原因（見〈常見的坑〉）。`x[1:]` 的起點 $o$ 是 3。

### 廣播的規則

兩個形狀從**最後一軸**往前對齊。每一軸要嘛長度相同，要嘛其中一邊是 1（或根本沒有這一軸）；長度 1 的那邊被拉長，
步幅記成 0。所以 `(2, 3) + (3,)` 是每一列都加上同一個向量，`(2, 1) * (1, 3)` 是外積。

### einsum：把式子直接寫成程式

$C_{ij}=\sum_k A_{ik}B_{kj}$ 寫成 `einsum("ik,kj->ij", A, B)`：出現在輸入、沒出現在輸出的字母就是要加總的。批次的矩陣乘法只是多一個 `n`：`"nik,nkj->nij"`。它等於「廣播成 $(i,k,j)$、逐元素相乘、再沿 $k$ 加總」：
"""

# %%
A = torch.tensor([[1, 2, 3], [4, 5, 6]])
B = torch.tensor([[1, 0], [0, 1], [1, 1]])
outer = A[:, :, None] * B[None, :, :]
print("A[:, :, None] 的形狀", tuple(A[:, :, None].shape), "，相乘後", tuple(outer.shape))
print("沿 k 加總：", outer.sum(dim=1).tolist())
print("einsum　：", torch.einsum("ik,kj->ij", A, B).tolist())

# %% [markdown]
r"""
### 連鎖律，用向量說一次

設 $L$ 是最後的純量損失。對任何一個中間結果 $x$（形狀不拘），記

$$\bar x=\frac{\partial L}{\partial x}\qquad\text{（形狀與 }x\text{ 相同）}.$$

若 $y=f(x)$，而且已經知道 $\bar y$，連鎖律說 $\bar x_i=\sum_j \bar y_j\,\dfrac{\partial y_j}{\partial x_i}$。
這個「由 $\bar y$ 算 $\bar x$」的函式叫**反向規則**（文獻裡叫 vector–Jacobian product，VJP）。引擎只需要知道每種運算的反向規則（$\odot$ 是逐元素相乘；$[\,\cdot\,]$ 在條件成立時是 1，否則是 0）：

| 運算 | 反向規則 | 為什麼 |
| --- | --- | --- |
| $y=a+b$ | $\bar a=\bar y,\ \bar b=\bar y$ | 局部導數是 1 |
| $y=a\odot b$ | $\bar a=\bar y\odot b,\ \bar b=\bar y\odot a$ | 各自的局部導數是對方 |
| $y=e^x$ | $\bar x=\bar y\odot y$ | $e^x$ 的導數是自己 |
| $y=\ln x$ | $\bar x=\bar y/x$ | |
| $y=\max(x,0)$ | $\bar x=\bar y\odot[x>0]$ | 正的照傳，負的擋住 |
| $y=\sum_i x_i$ | $\bar x_i=\bar y$ | 每一項的局部導數都是 1 |
| $Y=XW$ | $\bar X=\bar Y W^\top,\ \bar W=X^\top\bar Y$ | 見下 |

矩陣乘法那一列值得推一次。$X$ 的形狀是 $(N,D)$、$W$ 是 $(D,K)$、$Y$ 與 $\bar Y$ 是 $(N,K)$。$Y_{nj}=\sum_k X_{nk}W_{kj}$，所以 $\partial Y_{nj}/\partial X_{nk}=W_{kj}$。代進連鎖律：
$\bar X_{nk}=\sum_j \bar Y_{nj}W_{kj}=(\bar Y W^\top)_{nk}$。對 $W$ 也一樣：$\bar W_{kj}=\sum_n X_{nk}\bar Y_{nj}=(X^\top\bar Y)_{kj}$。

有兩件事要特別小心（等一下會弄錯給你看）：

1. **一個值被用了好幾次**，它的梯度是每一條路的**總和**（連鎖律裡的 $\sum_j$）。所以梯度要累加，不能覆寫。
2. **廣播也是「用了好幾次」**。一個偏置加到 100 筆資料上，它的梯度就是 100 份的總和。

### softmax 與交叉熵，合起來算

分數 $z\in\mathbb{R}^K$，softmax 把它變成機率 $p_k=e^{z_k}/\sum_j e^{z_j}$。正確類別是 $y$，交叉熵（cross-entropy）損失是 $\ell=-\ln p_y=-z_y+\ln\sum_j e^{z_j}$。右邊第二項叫 log-sum-exp，它對 $z_k$ 的導數是

$$\frac{\partial}{\partial z_k}\ln\sum_j e^{z_j}=\frac{1}{\sum_j e^{z_j}}\cdot e^{z_k}=p_k .$$

所以 $\partial\ell/\partial z_k=p_k-[k=y]$：預測的機率減去 one-hot 的正確答案；對批次平均就再除以 $N$。

實作時先把每個 $z$ 減去最大值。分子分母同乘 $e^{-\max z}$，機率不變，但 $e^{1000}$ 這種溢位就不會發生。

### 為什麼是反向

一次反向就得到損失對**所有**參數的梯度，花費是前向的常數倍。若改用差分 $\big(L(w+\varepsilon)-L(w)\big)/\varepsilon$，
每個參數都要重跑一次前向。等一下會量這個倍數，看它會不會隨參數變多而變大。
"""

# %% [markdown]
r"""
## 從零實作

### 第一塊：會記帳的陣列

`Tensor` 只有三樣東西：值 `data`、梯度 `grad`，以及帳本 `parents`——由哪些張量算來、各自的反向規則是什麼。真正的工作在 `backward`：照著帳本從後往前，把梯度分給每個輸入。後半段的 `__add__`、`exp` 只是轉接，讓 `a + b`、`x.exp()` 這些寫法呼叫稍後定義的函式。
"""

# %%
from dlbook.foundations.autograd import BackwardRule, Tensor, as_tensor  # inline

# %% [markdown]
r"""
### 第二塊：照什麼順序往回走

一個節點的梯度要等**所有用到它的節點**都處理完才完整，才可以往下傳。`topological_order` 保證每個節點都排在用到它的節點之前，倒著走就對了。
"""

# %%
from dlbook.foundations.autograd import topological_order  # inline

# %% [markdown]
r"""
### 第三塊：收回廣播的梯度

前向時被拉長的軸，反向時就沿著它加總；前向時憑空多出來的軸，加總後拿掉。
"""

# %%
from dlbook.foundations.autograd import unbroadcast  # inline

# %%
gradient = np.ones((4, 3))  # 輸出的梯度：4 筆資料、3 個數
print("偏置的形狀 (3,)   →", unbroadcast(gradient, (3,)))
print("一欄的形狀 (4, 1) →", unbroadcast(gradient, (4, 1)).tolist())

# %% [markdown]
r"""
### 第四塊：加、乘與加總

每個運算做兩件事：算出值、寫下帳本。帳本裡的 `lambda g: g * b.data` 是一個小函式，它**記住了** `b`，等到反向時才執行。
"""

# %%
from dlbook.foundations.autograd import add, mul, reduce_sum  # inline

# %% [markdown]
r"""
引擎已經會動了。$u=2v$，$f=u^2+u$，其中 $u$ 被用了三次：$\dfrac{df}{dv}=(2u+1)\cdot 2$。旁邊再跑兩種寫錯的版本：一種走到哪就傳到哪，不等其他路徑；一種用 `=` 蓋過去而不是累加。
"""


# %%
def careless_backward(root, accumulate):
    """錯的版本：不排順序；``accumulate`` 為 False 時連累加也省了。"""
    root.grad = np.ones_like(root.data)
    waiting = [root]
    while waiting:
        node = waiting.pop()
        for parent, rule in node.parents:
            share = unbroadcast(rule(node.grad), parent.shape)
            parent.grad = parent.grad + share if accumulate else share
            waiting.append(parent)


v = Tensor([1.0, 2.0])
u = v * 2.0
(u * u + u).sum().backward()
print("正確　　　　：", v.grad, "（公式：", 2 * (2 * u.data + 1), "）")
for name, accumulate in [("不排順序　　", True), ("不累加　　　", False)]:
    v = Tensor([1.0, 2.0])
    u = v * 2.0
    careless_backward((u * u + u).sum(), accumulate)
    print(f"{name}：", v.grad)

# %% [markdown]
r"""
### 第五塊：其餘的運算

矩陣乘法照〈原理〉推出來的兩條規則；其餘每個都只有一行規則。
"""

# %%
from dlbook.foundations.autograd import matmul  # inline

# %%
from dlbook.foundations.autograd import exp, log, power, relu, reshape  # inline

# %%
from dlbook.foundations.autograd import cross_entropy  # inline

# %%
scores = Tensor([[1000.0, 0.0, 0.0]])
loss = cross_entropy(scores, np.array([1]))
loss.backward()
print("損失", float(loss.data), "，梯度", scores.grad.tolist(), "（分數大到 1000 也不會溢位）")

# %% [markdown]
r"""
### 對答案：和 PyTorch 比梯度

PyTorch 的張量用 `requires_grad=True` 要求記帳，`backward()` 之後梯度放在 `.grad`；`grad_fn` 就是它的帳本：
"""

# %%
w = torch.tensor([2.0], requires_grad=True)
loss = ((3 * w + 1) ** 2).sum()
loss.backward()
print("梯度", w.grad.item(), "，最後一步的帳本", type(loss.grad_fn).__name__)

# %% [markdown]
r"""
同一個函式可以同時餵給兩個引擎，因為用到的方法名稱相同。這個式子用到各種運算與兩種廣播：
"""


# %%
def expression(a, b, c):
    """a (4, 3)、b (3, 5)、c (5,) → 純量。"""
    hidden = (a @ b + c).relu()
    weights = (a * 0.3).exp().sum(axis=1, keepdims=True)  # (4, 1)，接著被廣播成 (4, 5)
    ratio = hidden / (weights + 1.0)
    return ((ratio + 2.0).log().reshape(2, 10) - 0.1).mean() + (1 - hidden**2.0).sum(axis=0).mean()


rng = np.random.default_rng(run.seed)
largest = 0.0
for _ in range(20):
    arrays = [rng.normal(size=s) for s in [(4, 3), (3, 5), (5,)]]
    mine = [Tensor(x) for x in arrays]
    reference = [torch.tensor(x, requires_grad=True) for x in arrays]
    expression(*mine).backward()
    expression(*reference).backward()
    for m, r in zip(mine, reference):
        largest = max(largest, np.abs(m.grad - r.grad.numpy()).max())
run.claim(
    "引擎的梯度與 torch.autograd 的最大差（20 組亂數）",
    largest,
    at_most=1e-10,
    level="parity",
    source="float64；測試另以 hypothesis 對隨機計算圖比對",
)

# %% [markdown]
r"""
再和「最笨但最不會錯」的方法比：把一個參數加減 $\varepsilon$，看損失變多少。
"""

# %%
epsilon = 1e-6
arrays = [rng.normal(size=s) for s in [(4, 3), (3, 5), (5,)]]
mine = [Tensor(x) for x in arrays]
expression(*mine).backward()
plus, minus = (np.copy(arrays[0]) for _ in range(2))
plus[0, 0] += epsilon
minus[0, 0] -= epsilon
shift = [float(expression(Tensor(x), *map(Tensor, arrays[1:])).data) for x in (plus, minus)]
print(f"數值差分：{(shift[0] - shift[1]) / (2 * epsilon):.9f}")
print(f"引擎　　：{mine[0].grad[0, 0]:.9f}")

# %% [markdown]
r"""
### 用引擎訓練一個網路

權重、前向、批次，各是一個短函式。前向 `mlp_logits` 沒有提到任何引擎：給它什麼張量，它就用什麼張量。`logits` 是還沒過 softmax 的分數。
"""

# %%
from dlbook.foundations.mlp import init_weights, minibatches, mlp_logits  # inline

# %% [markdown]
r"""
訓練迴圈五步：取批次、前向、梯度歸零、反向、更新。走完一遍訓練資料叫一個 epoch。
"""

# %%
from dlbook.foundations.mlp import train_by_engine  # inline

# %% [markdown]
r"""
PyTorch 的版本逐行對應：`optimizer.zero_grad()` 歸零、`loss.backward()` 反向、`optimizer.step()` 更新。
"""

# %%
from dlbook.foundations.mlp import train_by_torch  # inline

# %%
recipe: dict[str, Any] = {"lr": 0.2, "epochs": 5, "batch_size": 100}


def engine_weights(seed, hidden, count=None, first_trainable=0, **changes):
    """用引擎訓練；``hidden`` 是 0 就是線性分類器。抽樣、起始權重、批次都由 ``seed`` 決定。"""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(train_x))[: count or run.train_size]
    x, y = train_x[chosen].numpy(), train_y[chosen].numpy()
    sizes = [784, hidden, 10] if hidden else [784, 10]
    start = init_weights(sizes, rng)
    settings = recipe | changes
    return train_by_engine(start, x, y, **settings, rng=rng, first_trainable=first_trainable)


start = init_weights([784, run.hidden, 10], np.random.default_rng(run.seed))
small_x, small_y = train_x[: run.train_size].numpy(), train_y[: run.train_size].numpy()
_, ours = train_by_engine(start, small_x, small_y, **recipe, rng=np.random.default_rng(run.seed))
_, theirs = train_by_torch(start, small_x, small_y, **recipe, rng=np.random.default_rng(run.seed))
run.claim(
    f"{len(ours)} 步訓練中，引擎與 PyTorch 的損失最大差",
    max(abs(a - b) for a, b in zip(ours, theirs)),
    at_most=1e-8,
    level="parity",
    source="同樣的起始權重與批次，float64",
)

# %% [markdown]
r"""
### 反向的成本

量一下：「前向 + 反向」是「只有前向」的幾倍？兩者交替量，取中位數；網路由小到大。
"""

# %%
batch_x, batch_y = Tensor(small_x[:100]), small_y[:100]
widths, counts, ratios = [16, 64, 256, 1024], [], []
for width in widths:
    weights = [Tensor(w) for w in init_weights([784, width, 10], np.random.default_rng(0))]

    def forward(weights=weights):
        """一次前向。"""
        return cross_entropy(mlp_logits(batch_x, weights), batch_y)

    times = measure.paired_times(lambda: forward().backward(), forward, pairs=15, warmup=2)
    counts.append(sum(w.data.size for w in weights))
    ratios.append(times.ratio)

figure = plotting.line_chart(
    {"一次反向（量得）": (counts, ratios), "每個參數差分一次": (counts, [n + 1 for n in counts])},
    title="算出全部參數的梯度，要花幾次前向的時間",
    xlabel="參數個數",
    ylabel="相當於幾次前向",
    logx=True,
    logy=True,
    markers=True,
)
plotting.show(
    figure,
    alt="對數座標：差分的成本隨參數個數成正比上升到八十萬次，一次反向的成本始終是前向的幾倍。",
)
print(
    "前向 + 反向是前向的幾倍：",
    "、".join(f"{n:,} 個參數 {r:.1f} 倍" for n, r in zip(counts, ratios)),
)
run.claim(
    f"{counts[-1]:,} 個參數的網路，前向 + 反向是前向的幾倍",
    ratios[-1],
    at_most=7.0,
    level="cost",
    source="反向模式的成本是前向的常數倍（arXiv:1502.05767）；同一次執行交替量測",
)

# %% [markdown]
r"""
### 同一件事，換 PyTorch 的模組寫

`nn.Module` 管參數，`nn.Linear` 就是 `x @ W + b`（權重存成轉置）。
"""

# %%
from dlbook.foundations.mlp import MLP  # inline

torch.manual_seed(run.seed)
model = MLP([784, run.hidden, 10])
for name, parameter in model.named_parameters():
    print(f"{name:16} {tuple(parameter.shape)!s:12} requires_grad={parameter.requires_grad}")
print("參數總數：", sum(p.numel() for p in model.parameters()))

# %% [markdown]
r"""
掛在模組上的張量有三種，差別在「最佳化器會不會更新它」與「存檔會不會帶著它」：
"""


# %%
class Three(nn.Module):
    """普通張量、緩衝區、參數各一個。"""

    def __init__(self):
        super().__init__()
        self.plain = torch.ones(1)
        self.register_buffer("fixed", torch.ones(1))
        self.learned = nn.Parameter(torch.ones(1))


three = Three()
learned, saved = dict(three.named_parameters()), three.state_dict()
names = ["plain", "fixed", "learned"]
display(
    pd.DataFrame(
        {"會被更新": [n in learned for n in names], "會被存檔": [n in saved for n in names]},
        index=["普通張量", "register_buffer", "nn.Parameter"],
    )
)

# %% [markdown]
r"""
想看中間結果或中間的梯度，不必改 `forward`：掛一個 **hook**（掛鉤）。下面看隱藏層的輸出被 ReLU 擋成 0 的比例，以及損失對它的梯度。
"""

# %%
watched = {}


def remember(module, inputs, output):
    """前向經過時呼叫：記下輸出；再在這個張量上掛一個反向的 hook。"""
    watched["輸出"] = output.detach()
    output.register_hook(lambda gradient: watched.update(梯度=gradient))


handle = model.layers[0].register_forward_hook(remember)
loss = nn.functional.cross_entropy(model(train_x[:256]), train_y[:256])
loss.backward()
handle.remove()  # 用完要拆掉，否則每次前向都會執行
zeros = (watched["輸出"] <= 0).float().mean().item()
print(f"隱藏層輸出的標準差 {watched['輸出'].std():.3f}，經過 ReLU 有 {zeros:.0%} 變成 0")
print(
    f"損失對隱藏層輸出的梯度：形狀 {tuple(watched['梯度'].shape)}，範數 {watched['梯度'].norm():.4f}"
)

# %% [markdown]
r"""
### 資料：Dataset 與 DataLoader

`Dataset` 只要回答兩件事：一共幾筆、第 $i$ 筆是什麼。`DataLoader` 負責打亂、一筆一筆取出、堆成批次。
"""


# %%
class Digits(torch.utils.data.Dataset):
    """手寫數字；真的專案裡，__getitem__ 常常是「打開第 i 個檔案、解碼、增強」。"""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


one_by_one = torch.utils.data.DataLoader(
    Digits(train_x[:20_000], train_y[:20_000]), batch_size=128, shuffle=True
)
x, y = next(iter(one_by_one))
print("一個批次：x", tuple(x.shape), "，y", tuple(y.shape))

# %% [markdown]
r"""
資料在硬碟上、要現場解碼時，這樣很好（加上 `num_workers` 還能用多個行程先準備）。資料已經在記憶體裡，用索引一次取出整批快得多：
"""

# %%
from dlbook.foundations.loaders import TensorLoader  # inline

# %%
by_batch = TensorLoader(train_x[:20_000], train_y[:20_000], 128)
times = measure.paired_times(lambda: list(one_by_one), lambda: list(by_batch), pairs=5)
figure = plotting.bar_chart(
    {"DataLoader（逐筆）": np.median(times.a), "TensorLoader（整批）": np.median(times.b)},
    title="取出 20,000 張影像要多久",
    ylabel="秒（越低越好）",
    highlight="TensorLoader（整批）",
    horizontal=True,
    fmt="{:.3f}",
)
plotting.show(figure, alt=f"逐筆取資料與整批取資料的秒數：整批約快 {times.ratio:.0f} 倍。")
run.claim(
    "整批取資料比逐筆取快幾倍",
    times.ratio,
    at_least=1.5,
    level="cost",
    source="同一次執行中交替量測 5 對，取中位數",
)

# %% [markdown]
r"""
### 幾個開關

| 寫法 | 什麼時候用 | 忘了會怎樣 |
| --- | --- | --- |
| `model.train()`、`model.eval()` | 訓練前、評估前各切一次 | dropout、BatchNorm 這類層在評估時仍照訓練的方式動作 |
| `with torch.no_grad():` | 評估與推論 | 白記一本帳，記憶體一直長（見〈常見的坑〉） |
| `model.to(device)`、`x.to(device)` | 搬到 GPU | 兩邊裝置不同，直接報錯 |
| `F.cross_entropy(logits, y)` | 分類的損失 | 它自己會做 softmax；先 softmax 再給它，等於做了兩次（見〈常見的坑〉） |

### 訓練迴圈：全課程都用這一個

核心還是那五步，外面多了實務上少不了的東西：

| 參數 | 做什麼 | 細講在 |
| --- | --- | --- |
| `evaluate` | 每個 epoch 評估一次，留下分數最好的參數 | 這一課 |
| `checkpoint` | 每個 epoch 存檔；檔案已在就接著跑 | 這一課 |
| `patience` | 太久沒進步就提早停止（early stopping） | 迴歸 |
| `scheduler` | 學習率排程（learning rate schedule） | 訓練的技術 |
| `clip` | 梯度裁剪（gradient clipping）：限制梯度的總長度 | 訓練的技術 |
| `ema` | 參數的指數移動平均（exponential moving average） | 訓練的技術 |
| `amp` | 混合精度（mixed precision）：前向改用 bfloat16 | 訓練加速 |

先看「訓練中會變的一切」。要續跑得一模一樣，除了參數，最佳化器的動量、排程走到哪、參數的平均、亂數走到哪，全都要存：
"""

# %%
from dlbook.training import History, TrainingState  # inline

# %% [markdown]
r"""
迴圈本身。找找看那五步在哪裡：
"""

# %%
from dlbook.training import fit  # inline

# %% [markdown]
r"""
### 對答案：中斷再續跑，要逐位元相同

一次跑四個 epoch；另一次跑兩個就「斷電」，換新的模型與最佳化器，從存檔接著跑兩個。AdamW 的動量、one-cycle 排程、參數平均都用上，少存一樣就對不起來。
"""

# %%
import tempfile
from pathlib import Path


def interrupted_training(epochs, checkpoint=None):
    """從同一個起點訓練一個小網路；有 ``checkpoint`` 就接著跑。"""
    torch.manual_seed(run.seed)
    network = MLP([784, 32, 10])
    loader = TensorLoader(train_x[:4_000], train_y[:4_000], 100)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=4 * len(loader))
    history = fit(
        network, loader, nn.functional.cross_entropy, optimizer, epochs=epochs,
        scheduler=schedule, ema=0.99, checkpoint=checkpoint, progress=False,
    )  # fmt: skip
    return network, history


whole, whole_history = interrupted_training(4)
with tempfile.TemporaryDirectory() as folder:
    checkpoint = Path(folder) / "checkpoint.pt"
    interrupted_training(2, checkpoint)
    resumed, resumed_history = interrupted_training(4, checkpoint)
pairs = zip(whole.parameters(), resumed.parameters())
different = sum(int((p != q).sum()) for p, q in pairs)
different += sum(a != b for a, b in zip(whole_history.step_loss, resumed_history.step_loss))
print(
    f"比了 {sum(p.numel() for p in whole.parameters()):,} 個參數與 {len(whole_history.step_loss)} 步的損失"
)
run.claim(
    "中斷續跑與一次跑完，不同的參數與損失個數",
    different,
    near=(0, 0),
    level="parity",
    source="逐位元比較；CPU",
)

# %% [markdown]
r"""
### 時間花在哪裡

瓶頸不要用猜的，要量。`torch.profiler` 記下每個運算花的時間：
"""

# %%
from torch.profiler import ProfilerActivity, profile

with profile(activities=[ProfilerActivity.CPU]) as profiler:
    interrupted_training(1)
events = sorted(profiler.key_averages(), key=lambda e: -e.self_cpu_time_total)
spent = sum(e.self_cpu_time_total for e in events)
shares = {
    e.key.removeprefix("aten::").split("#")[0]: 100 * e.self_cpu_time_total / spent
    for e in events[:6]
}
figure = plotting.bar_chart(
    shares,
    title="一個 epoch 的時間，花在哪些運算",
    ylabel="佔全部時間的 %",
    highlight=next(iter(shares)),
    horizontal=True,
    fmt="{:.0f}%",
)
plotting.show(figure, alt=f"花最多時間的六種運算，依序是 {'、'.join(shares)}。")

# %% [markdown]
r"""
`addmm`、`mm` 是前向與反向的矩陣乘法，`index` 是取批次，`Optimizer.step` 是更新參數。網路這麼小，矩陣乘法以外的「雜費」佔了一大塊；網路變大，這一塊的比例就會下降。
"""

# %% [markdown]
r"""
## 實驗

問題：手寫數字辨識，一階一階往上。前四階每一階只加一個想法；最後一階是一整包訓練技巧，〈訓練的技術〉那一課會把它拆開來看。

- **不學**：每個數字算一張平均圖，看測試圖離哪一張最近（不需要梯度的基準）；
- **起手式**：自己的引擎，線性分類器；
- **改良一**：加一層隱藏層；
- **改良二**：用全部的訓練資料；
- **強**：`fit` 訓練四倍寬的網路，AdamW、one-cycle 學習率、梯度裁剪，用驗證集留下最好的 epoch。

每一階用三個種子（抽樣、起始權重、批次順序都換）。
"""


# %%
def accuracy(scores, truth):
    """分數 (筆數, 類別) 對答案的正確率。"""
    return float((np.asarray(scores).argmax(axis=1) == truth.numpy()).mean())


def nearest_mean(seed, x):
    """最近平均圖：|x − m|² 最小，等於 x·m − |m|²/2 最大。"""
    chosen = np.random.default_rng(seed).permutation(len(train_x))[: run.train_size]
    means = torch.stack([train_x[chosen][train_y[chosen] == k].mean(dim=0) for k in range(10)])
    return x @ means.T - 0.5 * means.square().sum(dim=1)


def engine_scores(weights, x):
    """引擎訓練出來的權重，對 ``x`` 的分數。"""
    return mlp_logits(Tensor(x.numpy()), weights).data


def best_by_fit(seed):
    """PyTorch 與 ``fit``：全部資料與整套訓練技巧。"""
    torch.manual_seed(seed)
    network = MLP([784, 4 * run.hidden, 10]).to(run.device)
    loader = TensorLoader(train_x, train_y, 128)
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 4e-3, total_steps=run.torch_epochs * len(loader)
    )

    def validate(network):
        """驗證集的正確率。"""
        return accuracy(network(valid_x.to(run.device)).cpu(), valid_y)

    fit(
        network, loader, nn.functional.cross_entropy, optimizer, epochs=run.torch_epochs,
        evaluate=validate, scheduler=schedule, clip=1.0, progress=False,
    )  # fmt: skip
    return network.cpu().eval()


# %%
seeds = [run.seed + 100 * i for i in range(run.repeats)]
small_nets = [engine_weights(seed, run.hidden)[0] for seed in seeds]
best_networks = [best_by_fit(seed) for seed in seeds]
with torch.no_grad():
    best_scores = [network(test_x) for network in best_networks]
ladder = {
    "不學：最近平均圖": [nearest_mean(seed, test_x) for seed in seeds],
    "起手式：引擎，線性": [engine_scores(engine_weights(s, 0)[0], test_x) for s in seeds],
    "改良一：加一層隱藏層": [engine_scores(w, test_x) for w in small_nets],
    "改良二：用全部資料": [
        engine_scores(engine_weights(s, run.hidden, len(train_x), epochs=4)[0], test_x)
        for s in seeds
    ],
    "強：fit 與整套技巧": best_scores,
}
rungs = {name: [accuracy(scores, test_y) for scores in rows] for name, rows in ladder.items()}
means = {name: float(np.mean(values)) for name, values in rungs.items()}
table = pd.DataFrame({"正確率": means, "標準差": {n: np.std(v) for n, v in rungs.items()}})
table["比上一階（點）"] = 100 * table["正確率"].diff()
display(table.round(4))

# %%
figure = plotting.bar_chart(
    {name: 100 * (1 - mean) for name, mean in means.items()},
    errors=[100 * float(np.std(values)) for values in rungs.values()],
    title=f"MNIST 測試錯誤率（{run.repeats} 個種子的平均與標準差）",
    ylabel="錯誤率（%，越低越好）",
    highlight="改良一：加一層隱藏層",
    horizontal=True,
    fmt="{:.1f}",
)
plotting.show(
    figure,
    alt="五階的測試錯誤率："
    + "、".join(f"{n} {100 * (1 - m):.1f}%" for n, m in means.items())
    + "。",
)

# %%
majority = float(torch.bincount(test_y).max()) / len(test_y)
run.claim(
    "引擎訓練的 MLP 的測試正確率（改良一）",
    means["改良一：加一層隱藏層"],
    at_least=0.92,
    level="simple",
    source=f"本課的門檻；全猜最多的類別是 {majority:.3f}，最近平均圖是 {means['不學：最近平均圖']:.3f}",
)
run.claim(
    "加一層隱藏層，比線性分類器多多少",
    means["改良一：加一層隱藏層"] - means["起手式：引擎，線性"],
    at_least=0.015,
    level="medium",
    source="同一次執行中的線性分類器，同樣的資料與步數",
)
run.claim(
    "fit 與整套技巧的測試正確率",
    means["強：fit 與整套技巧"],
    at_least=0.972,
    level="strong",
    source="本課的門檻；LeCun 等人（1998）300 個隱藏單元的兩層網路錯 4.7%，供參考",
)

# %% [markdown]
r"""
### 消融：梯度真的需要傳到第一層嗎

隱藏層的好處，來自「第一層也學」，還是單純因為「多了一層」？這種拿掉一塊、看少了多少的實驗叫**消融**（ablation）。把第一層凍結在亂數，其他不變，在驗證集上比：
"""

# %%
rows = []
for width in [run.hidden, 4 * run.hidden, 16 * run.hidden]:
    frozen, _ = engine_weights(run.seed, width, first_trainable=2)
    rows.append([width, accuracy(engine_scores(frozen, valid_x), valid_y)])
full = float(np.mean([accuracy(engine_scores(w, valid_x), valid_y) for w in small_nets]))
frozen_small = rows[0][1]
display(pd.DataFrame(rows, columns=["隱藏單元", "第一層凍結的正確率"]).round(4))
print(f"第一層也學、{run.hidden} 個隱藏單元：{full:.4f}")
run.claim(
    f"{run.hidden} 個隱藏單元時，第一層也學比凍結多多少",
    full - frozen_small,
    at_least=0.08,
    level="strong",
    source="消融：同樣的網路與步數，只差第一層是否更新；驗證集",
)
run.claim(
    "第一層凍結時，寬 16 倍比不加寬多多少",
    rows[-1][1] - frozen_small,
    at_least=0.08,
    level="medium",
    source="同一次執行；驗證集",
)

# %% [markdown]
r"""
幾十個亂數特徵不夠用；加寬到 16 倍，不學第一層也能補回大半的差距。所以「第一層也學」換來的是**效率**：用少少的單元，就找到該看的圖樣。
"""

# %% [markdown]
r"""
## 看看哪裡錯

### 錯得最有把握的圖

從最強的模型裡，挑出「答錯而且損失最大」的測試圖：
"""

# %%
test_losses = nn.functional.cross_entropy(best_scores[0], test_y, reduction="none")
predicted = best_scores[0].argmax(dim=1)
wrong = torch.nonzero(predicted != test_y).flatten()
hardest = wrong[test_losses[wrong].argsort(descending=True)][:20]
figure = plotting.image_grid(
    data.test_images[hardest],
    titles=[f"{int(test_y[i])} → {int(predicted[i])}" for i in hardest],
    title="錯得最有把握的 20 張（正確答案 → 模型的答案）",
)
plotting.show(
    figure, alt="二十張模型答錯的手寫數字；有的寫得潦草，有的人看起來很清楚，模型卻認錯。"
)
print(f"{len(test_y):,} 張測試圖裡答錯 {len(wrong)} 張。")

# %%
from sklearn.metrics import confusion_matrix

confusion = sum(confusion_matrix(test_y, scores.argmax(dim=1)) for scores in best_scores)
np.fill_diagonal(confusion, 0)
digits = [str(k) for k in range(10)]
figure = plotting.heatmap(
    confusion,
    title=f"答錯的地方（{run.repeats} 個種子合計，對角線的正確數已拿掉）",
    xlabel="模型的答案",
    ylabel="正確答案",
    xticks=digits,
    yticks=digits,
    annotate="{:.0f}",
    colorbar="張數",
)
plotting.show(figure, alt="10×10 的混淆矩陣，對角線清為零；數字大的格子是最容易混淆的數字對。")
for truth, answer in np.argwhere(confusion == confusion.max()):
    print(f"最常見的錯：把 {truth} 看成 {answer}，{confusion.max()} 次。")

# %% [markdown]
r"""
### 第一層看到了什麼

每個隱藏單元有 784 個輸入權重，排回 28×28 就是一張「它在找的圖樣」。紅色是「這裡亮就加分」，藍色是扣分；上排是訓練前的亂數，下排是訓練後，同一把尺：
"""

# %%
torch.manual_seed(seeds[0])
untrained = MLP([784, 4 * run.hidden, 10])
before, after = (net.state_dict()["layers.0.weight"] for net in (untrained, best_networks[0]))
figure = plotting.image_grid(
    torch.cat([before[:10], after[:10]]).reshape(-1, 28, 28),
    title="前十個隱藏單元的權重：上排訓練前，下排訓練後",
    limit=float(after[:10].abs().quantile(0.99)),
)
plotting.show(figure, alt="上排十張是很淡的雜訊，下排十張在影像中央長出紅藍相間的筆畫狀圖樣。")

dark = train_x.amax(dim=0) == 0  # 訓練集裡永遠是 0 的像素
ratio = (after[:, dark] / before[:, dark]).flatten()
print(f"{int(dark.sum())} 個像素永遠是 0：權重變成原本的 {ratio.min():.3f} 到 {ratio.max():.3f} 倍")
print(f"其餘像素的權重標準差：{before[:, ~dark].std():.3f} → {after[:, ~dark].std():.3f}")
run.claim(
    "永遠是 0 的像素，權重縮小的倍數之間的標準差",
    ratio.std(),
    at_most=1e-3,
    level="medium",
    source="由 W̄ = XᵀȲ 推得：這些像素的梯度永遠是 0，只有權重衰減在作用",
)

# %% [markdown]
r"""
這是反向規則 $\bar W=X^\top\bar Y$ 的直接後果：某個像素在所有資料裡都是 0，它的權重就永遠收不到梯度，只剩權重衰減（weight decay）把每一個都乘上同一個倍數。
"""

# %% [markdown]
r"""
## 常見的坑

### 坑一：忘了把梯度歸零

葉節點的梯度會**累加**（這是設計：梯度累積就靠它）。忘了 `zero_grad`，每一步用的都是從頭到現在的總和：
"""


# %%
def sixty_losses(zero, lr):
    """帶動量的 SGD 訓練 60 步，可以選擇忘記歸零。"""
    torch.manual_seed(run.seed)
    network = MLP([784, 32, 10])
    optimizer = torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9)
    losses = []
    for x, y in TensorLoader(train_x[:6_000], train_y[:6_000], 100):
        loss = nn.functional.cross_entropy(network(x), y)
        if zero:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


remembered, forgotten = sixty_losses(True, 0.05), sixty_losses(False, 0.05)
figure = plotting.line_chart(
    {
        "有 zero_grad": (steps, remembered),
        "忘了 zero_grad": (steps, forgotten),
        "忘了，學習率再除以 10": (steps, sixty_losses(False, 0.005)),
    },
    title="忘了把梯度歸零的症狀",
    xlabel="步",
    ylabel="損失",
)
plotting.show(
    figure, alt="有歸零的損失平穩下降；忘了歸零的先降，接著大幅震盪；學習率除以十只是晚一點才發生。"
)
print(
    f"最後 20 步的平均損失：有歸零 {np.mean(remembered[-20:]):.2f}，忘了 {np.mean(forgotten[-20:]):.2f}"
)

# %% [markdown]
r"""
**症狀**：損失先降，接著大幅震盪。**解法**：每一步都 `optimizer.zero_grad()`。

### 坑二：悄悄發生的廣播

迴歸時，模型輸出 `(N, 1)`、標籤是 `(N,)`，相減會廣播成 `(N, N)`，不會報錯，只會學不好：
"""

# %%
inputs = torch.linspace(-1, 1, 200).reshape(-1, 1)
answers = 3 * inputs.flatten() + 1  # 要學的直線：斜率 3、截距 1
print("(200, 1) − (200,) 的形狀：", tuple((inputs - answers).shape))
for name, squeeze in [("廣播成 (N, N)", False), ("先 squeeze 成 (N,)", True)]:
    torch.manual_seed(run.seed)
    line = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(line.parameters(), lr=0.3)
    for _ in range(200):
        output = line(inputs).squeeze(1) if squeeze else line(inputs)
        loss = (output - answers).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    slope, offset = round(line.weight.item(), 2) + 0.0, round(line.bias.item(), 2)
    print(f"{name}：斜率 {slope:.2f}、截距 {offset:.2f}、損失 {loss.item():.2f}")

# %% [markdown]
r"""
**症狀**：斜率變成 0——每一筆預測都被拿去和**所有**標籤比，最好的答案就成了平均值。**解法**：相減之前 `assert output.shape == answers.shape`，或用 `F.mse_loss`，形狀不同時它會警告。

### 坑三：softmax 做了兩次

`F.cross_entropy` 自己會做 softmax。先做一次再給它，分數被壓進 0 到 1，再有把握也拉不開：
"""

# %%
logits = torch.tensor([[10.0, 0.0, 0.0]])
answer = torch.tensor([0])
once = nn.functional.cross_entropy(logits, answer).item()
twice = nn.functional.cross_entropy(logits.softmax(dim=1), answer).item()
print(f"正確類別領先 10 分：給 logits，損失 {once:.4f}；先做 softmax，損失 {twice:.4f}")
floor = nn.functional.cross_entropy(torch.tensor([[1.0, 0.0, 0.0]]), answer).item()
print(f"先做 softmax 時，就算機率是完美的 (1, 0, 0)，損失也只能低到 {floor:.4f}")

# %% [markdown]
r"""
**症狀**：訓練得動，但損失卡在一個不低的數字，正確率也差一截。**解法**：模型最後一層輸出 logits，不要自己加 softmax。

### 坑四：評估時忘了 `no_grad`

訓練時 `backward()` 會順手釋放中間結果。評估時沒有 `backward()`，若把損失一路加起來，每一批的帳本都留著。數數看總和牽著多少個節點，又為它們存了多少中間結果：
"""


# %%
def nodes_behind(loss):
    """這個張量牽著多少個計算節點。"""
    seen, waiting = set(), [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting.extend(parent for parent, _ in node.next_functions)
    return len(seen)


def evaluate_and_count(recording):
    """走一遍驗證集，把損失加起來；傳回（節點數, 為反向存下的 MB）。"""
    kept = []
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t)
    with torch.set_grad_enabled(recording), hooks:
        losses = [
            nn.functional.cross_entropy(model(x), y)
            for x, y in TensorLoader(valid_x, valid_y, 100, shuffle=False)
        ]
        summed = torch.stack(losses).sum()
    return nodes_behind(summed), sum(t.nbytes for t in kept) / 1e6


for name, recording in [("忘了 no_grad", True), ("有 no_grad　", False)]:
    nodes, megabytes = evaluate_and_count(recording)
    print(f"{name}：{nodes} 個節點，存了 {megabytes:.1f} MB")

# %% [markdown]
r"""
**症狀**：記憶體隨著批次一步一步長大，驗證集大一點就爆。**解法**：評估包在 `torch.no_grad()` 裡；只要數字就 `.item()`。
"""

# %% [markdown]
r"""
## 練習

寫完執行下一格，就會告訴你對不對。
"""

# %%
from dlbook.exercises.foundations.pytorch_fundamentals import contiguous_strides  # exercise

# %%
from dlbook.exercises.foundations.pytorch_fundamentals import tanh  # exercise

# %%
from dlbook.exercises.foundations.pytorch_fundamentals import Standardize  # exercise

# %%
from dlbook.exercises.foundations.pytorch_fundamentals import momentum_step  # exercise

# %%
from dlbook.exercises.foundations.pytorch_fundamentals import unit_importance  # exercise

# %% [markdown]
r"""
把它用在這一課訓練好的網路上。（還沒作答時，這裡用的是參考解答。）
"""

# %%
weights = [torch.from_numpy(w.data) for w in small_nets[0]]
drops = (
    torch.as_tensor(unit_importance(weights, valid_x.double(), valid_y))
    .sort(descending=True)
    .values
)
figure = plotting.line_chart(
    {"隱藏單元": (range(1, len(drops) + 1), 100 * drops)},
    title="拿掉一個隱藏單元，驗證正確率掉多少",
    xlabel="單元（由最重要排到最不重要）",
    ylabel="掉了幾個百分點",
    markers=True,
)
plotting.show(
    figure, alt="由大到小排序的單元重要性：前幾個單元一拿掉就掉得多，後段的單元影響很小。"
)
print(f"拿掉之後掉不到 0.1 點的單元：{int((drops < 0.001).sum())} 個，共 {len(drops)} 個")

# %% [markdown]
r"""
### 想一想

1. 引擎的 `topological_order` 為什麼不用遞迴寫？把 `relu` 疊一萬層，會怎樣、梯度又是多少？

<details><summary>參考答案</summary>

遞迴的深度等於圖的深度，Python 預設約一千層就會 `RecursionError`；迴圈版把待辦放在串列裡，深度只受記憶體限制。
至於梯度：relu 疊再多次仍等於一次，所以還是 0 或 1。

</details>

2. `loss.backward()` 需要前向時的中間結果。拿掉它們能省多少記憶體？代價是什麼？

<details><summary>參考答案</summary>

中間結果的大小約與層數 × 批次 × 寬度成正比，常常比參數還大。不存就得在反向時重算一次前向，時間多約三分之一：
這就是 gradient checkpointing，〈從零訓練 Transformer〉會用到。

</details>

3. 為什麼「整批取」比「逐筆取」快？如果資料放不進記憶體呢？

<details><summary>參考答案</summary>

逐筆取每一筆都要付一次 Python 函式呼叫與小張量配置的固定成本，整批取只付一次。放不進記憶體時，用記憶體對映
（`np.memmap`）或多個行程先把批次準備好，讓固定成本和計算重疊。

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

- Baydin 等人，*Automatic Differentiation in Machine Learning: a Survey*，[arXiv:1502.05767](https://arxiv.org/abs/1502.05767)——前向與反向模式的完整整理。
- Paszke 等人，*PyTorch: An Imperative Style, High-Performance Deep Learning Library*，[arXiv:1912.01703](https://arxiv.org/abs/1912.01703)——PyTorch 為什麼這樣設計。
- He 等人，*Delving Deep into Rectifiers*，[arXiv:1502.01852](https://arxiv.org/abs/1502.01852)——本課用的初始化從哪裡來。
- 李宏毅，[機器學習 2021 春季班](https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php)——課程網站另有 PyTorch 教學，講的是同樣的工具。
- LeCun 等人，*Gradient-Based Learning Applied to Document Recognition*，Proc. IEEE 86(11)，1998——MNIST 的出處。
- 下一課：[迴歸](../supervised_learning/regression.ipynb)——用這些工具做第一個完整的專題。
"""
