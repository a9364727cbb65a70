# %% [markdown]
r"""
# 注意力機制：誰在說話

**一句話**：注意力（attention）讓每個位置自己決定要看哪裡、看多少；它是軟的查表，而且每一步都可以微分。

學完這一課，你能夠：

- 從加性注意力寫到縮放點積、多頭與整個 Transformer 編碼層，每一個都和 PyTorch 對上答案；
- 用量的，說出為什麼要除以 $\sqrt d$、長度加倍要付出什麼、沒有位置編碼會看不到什麼；
- 正確地使用遮罩，認得四種不會報錯的錯誤；
- 訓練一個認人的網路，量辨識正確率與驗證的等錯誤率（EER），並且看出分數裡有多少不是靠聲音。

| | |
| --- | --- |
| 先備 | [循環神經網路](rnn_lstm.ipynb)：GRU、編碼器與解碼器 |
| 作業 | ML 2021 HW4：VoxCeleb1 子集的語者辨識（600 位語者）。這裡換成隨課程附上的 40 位語者 |
| 時間 | 兩核心 CPU 執行約 1 分鐘；讀與練習約 4 小時。GPU（full）未驗證 |
| 資料 | 自由授權的語音：Asterisk 提示語、Menardi、KLettres、KTuberling（CC-BY-SA、CC-BY、GPL，見 `data/LICENSES/speech.txt`） |
"""

# %%
import datetime
import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F

from dlbook import datasets, lesson, measure, plotting

run = lesson.start(
    "sequence_modeling/attention_mechanism",
    quick={"date_steps": 200, "live_epochs": 3, "epochs": 20, "load": True},
    full={"date_steps": 600, "live_epochs": 20, "epochs": 20, "load": False},
)

# %% [markdown]
r"""
## 先看結果

同一天有很多種寫法：`2024年5月2日`、`Thu, 2 May 2024`、`週四，2024.5.2`。訓練一個小網路，把它們都翻成 `2024-05-02`。

沒有人告訴它哪個字對應哪個字，只給了問題和答案。但這個網路有注意力：每寫一個字之前，先決定要看原文的哪裡。訓練完，把它看的地方畫出來：
"""

# %%
from dlbook.sequence_modeling import additive_attention, date_pairs, speaker_pictures

days = date_pairs.all_days()
shuffled = [days[i] for i in np.random.default_rng(0).permutation(len(days))]
held_out, known = shuffled[:500], shuffled[500:4_500]  # 測試的日子，訓練時沒出現過
styles = np.random.default_rng(1).integers(len(date_pairs.FORMATS), size=len(shuffled)).tolist()


def date_batch(part, first):
    """(原文, 譯文) 的編號；第 i 天用它自己那一種寫法。"""
    texts = [date_pairs.written(day, styles[first + i]) for i, day in enumerate(part)]
    return date_pairs.encode_source(texts), date_pairs.encode_target(part)


test_source, test_target = date_batch(held_out, 0)
source, target = date_batch(known, 500)


def train_dates(attend):
    """訓練一個翻譯日期的網路，傳回 (模型, 測試集整串全對的比例)。"""
    torch.manual_seed(run.seed)
    symbols = len(date_pairs.LETTERS) + 1, len(date_pairs.DIGITS) + 1
    model = additive_attention.AlignedTranslator(*symbols, dim=48, attend=attend)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=run.date_steps)
    for _ in range(run.date_steps):
        batch = torch.randint(len(source), (64,))
        scores, _ = model(source[batch], date_pairs.TARGET_LENGTH, target[batch])
        loss = F.cross_entropy(scores.flatten(0, 1), target[batch].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        written = model(test_source, date_pairs.TARGET_LENGTH)[0].argmax(dim=-1)
    return model, float((written == test_target).all(dim=1).double().mean())


translator, with_attention = train_dates(attend=True)
_, without_attention = train_dates(attend=False)

# %%
shown_day = datetime.date(2031, 7, 26)  # 2031-07-26：每個數字各來自不同的地方
panels = []
for style in (0, 2, 4):
    text = date_pairs.written(shown_day, style)
    with torch.no_grad():
        scores, matrix = translator(date_pairs.encode_source([text]), date_pairs.TARGET_LENGTH)
    panels.append((text, date_pairs.decode_target(scores[0].argmax(dim=-1)), matrix[0]))
plotting.show(
    speaker_pictures.alignment_picture(panels, title="寫每一個字的時候，看原文的哪裡"),
    alt="三張對齊圖。寫年份時看原文的年份，不論它在最前面還是最後面；寫月份的兩位時看月份的數字，或英文的月名；寫日時看日。星期那幾個字幾乎沒有被看到。",
)
print(
    f"測試 {len(held_out)} 天，整串全對：有注意力 {with_attention:.3f}，沒有 {without_attention:.3f}"
)
run.claim(
    "翻譯沒看過的日期，整串全對的比例",
    with_attention,
    at_least=0.95,
    level="simple",
    source="測試的日子不在訓練資料裡",
)
run.claim(
    "同樣的步數，注意力讓整串全對的比例多出多少",
    with_attention - without_attention,
    at_least=0.25,
    level="medium",
    source="arXiv:1409.0473 的對照：解碼器只拿得到編碼器的最後狀態",
)

# %% [markdown]
r"""
沒有注意力的那個網路，得把整串原文塞進一個固定大小的向量裡；有注意力的可以隨時回頭看。
這張圖是**讀出來的**：對齊是網路為了寫對答案，自己學會的。

這一課先把這個想法一步步變成 Transformer 的編碼層，再用它聽聲音認人。
"""

# %% [markdown]
r"""
## 直覺

### 軟的查表

Python 的字典是硬的查表：鑰匙要完全相同，才拿得到那一個值。注意力是軟的：

- 手上有一個**查詢**（query），每筆資料有一把**鑰匙**（key）和一個**值**（value）；
- 查詢和每一把鑰匙比一比，越像分數越高；
- 分數過 softmax 變成權重，總和是 1；輸出是所有值照權重的平均。

下面有五筆資料，鑰匙是平面上的方向，值是一個數。查詢轉一圈，看它拿到什麼：
"""

# %%
angles = torch.tensor([0.0, 1.2, 2.4, 3.6, 5.0])
keys = torch.stack([angles.cos(), angles.sin()], dim=1)
values = torch.tensor([10.0, 40.0, 20.0, 50.0, 30.0])
turn = torch.linspace(0, 2 * torch.pi, 200)
queries = torch.stack([turn.cos(), turn.sin()], dim=1)

figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), width_ratios=[1, 1.7])
for k, (x, y) in enumerate(keys.tolist()):
    axes[0].annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": plotting.COLORS[k], "lw": 2})  # fmt: skip
    axes[0].text(1.22 * x, 1.22 * y, f"{values[k]:.0f}", ha="center", va="center")
axes[0].set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", title="五把鑰匙（方向）與它們的值", xlabel="第 1 維", ylabel="第 2 維")  # fmt: skip
for sharpness, style in [(1.0, ":"), (4.0, "--"), (30.0, "-")]:
    weights = (sharpness * queries @ keys.T).softmax(dim=-1)
    axes[1].plot(turn.rad2deg(), weights @ values, style, label=f"分數 × {sharpness:.0f}")
axes[1].axhline(float(values.mean()), color="black", linewidth=0.8)
axes[1].set(title="查詢轉一圈，拿到的值", xlabel="查詢的方向（度）", ylabel="輸出")
axes[1].legend()
plotting.show(
    figure,
    alt="左圖五個箭頭，旁邊寫著值。右圖三條曲線：分數乘 1 時在平均值上下緩緩起伏，乘 4 時起伏變大，乘 30 時變成一階一階的，幾乎等於最近的那把鑰匙的值。",
)

# %% [markdown]
r"""
分數小，就接近全部平均；分數大，就接近硬的查表。**分數的大小決定注意力有多尖**，這件事等一下會變成 $\sqrt d$。

### 自注意力：每個位置都發問

一句話裡的每個位置，同時是發問的人，也是別人查得到的一筆資料。查詢、鑰匙、值都由同一串向量算出來，就是自注意力（self-attention）。一層之後，每個位置都拿到了它想要的、來自整句的資訊，而且全部同時算完，不必像 RNN 一步一步傳。

### 認人為什麼用得上

一段聲音有幾十框，有的框是母音，有的是雜音或安靜。要把它收成一個「這是誰」的向量，最簡單的是全部平均。平均把每一框看得一樣重要；注意力可以挑。挑了會不會比較好？這要量才知道，而且這一課會看到不一定。
"""

# %% [markdown]
r"""
## 原理

### 加性注意力

查詢 $q\in\mathbb{R}^{a}$，鑰匙 $k_j\in\mathbb{R}^{b}$，兩者寬度不同也行，交給一個小網路比（Bahdanau，arXiv:1409.0473）。$W\in\mathbb R^{c\times a}$、$U\in\mathbb R^{c\times b}$、$v\in\mathbb R^{c}$，$c$ 是小網路的寬度：

$$s_j=v^\top\tanh(Wq+Uk_j),\qquad \alpha=\operatorname{softmax}(s),\qquad \text{輸出}=\sum_j\alpha_j k_j .$$

### 縮放點積注意力

把 $n$ 個查詢疊成 $Q\in\mathbb{R}^{n\times d}$，$m$ 把鑰匙疊成 $K\in\mathbb{R}^{m\times d}$，值 $V\in\mathbb{R}^{m\times e}$。改用內積當分數，所有的比較就是一次矩陣乘法：

$$\operatorname{Attention}(Q,K,V)=\operatorname{softmax}\!\Big(\frac{QK^\top}{\sqrt d}\Big)V ,$$

softmax 沿著鑰匙那一軸。

### 為什麼除以 √d

1. 假設 $q$ 與 $k$ 的每一維彼此獨立、平均 0、變異數 1。
2. $q\cdot k=\sum_{i=1}^d q_ik_i$ 是 $d$ 個變異數 1 的項相加，變異數是 $d$，標準差是 $\sqrt d$。
3. 不除的話，$d$ 越大分數拉得越開，softmax 越接近 one-hot。
4. softmax 的導數是 $\partial\alpha_i/\partial s_j=\alpha_i([i=j]-\alpha_j)$，$[i=j]$ 相等時是 1，否則是 0。$\alpha$ 接近 one-hot 時，每一項都接近 0：學不動。
5. 除以 $\sqrt d$，分數的標準差回到 1，與 $d$ 無關。

### 遮罩

不准看的位置，把分數換成 $-\infty$，softmax 之後權重剛好是 0，其他的仍然加總成 1。兩種最常用：

- **補齊遮罩**（padding mask）：一批裡的句子長短不一，短的補滿；補的不准看。
- **因果遮罩**（causal mask）：第 $i$ 個位置只准看 $j\le i$，寫作的時候不能偷看後面。

一個 key 都看不到的列是 $0/0$。我們讓它的權重全部是 0，與 `F.scaled_dot_product_attention` 相同。

### 多頭

一個 softmax 只能有一種「像」。把寬度 $D$ 切成 $h$ 份，每份寬 $d=D/h$，各自有自己的 $W_Q,W_K,W_V$，各看各的，最後接起來再乘 $W_O\in\mathbb{R}^{D\times D}$。參數是 $4D^2$（加偏置），與頭數無關。

### 編碼層

$$x\leftarrow x+\operatorname{MHA}(\operatorname{LN}(x)),\qquad x\leftarrow x+\operatorname{FFN}(\operatorname{LN}(x)) .$$

注意力在位置**之間**搬資訊，前饋網路（feed-forward network，FFN）在每個位置**之內**加工。先正規化的排法叫 pre-norm；原論文把 LN 放在加法之後（post-norm），深的時候難練。

### 位置

把輸入的順序打亂，注意力的輸出就跟著打亂，內容一個不變：$f(Px)=Pf(x)$（$P$ 是排列矩陣），叫做排列等變（permutation equivariance）。要知道先後，得把位置寫進輸入。正弦編碼：

$$\text{PE}_{p,2i}=\sin(p/10000^{2i/D}),\qquad \text{PE}_{p,2i+1}=\cos(p/10000^{2i/D}) .$$

兩個位置的內積 $\sum_i\cos\big((p-p')/10000^{2i/D}\big)$ 只看相隔多遠。

### 代價

$QK^\top$ 有 $n^2$ 格，每格 $d$ 次乘加：時間 $O(n^2D)$，存權重要 $O(hn^2)$。線性層是 $O(nD^2)$。序列短的時候線性層貴，長的時候注意力貴。

### 池化、Conformer、AM-Softmax 與 EER

- **自注意力池化**（self-attentive pooling）：$\alpha=\operatorname{softmax}_t\big(v^\top\tanh(Wh_t+b)\big)$，輸出 $\sum_t\alpha_th_t$。這就是加性注意力，$b$ 是查詢那一項，換成一組學來的常數。
- **Conformer**（arXiv:2005.08100）：半步 FFN → 自注意力 → 卷積 → 半步 FFN。注意力看遠、卷積看近。這裡的卷積用 LayerNorm 取代 BatchNorm，也沒有相對位置編碼。
- **AM-Softmax**（arXiv:1801.05599）：向量與每位語者的方向長度都化成 1，只看夾角；答案那一類的餘弦先扣 $m$，再乘 $s$（這裡 $m=0.2$、$s=30$）：
$$\mathcal L=-\ln\frac{e^{s(\cos\theta_y-m)}}{e^{s(\cos\theta_y-m)}+\sum_{j\ne y}e^{s\cos\theta_j}} .$$
贏一點點不算，要贏過 $m$ 才算，於是同一人的向量被擠得更近。
- **EER**：兩段聲音的餘弦超過門檻就判同一人。門檻低，不同人被認成同一人（誤認）；門檻高，同一人被拒絕（誤拒）。兩種錯誤率相等的那一點就是 EER，亂猜是 50%。
"""

# %% [markdown]
r"""
## 從零實作

### 第一塊：加性注意力，與會對齊的翻譯網路

先看結果裡用的就是這兩個類別。注意 `read` 用 packed sequence，補的位置不會流進 GRU；`attention` 拿 `source != 0` 當遮罩。
"""

# %%
from dlbook.sequence_modeling.additive_attention import AdditiveAttention  # inline

# %%
from dlbook.sequence_modeling.additive_attention import AlignedTranslator  # inline

# %%
torch.manual_seed(run.seed)
attention = AdditiveAttention(query_dim=3, key_dim=5, hidden=4)
context, weights = attention(torch.randn(2, 3), torch.randn(2, 6, 5))
print("查詢寬 3、鑰匙寬 5：輸出", tuple(context.shape), "權重", tuple(weights.shape))

# %% [markdown]
r"""
### 第二塊：遮罩與縮放點積注意力

`attention_weights` 的 q 可以比 k 有更多頭：幾個 q 頭共用一組 k，叫分組查詢注意力（GQA），是後面的課省記憶體用的；頭數相同時就是一般的多頭。
"""

# %%
from dlbook.sequence_modeling.attention import causal_mask, padding_mask, check_mask  # inline

# %%
from dlbook.sequence_modeling.attention import (
    attention_weights,
    weighted_values,
    scaled_dot_product_attention,
)  # inline

# %%
q, k = torch.randn(2, 1, 6, 8), torch.randn(2, 1, 6, 8)
seen = padding_mask(torch.tensor([6, 4]), 6)  # 第二句只有 4 個是真的
figure = speaker_pictures.matrices_picture(
    {
        "沒有遮罩": attention_weights(q, k)[1, 0],
        "補齊遮罩（4 個是真的）": attention_weights(q, k, seen[:, None, None])[1, 0],
        "因果遮罩": attention_weights(q, k, causal_mask(6, 6))[1, 0],
        "兩個一起": attention_weights(q, k, causal_mask(6, 6) & seen[:, None, None])[1, 0],
    },
    title="同樣的分數，不同的遮罩；每一列加總是 1",
)
plotting.show(
    figure,
    alt="四張 6×6 的權重。沒有遮罩時格格有值；補齊遮罩讓最右兩欄是 0；因果遮罩讓右上三角是 0；兩個一起，兩塊都是 0。",
)

# %% [markdown]
r"""
**對答案**：和 PyTorch 的 `F.scaled_dot_product_attention` 比前向與梯度。遮罩各種形狀都試，包含一列全部看不到的：
"""


# %%
def largest_gap(ours, theirs, our_leaves, their_leaves):
    """前向的最大差，與各個輸入、參數的梯度的最大差，取大的。"""
    gaps = [(ours - theirs).abs().max()]
    our_grads = torch.autograd.grad(ours.pow(3).sum(), our_leaves)
    their_grads = torch.autograd.grad(theirs.pow(3).sum(), their_leaves)
    gaps += [(a - b).abs().max() for a, b in zip(our_grads, their_grads, strict=True)]
    return float(torch.stack(gaps).detach().max())


gaps = []
nothing = causal_mask(5, 5)
nothing[2] = False  # 第 2 個 query 什麼都看不到
masks = [None, causal_mask(5, 5), padding_mask(torch.tensor([5, 3]), 5)[:, None, None], nothing]
for mask in masks:
    leaves = [torch.randn(2, 4, 5, 8, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    ours = scaled_dot_product_attention(*leaves, mask)
    theirs = F.scaled_dot_product_attention(*leaves, attn_mask=mask)
    gaps.append(largest_gap(ours, theirs, leaves, leaves))
run.claim(
    "縮放點積注意力：前向與 q、k、v 的梯度，和 PyTorch 的最大差",
    max(gaps),
    at_most=1e-10,
    level="parity",
    source="F.scaled_dot_product_attention，float64，四種遮罩",
)

# %% [markdown]
r"""
### 量一量 √d

隨機的 q 與 k，寬度從 4 到 1024，64 把鑰匙。看三件事：分數拉得多開；權重有多平均（熵，除以平均分配的熵，1 是完全平均）；以及有多少查詢已經**學不動**——softmax 的導數矩陣整個小於 0.001，梯度傳不回去。
"""


# %%
def softmax_health(d, scaled, n=64):
    """(分數的標準差, 熵 / ln n, 學不動的查詢佔多少)。"""
    q, k = torch.randn(256, d), torch.randn(n, d)
    scores = q @ k.T / (d**0.5 if scaled else 1.0)
    p = scores.softmax(dim=-1)
    entropy = -(p * p.clamp(min=1e-30).log()).sum(dim=-1).mean() / np.log(n)
    jacobian = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    stuck = jacobian.norm(dim=(1, 2)) < 1e-3
    return float(scores.std()), float(entropy), float(stuck.double().mean())


widths = [4, 16, 64, 256, 1024]
health = {s: np.array([softmax_health(d, s) for d in widths]) for s in (True, False)}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.3))
names = ["分數的標準差", "熵（1 是完全平均）", "學不動的查詢（%）"]
for column, (ax, name) in enumerate(zip(axes, names, strict=True)):
    factor = 100 if column == 2 else 1
    ax.plot(widths, factor * health[True][:, column], "o-", label="除以 √d")
    ax.plot(widths, factor * health[False][:, column], "s--", label="沒有除")
    ax.set(title=name, xlabel="寬度 d", xscale="log")
axes[0].set_yscale("log")
axes[0].legend()
plotting.show(
    figure,
    alt="三張圖。除以 √d 的三條線都是平的；沒有除的，標準差隨寬度變大，熵掉到接近 0，學不動的查詢越來越多，d = 1024 時超過一半。",
)
run.claim(
    "d = 1024、除以 √d：權重的熵（1 是完全平均）",
    health[True][-1, 1],
    at_least=0.8,
    level="simple",
    source="q、k 是標準常態，64 把鑰匙",
)
run.claim(
    "d = 1024、沒有除：權重的熵",
    health[False][-1, 1],
    at_most=0.1,
    level="simple",
    source="arXiv:1706.03762 第 3.2.1 節說的飽和",
)
run.claim(
    "d = 1024、沒有除：學不動的查詢比除了的多出多少",
    health[False][-1, 2] - health[True][-1, 2],
    at_least=0.4,
    level="medium",
    source="softmax 導數矩陣的範數小於 0.001 的比例",
)

# %% [markdown]
r"""
### 第三塊：多頭
"""

# %%
from dlbook.sequence_modeling.multihead import MultiHeadAttention  # inline

# %%
torch.manual_seed(run.seed)
ours = MultiHeadAttention(16, 4).double()
theirs = nn.MultiheadAttention(16, 4, batch_first=True).double()
projections = (ours.q_proj, ours.k_proj, ours.v_proj)
with torch.no_grad():  # PyTorch 把三個線性層疊成一個
    theirs.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
    theirs.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
    theirs.out_proj.load_state_dict(ours.o_proj.state_dict())
x = torch.randn(2, 7, 16, dtype=torch.float64, requires_grad=True)
memory = torch.randn(2, 5, 16, dtype=torch.float64, requires_grad=True)
seen = padding_mask(torch.tensor([5, 3]), 5)
gap = largest_gap(
    ours(x, memory, memory, seen[:, None, None]),
    theirs(x, memory, memory, key_padding_mask=~seen)[0],  # PyTorch 這裡的 True 是「不准看」
    [x, memory, ours.o_proj.weight],
    [x, memory, theirs.out_proj.weight],
)
run.claim(
    "多頭注意力：前向與梯度，和 PyTorch 的最大差",
    gap,
    at_most=1e-10,
    level="parity",
    source="nn.MultiheadAttention，float64，查詢與鑰匙不同長、有補齊遮罩",
)

# %% [markdown]
r"""
### 第四塊：編碼層
"""

# %%
from dlbook.sequence_modeling.encoder import FeedForward, EncoderLayer  # inline

# %%
gaps = []
for norm_first in (True, False):
    ours = EncoderLayer(16, 4, 32, dropout=0.0, norm_first=norm_first).double()
    theirs = nn.TransformerEncoderLayer(
        16, 4, 32, dropout=0.0, batch_first=True, norm_first=norm_first
    ).double()
    attention = ours.attention
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        theirs.self_attn.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
    for their, our in [
        (theirs.self_attn.out_proj, attention.o_proj),
        (theirs.linear1, ours.feed_forward.up),
        (theirs.linear2, ours.feed_forward.down),
        (theirs.norm1, ours.norm1),
        (theirs.norm2, ours.norm2),
    ]:
        their.load_state_dict(our.state_dict())
    out = ours(memory, seen[:, None, None])
    reference = theirs(memory, src_key_padding_mask=~seen)
    our_leaves = [memory, ours.feed_forward.up.weight, ours.norm1.weight]
    their_leaves = [memory, theirs.linear1.weight, theirs.norm1.weight]
    gaps.append(largest_gap(out, reference, our_leaves, their_leaves))
run.claim(
    "編碼層：前向與梯度，和 PyTorch 的最大差",
    max(gaps),
    at_most=1e-9,
    level="parity",
    source="nn.TransformerEncoderLayer，float64，pre-norm 與 post-norm",
)

# %% [markdown]
r"""
### 第五塊：位置

先確認注意力真的分不出順序：把輸入打亂，輸出只是跟著打亂。
"""

# %%
layer = EncoderLayer(16, 4, 32).double().eval()
order = torch.randperm(12)
x = torch.randn(1, 12, 16, dtype=torch.float64)
with torch.no_grad():
    equivariance = float((layer(x[:, order]) - layer(x)[:, order]).abs().max())
run.claim(
    "先打亂再算，和先算再打亂，差多少（沒有位置編碼）",
    equivariance,
    at_most=1e-12,
    level="simple",
    source="排列等變：f(Px) = P f(x)",
)

# %%
from dlbook.sequence_modeling.positions import sinusoidal_positions  # inline

# %%
table = sinusoidal_positions(80, 32)
figure, axes = plt.subplots(1, 2, figsize=(10, 3.4))
axes[0].imshow(table.T.numpy(), aspect="auto", cmap="RdBu", interpolation="nearest")
axes[0].set(title="正弦位置編碼", xlabel="位置", ylabel="維度")
axes[0].grid(visible=False)
similarity = table @ table.T
for position in (10, 40, 70):
    axes[1].plot(similarity[position], label=f"位置 {position}")
axes[1].set(title="與每個位置的內積：只看相隔多遠", xlabel="位置", ylabel="內積")
axes[1].legend()
plotting.show(
    figure,
    alt="左圖是編碼的色塊：上面的維度沿位置快速變色，越往下變得越慢。右圖三條曲線形狀相同，最高點都在自己的位置，往兩邊起伏著變小。",
)

# %% [markdown]
r"""
沒有位置會壞在哪裡？出一題只考順序的：一串亂數符號裡有一個 A、一個 B，問誰先出現。
"""


# %%
def train_order(positions):
    """誰先出現：訓練一個編碼層，傳回測試正確率。"""
    torch.manual_seed(run.seed)
    embed, layer, head = nn.Embedding(22, 32), EncoderLayer(32, 4, 64, 0.0), nn.Linear(32, 2)
    table = sinusoidal_positions(12, 32) if positions else torch.zeros(12, 32)

    def batch(count):
        tokens = torch.randint(2, 22, (count, 12))
        places = torch.rand(count, 12).argsort(dim=1)[:, :2]  # A（0）與 B（1）各在哪裡
        tokens.scatter_(1, places, torch.tensor([0, 1]).expand(count, 2))
        return tokens, (places[:, 0] < places[:, 1]).long()

    parameters = [p for m in (embed, layer, head) for p in m.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=3e-3)
    for _ in range(250):
        tokens, answer = batch(64)
        loss = F.cross_entropy(head(layer(embed(tokens) + table).mean(dim=1)), answer)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    tokens, answer = batch(2_000)
    with torch.no_grad():
        scores = head(layer(embed(tokens) + table).mean(dim=1))
    return float((scores.argmax(dim=1) == answer).double().mean())


order_accuracy = {name: train_order(p) for name, p in [("沒有位置", False), ("正弦位置", True)]}
print("誰先出現的正確率：", "，".join(f"{n} {a:.3f}" for n, a in order_accuracy.items()))
run.claim(
    "「誰先出現」：有位置比沒有位置多對多少（沒有就是丟銅板）",
    order_accuracy["正弦位置"] - order_accuracy["沒有位置"],
    at_least=0.4,
    level="medium",
    source="一半一半的二選一題，2,000 題",
)

# %% [markdown]
r"""
### 量一量代價

反向傳播要用的中間結果，前向時都得存著。PyTorch 讓我們數存了多少位元組；時間也一起量：
"""


# %%
def saved_megabytes(forward):
    """前向為了反向傳播存了幾 MB（同一塊記憶體只算一次）。"""
    saved = {}

    def pack(tensor):
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        keep.append(tensor)
        return tensor

    keep = []
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(saved.values()) / 1e6


lengths = [128, 256, 512, 1024, 2048]
attention, feed_forward = MultiHeadAttention(64, 4), FeedForward(64, 128, 0.0)
cost = {"多頭注意力": [], "前饋網路": [], "F.scaled_dot_product_attention": []}
seconds = {"多頭注意力": [], "前饋網路": []}
for n in lengths:
    x = torch.randn(1, n, 64, requires_grad=True)
    heads = torch.randn(1, 4, n, 16, requires_grad=True)
    cost["多頭注意力"].append(saved_megabytes(lambda x=x: attention(x, x, x)))
    cost["前饋網路"].append(saved_megabytes(lambda x=x: feed_forward(x)))
    cost["F.scaled_dot_product_attention"].append(
        saved_megabytes(lambda h=heads: F.scaled_dot_product_attention(h, h, h))
    )
    with torch.no_grad():
        pair = measure.paired_times(
            lambda x=x: attention(x, x, x), lambda x=x: feed_forward(x), pairs=5
        )
    seconds["多頭注意力"].append(1e3 * min(pair.a))
    seconds["前饋網路"].append(1e3 * min(pair.b))
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6))
for ax, series, label in [
    (axes[0], cost, "存下來的 MB"),
    (axes[1], seconds, "前向的毫秒"),
]:
    for (name, y), style in zip(series.items(), ("o-", "s--", "^:"), strict=False):
        ax.plot(lengths, y, style, label=name)
    ax.set(xlabel="長度 n", ylabel=label, xscale="log", yscale="log")
    ax.set_xticks(lengths, [str(n) for n in lengths])
    ax.set_xticks([], minor=True)
    ax.legend(fontsize=8)
axes[0].set_title("記憶體")
axes[1].set_title("時間（一個執行緒）")
plotting.show(
    figure,
    alt="兩張對數圖。前饋網路的記憶體與時間隨長度成正比；多頭注意力的斜率是它的兩倍，長的時候遠高於它；PyTorch 合併過的注意力，記憶體只隨長度成正比。",
)
run.claim(
    "長度從 1024 到 2048，注意力存的位元組變成幾倍",
    cost["多頭注意力"][-1] / cost["多頭注意力"][-2],
    at_least=3.5,
    level="cost",
    source="數出來的；平方的成長是 4 倍，線性的部分把它略微往下拉",
)
run.claim(
    "長度從 512 到 2048，注意力變慢的倍數是前饋網路的幾倍",
    (seconds["多頭注意力"][-1] / seconds["多頭注意力"][-3])
    / (seconds["前饋網路"][-1] / seconds["前饋網路"][-3]),
    at_least=1.5,
    level="cost",
    source="同一次執行交替量測；照運算量是 16 ÷ 4 = 4，權重放不進快取之後還會更多",
)

# %% [markdown]
r"""
PyTorch 的版本結果相同，記憶體卻只隨長度成正比：它一段一段算，不把整張權重存下來。練習四就是這個做法的核心。

### 第六塊：池化

平均池化與自注意力池化，差別只在 `weights`。自注意力池化的最後一層從 0 開始，所以一開始**就是**平均池化。
"""

# %%
from dlbook.sequence_modeling.pooling import MeanPooling, SelfAttentivePooling  # inline

# %%
h, real = torch.randn(2, 5, 8), padding_mask(torch.tensor([5, 3]), 5)
run.claim(
    "自注意力池化剛初始化時，與平均池化最多差多少",
    (SelfAttentivePooling(8, 4)(h, real) - MeanPooling()(h, real)).abs().max(),
    at_most=1e-6,
    level="simple",
    source="最後一層從 0 開始；第二列有補的框",
)

# %% [markdown]
r"""
### 第七塊：Conformer
"""

# %%
from dlbook.sequence_modeling.conformer import ConvModule, ConformerBlock  # inline

# %%
block = ConformerBlock(16, 4, 32, kernel=7).eval()
x = torch.randn(1, 9, 16)
padded = torch.cat([x, torch.full((1, 4, 16), 30.0)], dim=1)  # 補的框故意放很大的數
with torch.no_grad():
    leak = (block(padded, padding_mask(torch.tensor([9]), 13)[:, None, None])[:, :9] - block(x)).abs().max()  # fmt: skip
run.claim(
    "Conformer：補了四框之後，真框的輸出最多變了多少",
    leak,
    at_most=1e-5,
    level="simple",
    source="注意力有遮罩，卷積之前歸零；少了哪一個都不會這麼小",
)

# %% [markdown]
r"""
注意力與卷積都要顧到補的框：注意力靠遮罩，卷積靠在它之前歸零。整個區塊與 transformers 的 Wav2Vec2-Conformer 對照過（見測試）。

### 第八塊：AM-Softmax 與 EER
"""

# %%
from dlbook.sequence_modeling.margin_softmax import CosineHead, am_softmax_loss  # inline

# %%
cosines = torch.tensor([[0.6, 0.5, -0.1]])
for margin in (0.0, 0.1, 0.2, 0.35):
    loss = am_softmax_loss(cosines, torch.tensor([0]), scale=30.0, margin=margin)
    print(f"答案的餘弦 0.6、第二名 0.5，margin = {margin}：損失 {float(loss):.3f}")
by_hand = -math.log(
    math.exp(30 * (0.6 - 0.2)) / (math.exp(30 * (0.6 - 0.2)) + math.exp(30 * 0.5) + math.exp(-3))
)
run.claim(
    "AM-Softmax（m = 0.2）與照公式手算的差",
    am_softmax_loss(cosines, torch.tensor([0]), scale=30.0, margin=0.2) - by_hand,
    near=(0.0, 1e-5),
    level="parity",
    source="〈原理〉的公式",
)

# %% [markdown]
r"""
沒有 margin 時，贏 0.1 就幾乎沒有損失，網路不再進步；扣掉 0.2，同樣的向量就變成輸的。
"""

# %%
from dlbook.sequence_modeling.verification import (
    trial_scores,
    error_rates,
    equal_error_rate,
)  # inline

# %%
from sklearn.metrics import roc_curve

same = torch.rand(400) < 0.5
scores = (torch.randn(400) + 1.5 * same).round(decimals=1).double()  # 有許多同分的
false_positive, true_positive, _ = roc_curve(same, scores, drop_intermediate=False)
_, accept, reject = error_rates(scores, same)
crossing = np.interp(0.0, false_positive + true_positive - 1, false_positive)
gap = max(
    np.abs(accept.numpy() - false_positive).max(),
    np.abs(reject.numpy() - (1 - true_positive)).max(),
    abs(equal_error_rate(scores, same) - crossing),
)
run.claim(
    "誤認率、誤拒率、EER，和 scikit-learn 的最大差",
    gap,
    at_most=1e-9,
    level="parity",
    source="sklearn.metrics.roc_curve；有同分",
)

# %% [markdown]
r"""
### 第九塊：資料排成一批，與認人的網路

檔案長短不一，`pad_files` 補齊，並把「哪些框是真的」放在最後一維，跟著資料走，就不會忘記。
"""

# %%
from dlbook.supervised_learning.phoneme_models import mark

from dlbook.sequence_modeling.speaker_data import (
    speaker_features,
    pad_files,
    seen_frames,
    CropLoader,
)  # inline

# %%
from dlbook.sequence_modeling.speaker_models import (
    FrameLayer,
    LAYERS,
    SpeakerNet,
    embed_files,
)  # inline

# %% [markdown]
r"""
## 實驗

### 40 個人，和一個不必聽聲音的作弊法

HW4 的 VoxCeleb1 有 600 位語者、約 7 萬段，門檻是正確率 .825、.905、.954。這裡是 40 位語者、2,898 個檔案、41.7 分鐘，每個檔案 0.3 到 3 秒；60% 訓練、15% 驗證、25% 測試，**按檔案**分。數字不能與作業直接比。

更要緊的是：知道語言，就只剩不到五個人可猜，有 13 個人甚至是自己那種語言唯一的人；每套錄音的內容與麥克風也不同。一點聲音都不聽、只查表，能答對多少？先量作弊的下限：
"""

# %%
data = datasets.speakers()
files = speaker_features(data)
for name, part in [("訓練", data.train), ("驗證", data.valid), ("測試", data.test)]:
    print(
        f"{name}：{len(part)} 個檔案，{float(data.frames[part].sum()) * data.HOP_SECONDS / 60:.1f} 分鐘"
    )
few = int((data.speaks.sum(dim=1) == 1).sum())
print(f"{len(data.language_names)} 種語言，其中 {few} 種只有一個人說")

# %%
from dlbook.sequence_modeling.speaker_training import (
    language_scores,
    language_controlled,
    SpeakerResult,
    judge,
)  # inline

# %%
from dlbook.sequence_modeling.speaker_training import dvector_scores  # inline

# %%
language_only = judge(data, language_scores(data), language_scores(data))
dvector = judge(data, dvector_scores(data), data.dvectors)
source_table = torch.zeros(4, len(data.speaker_names))
source_table.index_put_(
    (data.sources[data.train], data.speakers[data.train]), torch.ones(len(data.train)), accumulate=True
)  # fmt: skip
by_source = (source_table[data.sources].argmax(dim=1) == data.speakers)[data.test]
print(f"只知道語言：測試正確率 {language_only.accuracy:.3f}，")
print(f"　　在「好幾個人說的語言」裡、只在會說的人之間選：{language_only.shared:.3f}")
print(f"只知道來自哪一套錄音：{float(by_source.double().mean()):.3f}")
table = torch.zeros(len(data.language_names), 4, len(data.speaker_names))
table.index_put_(
    (data.languages[data.train], data.sources[data.train], data.speakers[data.train]),
    torch.ones(len(data.train)),
    accumulate=True,
)
known = table[data.languages, data.sources]  # 知道語言與錄音來源：每位語者在訓練集有幾個這種檔案
no_voice = judge(data, known, known)
print(
    f"知道語言與錄音來源：正確率 {no_voice.accuracy:.3f}、同語言 {no_voice.shared:.3f}、EER {no_voice.eer:.3f}"
)
print(f"Resemblyzer 的 d-vector：正確率 {dvector.accuracy:.3f}、EER {dvector.eer:.3f}")
run.claim(
    "只知道語言就能答對多少（基準，越高代表資料越容易作弊）",
    language_only.accuracy,
    near=(0.622, 0.005),
    level="simple",
    source="datasets.speakers 的說明：訓練集裡那個語言最常見的語者",
)
run.claim(
    "知道語言與錄音來源、一點聲音都不聽，測試正確率",
    no_voice.accuracy,
    near=(0.918, 0.005),
    level="simple",
    source="訓練集裡那個（語言, 來源）最常見的語者",
)

# %% [markdown]
r"""
所以每個模型要報四個數：

- **正確率**：全部測試檔，40 選 1；
- **同語言正確率**：只看好幾個人都說的語言，而且只在會說那個語言的人之間選，語言就不能直接給答案；但這些人多半來自不同的錄音來源，來源還是會洩漏；
- **EER**：1,200 對檔案；
- **同語言 EER**：其中兩段是同一種語言的（不同人的只有 189 對，一對就是半個百分點左右）。

還有一個除不掉的混淆：幾乎每個人只在一個地方、用一支麥克風錄音。分數裡有多少是聲音、多少是麥克風，這份資料分不開。上面最後一行的查表很驚人：一點聲音都不聽，就能答對九成。所以等一下看到 .85、.9，別急著說網路「聽得出」是誰；〈看看哪裡錯〉會把語言與來源都固定住，再考一次。

### 訓練：只換一個零件

每一階用同樣的資料、步數、學習率，只換 `RUNGS` 裡寫的：
"""

# %%
from dlbook.sequence_modeling.speaker_training import RUNGS, file_scores, judge_model  # inline

# %%
from dlbook.training import History, fit

from dlbook.sequence_modeling.speaker_training import train_speaker  # inline

# %% [markdown]
r"""
現場跑短的：「框的平均」跑完，Transformer 編碼器只跑前幾個 epoch（排程不變）。
"""

# %%
simple, simple_history = train_speaker(
    files, data, "框的平均", seed=run.seed, epochs=run.epochs, device=run.device
)
short, short_history = train_speaker(
    files, data, "Transformer 編碼器",
    seed=run.seed, epochs=run.epochs, stop_after=run.live_epochs, device=run.device,
)  # fmt: skip
figure = plotting.line_chart(
    {
        "框的平均": (range(1, len(simple_history.score) + 1), simple_history.score),
        "Transformer 編碼器（只跑開頭）": (
            range(1, len(short_history.score) + 1),
            short_history.score,
        ),
    },
    title="驗證正確率（現場）",
    xlabel="epoch",
    ylabel="驗證正確率",
    markers=True,
)
plotting.show(figure, alt="兩條上升的曲線；編碼器在每個 epoch 都比框的平均高。")
print(f"框的平均 {simple_history.best_score:.3f}（{simple_history.seconds:.0f} 秒）")
print(f"編碼器，{run.live_epochs} 個 epoch：{short_history.best_score:.3f}（{short_history.seconds:.0f} 秒）")  # fmt: skip
same_epoch = simple_history.score[len(short_history.score) - 1]
run.claim(
    "同樣的 epoch 數，編碼器的驗證正確率比框的平均高多少（現場）",
    short_history.score[-1] - same_epoch,
    at_least=0.03,
    level="simple",
    source="同一個種子，同樣的排程",
)

# %% [markdown]
r"""
### 整道階梯：預先測得

每一階、三個種子，完整的 20 個 epoch，一個種子要跑十分鐘以上，所以是**預先測得**的：`python -m dlbook.sequence_modeling.speaker_study --seed 0`（再跑 1 與 2）。每一階用驗證集挑 epoch，測試集只量一次。
"""

# %%
from dlbook.sequence_modeling import speaker_study

recorded = speaker_study.load_study()
measured = {
    rung: pd.DataFrame([runs[rung] for runs in recorded["runs"].values()]) for rung in RUNGS
}
columns = {
    "accuracy": "正確率",
    "shared": "同語言正確率",
    "eer": "EER",
    "same_language_eer": "同語言 EER",
}
rows = {}
for rung, frame in measured.items():
    cells = {label: f"{100 * frame[key].mean():.1f} ± {100 * frame[key].std():.1f}" for key, label in columns.items()}  # fmt: skip
    rows[rung] = cells | {"參數": f"{frame['parameters'].iloc[0]:,}"}
for name, result in [
    ("（只知道語言）", language_only),
    ("（知道語言與錄音來源）", no_voice),
    ("（Resemblyzer d-vector）", dvector),
]:
    rows[name] = {label: f"{100 * getattr(result, key):.1f}" for key, label in columns.items()}
total = sum(frame["seconds"].sum() for frame in measured.values()) / 60
print(
    f"預先測得：{len(measured)} 階 × {len(recorded['runs'])} 個種子，共 {total:.0f} 分鐘；單位 %，± 是標準差"
)
display(pd.DataFrame(rows).T.fillna("—"))

# %%
plotting.show(
    speaker_pictures.ladder_picture(
        {rung: frame["accuracy"] for rung, frame in measured.items()},
        {rung: frame["eer"] for rung, frame in measured.items()},
        title="認人的階梯（預先測得，三個種子）",
        accuracy_lines={
            "d-vector": dvector.accuracy,
            "只知道語言": language_only.accuracy,
            "知道語言與來源": no_voice.accuracy,
        },
        eer_lines={"d-vector": dvector.eer, "知道語言與來源": no_voice.eer},
    ),
    alt="兩欄長條，左邊正確率、右邊 EER。從框的平均到 Transformer 編碼器，正確率大幅上升、EER 大幅下降；沒有注意力的逐框前饋，正確率比編碼器還高；加上 AM-Softmax 的兩階正確率最高；EER 最低的是 Conformer 加自注意力池化。每一階的正確率都高過「只知道語言」的線；沒有一階高過「知道語言與來源」的線，EER 也沒有一階低過它。",
)


# %%
def mean_of(rung, key):
    """三個種子的平均。"""
    return float(measured[rung][key].mean())


def gain(after, before, key="accuracy"):
    """從 before 換成 after，這個數增加多少。"""
    return mean_of(after, key) - mean_of(before, key)


SIMPLE, ENCODER, POSITIONS = "框的平均", "Transformer 編碼器", "編碼器 + 正弦位置"
CONTROL, CONTROL_MARGIN = "逐框前饋（沒有注意力）", "逐框前饋 + AM-Softmax"
POOLED, CONFORMER, ATTENTIVE = "編碼器 + 自注意力池化", "Conformer", "Conformer + 自注意力池化"
MARGIN = "Conformer + 自注意力池化 + AM-Softmax"
study = "attention_mechanism-ladder.json，三個種子的平均（預先測得）"
run.claim(
    "框的平均 → Transformer 編碼器：測試正確率多了多少",
    gain(ENCODER, SIMPLE),
    at_least=0.08,
    level="simple",
    source=study,
)
run.claim(
    "→ Conformer + 自注意力池化：測試正確率多了多少",
    gain(ATTENTIVE, ENCODER),
    at_least=0.01,
    level="medium",
    source=study,
)
run.claim(
    "→ Conformer + 自注意力池化：EER 低了多少",
    -gain(ATTENTIVE, ENCODER, "eer"),
    at_least=0.01,
    level="strong",
    source=study,
)
run.claim(
    "→ 再加 AM-Softmax：測試正確率多了多少",
    gain(MARGIN, ATTENTIVE),
    at_least=0.02,
    level="boss",
    source=study,
)
run.claim(
    "最好的 EER 比 d-vector 低多少",
    dvector.eer - mean_of(ATTENTIVE, "eer"),
    at_least=0.04,
    level="boss",
    source="我們的網路聽過這 40 人，Resemblyzer 沒有；同一份 1,200 對",
)
run.claim(
    "同語言正確率：最差的一階比只知道語言高多少",
    min(mean_of(rung, "shared") for rung in RUNGS) - language_only.shared,
    at_least=0.4,
    level="medium",
    source=study,
)

# %% [markdown]
r"""
照作業的順序走，正確率一階比一階高。但別高興得太早：一點聲音都不聽，只知道語言與錄音來源，就已經追上最好的一階。排除這兩者之後還分得出人（見〈看看哪裡錯〉），只是那樣的題目不多。

而且「往上」不等於「每個零件都有功」。把零件一個一個拆開看，三個種子說的是另一個故事。

### 哪些零件沒有用
"""

# %%
parts = {
    "注意力（對照：只留前饋）": (ENCODER, CONTROL),
    "正弦位置": (POSITIONS, ENCODER),
    "自注意力池化（編碼器上）": (POOLED, ENCODER),
    "自注意力池化（Conformer 上）": (ATTENTIVE, CONFORMER),
    "AM-Softmax（逐框前饋上）": (CONTROL_MARGIN, CONTROL),
    "AM-Softmax（Conformer 上）": (MARGIN, ATTENTIVE),
    "Conformer（對照：逐框前饋，都有 AM-Softmax）": (MARGIN, CONTROL_MARGIN),
}
effects = {}
for name, (with_part, without_part) in parts.items():
    change = measured[with_part][list(columns)] - measured[without_part][list(columns)]
    effects[name] = {
        label: f"{100 * change[key].mean():+.1f}（{'、'.join(f'{100 * c:+.1f}' for c in change[key])}）"
        for key, label in [("accuracy", "正確率變化"), ("eer", "EER 變化")]
    }
print("加上這個零件，變了幾個百分點：平均（三個種子各自）")
with pd.option_context("display.max_colwidth", None):
    display(pd.DataFrame(effects).T)

# %%
figure, ax = plt.subplots(figsize=(7.5, 4))
comparable = [rung for rung in RUNGS if "AM" not in rung]  # AM-Softmax 的損失定義不同，不能比
for k, (rung, marker) in enumerate(zip(comparable, "osD^v*P", strict=True)):
    last = [losses[-1] for losses in measured[rung]["losses"]]
    color = plotting.COLORS[k % len(plotting.COLORS)]
    ax.scatter(last, 100 * measured[rung]["accuracy"], s=45, color=color, marker=marker, label=rung)
ax.set(
    title="把訓練檔背得越熟，不一定認得越準",
    xlabel="最後一個 epoch 的訓練損失（對數）",
    ylabel="測試正確率（%）",
    xscale="log",
)
ax.set_xticks([0.02, 0.05, 0.1, 0.2, 0.5], ["0.02", "0.05", "0.1", "0.2", "0.5"])
ax.set_xticks([], minor=True)
ax.legend(fontsize=8, loc="lower left")
plotting.show(
    figure,
    alt="散布圖。框的平均在右下：訓練損失高、正確率低；逐框前饋在中間偏上；有注意力的各階擠在左邊，訓練損失只有它的幾分之一，正確率卻多半較低。",
)
last_loss = {rung: np.mean([losses[-1] for losses in measured[rung]["losses"]]) for rung in RUNGS}
run.claim(
    "拿掉注意力、只留前饋：測試正確率反而多了多少",
    gain(CONTROL, ENCODER),
    at_least=0.02,
    level="medium",
    source=study,
)
run.claim(
    "編碼器的訓練損失，是沒有注意力的對照的幾倍",
    last_loss[ENCODER] / last_loss[CONTROL],
    at_most=0.4,
    level="medium",
    source="同一份紀錄，最後一個 epoch",
)
run.claim(
    "都有 AM-Softmax：逐框前饋的正確率減去 Conformer 的",
    gain(CONTROL_MARGIN, MARGIN),
    at_least=-0.01,
    level="medium",
    source=study,
)
run.claim(
    "加上正弦位置，編碼器的正確率少了多少",
    -gain(POSITIONS, ENCODER),
    at_least=0.01,
    level="medium",
    source=study,
)
run.claim(
    "自注意力池化減平均池化，測試正確率（編碼器上）",
    gain(POOLED, ENCODER),
    near=(0.0, 0.02),
    level="medium",
    source="差距與種子間的起伏一樣大，看不出幫助；" + study,
)
run.claim(
    "AM-Softmax 讓 Conformer 的 EER 變差多少",
    gain(MARGIN, ATTENTIVE, "eer"),
    at_least=0.005,
    level="medium",
    source=study,
)

# %% [markdown]
r"""
- **注意力沒有幫上正確率。** 起手式到編碼器那一大步，同時多了注意力與前饋網路。拿掉注意力、只留前饋的對照，正確率還更高。上圖是一個說得通的解釋：有注意力的網路把 1,740 個訓練檔背得熟得多，聽新檔案卻沒有比較準，這像是過度擬合。但只看有注意力的各階，訓練損失低的反而準一些，所以這不是全部的原因。作業的 VoxCeleb1 子集有近 7 萬段，是這裡的 40 倍，結論可能不同。
- **位置幫倒忙。** 認人不需要知道第幾框說了什麼。這不是背得更熟：上圖裡它的訓練損失比沒有位置的還高。一個可能的解釋是訓練時隨機剪段，同樣的聲音每次落在不同的位置。下一節會看到，打亂順序一點都不影響沒有位置的編碼器。
- **自注意力池化對正確率看不出幫助**：差距與種子之間的起伏一樣大，正負都有。它不是沒學會，下一節會看到它學會了什麼。在 Conformer 上，三個種子的 EER 倒是都低了一點；在編碼器上沒有這回事，所以三個種子還不足以下定論。
- **Conformer 加池化降低的是 EER**，而且三個種子都是。單獨換成 Conformer，三個種子裡有一個沒有變好，所以功勞是卷積還是兩者合起來，三個種子分不出來。
- **AM-Softmax 是正確率的大功臣**，而且接在最簡單的逐框前饋上就有同樣的效果，參數不到 Conformer 的三分之一。但它讓 Conformer 的 EER 變差，原因這裡沒有查出來；逐框前饋的 EER 就沒有變差。它一次換了三樣（餘弦、放大 $s$、margin $m$），沒有 $m=0$ 的對照，功勞分不開。

這些結論只對這份資料成立：短、少、每人一支麥克風。它們示範的是做法：**每加一個零件，就要有一個只少那個零件的對照，而且不只跑一次。**
"""

# %% [markdown]
r"""
## 看看哪裡錯

接下來用兩個事先訓練好的網路（種子 0，`python tools/make_speaker_checkpoints.py`）：Transformer 編碼器，以及 Conformer + 自注意力池化 + AM-Softmax。

### 每個頭在看哪裡
"""

# %%
from dlbook.sequence_modeling import interpretability, speaker_training

if run.load:
    encoder, encoder_record = speaker_training.load_speaker("encoder")
    conformer, conformer_record = speaker_training.load_speaker("am")
    for record in (encoder_record, conformer_record):
        print(f"{record['rung']}：{record['command']}，{record['seconds']:.0f} 秒，驗證 {record['valid_accuracy']:.3f}")  # fmt: skip
else:
    encoder, _ = train_speaker(files, data, ENCODER, seed=run.seed, epochs=run.epochs)
    conformer, _ = train_speaker(files, data, MARGIN, seed=run.seed, epochs=run.epochs)

decibels = data.log_mels()
valid = data.valid.tolist()
valid_y = data.speakers[data.valid]


def head_maps(model, i):
    """第 i 個檔案，每一層、每個頭的注意力權重：(層, 頭, query, key)。"""
    patterns = [layer.attention.pattern for layer in model.layers]
    with torch.no_grad(), interpretability.record(patterns) as maps:
        model(pad_files([files[i]]))
    return torch.cat(maps)


shown = min(valid, key=lambda i: abs(len(files[i]) - 64))  # 挑一個一秒左右的
maps = head_maps(encoder, shown)
plotting.show(
    speaker_pictures.heads_picture(
        decibels[shown], maps, data.HOP_SECONDS,
        title=f"編碼器的八個頭，{data.speaker_names[int(data.speakers[shown])]} 的一段聲音",
    ),
    alt="上面是聲音的頻譜，下面兩列各四張注意力圖。大多數的圖有一條條直的亮紋：不論哪一框發問，都看向同樣的那幾框；亮紋的位置因頭而異，第 2 層第 4 頭幾乎只看一處。",
)  # fmt: skip

# %%
loudness = []
for i in valid[:150]:
    received = head_maps(encoder, i).mean(dim=2)  # 每一框平均被看了多少
    level = decibels[i].mean(dim=1)
    loudness.append(
        [[float(np.corrcoef(head, level)[0, 1]) for head in layer] for layer in received]
    )
display(
    pd.DataFrame(
        np.nanmean(loudness, axis=0),
        index=["第 1 層", "第 2 層"],
        columns=[f"第 {h + 1} 頭" for h in range(4)],
    ).round(2)
)
print("上表：一框被看的多寡，與它多大聲的相關係數（150 個驗證檔的平均）")

# %% [markdown]
r"""
圖上的亮紋多半是直的：不論從哪一框發問，看的都是同樣的幾框。對認人來說合理——問題只有一個「這是誰」，與發問的位置無關。
要小心的是，相關係數都不大，所以別急著替頭取名字。

網路**用**到了這些注意力嗎？把每個頭的權重換成平均分配，其他不動：
"""


# %%
def accuracy_with(model, x_files=None):
    """驗證正確率。"""
    scores = file_scores(model, embed_files(model, x_files or [files[i] for i in valid]))
    return float((scores.argmax(dim=1) == valid_y).double().mean())


def even(_module, _inputs, weights):
    """看得到的平分。"""
    allowed = (weights > 0).to(weights.dtype)
    return allowed / allowed.sum(dim=-1, keepdim=True).clamp(min=1)


hooks = [layer.attention.pattern.register_forward_hook(even) for layer in encoder.layers]
flattened = accuracy_with(encoder)
for hook in hooks:
    hook.remove()
intact = accuracy_with(encoder)
print(f"驗證正確率：原本 {intact:.3f}，注意力換成平均 {flattened:.3f}")
run.claim(
    "編碼器的注意力換成平均分配，驗證正確率掉多少",
    intact - flattened,
    at_least=0.15,
    level="medium",
    source="同一個訓練好的網路，只換權重",
)

# %% [markdown]
r"""
掉了一大截，所以**這個**網路確實靠注意力。但上一節說，從頭就沒有注意力的網路練得更好。兩件事不矛盾：拿掉一個零件會壞，只證明其他零件已經習慣了它，不證明任務非它不可。

### 池化在聽哪幾框
"""

# %%
by_length = [i for i in valid if 60 < len(files[i]) < 110]
chosen = by_length[:: max(1, len(by_length) // 3)][:3]  # 三個一秒到一秒半的檔案
examples, quiet = [], []
for i in valid:
    x = pad_files([files[i]])
    with torch.no_grad():
        weights = conformer.pooling.weights(conformer.encode(x), seen_frames(x))[0]
    softest = decibels[i].mean(dim=1).argsort()[: max(1, len(weights) // 4)]
    quiet.append(float(weights[softest].sum()) / (len(softest) / len(weights)))
    if i in chosen:
        examples.append((data.speaker_names[int(data.speakers[i])], decibels[i], weights))
plotting.show(
    speaker_pictures.pooling_picture(
        examples, data.HOP_SECONDS, title="自注意力池化給每一框的權重（虛線是平均）"
    ),
    alt="三段聲音的頻譜與權重。權重集中在有聲音的地方，安靜的開頭與結尾接近 0。",
)
print(f"最小聲的四分之一的框，分到的權重是平均池化的 {np.mean(quiet):.2f} 倍")
run.claim(
    "最小聲的四分之一的框，池化給的權重是平均的幾倍",
    np.mean(quiet),
    at_most=0.6,
    level="medium",
    source="435 個驗證檔的平均；沒有人教它哪裡是安靜",
)

# %% [markdown]
r"""
池化自己學會了跳過安靜的框，沒有人教它哪裡是安靜。但學會不等於有用：上一節的三個種子，看不出它認人比平均準。一個可能的解釋是，前面的層也看得到哪一框安靜，早就能讓那些框的向量不礙事；這裡沒有進一步驗證。

### 順序重要嗎

把每個檔案的框打亂再聽。沒有位置編碼的編碼器分不出差別；Conformer 的卷積看得到鄰近的框，就差很多：
"""

# %%
generator = torch.Generator().manual_seed(run.seed)
jumbled = [files[i][torch.randperm(len(files[i]), generator=generator)] for i in valid]
rows = {
    name: {"原本": accuracy_with(model), "框打亂": accuracy_with(model, jumbled)}
    for name, model in [("Transformer 編碼器（沒有位置）", encoder), ("Conformer", conformer)]
}
display(pd.DataFrame(rows).T.round(3))
moved = float(
    (embed_files(encoder, jumbled[:50]) - embed_files(encoder, [files[i] for i in valid[:50]])).abs().max()
)  # fmt: skip
run.claim(
    "框打亂之後，編碼器的語者向量變了多少",
    moved,
    at_most=1e-4,
    level="simple",
    source="排列等變的注意力，接上不看順序的池化；只剩捨入誤差",
)
run.claim(
    "框打亂之後，Conformer 的驗證正確率掉多少",
    rows["Conformer"]["原本"] - rows["Conformer"]["框打亂"],
    at_least=0.05,
    level="medium",
    source="同一個網路，同樣的框，只換順序",
)

# %% [markdown]
r"""
也就是說，沒有位置的編碼器把一段聲音當成**一袋框**，仍然答對八成多：這份資料裡，光看出現過哪些頻譜，就足以認出大多數人。

### 語言與來源都相同時，還分得出人嗎

只留下「語言與錄音來源都知道了，還剩兩個人以上可猜」的測試檔，並且只在那些人之間選：
"""

# %%
hard = data.test[(known[data.test] > 0).sum(dim=1) > 1]


def among(scores):
    """只在同語言、同來源的人之間選的正確率。"""
    chosen = scores[hard].masked_fill(known[hard] == 0, -torch.inf).argmax(dim=1)
    return float((chosen == data.speakers[hard]).double().mean())


heard = {
    name: among(file_scores(model, embed_files(model, files)))
    for name, model in [("Transformer 編碼器", encoder), ("Conformer + AM-Softmax", conformer)]
}
print(
    f"{len(hard)} 個測試檔、{len(data.speakers[hard].unique())} 位語者：猜最常見的 {among(known):.3f}，"
    + "，".join(f"{name} {value:.3f}" for name, value in heard.items())
)
run.claim(
    "語言與來源都相同的人之間：編碼器比「猜最常見的」多對多少",
    heard["Transformer 編碼器"] - among(known),
    at_least=0.25,
    level="medium",
    source="排除語言與錄音來源；題目不多，而且多半是一男一女",
)

# %% [markdown]
r"""
所以網路確實聽得出人，不只是認出語言和錄音。但這些題目的語者不多（上面印了幾位），多半一男一女，很容易；把「認得出這 40 個人」說成「學會了聲音」，這份資料還撐不起來。

### 驗證：兩種錯誤，一個門檻
"""

# %%
embeddings = {"Conformer + AM-Softmax": embed_files(conformer, files), "d-vector": data.dvectors}
trials = {name: trial_scores(e, data.trials) for name, e in embeddings.items()}
plotting.show(
    speaker_pictures.verification_picture(trials, data.same_speaker),
    alt="兩欄。上面是兩種配對的分數分布，同一人偏右、不同人偏左，中間重疊；下面誤認率隨門檻下降、誤拒率上升，交點就是 EER，Conformer 的較低。",
)
rows = {}
for name, scores in trials.items():
    rows[name] = {
        "全部": equal_error_rate(scores, data.same_speaker),
        "同語言": equal_error_rate(
            scores[data.same_language], data.same_speaker[data.same_language]
        ),
    }
display((100 * pd.DataFrame(rows).T).round(1).rename_axis("EER（%）"))

# %%
named = file_scores(conformer, embeddings["Conformer + AM-Softmax"]).argmax(dim=1)
misnamed = (named != data.speakers)[data.trials].any(dim=1)  # 這一對裡至少一個檔案認錯人
scores = trials["Conformer + AM-Softmax"]
cuts, accept, reject = error_rates(scores, data.same_speaker)
threshold = float(cuts[int((accept - reject).abs().argmin())])
misjudged = (scores >= threshold) != data.same_speaker
shares = [float(misnamed[chosen].double().mean()) for chosen in (misjudged, ~misjudged)]
print(f"至少一個檔案認錯人：判錯的配對裡佔 {shares[0]:.0%}，判對的配對裡佔 {shares[1]:.0%}")
run.claim(
    "判錯的配對裡，有檔案認錯人的比例，是判對的配對的幾倍",
    shares[0] / shares[1],
    at_least=2.0,
    level="medium",
    source="門檻取 EER 那一點；AM-Softmax 的 Conformer",
)

# %% [markdown]
r"""
判錯的配對裡，約一半有一個檔案連名字都認錯，判對的少得多：兩種錯誤落在同樣難聽的檔案上。反過來並不成立：有檔案認錯名字的配對，多數還是判對的。

與 d-vector 的比較不是公平的：我們的網路訓練時聽過這 40 個人（不同的檔案），Resemblyzer 一個都沒聽過，而且多數檔案不到一秒，比它習慣的短得多。要知道我們的網路認不認得**新**的人，得留一些人完全不訓練，這裡沒有做。

### 錯的是誰
"""

# %%
with torch.no_grad():
    guesses = file_scores(conformer, embed_files(conformer, [files[i] for i in data.test.tolist()]))
guesses = guesses.argmax(dim=1)
answers = data.speakers[data.test]
wrong = guesses != answers
confused = pd.DataFrame(
    {
        "是": [data.speaker_names[int(s)] for s in answers[wrong]],
        "說成": [data.speaker_names[int(s)] for s in guesses[wrong]],
    }
)
display(confused.value_counts().head(6).rename("次數").reset_index())
seconds = data.frames[data.test] * data.HOP_SECONDS
edges = [0, 0.5, 0.75, 1.0, 1.5, 3.1]
table = {}
for low, high in itertools.pairwise(edges):
    inside = (seconds >= low) & (seconds < high)
    table[f"{low}–{high}"] = 100 * float((~wrong[inside]).double().mean())
figure = plotting.bar_chart(
    table,
    title="聽得越久，認得越準（測試集，Conformer + AM-Softmax）",
    xlabel="檔案長度（秒）",
    ylabel="正確率（%）",
    fmt="{:.1f}",
)
plotting.show(figure, alt="長條圖：不到半秒的檔案正確率最低，越長越高。")
same_tongue = data.speaks[:, guesses[wrong]].logical_and(data.speaks[:, answers[wrong]]).any(dim=0)
print(f"答錯 {int(wrong.sum())} 個，其中 {float(same_tongue.double().mean()):.0%} 錯成同樣語言的人")

# %% [markdown]
r"""
## 常見的坑

### 坑一：softmax 沿著錯的那一軸

權重是 (query, key)，要沿著 key。寫成 `dim=-2` 不會報錯，形狀也對。配上因果遮罩，它還會**偷看未來**：改最後一個位置，最前面的輸出不該變。
"""


# %%
def attend_along(x, dim):
    """因果自注意力，softmax 的軸可以選錯。"""
    scores = (x @ x.T / x.shape[1] ** 0.5).masked_fill(~causal_mask(len(x), len(x)), -torch.inf)
    return scores.softmax(dim=dim) @ x


x = torch.randn(6, 8)
later = x.clone()
later[-1] += 3.0  # 只改最後一個
for name, dim in [("沿 key（dim=-1）", -1), ("沿 query（dim=-2）", -2)]:
    change = (attend_along(later, dim) - attend_along(x, dim)).abs().amax(dim=1)
    print(f"{name}：第 0 到 4 個位置的輸出變了 {float(change[:-1].max()):.3f}")
leaked = (attend_along(later, -2) - attend_along(x, -2))[:-1].abs().max()
proper = (attend_along(later, -1) - attend_along(x, -1))[:-1].abs().max()
run.claim(
    "softmax 沿著 query：改最後一個位置，前面的輸出變了多少",
    leaked,
    at_least=0.01,
    level="simple",
    source="同樣的因果遮罩；正確的軸是 0",
)
run.claim(
    "softmax 沿著 key：改最後一個位置，前面的輸出變了多少",
    proper,
    at_most=0.0,
    level="simple",
    source="因果遮罩的定義",
)

# %% [markdown]
r"""
**症狀**：訓練時分母裡有後面的位置，逐字生成時還沒有，同一個位置兩邊算出來不同。**解法**：`assert torch.allclose(weights.sum(dim=-1), torch.ones(...))`（整列都看不到的除外），並且用上面這個「改後面、看前面」的檢查。

### 坑二：忘了遮罩，答案隨「和誰同一批」而變

把補的框也當成真的（最後一維全設成 1），同一個訓練好的編碼器、同樣的檔案，只換批次大小：
"""


# %%
def accuracy_in_batches(model, batch_size, change):
    """把驗證檔照順序排成一批一批，先動過標記再丟進模型。"""
    right = []
    for batch in torch.tensor(valid).split(batch_size):
        x = pad_files([files[i] for i in batch.tolist()])
        x[..., -1] = change(x[..., -1])
        with torch.no_grad():
            right.append(model(x).argmax(dim=1) == data.speakers[batch])
    return float(torch.cat(right).double().mean())


marks = {"正確的遮罩": lambda m: m, "忘了遮罩": torch.ones_like, "遮罩反了": lambda m: 1 - m}
rows = {
    name: {f"一批 {size} 個": accuracy_in_batches(encoder, size, change) for size in (1, 8, 64)}
    for name, change in marks.items()
}
display(pd.DataFrame(rows).T.round(3))
run.claim(
    "忘了遮罩，一批 64 個時正確率掉多少",
    rows["正確的遮罩"]["一批 64 個"] - rows["忘了遮罩"]["一批 64 個"],
    at_least=0.15,
    level="simple",
    source="同一個網路、同樣的驗證檔",
)
run.claim(
    "有遮罩：批次從 1 換成 64，正確率差多少",
    abs(rows["正確的遮罩"]["一批 64 個"] - rows["正確的遮罩"]["一批 1 個"]),
    at_most=0.003,
    level="simple",
    source="補的框不影響真的框；留一點給捨入",
)

# %% [markdown]
r"""
**症狀**：一次一個時分數正常，批次一大就掉；換個順序，同一個檔案的答案就不同。**解法**：把一個短檔案單獨算一次、和長的排在一起再算一次，兩次要相同。

### 坑三：遮罩反了

上表的最後一列就是。PyTorch 自己就有兩種相反的約定：`F.scaled_dot_product_attention` 的 `True` 是**看得到**，`nn.MultiheadAttention` 與 `nn.TransformerEncoderLayer` 的 `key_padding_mask` 的 `True` 是**看不到**。第三塊對答案的時候，我們就得加一個 `~`。
"""

# %%
run.claim(
    "遮罩反了：一批 64 個時的正確率",
    rows["遮罩反了"]["一批 64 個"],
    at_most=0.1,
    level="simple",
    source="真的框全被遮住，看到的是補的 0",
)

# %% [markdown]
r"""
**症狀**：不會報錯，正確率接近亂猜；訓練時損失停在「只猜最常見的」那麼高。一批只有一個檔案時，反了的遮罩會把全部遮掉。**解法**：把權重畫出來看，或檢查 `weights[~mask]` 全是 0。

### 坑四：忘了除以 √d

考查表：給 16 個（名字, 數）與一個名字，答出它的數。兩個網路只差除不除：
"""


# %%
def train_lookup(scaled, d=64, steps=300):
    """訓練一個查表的注意力，傳回最後 20 步的平均損失與正確率。"""
    torch.manual_seed(run.seed)
    q, k, v, head = (
        nn.Embedding(64, d),
        nn.Embedding(64, d),
        nn.Embedding(64, 32),
        nn.Linear(32, 64),
    )
    parameters = [p for module in (q, k, v, head) for p in module.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=3e-3)
    losses, right = [], []
    for _ in range(steps):
        names, numbers = torch.rand(64, 64).argsort(dim=1)[:, :16], torch.randint(64, (64, 16))
        rows, which = torch.arange(64), torch.randint(16, (64,))
        scores = torch.einsum("bd,bnd->bn", q(names[rows, which]), k(names))
        weights = (scores / d**0.5 if scaled else scores).softmax(dim=-1)
        z = head(torch.einsum("bn,bnd->bd", weights, v(numbers)))
        loss = F.cross_entropy(z, numbers[rows, which])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        right.append(float((z.argmax(dim=1) == numbers[rows, which]).double().mean()))
    return np.mean(losses[-20:]), np.mean(right[-20:])


lookup = {"除以 √d": train_lookup(True), "忘了除": train_lookup(False)}
display(pd.DataFrame(lookup, index=["最後 20 步的損失", "正確率"]).T.round(3))
run.claim(
    "忘了除以 √d：查表的正確率少了多少",
    lookup["除以 √d"][1] - lookup["忘了除"][1],
    at_least=0.3,
    level="medium",
    source="d = 64，同樣的種子、學習率與步數",
)

# %% [markdown]
r"""
**症狀**：不會報錯，損失也在降，只是慢得多，常被怪到學習率頭上。一開始 softmax 就選定了錯的那一筆，而且幾乎沒有梯度告訴它換一筆。**解法**：訓練前印出權重的熵，太小就是有問題。
"""

# %% [markdown]
r"""
## 練習

寫完執行下一格，就會告訴你對不對。
"""

# %%
from dlbook.exercises.sequence_modeling.attention_mechanism import masked_attention  # exercise

# %%
from dlbook.exercises.sequence_modeling.attention_mechanism import multi_head  # exercise

# %%
from dlbook.exercises.sequence_modeling.attention_mechanism import statistics_pooling  # exercise

# %%
from dlbook.exercises.sequence_modeling.attention_mechanism import streaming_attention  # exercise

# %%
from dlbook.exercises.sequence_modeling.attention_mechanism import accuracy_by_length  # exercise

# %% [markdown]
r"""
把它用在全部的驗證檔上（還沒作答時，用的是參考解答）：
"""

# %%
limits = [3, 6, 12, 24, 48, 96, 192]
curve = accuracy_by_length([files[i] for i in valid], valid_y, limits)
figure = plotting.line_chart(
    {"Transformer 編碼器": ([n * data.HOP_SECONDS for n in limits], 100 * np.array(curve))},
    title="聽多久才認得出來",
    xlabel="只聽前幾秒",
    ylabel="驗證正確率（%）",
    logx=True,
    markers=True,
)
ticks = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3]
figure.axes[0].set_xticks(ticks, [f"{t:g}" for t in ticks])
figure.axes[0].minorticks_off()
plotting.show(figure, alt="正確率隨聽的時間上升，後段變平。")
print(
    "，".join(f"{n * data.HOP_SECONDS:.2f} 秒 {c:.3f}" for n, c in zip(limits, curve, strict=True))
)
lengths = torch.tensor([len(files[i]) for i in valid]) * data.HOP_SECONDS
print(
    f"驗證檔的長度：中位數 {float(lengths.median()):.2f} 秒，九成短於 {float(lengths.quantile(0.9)):.2f} 秒"
)

# %% [markdown]
r"""
後段變平，多半是檔案已經結束（上面印了長度）。要知道再聽下去有沒有用，得只看長的檔案。
"""

# %% [markdown]
r"""
### 想一想

1. 多頭注意力的參數量與頭數無關。那為什麼不乾脆用很多很多頭？

<details><summary>參考答案</summary>

每個頭的寬度是 $D/h$。頭太多，每個頭只剩幾維可以比較，分得出的「像」就很粗；分數矩陣也有 $h$ 張，記憶體與頭數成正比。頭太少，一個位置只能同時看一種東西。

</details>

2. 自注意力池化的查詢是學來的常數。如果改成「由平均向量算出查詢」，會多了什麼能力？

<details><summary>參考答案</summary>

要看哪幾框就會隨檔案而變：例如平均偏高頻時，多看低頻明顯的框。現在的做法，一框得幾分只看那一框自己（經過編碼層之後）的向量。

</details>

3. 同語言正確率比全部的正確率高很多。這代表模型比較會分辨同語言的人嗎？

<details><summary>參考答案</summary>

不是。候選人從 40 個變成 2 到 4 個，題目變簡單了。要比的是同一組題目上、只知道語言的基準；也要記得，同語言的人有些來自不同的錄音來源，麥克風仍然可能洩漏答案。

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

- Bahdanau 等人，*Neural Machine Translation by Jointly Learning to Align and Translate*，[arXiv:1409.0473](https://arxiv.org/abs/1409.0473)——注意力的起點；圖 3 是英法翻譯的對齊圖。
- Vaswani 等人，*Attention Is All You Need*，[arXiv:1706.03762](https://arxiv.org/abs/1706.03762)——第 3.2 節：縮放、多頭；第 3.5 節：位置編碼。
- Xiong 等人，*On Layer Normalization in the Transformer Architecture*，[arXiv:2002.04745](https://arxiv.org/abs/2002.04745)——pre-norm 為什麼好練。
- Gulati 等人，*Conformer*，[arXiv:2005.08100](https://arxiv.org/abs/2005.08100)——卷積與注意力怎麼疊。
- Wang 等人，*Additive Margin Softmax for Face Verification*，[arXiv:1801.05599](https://arxiv.org/abs/1801.05599)——margin 與 scale 的意義。
- Safari 等人，*Self-Attention Encoding and Pooling for Speaker Recognition*，[arXiv:2008.01077](https://arxiv.org/abs/2008.01077)——在語者上比較各種池化。
- Dao 等人，*FlashAttention*，[arXiv:2205.14135](https://arxiv.org/abs/2205.14135)——練習四的完整版。
- 李宏毅，[機器學習 2021 春季班](https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php) HW4——原本的作業：600 位語者，simple .82523、medium .90547、strong .95404。
- 下一課：[Transformer](transformer.ipynb)——加上解碼器，把英文翻成中文。
"""
