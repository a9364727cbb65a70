# %% [markdown]
r"""
# PyTorch 基礎：從零寫一個自動微分引擎

**一句話**：訓練神經網路需要的，只是「會記帳的陣列」——每個數記得自己怎麼算出來的，就能一路把梯度算回去。

學完這一課，你能夠：

- 看著 shape 和 stride，說出一個張量在記憶體裡長什麼樣子，哪些操作不花記憶體；
- 用 150 行以內的 NumPy 寫出自動微分引擎，梯度和 PyTorch 一致；
- 用 PyTorch 的 `Module`、`DataLoader`、最佳化器與這門課的 `fit` 訓練網路，存檔、續跑、找出時間花在哪裡。

| | |
| --- | --- |
| 先備 | 會 Python 與 NumPy；知道偏微分與連鎖律。[環境與量測](environment_setup.ipynb)、[數學要點](math_essentials.ipynb) 還在規劃中，沒上過也能讀 |
| 作業 | 沒有直接對應的作業；三門課的每一份程式作業都建立在這些工具上 |
| 時間 | 兩核心 CPU 執行約 1 分鐘；讀與練習約 3 小時。GPU（full）未驗證 |
| 資料 | MNIST 手寫數字，隨課程附上（CC BY-SA 3.0） |
"""

# %%
import numpy as np
import torch
from torch import nn

from dlbook import datasets, lesson, measure, plotting

run = lesson.start(
    "foundations/pytorch_fundamentals",
    quick={"train_size": 10_000, "engine_epochs": 5, "hidden": 64, "torch_epochs": 4, "repeats": 3},
    full={
        "train_size": 50_000,
        "engine_epochs": 10,
        "hidden": 256,
        "torch_epochs": 20,
        "repeats": 3,
    },
)

# %% [markdown]
r"""
## 先看結果

下面用兩個引擎訓練同一個網路：一個是這一課要寫的（純 NumPy，不到 150 行），一個是 PyTorch。
起始權重、資料、批次的順序都相同，只差「梯度由誰算」。
"""

# %%
from dlbook.foundations import autograd, mlp

data = datasets.mnist()
pixels = data.train_images.flatten(1).double().numpy() / 255
labels = data.train_labels.numpy()
preview = {"lr": 0.2, "epochs": 1, "batch_size": 100}
start = mlp.init_weights([784, 32, 10], np.random.default_rng(run.seed))
_, ours = mlp.train_by_engine(
    start, pixels[:6_000], labels[:6_000], **preview, rng=np.random.default_rng(run.seed)
)
_, theirs = mlp.train_by_torch(
    start, pixels[:6_000], labels[:6_000], **preview, rng=np.random.default_rng(run.seed)
)
steps = range(1, len(ours) + 1)
figure = plotting.line_chart(
    {"自己的引擎（線）": (steps, ours)},
    title="同樣的起點、同樣的資料：兩條訓練曲線",
    xlabel="步",
    ylabel="交叉熵損失",
)
axes = figure.axes[0]
axes.plot(steps[::3], theirs[::3], "o", color=plotting.COLORS[1], label="PyTorch（點）")
axes.legend()
plotting.show(
    figure,
    alt="自己的引擎的訓練損失是一條線，PyTorch 的是點；60 步裡每個點都落在線上，從約 2.5 降到 0.5。",
)
print(f"60 步裡兩條曲線最大的差距：{max(abs(a - b) for a, b in zip(ours, theirs)):.1e}")

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
views = {"x": x, "x.T（轉置）": x.T, "x[:, ::2]（隔一欄取）": x[:, ::2]}
plotting.show(
    storage_picture(views),
    alt="一排六格的記憶體，以及它的三種視圖：2×3 的 x 步幅 (3, 1)、3×2 的轉置步幅 (1, 3)、隔欄取的 2×2 步幅 (3, 2)。",
)

# %% [markdown]
r"""
轉置只是把步幅的順序對調；隔一欄取只是把步幅乘以二。這種「共用同一排數字」的張量叫**視圖**（view）。
廣播（broadcasting）則是把步幅設成 0：不管索引走到哪，讀到的都是同一個數。
"""

# %%
row = torch.tensor([10.0, 20.0, 30.0])
stretched = row.expand(1_000_000, 3)
print("stretched.shape  =", tuple(stretched.shape), "  stride =", stretched.stride())
print("看起來有", stretched.numel(), "個數，實際佔", stretched.untyped_storage().nbytes(), "位元組")

# %% [markdown]
r"""
### 自動微分是「記帳」

算 $L=(a\,b+c)^2$ 的時候，把每一步的輸入都記下來，就得到一張**計算圖**。
前向時，值由左往右流；反向時，梯度由右往左流，每經過一條邊就乘上那一步的局部導數。
"""

# %%
a, b, c = (autograd.Tensor(v) for v in (2.0, 3.0, 1.0))
product = a * b
total = product + c
loss = total**2
loss.backward()
place = {"a": (0, 2, a), "b": (0, 1, b), "c": (0, 0, c)}
place |= {"a·b": (2, 1.5, product), "a·b + c": (4, 0.75, total), "L": (6, 0.75, loss)}
nodes = {name: (x, y, float(t.data), float(t.grad)) for name, (x, y, t) in place.items()}
edges = [
    ("a", "a·b", f"{b.data:g}"),
    ("b", "a·b", f"{a.data:g}"),
    ("a·b", "a·b + c", "1"),
    ("c", "a·b + c", "1"),
    ("a·b + c", "L", f"{2 * total.data:g}"),
]
plotting.show(
    graph_picture(nodes, edges),
    alt="L=(ab+c)² 的計算圖。a=2、b=3、c=1，前向得到 L=49；反向得到 a 的梯度 42、b 的梯度 28、c 的梯度 14。",
)

# %% [markdown]
r"""
以 $a$ 為例：從 $L$ 走到 $a$ 要經過三條邊，局部導數是 14、1、3，相乘得 42。
把 $a$ 加大 0.001，$L$ 應該大約增加 0.042——你可以自己代進去驗證。整個引擎就是把這件事自動化。
"""

# %% [markdown]
r"""
## 原理

### 一個元素住在哪裡

$d$ 維張量的索引是 $(i_1,\dots,i_d)$，第 $k$ 軸的步幅是 $s_k$，起點是 $o$。元素在那一排數字裡的位置是

$$\text{位置}=o+\sum_{k=1}^{d} i_k\,s_k .$$

新建的張量通常是**連續的**（contiguous）：最後一軸的步幅是 1，往前一軸就乘上後面的長度，
$s_k=n_{k+1}n_{k+2}\cdots n_d$，其中 $n_k$ 是第 $k$ 軸的長度。
轉置之後公式照樣成立，但不再連續，這正是 `view` 有時會失敗的原因（見〈常見的坑〉）。

### 廣播的規則

兩個形狀從**最後一軸**往前對齊。每一軸要嘛長度相同，要嘛其中一邊是 1（或根本沒有這一軸）；長度 1 的那邊被拉長，
步幅記成 0。所以 `(2, 3) + (3,)` 是每一列都加上同一個向量，`(2, 1) * (1, 3)` 是外積。

### einsum：把式子直接寫成程式

$C_{ij}=\sum_k A_{ik}B_{kj}$ 寫成 `einsum("ik,kj->ij", A, B)`：出現在輸入、沒出現在輸出的字母就是要加總的。
"""

# %%
generator = torch.Generator().manual_seed(run.seed)
A, B = (torch.randn(s, generator=generator, dtype=torch.float64) for s in [(4, 3, 5), (4, 5, 2)])
by_einsum = torch.einsum("nik,nkj->nij", A, B)
by_broadcast = (A[:, :, :, None] * B[:, None, :, :]).sum(dim=2)
print("einsum 與 @ 的差：", (by_einsum - A @ B).abs().max().item())
print("einsum 與「廣播相乘再加總」的差：", (by_einsum - by_broadcast).abs().max().item())

# %% [markdown]
r"""
### 連鎖律，用向量說一次

設 $L$ 是最後的純量損失。對任何一個中間結果 $x$（形狀不拘），記

$$\bar x=\frac{\partial L}{\partial x}\qquad\text{（形狀與 }x\text{ 相同）}.$$

若 $y=f(x)$，而且已經知道 $\bar y$，連鎖律說 $\bar x_i=\sum_j \bar y_j\,\dfrac{\partial y_j}{\partial x_i}$。
這個「由 $\bar y$ 算 $\bar x$」的函式叫**反向規則**（vector–Jacobian product，VJP）。引擎只需要知道每種運算的反向規則：

| 運算 | 反向規則 | 為什麼 |
| --- | --- | --- |
| $y=a+b$ | $\bar a=\bar y,\ \bar b=\bar y$ | 局部導數是 1 |
| $y=a\odot b$ | $\bar a=\bar y\odot b,\ \bar b=\bar y\odot a$ | 各自的局部導數是對方 |
| $y=e^x$ | $\bar x=\bar y\odot y$ | $e^x$ 的導數是自己 |
| $y=\ln x$ | $\bar x=\bar y/x$ | |
| $y=\max(x,0)$ | $\bar x=\bar y\odot[x>0]$ | 正的照傳，負的擋住 |
| $y=\sum_i x_i$ | $\bar x_i=\bar y$ | 每一項的局部導數都是 1 |
| $Y=XW$ | $\bar X=\bar Y W^\top,\ \bar W=X^\top\bar Y$ | 見下 |

矩陣乘法那一列值得推一次。$Y_{nj}=\sum_k X_{nk}W_{kj}$，所以 $\partial Y_{nj}/\partial X_{nk}=W_{kj}$。代進連鎖律：
$\bar X_{nk}=\sum_j \bar Y_{nj}W_{kj}=(\bar Y W^\top)_{nk}$。對 $W$ 也一樣：$\bar W_{kj}=\sum_n X_{nk}\bar Y_{nj}=(X^\top\bar Y)_{kj}$。

有兩件事要特別小心：

1. **一個值被用了好幾次**，它的梯度是每一條路的**總和**（連鎖律裡的 $\sum_j$）。所以梯度要累加，不能覆寫。
2. **廣播也是「用了好幾次」**。一個偏置加到 100 筆資料上，它的梯度就是 100 份的總和。

### softmax 與交叉熵，合起來算

分數 $z\in\mathbb{R}^K$，$p_k=e^{z_k}/\sum_j e^{z_j}$，正確類別是 $y$，損失 $\ell=-\ln p_y=-z_y+\ln\sum_j e^{z_j}$。
對 $z_k$ 微分：$\dfrac{\partial \ell}{\partial z_k}=-[k=y]+\dfrac{e^{z_k}}{\sum_j e^{z_j}}=p_k-[k=y]$。
預測的機率減去正確答案，就這麼簡單；批次平均再除以 $N$。

### 為什麼是反向

一次反向就得到損失對**所有**參數的梯度，花費是前向的常數倍。若改用差分 $\big(L(w+\varepsilon)-L(w)\big)/\varepsilon$，
每個參數都要重跑一次前向。等一下會量這個倍數。
"""

# %% [markdown]
r"""
## 從零實作

### 第一塊：收回廣播的梯度

前向時被拉長的軸，反向時就沿著它加總；前向時憑空多出來的軸，加總後拿掉。
"""

# %%
from dlbook.foundations.autograd import BackwardRule, unbroadcast  # inline

# %%
grad = np.ones((4, 3))  # 輸出的梯度：4 筆資料、3 個數
print("偏置的形狀 (3,)   →", unbroadcast(grad, (3,)))
print("一欄的形狀 (4, 1) →", unbroadcast(grad, (4, 1)).tolist())

# %% [markdown]
r"""
### 第二塊：會記帳的陣列

`Tensor` 只有三樣東西：值 `data`、梯度 `grad`，以及帳本 `parents`——由哪些張量算來、各自的反向規則是什麼。
每個運算做兩件事：算出值、寫下帳本。`backward` 照著帳本，從後往前把梯度分出去；
「累加」和「收回廣播」都只出現在那一行裡。
"""

# %%
from dlbook.foundations.autograd import Tensor, as_tensor, topological_order  # inline

# %% [markdown]
r"""
為什麼要先排順序？一個節點的梯度要等**所有用到它的節點**都處理完才完整，才可以往下傳。
`topological_order` 保證每個節點都排在用到它的節點之前，倒著走就對了。試一個被用了兩次的值：
"""

# %%
v = Tensor([1.0, 2.0, 3.0])
out = (v * v + v).sum()  # v 被用了三次；導數是 2v + 1
out.backward()
print("梯度：", v.grad, "  應該是 2v + 1 =", 2 * v.data + 1)

# %% [markdown]
r"""
### 對答案：和 PyTorch 比梯度

同一個函式可以同時餵給兩個引擎，因為用到的方法名稱相同。這個式子故意包含每一種運算，還有兩種廣播。
"""


# %%
def expression(a, b, c):
    """a (4, 3)、b (3, 5)、c (5,) → 純量；每種運算都用到。"""
    hidden = (a @ b + c).relu()
    weights = (a * 0.3).exp().sum(axis=1, keepdims=True)  # (4, 1)，接著被廣播成 (4, 5)
    ratio = hidden / (weights + 1.0)
    return ((ratio + 2.0).log() - ratio * 0.1 + hidden**2.0).mean()


rng = np.random.default_rng(run.seed)
worst = 0.0
for _ in range(20):
    arrays = [rng.normal(size=s) for s in [(4, 3), (3, 5), (5,)]]
    mine = [Tensor(x) for x in arrays]
    reference = [torch.tensor(x, requires_grad=True) for x in arrays]
    expression(*mine).backward()
    expression(*reference).backward()
    for m, r in zip(mine, reference):
        worst = max(worst, np.abs(m.grad - r.grad.numpy()).max())
run.claim(
    "引擎的梯度與 torch.autograd 的最大差（20 組亂數）",
    worst,
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
### 第三塊：一個網路

損失、權重、前向、批次，各是一個短函式。前向 `mlp_logits` 沒有提到任何引擎：給它什麼張量，它就用什麼張量。
"""

# %%
from dlbook.foundations.mlp import (  # inline
    AnyTensor,
    cross_entropy,
    init_weights,
    minibatches,
    mlp_logits,
)

# %% [markdown]
r"""
訓練迴圈也只有五步：取批次、前向、梯度歸零、反向、更新。
"""

# %%
from dlbook.foundations.mlp import train_by_engine  # inline

# %% [markdown]
r"""
切資料：訓練集的最後 5,000 張留作驗證（選 epoch 用），測試集只在最後算分數。再用引擎訓練，並和 PyTorch 走同樣的每一步。
"""

# %%
from dlbook.foundations.mlp import train_by_torch

order = np.random.default_rng(run.seed).permutation(55_000)[: run.train_size]
train_x, train_y = pixels[order], labels[order]
test_x = data.test_images.flatten(1).double().numpy() / 255
test_y = data.test_labels.numpy()
recipe = {"lr": 0.2, "epochs": run.engine_epochs, "batch_size": 100}
start = init_weights([784, run.hidden, 10], np.random.default_rng(run.seed))
trained, ours = train_by_engine(
    start, train_x, train_y, **recipe, rng=np.random.default_rng(run.seed)
)
_, theirs = train_by_torch(start, train_x, train_y, **recipe, rng=np.random.default_rng(run.seed))
run.claim(
    f"{len(ours)} 步訓練中，引擎與 PyTorch 的損失最大差",
    max(abs(a - b) for a, b in zip(ours, theirs)),
    at_most=1e-8,
    level="parity",
    source="同樣的起始權重與批次，float64",
)

# %% [markdown]
r"""
### 反向要多少錢

量一下：「前向 + 反向」是「只有前向」的幾倍？兩者交替量，取中位數。
"""

# %%
batch_x, batch_y = Tensor(train_x[:100]), train_y[:100]


def forward():
    """一次前向。"""
    return cross_entropy(mlp_logits(batch_x, trained), batch_y)


def forward_and_backward():
    """一次前向加一次反向。"""
    forward().backward()


times = measure.paired_times(forward_and_backward, forward, pairs=30, warmup=3)
parameter_count = sum(w.data.size for w in trained)
print(f"前向 + 反向是前向的 {times.ratio:.1f} 倍；改用差分要 {parameter_count + 1:,} 次前向。")
run.claim(
    "前向 + 反向的時間是只做前向的幾倍",
    times.ratio,
    at_most=8.0,
    level="cost",
    source="反向模式的成本是前向的常數倍（arXiv:1502.05767）；此處交替量測 30 對取中位數",
)

# %% [markdown]
r"""
### 同一件事，換 PyTorch 寫

`nn.Module` 管參數，`nn.Linear` 就是 `x @ W + b`（權重存成轉置），`loss.backward()` 走的是同一套反向規則，只是用 C++ 寫、還能放到 GPU。
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
`Parameter` 是「會被 `model.parameters()` 找到的張量」。普通張量掛在模組上**不會**被找到，最佳化器也就不會更新它。

想看中間結果，不必改 `forward`：掛一個 hook。下面看每層輸出的標準差，以及被 ReLU 擋成 0 的比例。
"""

# %%
watched = {}


def remember(name):
    """做一個 hook：把這一層的輸出記在 ``watched``。"""
    return lambda module, inputs, output: watched.update({name: output.detach()})


handles = [
    layer.register_forward_hook(remember(f"layers.{i}")) for i, layer in enumerate(model.layers)
]
model(torch.from_numpy(train_x[:256]).float())
for handle in handles:
    handle.remove()  # 用完要拆掉，否則每次前向都會執行
for name, output in watched.items():
    dead = (output <= 0).float().mean().item()
    print(f"{name}: 輸出標準差 {output.std():.3f}，接上 ReLU 會有 {dead:.0%} 變成 0")

# %% [markdown]
r"""
### 資料載入：一筆一筆，還是一批一批

`Dataset` 回答「第 $i$ 筆是什麼」，`DataLoader` 把它們一筆一筆取出、堆成批次。
資料要現場解碼時這樣很好；資料已經在記憶體裡，直接用索引取出整批快得多：
"""

# %%
from dlbook.foundations.loaders import TensorLoader  # inline

# %%
images = data.train_images.flatten(1).float() / 255
digits = data.train_labels
naive = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(images[:20_000], digits[:20_000]), batch_size=128, shuffle=True
)
vectorised = TensorLoader(images[:20_000], digits[:20_000], 128)
times = measure.paired_times(lambda: list(naive), lambda: list(vectorised), pairs=5)
figure = plotting.bar_chart(
    {"DataLoader（逐筆）": np.median(times.a), "TensorLoader（整批）": np.median(times.b)},
    title="取出 20,000 張影像要多久",
    ylabel="秒（越低越好）",
    fmt="{:.3f}",
)
plotting.show(
    figure,
    alt="逐筆取資料的 DataLoader 與整批索引的 TensorLoader 所花秒數的長條圖，整批快了許多倍。",
)
run.claim(
    "整批取資料比逐筆取快幾倍",
    times.ratio,
    at_least=1.3,
    level="cost",
    source="同一次執行中交替量測 5 對，取中位數",
)

# %% [markdown]
r"""
### 訓練迴圈：全課程都用這一個

把迴圈寫好一次。它比剛才的五步多了些實務上少不了的東西：評估、留下最好的參數、提早停止、學習率排程、梯度裁剪、參數平均、混合精度，以及**中斷後續跑**。
先看「訓練中會變的一切」：要續跑得一模一樣，除了參數，最佳化器的動量、排程走到哪、亂數走到哪，全都要存。
"""

# %%
from dlbook.training import History, TrainingState  # inline

# %% [markdown]
r"""
迴圈本身。中間那幾行——歸零、反向、更新——和你剛才寫的一樣。
"""

# %%
from dlbook.training import fit  # inline

# %% [markdown]
r"""
### 對答案：中斷再續跑，要逐位元相同

一次跑四個 epoch；另一次跑兩個就「斷電」，換新的模型與最佳化器，從存檔接著跑兩個。
"""

# %%
import tempfile
from pathlib import Path


def new_training():
    """一個小網路、帶動量的最佳化器與資料，每次呼叫都從同樣的起點開始。"""
    torch.manual_seed(run.seed)
    network = MLP([784, 32, 10])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    return network, TensorLoader(images[:4_000], digits[:4_000], 100), optimizer


network, loader, optimizer = new_training()
fit(network, loader, nn.functional.cross_entropy, optimizer, epochs=4, progress=False)

with tempfile.TemporaryDirectory() as folder:
    saved = Path(folder) / "checkpoint.pt"
    first, loader, optimizer = new_training()
    fit(
        first,
        loader,
        nn.functional.cross_entropy,
        optimizer,
        epochs=2,
        checkpoint=saved,
        progress=False,
    )
    resumed, loader, optimizer = new_training()
    torch.manual_seed(12345)  # 新的行程裡亂數狀態不會一樣；存檔會把它還原
    fit(
        resumed,
        loader,
        nn.functional.cross_entropy,
        optimizer,
        epochs=4,
        checkpoint=saved,
        progress=False,
    )

different = sum(int((p != q).sum()) for p, q in zip(network.parameters(), resumed.parameters()))
run.claim(
    "中斷續跑與一次跑完，不同的參數個數",
    different,
    near=(0, 0),
    level="parity",
    source="逐位元比較全部參數",
)

# %% [markdown]
r"""
### 時間花在哪裡

猜瓶頸十次有九次猜錯，所以要量。`torch.profiler` 記下每個運算花的時間：
"""

# %%
from torch.profiler import ProfilerActivity, profile

network, loader, optimizer = new_training()
with profile(activities=[ProfilerActivity.CPU]) as profiler:
    fit(network, loader, nn.functional.cross_entropy, optimizer, epochs=1, progress=False)
events = sorted(profiler.key_averages(), key=lambda e: -e.self_cpu_time_total)[:6]
spent = sum(e.self_cpu_time_total for e in profiler.key_averages())
figure = plotting.bar_chart(
    {
        e.key.removeprefix("aten::").split("#")[0]: 100 * e.self_cpu_time_total / spent
        for e in events
    },
    title="一個 epoch 的時間，花在哪些運算",
    ylabel="佔全部時間的 %",
    fmt="{:.0f}%",
)
figure.axes[0].tick_params(axis="x", rotation=15)
plotting.show(figure, alt="效能剖析的長條圖：花最多時間的六種運算各佔全部時間的百分比。")

# %% [markdown]
r"""
矩陣乘法（`addmm`、`mm`）之外，常常上榜的是取批次的 `index`、最佳化器的逐參數更新。模型越小，這些「雜費」佔比越高——
這也是小模型搬到 GPU 不一定變快的原因。
"""

# %% [markdown]
r"""
## 實驗

問題：手寫數字辨識。四階，每一階只多一個想法，起始權重與抽樣各用三個種子：

- **不學**：每個數字算一張平均圖，看測試圖離哪一張最近（不需要梯度的基準）；
- **起手式**：自己的引擎，一層線性分類器；
- **改良**：自己的引擎，加一層隱藏層；
- **強**：PyTorch 與 `fit`，全部訓練資料、AdamW、one-cycle 學習率、梯度裁剪、用驗證集留下最好的 epoch。
"""


# %%
def accuracy_of(scores, truth):
    """分數 (筆數, 類別) 對答案的正確率。"""
    return float((np.asarray(scores).argmax(axis=1) == truth).mean())


def nearest_mean(seed):
    """最近平均圖：|x − m|² 最小等於 x·m − |m|²/2 最大。"""
    chosen = np.random.default_rng(seed).permutation(55_000)[: run.train_size]
    means = np.stack([pixels[chosen][labels[chosen] == k].mean(axis=0) for k in range(10)])
    return test_x @ means.T - 0.5 * (means**2).sum(axis=1)


def engine_scores(seed, sizes, first_trainable=0):
    """用引擎訓練一個網路，傳回測試集的分數。"""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(55_000)[: run.train_size]
    weights, _ = train_by_engine(
        init_weights(sizes, rng), pixels[chosen], labels[chosen], **recipe, rng=rng,
        first_trainable=first_trainable,
    )  # fmt: skip
    return mlp_logits(Tensor(test_x), weights).data


def torch_model(seed):
    """PyTorch 版：全部資料與整套訓練技巧。"""
    torch.manual_seed(seed)
    network = MLP([784, 4 * run.hidden, 10]).to(run.device)
    loader = TensorLoader(images[:55_000], digits[:55_000], 128)
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 4e-3, total_steps=run.torch_epochs * len(loader)
    )

    def validate(network):
        """驗證集（訓練集最後 5,000 張）的正確率。"""
        scores = network(images[55_000:].to(run.device))
        return (scores.argmax(dim=1).cpu() == digits[55_000:]).float().mean().item()

    history = fit(
        network, loader, nn.functional.cross_entropy, optimizer, epochs=run.torch_epochs,
        evaluate=validate, scheduler=schedule, clip=1.0, progress=False,
    )  # fmt: skip
    return network.cpu().eval(), history


@torch.no_grad()
def torch_scores(network):
    """測試集的分數。"""
    return network(torch.from_numpy(test_x).float()).numpy()


# %%
seeds = [run.seed + 100 * i for i in range(run.repeats)]
models = [torch_model(seed) for seed in seeds]
ladder = {
    "不學：最近平均圖": [accuracy_of(nearest_mean(s), test_y) for s in seeds],
    "起手式：引擎，線性": [accuracy_of(engine_scores(s, [784, 10]), test_y) for s in seeds],
    "改良：引擎，一層隱藏層": [
        accuracy_of(engine_scores(s, [784, run.hidden, 10]), test_y) for s in seeds
    ],
    "強：PyTorch，fit": [accuracy_of(torch_scores(m), test_y) for m, _ in models],
}
print(f"{'階':16}{'平均':>8}{'標準差':>8}{'比上一階':>8}")
previous = None
for name, values in ladder.items():
    mean = np.mean(values)
    gain = "" if previous is None else f"{100 * (mean - previous):+.1f} 點"
    print(f"{name:16}{mean:>9.4f}{np.std(values):>10.4f}  {gain}")
    previous = mean
figure = plotting.bar_chart(
    {name.replace("：", "\n"): 100 * (1 - np.mean(v)) for name, v in ladder.items()},
    errors=[100 * float(np.std(v)) for v in ladder.values()],
    title=f"MNIST 測試錯誤率（{run.repeats} 個種子的平均與標準差）",
    ylabel="錯誤率（%，越低越好）",
    fmt="{:.1f}",
)
plotting.show(figure, alt="四階的測試錯誤率長條圖，由最近平均圖的約 18%，逐階降到 2% 左右。")

# %%
engine_accuracy = np.mean(ladder["改良：引擎，一層隱藏層"])
baseline = np.mean(ladder["不學：最近平均圖"])
run.claim(
    "引擎訓練的 MLP 的測試正確率",
    engine_accuracy,
    at_least=0.92,
    level="simple",
    source="本課的門檻；多數類別約 .11，最近平均圖約 .82",
)
run.claim(
    "引擎訓練的 MLP 比最近平均圖高多少",
    engine_accuracy - baseline,
    at_least=0.08,
    level="medium",
    source="同一次執行中量得的基準",
)
run.claim(
    "fit 訓練的 MLP 的測試正確率",
    np.mean(ladder["強：PyTorch，fit"]),
    at_least=0.972,
    level="strong",
    source="三個種子先測得 .978 以上，留餘裕",
)

# %% [markdown]
r"""
### 消融：梯度真的需要傳到第一層嗎

隱藏層的好處，來自「第一層也學」，還是單純因為「多了一層」？把第一層凍結在亂數，其他一切不變：
"""

# %%
frozen = [
    accuracy_of(engine_scores(s, [784, run.hidden, 10], first_trainable=2), test_y) for s in seeds
]
print(f"第一層凍結：{np.mean(frozen):.4f}　第一層也學：{engine_accuracy:.4f}")
linear = np.mean(ladder["起手式：引擎，線性"])
run.claim(
    "梯度傳到第一層，正確率多了多少",
    engine_accuracy - np.mean(frozen),
    at_least=0.08,
    level="strong",
    source="消融：同樣的網路與步數，只差第一層是否更新",
)
run.claim(
    "凍結第一層，比線性分類器還低多少",
    linear - np.mean(frozen),
    at_least=0.05,
    level="medium",
    source="同一次執行中的線性分類器",
)

# %% [markdown]
r"""
凍結第一層之後，不只輸給完整的網路，連線性分類器都不如：784 個像素被亂數壓成幾十個數，同樣的步數內，第二層補不回來。
所以好處不是「多一層」給的，而是**每一層都收得到梯度**給的。
"""

# %% [markdown]
r"""
## 看看哪裡錯

### 錯得最有把握的圖

從最強的模型裡，挑出「答錯而且損失最大」的測試圖：
"""

# %%
network, history = models[0]
scores = torch.from_numpy(torch_scores(network))
losses = nn.functional.cross_entropy(scores, data.test_labels, reduction="none")
predicted = scores.argmax(dim=1)
wrong = torch.nonzero(predicted != data.test_labels).flatten()
worst = wrong[losses[wrong].argsort(descending=True)][:20]
figure = plotting.image_grid(
    data.test_images[worst],
    titles=[f"{int(data.test_labels[i])} → {int(predicted[i])}" for i in worst],
    title="錯得最有把握的 20 張（正確答案 → 模型的答案）",
)
plotting.show(
    figure, alt="二十張模型答錯的手寫數字，標題是正確答案與模型的答案；不少連人也難以分辨。"
)
print(f"10,000 張測試圖裡答錯 {len(wrong)} 張。")

# %%
from sklearn.metrics import confusion_matrix

confusion = confusion_matrix(data.test_labels, predicted)
np.fill_diagonal(confusion, 0)
figure = plotting.heatmap(
    confusion,
    title="答錯的地方（對角線的正確數已拿掉）",
    xlabel="模型的答案",
    ylabel="正確答案",
    xticks=[str(k) for k in range(10)],
    yticks=[str(k) for k in range(10)],
    annotate="{:.0f}",
    colorbar="張數",
)
plotting.show(figure, alt="10×10 的混淆矩陣，對角線清為零；數字大的格子是最容易混淆的數字對。")
truth, answer = np.unravel_index(confusion.argmax(), confusion.shape)
print(f"最常見的錯：把 {truth} 看成 {answer}，{confusion.max()} 張。")

# %% [markdown]
r"""
### 第一層看到了什麼

每個隱藏單元有 784 個輸入權重，排回 28×28 就是一張「它在找的圖樣」。上排是訓練前的亂數，下排是訓練後：
"""

# %%
torch.manual_seed(seeds[0])
before = MLP([784, 4 * run.hidden, 10]).layers[0].weight.detach().reshape(-1, 28, 28)
after = network.layers[0].weight.detach().reshape(-1, 28, 28)
figure = plotting.image_grid(
    [*before[:10], *after[:10]], title="前十個隱藏單元的權重：上排訓練前，下排訓練後"
)
plotting.show(figure, alt="上排十張是雜訊，下排十張在影像中央出現筆畫狀的亮暗圖樣，四周邊緣平淡。")

# %% [markdown]
r"""
邊緣的像素在 MNIST 裡幾乎永遠是 0，所以那裡的權重收不到有意義的梯度，只被權重衰減慢慢壓小；中央才長出筆畫的形狀。
"""

# %% [markdown]
r"""
## 常見的坑

### 坑一：忘了把梯度歸零

葉節點的梯度會**累加**（這是設計：梯度累積就靠它）。忘了 `zero_grad`，每一步用的都是從頭到現在的總和：
"""


# %%
def losses_of(zero: bool) -> list[float]:
    """訓練 60 步，可以選擇忘記歸零。"""
    network, loader, optimizer = new_training()
    values = []
    for x, y in list(loader) * 2:
        loss = nn.functional.cross_entropy(network(x), y)
        if zero:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    return values[:60]


good, bad = losses_of(True), losses_of(False)
figure = plotting.line_chart(
    {"有 zero_grad": (range(60), good), "忘了 zero_grad": (range(60), bad)},
    title="忘了把梯度歸零的症狀",
    xlabel="步",
    ylabel="損失",
)
plotting.show(figure, alt="有歸零的損失平穩下降；忘了歸零的損失忽高忽低，降不下去。")
print(f"最後 20 步的平均損失：有歸零 {np.mean(good[-20:]):.2f}，忘了歸零 {np.mean(bad[-20:]):.2f}")

# %% [markdown]
r"""
**症狀**：損失一開始會降，接著震盪甚至爆開，調小學習率也只是拖慢。**解法**：每一步都 `optimizer.zero_grad()`。

### 坑二：悄悄發生的廣播

迴歸時，模型輸出 `(N, 1)`、標籤是 `(N,)`，相減會廣播成 `(N, N)`，不會報錯，只會學不好：
"""

# %%
prediction, target = torch.zeros(4, 1), torch.tensor([1.0, 2.0, 3.0, 4.0])
print("(4, 1) − (4,) 的形狀：", tuple((prediction - target).shape))
inputs = torch.linspace(-1, 1, 200).reshape(-1, 1)
answers = 3 * inputs.flatten() + 1  # 要學的直線：斜率 3、截距 1
for name, fixed in [("廣播成 (N, N)", False), ("先 squeeze 成 (N,)", True)]:
    torch.manual_seed(run.seed)
    line = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(line.parameters(), lr=0.3)
    for _ in range(200):
        output = line(inputs).squeeze(1) if fixed else line(inputs)
        loss = (output - answers).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(
        f"{name}：學到的斜率 {line.weight.item():.2f}、截距 {line.bias.item():.2f}、損失 {loss.item():.2f}"
    )

# %% [markdown]
r"""
**症狀**：斜率被學成 0——每一筆預測都被拿去和**所有**標籤比，最好的答案就成了平均值。**解法**：相減之前印出兩邊的形狀，或用 `F.mse_loss`（它會警告）。

### 坑三：`view` 遇到不連續的張量
"""

# %%
matrix = torch.arange(6).reshape(2, 3)
try:
    matrix.T.view(6)
except RuntimeError as error:
    print("RuntimeError:", str(error).split(".")[0])
print("reshape 會在需要時複製：", matrix.T.reshape(6).tolist())
print("有沒有共用記憶體？", matrix.T.reshape(6).data_ptr() == matrix.data_ptr())

# %% [markdown]
r"""
轉置後的六個數，沒有任何單一步幅走得完，`view` 只好拒絕。`reshape` 會替你複製一份——方便，但要知道它**可能**不再共用記憶體。

### 坑四：把計算圖一起存下來

想畫損失曲線，於是 `history.append(loss)`。每個 `loss` 都牽著整張計算圖，圖裡每一層的中間結果都釋放不掉：
"""


# %%
def nodes_behind(loss) -> int:
    """這個損失牽著多少個計算節點。"""
    seen, stack = set(), [loss.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            stack.extend(parent for parent, _ in node.next_functions)
    return len(seen)


kept, running = [], torch.zeros(())
network, loader, _ = new_training()
for x, y in loader:
    loss = nn.functional.cross_entropy(network(x), y)
    running = running + loss  # 沒有 .item()：整個 epoch 的圖串成一張
    kept.append(nodes_behind(running))
print(f"累加 loss 本身：第 1 步牽著 {kept[0]} 個節點，第 {len(kept)} 步牽著 {kept[-1]} 個")
print(f"累加 loss.item()：永遠是 0 個（{type(loss.item()).__name__} 沒有計算圖）")

# %% [markdown]
r"""
**症狀**：記憶體一步一步長大，過一陣子才爆。**解法**：要數字就 `.item()`，要張量就 `.detach()`。
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
from dlbook.exercises.foundations.pytorch_fundamentals import momentum_step  # exercise

# %%
from dlbook.exercises.foundations.pytorch_fundamentals import unit_importance  # exercise

# %% [markdown]
r"""
### 想一想

1. 引擎的 `backward` 為什麼不用遞迴寫？把 `relu` 疊一萬層會怎樣？

<details><summary>參考答案</summary>

遞迴的深度等於圖的深度，Python 預設約一千層就會 `RecursionError`。迴圈版的堆疊放在串列裡，深度只受記憶體限制。
（疊一萬層也會讓梯度消失或爆炸，那是另一課的事。）

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

這一課說過的話，都在這裡對帳。
"""

# %%
lesson.finish(run)

# %% [markdown]
r"""
## 延伸閱讀

- Baydin 等人，*Automatic Differentiation in Machine Learning: a Survey*，[arXiv:1502.05767](https://arxiv.org/abs/1502.05767)——前向與反向模式的完整整理。
- Paszke 等人，*PyTorch: An Imperative Style, High-Performance Deep Learning Library*，[arXiv:1912.01703](https://arxiv.org/abs/1912.01703)——PyTorch 為什麼這樣設計。
- He 等人，*Delving Deep into Rectifiers*，[arXiv:1502.01852](https://arxiv.org/abs/1502.01852)——本課用的初始化從哪裡來。
- 李宏毅，機器學習 2021 春季班——官方另有一份 PyTorch 教學筆記本，講的是同樣的工具。
- 下一課：[迴歸](../supervised_learning/regression.ipynb)（規劃中）——用這些工具做第一個完整的專題。
"""
