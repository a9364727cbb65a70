# %% [markdown]
r"""
# 環境與量測：認識你的機器

**一句話**：一個運算要多久，看它「算多少」和「搬多少」；先量出自己的機器算多快、搬多快，之後每一課的快慢就不再神祕。

學完這一課，你能夠：

- 在紙上數出一個運算的浮點運算次數與搬運的位元組，畫出屋頂線（roofline），預測它要多久；
- 固定亂數種子，讓訓練逐位元重現，也知道什麼情況下它還是會變；
- 說出裝置、執行緒、資料型別各自影響什麼，並用二十行程式完成第一次訓練；
- 知道這門課的設定、主張、練習與進度怎麼運作。

| | |
| --- | --- |
| 先備 | 會 Python；看得懂矩陣乘法 |
| 作業 | 沒有對應的作業；三門課的每一份作業都用得到這些 |
| 時間 | 兩核心 CPU 執行不到 1 分鐘；讀與練習約 2 小時。量的是 CPU；full 只把矩陣放大，未驗證 |
| 資料 | MNIST 手寫數字，隨課程附上（CC BY-SA 3.0） |
"""

# %%
import platform
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import psutil
import torch
from IPython.display import display
from torch import nn

from dlbook import datasets, lesson, measure, plotting

run = lesson.start(
    "foundations/environment_setup",
    quick={"matmul_size": 1024, "copy_bytes": 128_000_000, "width": 4096, "repeats": 3},
    full={"matmul_size": 4096, "copy_bytes": 512_000_000, "width": 4096, "repeats": 5},
)
print(f"Python {sys.version.split()[0]}、PyTorch {torch.__version__}、{platform.system()}")
print(
    f"裝置 {run.device}、{torch.get_num_threads()} 個執行緒；設定檔 {run.profile}、種子 {run.seed}"
)
memory = psutil.virtual_memory()
print(
    f"{psutil.cpu_count()} 個核心；記憶體 {memory.total / 1e9:.0f} GB，可用 {memory.available / 1e9:.0f} GB"
)

# %% [markdown]
r"""
最上面的 `lesson.start` 每一課都有，它做四件事：固定亂數、選裝置、設定執行緒、套用設定檔。

- **設定檔**（profile）：預設是 `quick`，一般筆電一兩分鐘跑得完；`full` 給 GPU 用，規模較大（這一課兩種都量 CPU，`full` 只是把矩陣放大）。程式是同一份，只換設定。在終端機用 `dlbook run environment_setup --profile full`，或先設環境變數 `DLBOOK_PROFILE=full`。
- **種子**：預設 0；`DLBOOK_SEED=1` 換一個。**裝置**：`DLBOOK_DEVICE=cuda`。**執行緒**：`DLBOOK_THREADS=2`；預設 1：兩個一起用通常較快，但時間會隨電腦上別的程式起伏（下面會量）。
"""

# %% [markdown]
r"""
## 先看結果

下面這張圖是**你這台機器**的屋頂線。橫軸是運算強度：每搬一個位元組做幾次運算；縱軸是每秒做幾次。折線是極限，每個點是一個真的量到的運算。
"""

# %%
from dlbook.foundations import roofline

machine = roofline.measure_machine(run.matmul_size, run.copy_bytes)
width = run.width
layer = nn.Linear(width, width, bias=False)


@torch.inference_mode()
def linear_seconds(batch):
    """線性層跑一個批次的秒數。"""
    x = torch.randn(batch, width)
    return roofline.fastest(lambda: layer(x), run.repeats)


count = 4_000_000
x, y, out = torch.randn(count), torch.randn(count), torch.empty(count)
q, long_k = torch.randn(1, 1, 512, 64), torch.randn(1, 1, 65_536, 64)
attention = nn.functional.scaled_dot_product_attention
operations = {  # 名稱：（帳，量到的秒數）
    "相加": (
        roofline.elementwise_cost(count, 2),
        roofline.fastest(lambda: torch.add(x, y, out=out), run.repeats),
    ),
    "exp": (
        roofline.elementwise_cost(count),
        roofline.fastest(lambda: torch.exp(x, out=out), run.repeats),
    ),
    "線性層，批次 1": (roofline.linear_cost(1, width, width), linear_seconds(1)),
    "線性層，批次 256": (roofline.linear_cost(256, width, width), linear_seconds(256)),
    "注意力，512 個查詢": (
        roofline.attention_cost(512, 512, 64),
        roofline.fastest(lambda: attention(q, q, q), run.repeats),
    ),
    "注意力，1 個查詢": (
        roofline.attention_cost(1, 65_536, 64),
        roofline.fastest(lambda: attention(q[:, :, :1], long_k, long_k), run.repeats),
    ),
}

# %%
intensities = np.logspace(-2, 3, 200)
figure = plotting.line_chart(
    {"極限（屋頂線）": (intensities, [machine.attainable(i) / 1e9 for i in intensities])},
    title="這台機器的屋頂線：單一執行緒、float32",
    xlabel="運算強度（FLOP／位元組）",
    ylabel="每秒十億次運算（GFLOP/s）",
    logx=True,
    logy=True,
)
axes = figure.axes[0]
for i, (name, (cost, seconds)) in enumerate(operations.items()):
    axes.plot(
        cost.intensity,
        cost.flops / seconds / 1e9,
        linestyle="",
        color=plotting.COLORS[1 + i % 5],
        marker=plotting.MARKERS[i],
        label=name,
    )
axes.axvline(machine.ridge, color="gray", linestyle=":", label="屋脊")
axes.legend(fontsize=8, loc="lower right")
plotting.show(
    figure,
    alt="雙對數座標的屋頂線：左邊斜的一段是頻寬的極限，右邊平的一段是算力的極限。相加、exp、批次 1 的線性層與單一查詢的注意力在左邊，批次 256 的線性層與多查詢的注意力在右邊靠近平頂。",
)
print(f"算力 {machine.flops / 1e9:.0f} GFLOP/s，頻寬 {machine.bandwidth / 1e9:.0f} GB/s")
print(f"屋脊在每個位元組 {machine.ridge:.1f} 次運算")
for name, (cost, seconds) in operations.items():
    print(f"  {name}：強度 {cost.intensity:.2f}，量到 {cost.flops / seconds / 1e9:.1f} GFLOP/s")

# %% [markdown]
r"""
同一個線性層，批次 1 和批次 256 的速度差了一大截，算的式子卻一模一樣。這一課要讓你看懂為什麼，並且**事先**算得出來。

有些點可能落在折線上方一點：折線左半邊的頻寬，是複製一大塊記憶體量出來的；資料若有一部分還留在快取裡，就能更快。〈看看哪裡錯〉會再談。
"""

# %% [markdown]
r"""
## 直覺

把處理器想成一間廚房：廚師切菜的速度是**算力**，從倉庫把菜搬進來的速度是**頻寬**。兩件事同時進行，慢的那個決定出菜的時間。

- 每樣菜搬進來只切一刀（逐元素相加）：廚師大半時間在等搬運。
- 同一批菜切很多刀（大矩陣相乘，每個數要用上千次）：搬運早就做完了，全看廚師。

批次 1 的線性層，權重搬進來只用一次就丟；批次 256，搬一次用 256 次。下圖把兩件事各要多久畫出來，較長的那條就是預測：
"""

# %%
batches = [1, 4, 16, 64, 256]
computing = [roofline.linear_cost(b, width, width).flops / machine.flops * 1e3 for b in batches]
moving = [roofline.linear_cost(b, width, width).bytes / machine.bandwidth * 1e3 for b in batches]
figure, axes = plt.subplots(figsize=(7, 3.6))
place = np.arange(len(batches))
axes.barh(place - 0.18, moving, 0.34, label="搬資料要多久")
axes.barh(place + 0.18, computing, 0.34, label="做運算要多久", hatch="//", edgecolor="white")
axes.set_yticks(place, [f"批次 {b}" for b in batches])
axes.invert_yaxis()
axes.set(
    xscale="log", xlabel="毫秒（對數）", title=f"{width}×{width} 的線性層：搬運與運算，長的決定時間"
)
axes.legend()
plotting.show(
    figure,
    alt="五種批次大小的兩條橫條：搬運的時間幾乎不隨批次改變，運算的時間正比於批次；批次小的時候搬運較長，批次大的時候運算較長。",
)

# %% [markdown]
r"""
搬運的時間幾乎不隨批次變，因為搬的主要是權重；運算的時間和批次成正比。兩者交叉的地方就是屋脊。
"""

# %% [markdown]
r"""
## 原理

### 一個運算的帳

記 $F$ 是浮點運算（floating-point operation，FLOP）的次數，$B$ 是搬運的位元組，$\pi$ 是機器每秒最多算幾次，$\beta$ 是每秒最多搬幾個位元組。算與搬同時進行，所以

$$t\ \ge\ \max\!\left(\frac{F}{\pi},\ \frac{B}{\beta}\right).$$

把 $F/t$ 寫成每秒的速度，再令**運算強度** $I=F/B$：

$$\frac{F}{t}\ \le\ \min\left(\pi,\ \beta I\right).$$

這就是屋頂線：左邊斜率是 $\beta$ 的斜線，右邊高度是 $\pi$ 的平頂，轉折在 $I^\*=\pi/\beta$，叫屋脊（ridge）。只要資料真的要從主記憶體搬，它就是時間的**下界**：實際只會更久。

### 數一次矩陣乘法

$(m,k)$ 乘 $(k,n)$：輸出有 $mn$ 個元素，每個要 $k$ 次乘法與 $k$ 次加法，所以 $F=2mkn$。每個數佔 $s$ 個位元組，三個矩陣各搬一次：$B=s\,(mk+kn+mn)$。

線性層的權重是 $(d,d)$、批次是 $b$。當 $b\ll d$，權重 $d^2$ 佔了搬運的絕大部分：

$$I=\frac{2bd^2}{s\,(2bd+d^2)}\approx\frac{2b}{s}.$$

float32 的 $s=4$，所以運算強度大約是**批次的一半**。批次 1 只有 0.5，語言模型一次產生一個字，走的正是這條路，所以它的速度由頻寬決定。

### 浮點數不是實數

float32 有 23 個位元存尾數，bfloat16 只有 7 個。加法會捨入，於是 $(a+b)+c$ 不一定等於 $a+(b+c)$：**順序不同，結果就可能不同**。這是「同樣的程式、不同的執行緒數或裝置，最後幾位不同」的原因。
"""

# %%
rows = []
for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
    info = torch.finfo(dtype)
    one = torch.ones((), dtype=dtype)
    rows.append(
        {
            "型別": str(dtype).removeprefix("torch."),
            "位元組": info.bits // 8,
            "1 的下一個數": f"1 + {info.eps:.1e}",
            "最大的數": f"{info.max:.1e}",
            "1 + 0.001 得到": f"{(one + 0.001).item():.6f}",
        }
    )
display(pd.DataFrame(rows).set_index("型別"))
values = torch.randn(1_000_000)
print(
    "同一百萬個數，一次加完與分成千塊加：",
    values.sum().item(),
    values.view(1000, -1).sum(1).sum().item(),
)
a, b, c = (torch.tensor(v) for v in (1e8, -1e8, 1.0))
print("(a + b) + c =", ((a + b) + c).item(), "；a + (b + c) =", (a + (b + c)).item())

# %% [markdown]
r"""
bfloat16 加了 0.001 等於沒加：它在 1 附近的間隔比 0.001 還大。一百萬個數換一種加法，最後幾位就不同；最後一行的 $a=10^8$、$b=-10^8$、$c=1$，float32 先算 $b+c$ 時，那個 1 就被捨掉了。
"""

# %% [markdown]
r"""
## 從零實作

### 第一塊：怎麼計時才算數

計時有三個陷阱：第一次執行要配置記憶體、選演算法，不能算；太短的運算會被計時器的誤差淹沒；別的程式會插隊。`fastest` 的對策依序是：先跑一次不算、連跑到至少 20 毫秒再平均、重複幾回取**最快**的一回。
"""

# %%
from dlbook.foundations.roofline import fastest  # inline

# %% [markdown]
r"""
### 第二塊：機器與帳

`Machine` 是兩個極限，`Cost` 是一個運算的帳；`seconds` 就是上面的不等式取等號。
"""

# %%
from dlbook.foundations.roofline import Cost, Machine  # inline

# %% [markdown]
r"""
### 第三塊：各種運算的帳
"""

# %%
from dlbook.foundations.roofline import (  # inline
    attention_cost,
    elementwise_cost,
    linear_cost,
    matmul_cost,
)

# %%
for batch in (1, 16, 256):
    cost = linear_cost(batch, width, width)
    print(f"批次 {batch:3}：強度 {cost.intensity:6.2f}，批次的一半是 {batch / 2:g}")

# %% [markdown]
r"""
### 對答案：和 PyTorch 的計數器比

`FlopCounterMode` 在運算真的執行時逐一計數。我們是用公式算的，兩邊應該一個不差：
"""

# %%
from torch.utils.flop_counter import FlopCounterMode


def counted(procedure):
    """PyTorch 數到的浮點運算次數。"""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        procedure()
    return counter.get_total_flops()


small = nn.Linear(300, 200, bias=False)
queries, keys = torch.randn(5, 32), torch.randn(7, 32)
pairs = [
    (matmul_cost(30, 40, 50).flops, counted(lambda: torch.randn(30, 40) @ torch.randn(40, 50))),
    (linear_cost(8, 300, 200).flops, counted(lambda: small(torch.randn(8, 300)))),
    (attention_cost(5, 7, 32).flops, counted(lambda: (queries @ keys.T).softmax(dim=1) @ keys)),
]
print("（公式，計數器）：", pairs)
run.claim(
    "浮點運算次數：公式與 FlopCounterMode 的最大差",
    max(abs(ours - theirs) for ours, theirs in pairs),
    at_most=0,
    level="parity",
    source="torch.utils.flop_counter；測試另以 hypothesis 比對隨機形狀",
)

# %% [markdown]
r"""
### 第四塊：量機器

算力用大矩陣相乘來量，頻寬用複製一大塊記憶體來量（讀一次、寫一次，所以算兩倍）。
"""

# %%
from dlbook.foundations.roofline import copy_speed, matmul_speed, measure_machine  # inline

# %% [markdown]
r"""
大小為什麼重要？矩陣太小，時間都花在呼叫函式；要複製的東西放得進**快取**（cache），就不必走主記憶體。下圖左邊是算力隨矩陣大小的變化，右邊是頻寬：
"""

# %%
sizes = [16, 32, 64, 128, 256, 512, 1024]
speeds = {
    name: [matmul_speed(n, dtype) / 1e9 for n in sizes]
    for name, dtype in [("float64", torch.float64), ("float32", torch.float32)]
}
blocks = [2**n * 1000 for n in range(4, 18)]
bandwidths = [copy_speed(n) / 1e9 for n in blocks]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
plotting.line_chart(
    {name: (sizes, values) for name, values in speeds.items()},
    title="矩陣相乘的速度", xlabel="矩陣的邊長", ylabel="GFLOP/s", logx=True, markers=True, ax=left,
)  # fmt: skip
plotting.line_chart(
    {"複製": ([n / 1e6 for n in blocks], bandwidths)},
    title="複製記憶體的速度", xlabel="大小（MB，對數）", ylabel="GB/s", logx=True, markers=True, ax=right,
)  # fmt: skip
plotting.show(
    figure,
    alt="左圖：矩陣越大，每秒運算次數越高，然後持平；float32 約為 float64 的兩倍。右圖：複製的速度先隨大小上升，超過快取之後下降到主記憶體的頻寬。",
)
print(
    f"快取裡最快 {max(bandwidths):.0f} GB/s，{blocks[-1] / 1e6:.0f} MB 時 {bandwidths[-1]:.0f} GB/s"
)

# %% [markdown]
r"""
### 第五塊：二十行的第一次訓練

下面這個函式訓練一個兩層的網路認 MNIST 的手寫數字。五步的訓練迴圈——取批次、前向、歸零、反向、更新——[PyTorch 基礎](pytorch_fundamentals.ipynb)會拆開來講，現在先看它跑起來。
亂數用自己的產生器 `torch.Generator`：不管之前用掉多少亂數，同一個種子就得到同樣的起始權重、同樣的抽樣順序。
"""

# %%
from dlbook.foundations.first_training import train_digits  # inline

# %%
data = datasets.mnist()
train_x, train_y = data.train_images.flatten(1).float() / 255, data.train_labels
test_x, test_y = data.test_images.flatten(1).float() / 255, data.test_labels


def weights_of(network):
    """網路的所有參數，接成一條。"""
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


network = train_digits(train_x, train_y, seed=run.seed)
again = train_digits(train_x, train_y, seed=run.seed)
other = train_digits(train_x, train_y, seed=run.seed + 1)
different = (weights_of(network) != weights_of(again)).sum()
print(f"比了 {weights_of(network).numel():,} 個參數")
run.claim(
    "同一個種子訓練兩次，不同的參數個數",
    different,
    at_most=0,
    level="parity",
    source="同一台機器、同樣的執行緒數，逐位元比較",
)
run.claim(
    "換一個種子，不同的參數比例",
    (weights_of(network) != weights_of(other)).float().mean(),
    at_least=0.99,
    level="simple",
    source="上一項的對照：證明比較的方法分得出不同",
)

# %% [markdown]
r"""
## 實驗

### 第一次訓練，學到了嗎

測試集的 10,000 張影像沒有參與訓練。比較的對象不需要神經網路：把每個數字的訓練影像平均起來，看測試影像離哪一張平均最近。
"""

# %%
centres = torch.stack([train_x[train_y == digit].mean(dim=0) for digit in range(10)])
nearest = (torch.cdist(test_x, centres).argmin(dim=1) == test_y).float().mean().item()
with torch.inference_mode():
    scores = network(test_x)
    accuracy = (scores.argmax(dim=1) == test_y).float().mean().item()
    untrained = (
        train_digits(train_x, train_y, seed=run.seed, steps=0)(test_x).argmax(dim=1) == test_y
    )
display(
    pd.DataFrame(
        {"測試正確率": [untrained.float().mean().item(), nearest, accuracy]},
        index=["沒訓練的網路", "最近的平均影像", "訓練過的網路"],
    ).round(4)
)
run.claim(
    "第一次訓練的測試正確率",
    accuracy,
    at_least=0.95,
    level="simple",
    source="本課的門檻；MNIST 測試集 10,000 張",
)
run.claim(
    "比「最近的平均影像」高多少",
    accuracy - nearest,
    at_least=0.1,
    level="medium",
    source="同一次執行；不需要神經網路的對照",
)

# %% [markdown]
r"""
### 預測對了嗎：線性層的時間

先用屋頂線預測，再量。圖裡另有一條「只看運算次數」的預測，很多人直覺上就是這樣估的。
"""

# %%
batches = [1, 2, 4, 8, 16, 32, 64, 128, 256]
measured = [linear_seconds(batch) for batch in batches]
costs = [linear_cost(batch, width, width) for batch in batches]
predicted = [cost.seconds(machine) for cost in costs]
only_flops = [cost.flops / machine.flops for cost in costs]
figure = plotting.line_chart(
    {
        "量到的": (batches, [s * 1e3 for s in measured]),
        "屋頂線": (batches, [s * 1e3 for s in predicted]),
        "只看運算次數": (batches, [s * 1e3 for s in only_flops]),
    },
    title=f"{width}×{width} 的線性層：預測與實測",
    xlabel="批次大小",
    ylabel="毫秒",
    logx=True,
    logy=True,
    markers=True,
)
plotting.show(
    figure,
    alt="雙對數座標：批次大時三條線重合；批次小時，只看運算次數的預測遠低於實測，屋頂線也在實測下方，但最多只差幾倍。",
)
factors = {b: m / p for b, m, p in zip(batches, measured, predicted)}
print("實測是屋頂線的幾倍：", "、".join(f"批次 {b} {f:.2f}" for b, f in factors.items()))

# %% [markdown]
r"""
要拿來當主張，量法得更小心：別的程式可能剛好在量算力時插隊、量線性層時又沒有。所以把這些量**交替**量好幾輪，各取最好的一次，再算倍數。
"""


# %%
def best_of_rounds(rounds):
    """機器的兩個極限與三種批次的秒數，交替量 ``rounds`` 輪，各取最好的一次。"""
    flops, bandwidth, seconds = 0.0, 0.0, dict.fromkeys((1, 4, 256), float("inf"))
    for _ in range(rounds):
        flops = max(flops, matmul_speed(run.matmul_size))
        bandwidth = max(bandwidth, copy_speed(run.copy_bytes))
        seconds = {batch: min(best, linear_seconds(batch)) for batch, best in seconds.items()}
    return Machine(flops, bandwidth), seconds


best_machine, best_seconds = best_of_rounds(6)
off = {}
for batch, seconds in best_seconds.items():
    off[batch] = seconds / linear_cost(batch, width, width).seconds(best_machine)
run.claim(
    "批次 256：實測與屋頂線預測差幾倍",
    max(off[256], 1 / off[256]),
    at_most=2.0,
    level="medium",
    source="屋頂線模型（Williams 等人，2009）；交替量 6 輪，各取最好",
)
run.claim(
    "批次 1：實測與屋頂線預測差幾倍",
    max(off[1], 1 / off[1]),
    at_most=3.0,
    level="medium",
    source="同上；複製量到的頻寬與讀權重的頻寬不完全相同，門檻較寬",
)
run.claim(
    "批次 4：實測與屋頂線預測差幾倍",
    max(off[4], 1 / off[4]),
    at_most=6.0,
    level="simple",
    source="屋頂線只是下界：小批次差得最遠",
)
run.claim(
    "批次 1：只看運算次數，預測少了幾倍",
    best_seconds[1] / (linear_cost(1, width, width).flops / best_machine.flops),
    at_least=3.0,
    level="strong",
    source="消融：拿掉「搬運」這一項",
)

# %% [markdown]
r"""
批次大的一端貼著屋頂；批次 1 也遠比「只看運算次數」準。中間的小批次離得最遠（上面印出了每個批次差幾倍），最可能的原因（這裡沒有驗證）是矩陣函式庫先把權重**重新排列**成好算的順序：批次 1 走不必重排的另一條路，批次大了，重排的成本才攤得掉。屋頂線沒算這一筆，它只是下界。

### 資料型別：少搬一半，快多少

權重改用 bfloat16，搬的位元組少一半；int8 再少一半（權重以 8 位元整數存，計算時帶一個縮放倍率）。能不能變快，還要看處理器有沒有對應的指令，所以這裡只對**位元組**提出主張，時間量給你看。
"""

# %%
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", UserWarning)
    int8_layer = torch.ao.quantization.quantize_dynamic(  # ty: ignore[deprecated]
        nn.Sequential(layer), {nn.Linear}, dtype=torch.qint8
    )[0]
bf16_layer = nn.Linear(width, width, bias=False, dtype=torch.bfloat16)
int8_weight = int8_layer.weight()
sizes_in_mb = {
    "float32": layer.weight.nbytes / 1e6,
    "bfloat16": bf16_layer.weight.nbytes / 1e6,
    "int8": int8_weight.int_repr().nbytes / 1e6,
}


@torch.inference_mode()
def milliseconds(batch):
    """三種型別各要幾毫秒。"""
    x = torch.randn(batch, width)
    half = x.bfloat16()
    layers = [lambda: layer(x), lambda: bf16_layer(half), lambda: int8_layer(x)]
    return [roofline.fastest(step, run.repeats) * 1e3 for step in layers]


table = pd.DataFrame({"權重（MB）": sizes_in_mb.values()}, index=list(sizes_in_mb))
for batch in (1, 256):
    table[f"批次 {batch}（毫秒）"] = milliseconds(batch)
display(table.round(2))
run.claim(
    "int8 的權重是 float32 的幾分之幾",
    sizes_in_mb["int8"] / sizes_in_mb["float32"],
    at_most=0.26,
    level="cost",
    source="張量實際佔用的位元組",
)

# %% [markdown]
r"""
縮小的權重有時快得比位元組的比例還多：同一個權重反覆使用，小到整個放得進快取之後，就不必再從主記憶體搬了。

### 執行緒：矩陣越小，越分不到好處

兩個執行緒各算一半，理想上快一倍。但它們每算完一塊就要互相等待；只要另一個核心正忙著別的事，先做完的就得空等。這門課預設一個執行緒，就是為了讓你在做別的事時，時間仍可預期。
"""

# %%
thread_rows, threads_before = [], torch.get_num_threads()
for size in (16, 64, 256, 1024):
    row = {"邊長": size}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        row[f"{threads} 個執行緒（GFLOP/s）"] = matmul_speed(size) / 1e9
    thread_rows.append(row)
torch.set_num_threads(threads_before)
table = pd.DataFrame(thread_rows).set_index("邊長")
display(table.round(1))
figure = plotting.bar_chart(
    {f"邊長 {size}": row.iloc[1] / row.iloc[0] for size, row in table.iterrows()},
    title="兩個執行緒是一個的幾倍快（這台機器、這個當下）",
    ylabel="倍",
    horizontal=True,
)
figure.axes[0].axvline(1, color="black", linestyle=":")
plotting.show(
    figure, alt="四種矩陣大小下，兩個執行緒相對於一個的速度倍數；虛線是一倍。小矩陣最得不到好處。"
)

# %% [markdown]
r"""
這張圖的數字每次都不同，取決於這台電腦當下還有誰在用，所以不拿它當主張。

### 裝置

`run.device` 是這次執行用的裝置。張量與模型要在同一個裝置上才能一起算；GPU 的運算是**非同步**的，計時前要先 `torch.cuda.synchronize()`，否則量到的只是「把工作交出去」的時間。
"""

# %%
print("這台機器看得到的裝置：", "CPU", "、CUDA" if torch.cuda.is_available() else "（沒有 CUDA）")
print("模型在", next(network.parameters()).device, "，資料在", test_x.device)

# %% [markdown]
r"""
## 看看哪裡錯

### 屋頂線在哪裡失準

把實測除以預測，看每個運算離屋頂多遠。1 表示剛好碰到屋頂；比 1 小，代表它比「走主記憶體」還快，因為資料還留在快取裡。
"""

# %%
figure = plotting.bar_chart(
    {name: seconds / cost.seconds(machine) for name, (cost, seconds) in operations.items()},
    title="實測時間是屋頂線預測的幾倍",
    ylabel="倍（1 是剛好碰到屋頂）",
    horizontal=True,
)
figure.axes[0].axvline(1, color="black", linestyle=":")
plotting.show(
    figure,
    alt="六個運算的實測除以預測：大矩陣的運算接近 1，exp 明顯大於 1。",
)

# %% [markdown]
r"""
`exp` 超過 1 不是機器慢，是帳記得太簡單：一次 `exp` 實際上要很多次乘加。數運算次數時，「一個函式算一次」只是約定。

### 網路認錯了哪些字

挑出答錯而且最有把握的：
"""

# %%
guess = scores.argmax(dim=1)
confidence = scores.softmax(dim=1).amax(dim=1)
wrong = torch.nonzero(guess != test_y).flatten()
worst = wrong[confidence[wrong].argsort(descending=True)][:12]
figure = plotting.image_grid(
    data.test_images[worst],
    columns=6,
    titles=[f"{int(test_y[i])} → {int(guess[i])}" for i in worst],
    title="答錯而且最有把握的 12 張（正確答案 → 網路的答案）",
)
plotting.show(
    figure, alt="十二張被認錯的手寫數字，標題是正確答案與網路的答案；多半寫得潦草或筆畫相連。"
)
print(f"測試集 {len(test_y):,} 張，答錯 {len(wrong)} 張")

# %% [markdown]
r"""
## 常見的坑

### 坑一：只量一次，還把第一次算進去
"""

# %%
import time


def once(procedure):
    """不熱身、只量一次。"""
    start = time.perf_counter()
    procedure()
    return time.perf_counter() - start


torch.manual_seed(run.seed)
fresh = nn.Sequential(nn.Linear(1000, 1000), nn.GELU(), nn.Linear(1000, 1000))
x = torch.randn(64, 1000)
times = [once(lambda: fresh(x)) * 1e3 for _ in range(8)]
print("連續量八次（毫秒）：", "、".join(f"{t:.2f}" for t in times))
print(f"fastest：{fastest(lambda: fresh(x)) * 1e3:.2f} 毫秒")

# %% [markdown]
r"""
**症狀**：第一次和後面差很多；拿它來比，換個順序量，「誰比較快」可能就反過來。**解法**：熱身、重複、取最小；要比兩個方法就**交替**量（之後的課用 `measure.paired_times`）。

### 坑二：以為設了種子就一定一樣

`torch.manual_seed` 設的是**全域**的亂數。中間多抽一個亂數，後面全部跟著變：
"""


# %%
def initial_weight(extra_draws):
    """設了種子，但建立網路之前可能多抽幾個亂數。"""
    torch.manual_seed(run.seed)
    for _ in range(extra_draws):
        torch.rand(1)
    return nn.Linear(4, 4).weight.detach()


print("兩次都沒有多抽，相同嗎：", torch.equal(initial_weight(0), initial_weight(0)))
print("其中一次多抽一個，相同嗎：", torch.equal(initial_weight(0), initial_weight(1)))

# %% [markdown]
r"""
**症狀**：加了一行不相干的程式（例如畫一張隨機挑選的圖），訓練結果就變了。**解法**：重要的亂數用自己的 `torch.Generator`，像 `train_digits` 那樣。

### 坑三：只做前向（例如量驗證損失），卻把損失張量存起來

`loss` 不只是一個數，它還牽著整張計算圖。訓練時 `backward()` 做完，圖裡的中間結果就釋放了；可是量驗證損失時不會呼叫 `backward()`，只要有人拿著 `loss`，整張圖就一直留著。下面各做兩百次前向，把每一次的損失存進 list，量**多用**了多少記憶體：
"""


# %%
def memory_growth(keep):
    """前向 200 次（不反向），用 ``keep`` 把損失存起來；記憶體增加多少 MB。"""
    torch.manual_seed(run.seed)
    deep = nn.Sequential(*[nn.Sequential(nn.Linear(500, 500), nn.Tanh()) for _ in range(4)])
    history = []
    before = psutil.Process().memory_info().rss
    for step in range(200):
        loss = deep(train_x[step * 256 : (step + 1) * 256, :500]).square().mean()
        history.append(keep(loss))
    return (psutil.Process().memory_info().rss - before) / 1e6


memory_growth(lambda loss: loss.item())  # 熱身
growth = {"存 loss（連計算圖）": memory_growth(lambda loss: loss)}
growth["存 loss.item()"] = memory_growth(lambda loss: loss.item())
print("、".join(f"{name}：多用 {mb:.0f} MB" for name, mb in growth.items()))
run.claim(
    "存 loss 比存 loss.item() 多用的記憶體（MB）",
    growth["存 loss（連計算圖）"] - growth["存 loss.item()"],
    at_least=250,
    level="cost",
    source=f"四層 × 256 筆 × 500 個數 × 4 位元組 × 200 次 = {4 * 256 * 500 * 4 * 200 / 1e6:.0f} MB",
)

# %% [markdown]
r"""
**症狀**：每驗證一次，記憶體就多一截。**解法**：驗證包在 `torch.inference_mode()` 裡，要記錄就存 `loss.item()`。訓練迴圈裡存 `loss` 多半不會爆（`backward()` 已經釋放中間結果），也一樣存 `.item()`；把好幾步的 `loss` 加起來、最後才 `backward()`，就會像上面一樣一直長。

### 坑四：用 Python 迴圈算張量的事

每次取一個元素出來，都要跑一趟 PyTorch 的派遣機制；真正的運算只有一次乘加：
"""

# %%
u, v = torch.rand(2_000), torch.rand(2_000)
times = measure.paired_times(
    lambda: sum(float(u[i] * v[i]) for i in range(len(u))), lambda: float(u @ v), pairs=5
)
print(f"迴圈 {np.median(times.a) * 1e3:.2f} 毫秒，一次算完 {np.median(times.b) * 1e3:.4f} 毫秒")
run.claim(
    "兩千個數的內積，一次算完比 Python 迴圈快幾倍",
    times.ratio,
    at_least=50,
    level="cost",
    source="同一次執行中交替量測 5 對，取中位數",
)

# %% [markdown]
r"""
**症狀**：GPU 或 CPU 的使用率很低，程式卻很慢。**解法**：改寫成張量的運算；寫不出來時，先想廣播與 `einsum`。
"""

# %% [markdown]
r"""
## 練習

每題下面是一個空的函式。寫完執行，再執行下一格，就知道對不對、錯在哪裡；還沒寫也不會擋住後面。`dlbook hint 編號` 一次給一個提示，`dlbook solution 編號` 看參考解答，`dlbook progress` 看自己做到哪裡。答案與進度存在你的電腦裡，更新課程不會弄丟。
"""

# %%
from dlbook.exercises.foundations.environment_setup import matmul_intensity  # exercise

# %%
from dlbook.exercises.foundations.environment_setup import private_random  # exercise

# %%
from dlbook.exercises.foundations.environment_setup import plain_history  # exercise

# %%
from dlbook.exercises.foundations.environment_setup import ridge_batch  # exercise

# %% [markdown]
r"""
用你的函式算這台機器的屋脊批次，和上面的圖對照：
"""

# %%
print(
    "這台機器上，線性層的批次要到", ridge_batch(width, width, 4, machine.flops, machine.bandwidth)
)

# %%
from dlbook.exercises.foundations.environment_setup import accuracy_by_width  # exercise

# %%
fitted, held_out = slice(50_000), slice(50_000, None)  # 選寬度用驗證資料，不動測試集
curve = accuracy_by_width(
    train_x[fitted],
    train_y[fitted],
    train_x[held_out],
    train_y[held_out],
    [2, 8, 32, 128],
    run.seed,
    1500,
)
figure = plotting.line_chart(
    {"驗證正確率": ([2, 8, 32, 128], curve)},
    title="隱藏單元的數目與驗證正確率",
    xlabel="隱藏單元",
    ylabel="正確率",
    logx=True,
    markers=True,
)
plotting.show(figure, alt="隱藏單元從 2 增加到 128，驗證正確率先快速上升，再趨於平緩。")

# %% [markdown]
r"""
### 想一想

1. 語言模型一次產生一個字時，GPU 的算力大半閒著。同時服務 32 個人，為什麼幾乎不會變慢？

<details><summary>看答案</summary>

一個人時，權重搬一次只用一次，時間由搬運決定；32 個人共用同一次搬運，權重搬的位元組不變，運算變成 32 倍，但運算原本就有餘裕。等到批次超過屋脊，才會開始變慢。這裡只算權重；每個人各自的 KV 快取不能共用，對話越長，這一份搬運越大。

</details>

2. 種子、資料、程式都相同，換到另一台電腦，訓練出來的權重會逐位元相同嗎？

<details><summary>看答案</summary>

通常不會。不同的處理器用不同的指令與不同的加總順序，浮點數的捨入就不同；差異在訓練中會被放大。能期待的是**統計上**相同：正確率差不多，主張一樣通過。

</details>

3. 把 float32 換成 bfloat16，屋脊會往哪裡移？

<details><summary>看答案</summary>

每個數少一半位元組，同樣的運算強度變成兩倍（點往右移）；若處理器有 bfloat16 的指令，平頂也會升高，屋脊跟著往右移。小批次的線性層受限於搬運，理想上快一倍；上面的表量到的是多少？

</details>
"""

# %% [markdown]
r"""
## 驗收

每一課的最後都有這張表：主張（claim）是課文說的話，由程式量出來、和門檻比。任何一項沒過，這一課就算失敗，`make test` 會變紅。
"""

# %%
lesson.finish(run)

# %% [markdown]
r"""
## 延伸閱讀

- Williams, Waterman, Patterson, *Roofline: An Insightful Visual Performance Model for Multicore Architectures*, CACM 52(4), 2009：屋頂線的原始論文，十二頁，很好讀。
- Goldberg, *What Every Computer Scientist Should Know About Floating-Point Arithmetic*, ACM Computing Surveys 23(1), 1991：浮點數為什麼會那樣。
- Micikevicius 等人，*Mixed Precision Training*，arXiv:1710.03740：用一半的位元訓練，要注意什麼。
- PyTorch 文件的 *Reproducibility* 一頁：哪些運算沒有決定性的版本；`torch.use_deterministic_algorithms(True)` 遇到它們會直接報錯。
- 下一課：[數學要點](math_essentials.ipynb)。
"""
