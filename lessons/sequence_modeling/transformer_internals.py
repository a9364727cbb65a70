# %% [markdown]
r"""
# 拆開 Transformer：自己寫的 Llama 載入真的權重

**一句話**：一百五十行以內、看得懂的 Llama，載入真的語言模型權重，每個數字都和 `transformers` 對得上——對得上，才有資格拆開來看它怎麼想。

學完這一課，你能夠：

- 從白紙寫出 RMSNorm、RoPE、分組查詢注意力、SwiGLU 和 KV cache，並且證明沒寫錯；
- 說出生成一個 token 的時間花在哪裡，並且讓它比 `transformers` 更快；
- 打開一個真的模型：看注意力、讀每一層的想法、找出負責「照抄」的頭並關掉它、推它一把讓它變得正面、把內部狀態拆成特徵；
- 知道這些方法各自看得到什麼、看不到什麼。

| | |
| --- | --- |
| 先備 | [PyTorch 基礎](../foundations/pytorch_fundamentals.ipynb)；[注意力機制](attention_mechanism.ipynb)：縮放點積注意力與因果遮罩 |
| 時間 | 兩核心 CPU 執行約 2 分鐘；讀與練習約 4 小時。GPU（full）未驗證 |
| 模型 | SmolLM2-135M-Instruct（Apache-2.0），用 4 位元量化（GGUF 檔的 Q4_1 格式）的權重還原成 float32 |

**和作業的關係**。2025S HW3 用的是 Gemma-2-2b-it，題目有：對話模板、多輪對話、斷詞、取樣與 self-BLEU、
語境化向量的 t-SNE、注意力圖、稀疏自編碼器的特徵——這些本課都有。那份作業**沒有**考 KV cache 與 RoPE；
KV cache 出現在 ML 2026 HW3。2025F HW3 是從隱藏狀態取出「拒絕向量」，本課用同樣的方法做一個無害的版本（讓語氣變正面）。
本課的模型換成一億三千萬參數的 SmolLM2：授權開放、CPU 跑得動，但實際上只會英文，後面會看到它遇到中文的樣子。
"""

# %%
import dataclasses
import inspect
import pydoc_data.topics
import re

import jinja2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import transformers
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from dlbook import lesson, measure, plotting, pretrained

pd.set_option("display.max_colwidth", None)  # 表格裡的句子完整印出
run = lesson.start(
    "sequence_modeling/transformer_internals",
    quick={
        "period": 40,
        "random_sets": 5,
        "contexts": [48, 96, 192, 384],
        "pairs": 2,
        "decode_tokens": 12,
        "samples": 8,
        "sample_tokens": 16,
        "gaps": [0, 8000, 16000, 32000],
        "sae_chunks": 64,
        "sae_features": 1024,
        "sae_steps": 250,
    },
    full={
        "period": 100,
        "random_sets": 20,
        "contexts": [256, 512, 1024, 2048],
        "pairs": 5,
        "decode_tokens": 128,
        "samples": 50,
        "sample_tokens": 48,
        "gaps": [0, 2000, 4000, 6000, 8000, 12000, 16000, 24000, 32000],
        "sae_chunks": 400,
        "sae_features": 4096,
        "sae_steps": 4000,
    },
)

# %% [markdown]
r"""
## 先看結果

隨便抽幾十個 token 排成一串，**念兩遍**給模型聽。第一遍毫無規律，猜不到很正常；第二遍是一模一樣的內容，只要記得剛才念過什麼就會。
下圖是模型每個位置的損失（越低越會猜）。然後我們做一件事：在全部的注意力頭裡挑出 6 個，關掉它們，再念一次。
"""

# %%
from dlbook.sequence_modeling import interpretability, llama

smol = pretrained.smollm2()
finished = llama.Llama.from_pretrained(smol.config, smol.state).to(run.device)
finished.requires_grad_(False)


def twice(seed, period=run.period, batch=4):
    """batch 串亂數 token，每串念兩遍：[batch, 2 · period]。"""
    once = torch.randint(
        100,
        smol.config["vocab_size"],
        (batch, period),
        generator=torch.Generator().manual_seed(seed),
    )
    return torch.cat([once, once], dim=1).to(run.device)


def best_heads(scores, count):
    """分數最高的幾個 (層, 頭)。"""
    order = scores.flatten().topk(count).indices.tolist()
    return [divmod(i, scores.shape[1]) for i in order]


search, unseen = twice(1000 + run.seed), twice(2000 + run.seed)
search_maps = interpretability.attention_maps(finished, search)
copying = best_heads(interpretability.induction_scores(search_maps, run.period), 6)
intact = interpretability.token_losses(finished, unseen).mean(0).cpu()
with interpretability.ablate_heads(finished, copying):
    ablated = interpretability.token_losses(finished, unseen).mean(0).cpu()

position = np.arange(1, 2 * run.period)
fig = plotting.line_chart(
    {
        "完整的模型": (position, intact),
        f"關掉 {len(copying)} 個頭（共 {smol.config['num_hidden_layers'] * smol.config['num_attention_heads']} 個）": (
            position,
            ablated,
        ),
    },
    title="同一串亂數 token 念兩遍",
    xlabel="位置",
    ylabel="損失（nats）",
)
fig.axes[0].axvline(run.period, color="gray", linestyle=":")
fig.axes[0].text(run.period - 1, 0.5, "第二遍從這裡開始", color="gray", ha="right")
plotting.show(
    fig,
    alt="橫軸是位置，縱軸是損失。第一遍兩條線都很高；第二遍完整的模型降到很低，關掉六個頭的模型一直停在高處。",
)

# %% [markdown]
r"""
關掉的頭是用一個分數挑出來的，挑的時候用的是另一串 token。它們叫**歸納頭（induction head）**：看到一個字，回頭找它上次出現在哪裡，
再看它的下一個是什麼。這一課結束時，你會親手找到它們，也會知道它們靠誰幫忙。

不過，要拆模型，先得有一個每個零件都看得見的模型。所以從頭寫起。

## 直覺

把每個 token 想成一塊**白板**。白板一開始只寫著這個 token 自己是誰（詞向量），然後一層一層往上，每一層做兩件事：

1. **注意力**：到左邊別人的白板上抄一點東西過來（只能往左看，右邊是還沒發生的未來）；
2. **前饋網路（MLP）**：看著自己的白板想一下，再補寫幾筆。

兩件事都是**加**上去，不擦掉原來的內容。這條從底貫穿到頂的白板叫**殘差流（residual stream）**。
到了最上面，最後一塊白板上寫的東西，就用來猜下一個 token。
"""


# %%
def draw_stream():
    fig, ax = plt.subplots(figsize=(8.5, 4.8))
    blue, orange, green = plotting.COLORS[:3]

    def arrow(start, stop, color, **style):
        ax.annotate("", stop, start, arrowprops={"arrowstyle": "->", "color": color, **style})

    for column, word in enumerate(["The", "cat", "sat", "on"]):
        x = 2.2 * column
        arrow((x, 0.2), (x, 6.4), blue, arrowstyle="-|>", lw=5)
        ax.text(x, -0.3, word, ha="center", fontsize=13)
        for level in (1.0, 3.7):  # 每一層：先從左邊抄，再自己想
            for source in range(column):
                curve = "arc3,rad=-0.12"
                arrow((2.2 * source, level), (x, level + 0.5), orange, connectionstyle=curve)
            box = {"boxstyle": "round", "fc": green, "ec": "none"}
            ax.text(x + 0.35, level + 1.4, "MLP", color="white", fontsize=9, va="center", bbox=box)
            arrow((x + 0.4, level + 1.65), (x + 0.06, level + 1.75), green)
    ax.text(6.6, 6.6, "猜下一個字", ha="center", fontsize=12)
    for y, label, color in (
        (5.1, "MLP：自己想一下，寫回去", green),
        (3.9, "注意力：從左邊抄過來", orange),
        (-0.3, "詞向量：一開始只知道自己是誰", "black"),
        (0.5, "殘差流：只加不擦的白板", blue),
    ):
        ax.text(7.7, y, label, color=color, fontsize=11, va="center" if y > 0 else "baseline")
    for y, label in ((1.7, "第 1 層"), (4.4, "第 2 層")):
        ax.text(-0.7, y, label, rotation=90, va="center")
    ax.set(xlim=(-1, 11.2), ylim=(-0.6, 7), title="白板、抄寫與思考")
    ax.axis("off")
    return fig


plotting.show(
    draw_stream(),
    alt="四個 token 各有一條由下往上的粗箭頭（殘差流）；每一層有從左邊指向右邊的箭頭（注意力）和寫回自己的方塊（MLP）。",
)

# %% [markdown]
r"""
這個圖像可以直接回答幾個後面要問的問題：

- **為什麼可以有 KV cache？** 左邊的白板看不到右邊，所以右邊多一個字，左邊寫過的東西一個字都不會變。算過的不必再算。
- **為什麼可以有 logit lens？** 每一層都在同一塊白板上加字，所以中途把白板拿去給最後的輸出層讀，也讀得出一點東西。
- **為什麼可以推它一把？** 既然每件事都是加上去的，我們也可以自己加一筆。

## 原理

### 記號

$B$ 批次大小、$T$ 長度、$D$ 殘差流的寬度、$L$ 層數、$V$ 詞彙量、$H$ 個 query 頭、$H_{kv}$ 個 key/value 頭、
每個頭寬 $d = D/H$。殘差流的形狀是 $[B, T, D]$。

### RMSNorm：只管大小，不管平均

對一個位置的向量 $x \in \mathbb{R}^D$，權重 $w \in \mathbb{R}^D$：

$$y_i = w_i \cdot \frac{x_i}{\sqrt{\frac{1}{D}\sum_j x_j^2 + \varepsilon}}$$

LayerNorm 會先減掉平均，RMSNorm 不減。把 $x$ 放大一百倍，分子分母一起放大，$y$ 幾乎不變。
所以白板上的字可以越寫越大，每一層讀進來的大小卻總是差不多。

### RoPE：用旋轉記位置

注意力只看內積 $q \cdot k$，本身不知道誰在前、誰在後。我們希望位置 $m$ 的 $q$ 和位置 $n$ 的 $k$，
內積除了內容，只看**相隔多遠** $m-n$，不管各自站在哪裡。

1. 先看二維。把 $q$、$k$ 寫成複數，內積就是 $\operatorname{Re}(q\,\bar k)$。
2. 位置 $m$ 的向量轉 $m\omega$ 弧度：$q \to q\,e^{im\omega}$，$k \to k\,e^{in\omega}$。
3. 內積變成 $\operatorname{Re}(q\,e^{im\omega}\,\overline{k\,e^{in\omega}}) = \operatorname{Re}(q\,\bar k\,e^{i(m-n)\omega})$。$m$ 和 $n$ 只以相減的樣子出現。
4. $d$ 維就切成 $d/2$ 個平面，第 $i$ 個平面的轉速是 $\omega_i = \theta^{-2i/d}$：第一個最快，越後面越慢，像秒針、分針、時針。

哪兩維配成一個平面只是約定。Hugging Face 是第 $i$ 維配第 $i + d/2$ 維（「前半配後半」）；
原論文和 GGUF（llama.cpp 的模型檔格式）是相鄰兩維相配。權重要配合約定，配錯了不會報錯——「常見的坑」會讓你看到後果。

### 分組查詢注意力（GQA）

$$A = \operatorname{softmax}\!\left(\frac{q k^\top}{\sqrt d} + \text{遮罩}\right)\in\mathbb{R}^{T\times T},\qquad o = A\,v$$

每個 query 頭有自己的 $q$，但每 $H/H_{kv}$ 個頭**共用**一組 $k$、$v$。品質只掉一點，要留在記憶體裡的 $k$、$v$ 卻少了好幾倍。

### SwiGLU 與一層

$$\text{MLP}(x) = W_{down}\big(\operatorname{silu}(W_{gate}\,x) \odot W_{up}\,x\big)$$

$W_{gate}, W_{up} \in \mathbb{R}^{D_{ff}\times D}$，$W_{down} \in \mathbb{R}^{D\times D_{ff}}$，$\odot$ 是逐元素相乘：gate 是閥門，決定 up 的每一維放多少過去。一整層：

$$x \leftarrow x + \text{Attn}(\text{RMSNorm}(x)),\qquad x \leftarrow x + \text{MLP}(\text{RMSNorm}(x))$$

### KV cache

第 $t$ 步只需要新 token 的那一列 $q$；舊 token 的 $k$、$v$ 都已算過，而且不會再變。全部留著要多少記憶體？

$$2 \times L \times H_{kv} \times d \times T \times \text{每個數的位元組數}\quad(\times B)$$

2 是 key 一份、value 一份。公式裡是 $H_{kv}$ 不是 $H$：GQA 省的就是這裡。

## 從零實作

先看這個真模型有多大。
"""

# %%
config = smol.config
pd.Series(config, name="SmolLM2-135M-Instruct").to_frame()

# %% [markdown]
r"""
### 注意力

程式和[注意力機制](attention_mechanism.ipynb)是同一份，直接匯入。這裡用到它的一個本事：query 的頭可以比 key、value 的頭多，
同一組的 query 頭對著同一份 `k` 算，不必先把 `k` 複製好幾份。
"""

# %%
from dlbook.sequence_modeling.attention import attention_weights, causal_mask

# %% [markdown]
r"""
玩小一點的：3 個位置、2 個 query 頭共用 1 組 key。每一列加起來是 1，右上角（未來）是 0。
"""

# %%
toy = torch.Generator().manual_seed(0)
q, k = torch.randn(1, 2, 3, 4, generator=toy), torch.randn(1, 1, 3, 4, generator=toy)
attention_weights(q, k, causal_mask(3, 3)).round(decimals=2)

# %% [markdown]
r"""
### RMSNorm
"""

# %%
from dlbook.sequence_modeling.norms import RMSNorm  # inline

x = torch.tensor([[1.0, 2.0, 3.0]])
norm = RMSNorm(3).requires_grad_(False)
torch.cat([norm(x), norm(100 * x)])

# %% [markdown]
r"""
放大一百倍，輸出幾乎一樣；輸出的平均不是 0，因為它沒有減平均。

### RoPE
"""

# %%
from dlbook.sequence_modeling.rope import apply_rope, rope_frequencies, rope_table, rotate_half  # inline  # fmt: skip

# %% [markdown]
r"""
左圖：同一個向量放在位置 0 到 7，在快、中、慢三個平面上各轉到哪裡。
右圖：固定一組 $q$、$k$，算內積隨「相隔多遠」怎麼變；三條線的 $k$ 分別站在位置 0、1000、50000，疊在一起分不出來——只有距離算數。
"""

# %%
dim, theta = config["hidden_size"] // config["num_attention_heads"], config["rope_theta"]
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), width_ratios=[1.3, 1])
frequencies = rope_frequencies(dim, theta)
for ring, plane in enumerate((0, 4, 10)):
    for place in range(8):
        angle = (place * frequencies[plane]).item()
        left.annotate("", (2.6 * ring + np.cos(angle), np.sin(angle)), (2.6 * ring, 0),
                      arrowprops={"arrowstyle": "->", "color": plt.cm.viridis(place / 8)})  # fmt: skip
    left.text(
        2.6 * ring, -1.4, f"平面 {plane}\n每步 {frequencies[plane]:.3f} 弧度", ha="center", va="top"
    )
left.set(
    xlim=(-1.2, 6.4), ylim=(-2.2, 1.2), aspect="equal", title="同一個向量，位置 0（深）到 7（淺）"
)
left.axis("off")
q, k = torch.randn(2, 1, dim, generator=toy)
distance = torch.arange(0, 400)
for (start, style), color in zip(
    ((0, "-"), (1000, "--"), (50_000, ":")), plotting.COLORS, strict=False
):
    fixed = apply_rope(k, *rope_table(torch.tensor([start]), dim, theta))
    moving = apply_rope(q, *rope_table(distance + start, dim, theta))
    right.plot(distance, moving @ fixed[0], style, color=color, lw=2, label=f"k 在位置 {start}")
right.set(title="內積只看距離", xlabel="q 比 k 晚幾個位置", ylabel="q·k")
right.legend()
plotting.show(
    fig,
    alt="左邊三個圓：快的平面八個箭頭散開，慢的平面幾乎疊在一起。右邊三條內積曲線完全重疊，隨距離震盪。",
)

# %% [markdown]
r"""
### KV cache

先把整塊記憶體配好，之後只往裡面寫：每一步不搬動舊的內容。
"""

# %%
from dlbook.sequence_modeling.kv_cache import KVCache  # inline

# %% [markdown]
r"""
### 組成 Llama

設定、注意力、前饋網路、一層、整個模型。參數的名字和 Hugging Face 一樣，權重才能直接倒進來。
`pattern` 那一行什麼都不做，只是讓注意力權重經過一個叫得出名字的地方，等一下在那裡掛 hook（模組執行時順便呼叫的函式）偷看。
"""

# %%
from dlbook.sequence_modeling.llama import Attention, LlamaConfig  # inline

# %%
from dlbook.sequence_modeling.llama import Block, SwiGLU  # inline

# %%
from dlbook.sequence_modeling.llama import Llama  # inline

# %% [markdown]
r"""
到此為止，整個模型就寫完了。倒進真的權重。
"""

# %%
model = Llama.from_pretrained(smol.config, smol.state).to(run.device).requires_grad_(False)


def encode(text):
    """文字 → token 編號 [1, 長度]。"""
    return torch.tensor([smol.tokenizer.encode(text).ids], device=run.device)


def decode(tokens):
    """一串 token 編號 → 文字（特殊 token 也印出來）。"""
    return smol.tokenizer.decode(tokens.tolist(), skip_special_tokens=False)


lines = len(inspect.getsource(llama).splitlines())
parameters = sum(weight.numel() for weight in model.parameters())
print(f"llama.py 共 {lines} 行；{parameters:,} 個參數")
top = model(encode("The capital of France is"))[0, -1].softmax(-1).topk(5)
pd.DataFrame({"下一個 token": [decode(i[None]) for i in top.indices], "機率": top.values.tolist()})

# %%
run.claim("整個 Llama 的程式行數", lines, at_most=150, level="cost", source="本課的自我要求")

# %% [markdown]
r"""
### 取樣

模型給的是每個 token 的分數（logits），怎麼挑一個出來是另一門學問：

- **greedy**：永遠拿最高的；
- **溫度（temperature）** $\tau$：分數先除以 $\tau$ 再 softmax。$\tau<1$ 讓高的更高，$\tau>1$ 讓大家更平均；
- **top-k**：只在最高的 $k$ 個裡面抽；
- **top-p**（nucleus）：只在累加機率剛到 $p$ 的那一群裡面抽——模型很確定時這一群很小，不確定時自動變大。
"""

# %%
from dlbook.sequence_modeling.sampling import sample_token, top_k_filter, top_p_filter  # inline

# %%
from dlbook.sequence_modeling.sampling import generate, generate_steps  # inline

# %%
toy_logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
pd.DataFrame(
    {
        "原本": toy_logits.softmax(-1)[0],
        "溫度 0.5": (toy_logits / 0.5).softmax(-1)[0],
        "溫度 2": (toy_logits / 2).softmax(-1)[0],
        "top-k = 2": top_k_filter(toy_logits, 2).softmax(-1)[0],
        "top-p = 0.6": top_p_filter(toy_logits, 0.6).softmax(-1)[0],
    }
).round(3)

# %% [markdown]
r"""
### 對答案

同一份權重放進 `transformers` 的 Llama，同樣的輸入，比每一個 logit；再各自 greedy 生成 64 個 token，要**一個都不差**。
"""

# %%
transformers.logging.set_verbosity_error()
reference = transformers.LlamaForCausalLM(transformers.LlamaConfig(**smol.config))
tied = {"lm_head.weight": smol.state["model.embed_tokens.weight"]}
reference.load_state_dict(smol.state | tied, assign=True)
reference = reference.to(run.device).eval().requires_grad_(False)

prompt = encode("Deep learning is a branch of machine learning that")


def their_generate(tokens, count):
    """transformers 的 greedy 生成，剛好 count 個新 token。"""
    return reference.generate(  # ty: ignore[invalid-argument-type]
        tokens,
        attention_mask=torch.ones_like(tokens),
        max_new_tokens=count,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )[:, tokens.shape[1] :]


logit_gap = (model(prompt) - reference(prompt).logits).abs().max().item()
ours, theirs = generate(model, prompt, 64, temperature=0), their_generate(prompt, 64)
print(decode(prompt[0]) + decode(ours[0]))
run.claim("logits 與 transformers 的最大差距", logit_gap, at_most=1e-4, level="parity", source="transformers.LlamaForCausalLM")  # fmt: skip
run.claim("greedy 生成 64 個 token，相同的有幾個", (ours == theirs).sum().item(), at_least=64, level="parity", source="transformers 的 generate()")  # fmt: skip

# %% [markdown]
r"""
數字對上了。從這裡開始，我們在這個模型裡看到的東西，可以放心算在 SmolLM2 頭上，而不是我們寫錯了。
（權重是 Q4_1 量化後還原的，和官方的原始權重有一點點出入；兩邊用的是同一份，比較是公平的。）

## 實驗

### 一、斷詞與對話模板

模型看不到字母，也看不到中文字，只看得到 token。先看英文與中文各被切成什麼樣子。
"""

# %%
sentences = ["The unbelievable cat ate 1234 strawberries.", "Deep learning is fun.", "深度學習很有趣。", "台灣的首都是台北。"]  # fmt: skip
rows = []
for sentence in sentences:
    pieces = smol.tokenizer.encode(sentence)
    shown = [decode(torch.tensor([i])) for i in pieces.ids]
    rows.append([sentence, len(sentence), len(pieces.ids), len(pieces.ids) / len(sentence), "｜".join(shown)])  # fmt: skip
pd.DataFrame(rows, columns=["句子", "字元數", "token 數", "每字元幾個 token", "切開的樣子"]).round(
    2
)

# %% [markdown]
r"""
英文常用字一個字就是一個 token（前面的空格算在裡面），少見的字切成幾塊，數字一位一位切開。
中文除了「的」「是」「有」這類極常見的字，大多碎成一個一個**位元組**：`�` 是不成字的殘片。詞彙表裡的中文很少，模型讀到的多半不是字，而是字的碎片。

接著是對話模板（chat template）。指令模型受訓時看到的「對話」其實是一份有固定標記的純文字；照著寫，它才知道現在輪到誰說話。
"""

# %%
from dlbook.sequence_modeling.chat import SYSTEM_PROMPT, render_chat  # inline

question = [{"role": "user", "content": "What is the capital of Japan?"}]
print(render_chat(question))
official = jinja2.Template(smol.chat_template).render(messages=question, add_generation_prompt=True)
run.claim("對話模板與模型內附的模板逐字相同", float(render_chat(question) == official), at_least=1, level="parity", source="SmolLM2 的 chat_template")  # fmt: skip

# %% [markdown]
r"""
同一個問題，沒套模板、套了模板；再來是多輪：第二句用了 there，不給前文就不知道是哪裡。
模型沒有記憶，所謂「多輪」就是每次都把前面的對話整份再念一遍給它聽。
"""

# %%
end = config["eos_token_id"]


def answer(messages, count=40, **sampling):
    """套模板、生成到 <|im_end|> 為止，回傳文字。"""
    tokens = generate(model, encode(render_chat(messages)), count, stop=end, **sampling)
    return decode(tokens[0]).replace("<|im_end|>", "").strip()


first = answer(question, temperature=0)
follow_up = {"role": "user", "content": "What language do people speak there?"}
history = [*question, {"role": "assistant", "content": first}, follow_up]
raw = decode(generate(model, encode(question[0]["content"]), 40, temperature=0)[0])
pd.DataFrame(
    {
        "給模型的": ["只有問題，沒有模板", "套模板", "第二輪，附上前文", "第二輪，沒有前文"],
        "它說": [raw, first, answer(history, temperature=0), answer([follow_up], temperature=0)],
    }
)

# %%
japanese = smol.tokenizer.encode(" Japanese").ids[0]
told, untold = (
    model(encode(render_chat(m) + "The people there speak"))[0, -1].log_softmax(-1)[japanese].item()
    for m in (history, [follow_up])
)
print(f"log P(Japanese)：有前文 {told:.2f}，沒有前文 {untold:.2f}")
run.claim("附上前文讓 Japanese 的對數機率提高", told - untold, at_least=2, level="simple", source="同一個模型拿掉前文")  # fmt: skip

# %% [markdown]
r"""
### 二、取樣與多樣性

同一個提示抽好幾次，看彼此多像。**self-BLEU**：拿一段和其他各段算 BLEU（連續幾個詞重疊的程度），取平均；100 是全部一樣，越低越多樣。
"""

# %%
from dlbook.sequence_modeling.sampling import self_bleu  # inline

sea = encode("The most beautiful thing about the sea is")
settings = {
    "溫度 0.4": {"temperature": 0.4},
    "溫度 0.7": {"temperature": 0.7},
    "溫度 1": {"temperature": 1.0},
    "溫度 1.5": {"temperature": 1.5},
    "1 + top-k 5": {"top_k": 5},
    "1 + top-p 0.5": {"top_p": 0.5},
}
diversity, examples = {}, {}
for label, options in settings.items():
    generator = torch.Generator(run.device).manual_seed(run.seed)
    drawn = generate(model, sea.expand(run.samples, -1), run.sample_tokens, stop=end, generator=generator, **options)  # fmt: skip
    texts = [decode(row).split("<|im_end|>")[0] for row in drawn]
    diversity[label], examples[label] = self_bleu(texts), texts[0]
plotting.show(
    plotting.bar_chart(
        diversity,
        title=f"同一個提示抽 {run.samples} 次，彼此有多像",
        ylabel="self-BLEU（越低越多樣）",
        fmt="{:.0f}",
    ),
    alt="六種取樣設定的 self-BLEU：溫度由低到高，self-BLEU 由高到低；溫度 1 加上 top-k 或 top-p 之後又升回來。",
)
pd.Series(examples, name="其中一段").to_frame()

# %%
temperatures = [diversity[f"溫度 {t}"] for t in ("0.4", "0.7", "1")]
steps_down = min(temperatures[0] - temperatures[1], temperatures[1] - temperatures[2])
run.claim("溫度每升一階，self-BLEU 至少降", steps_down, at_least=2, level="simple", source="arXiv:1904.09751 的趨勢")  # fmt: skip
truncated = min(diversity["1 + top-k 5"], diversity["1 + top-p 0.5"])
run.claim("溫度 1 加上截斷，self-BLEU 至少升高", truncated - diversity["溫度 1"], at_least=2, level="medium", source="溫度 1，不截斷")  # fmt: skip

# %% [markdown]
r"""
讀一讀上面的例子，換幾個種子再讀：溫度 1.5 常常不成句。多樣性和通順是蹺蹺板；截斷（top-k、top-p）把尾巴那些亂來的 token 切掉，代價看得到：同樣是溫度 1，self-BLEU 升高了。溫度 1.5 加上截斷能不能救回來，改一下 settings 就知道。

### 三、生成一個 token 要多久

一階一個想法：

1. **起手式**：每一步都把全文重算一遍；
2. **改良**：KV cache，每一步只算新的那個 token；
3. **強**：權重換一種記憶體排法。只算一個 token 時，每個權重讀進來只用一次，快慢由「讀」決定；排得讓 CPU 一路連續地讀，就會快。
"""

# %%
from dlbook.sequence_modeling.memory_layout import column_major  # inline

fast = column_major(Llama.from_pretrained(smol.config, smol.state).to(run.device))
fast.requires_grad_(False)
long_text = encode("\n\n".join(pydoc_data.topics.topics[name] for name in ("numbers", "types")))


class Stepper:
    """讀過一段長文之後，反覆量「再算一個 token」；前面有幾個由 context 決定。"""

    def __init__(self, network, longest):
        self.network, self.context = network, longest
        self.cache = network.make_cache(1, longest)
        network(long_text[:, : longest - 1], self.cache)

    def __call__(self):
        self.cache.length = self.context - 1  # 回到同一個起點，重複量同一步
        return self.network(long_text[:, self.context - 1 : self.context], self.cache)


latency = {"全部重算": [], "KV cache": [], "KV cache + 逐行排放": []}
speed_up, cache_error = [], 0.0
with torch.inference_mode():
    cached, rearranged = Stepper(model, run.contexts[-1]), Stepper(fast, run.contexts[-1])
    for context in run.contexts:
        cached.context = rearranged.context = context
        recompute = lambda n=context: model(long_text[:, :n])  # noqa: E731
        cache_error = max(cache_error, (recompute()[:, -1] - cached()[:, -1]).abs().max().item())
        slow = measure.paired_times(recompute, cached, pairs=run.pairs, warmup=0)
        quick = measure.paired_times(cached, rearranged, pairs=2 * run.pairs)
        speed_up.append(slow.ratio)
        for label, seconds in zip(latency, (slow.a, slow.b, quick.b), strict=True):
            latency[label].append(1000 * float(np.median(seconds)))
plotting.show(
    plotting.line_chart(
        {label: (run.contexts, ms) for label, ms in latency.items()},
        title="多生成一個 token 要多久",
        xlabel="前面已經有幾個 token",
        ylabel="毫秒（對數刻度）",
        logy=True,
        markers=True,
    ),
    alt="三條線：全部重算的時間隨長度直線上升；KV cache 幾乎是平的；換了排放方式的再低一些。",
)
pd.DataFrame(latency, index=pd.Index(run.contexts, name="長度")).assign(
    KV_cache_快幾倍=speed_up
).round(1)

# %%
run.claim("快取與重算的 logits 最大差距", cache_error, at_most=1e-4, level="parity", source="同一個模型不用快取")  # fmt: skip
run.claim(f"長度 {run.contexts[-1]}：KV cache 一步快幾倍", speed_up[-1], at_least=3, level="cost", source="同一個模型全部重算，交錯量測")  # fmt: skip

# %% [markdown]
r"""
全部重算的時間跟著長度長，KV cache 的幾乎不動。代價是記憶體，數一數是不是真的等於公式。
"""

# %%
capacity = config["max_position_embeddings"]
kv_heads, layers = config["num_key_value_heads"], config["num_hidden_layers"]
predicted = 2 * layers * kv_heads * dim * capacity * 4
actual = model.make_cache(1, capacity).nbytes
print(
    f"{capacity} 個 token 的快取：{actual / 2**20:.0f} MiB；權重本身：{4 * parameters / 2**20:.0f} MiB"
)
print(
    f"若不共用 key/value（{config['num_attention_heads']} 個頭各一份）：{actual * config['num_attention_heads'] / kv_heads / 2**20:.0f} MiB"
)
run.claim("KV cache 的位元組數等於 2·L·H_kv·d·T·4", actual, near=(predicted, 0), level="cost", source="arXiv:2305.13245")  # fmt: skip

# %% [markdown]
r"""
最後和 `transformers` 的 `generate()` 比速度：同樣 float32、同樣 greedy、同樣的 token，交錯量測。
"""

# %%
race = measure.paired_times(
    lambda: their_generate(prompt, run.decode_tokens),
    lambda: generate(fast, prompt, run.decode_tokens, temperature=0),
    pairs=3 * run.pairs,
)
print(
    f"transformers {min(race.a):.2f} 秒，我們 {min(race.b):.2f} 秒；各對的倍數 {[round(r, 2) for r in race.ratios]}"
)
best_ratio = min(race.a) / min(race.b)  # 各取最快的一次：別的程式搶 CPU 只會讓時間變長
run.claim("生成速度是 transformers 的幾倍（float32）", best_ratio, at_least=1.05, level="cost", source="transformers 的 generate()，交錯量測，各取最快")  # fmt: skip

# %% [markdown]
r"""
### 四、RoPE 能看多遠

這個模型訓練時最多看 8192 個 token。超過會怎樣？真的塞幾萬個 token 要算很久，但 RoPE 只看**位置編號**，所以有個取巧的實驗：
取一段真的文字，前半的位置照編，後半的編號全部往後推，中間空一大段。對後半來說，前文就在那麼遠的地方。

先確認「只看距離」：整段一起往後推十萬，損失不該變。
"""

# %%
from dlbook.sequence_modeling.interpretability import token_losses  # inline

pick = torch.Generator().manual_seed(run.seed)
half = 32
names = ("specialnames", "compound", "formatstrings", "typesseq")
documents = [encode(pydoc_data.topics.topics[name])[0] for name in names]
begins = torch.randint(100, 1500, (len(names),), generator=pick).tolist()
passages = torch.stack([d[b : b + 2 * half] for d, b in zip(documents, begins, strict=True)])
order = torch.arange(2 * half, device=run.device)
normal = token_losses(model, passages)
shifted = token_losses(model, passages, positions=order + 100_000)
run.claim("整段往後推十萬個位置，損失最多變多少", (normal - shifted).abs().max(), at_most=0.05, level="parity", source="arXiv:2104.09864")  # fmt: skip

# %% [markdown]
r"""
再來拉開前後兩半，同時試**位置內插（position interpolation）**：所有位置編號除以 $s$，把沒見過的遠方縮進見過的範圍。
虛線是「乾脆把前半丟掉」的損失：比它還高，就表示前文不但沒幫忙，還在搗亂。
"""


# %%
def far_loss(network, gap, factor=1.0):
    """前後兩半相隔 gap 個位置時，後半的平均損失。"""
    positions = (order + gap * (order >= half)) / factor
    return token_losses(network, passages, positions)[:, half:].mean().item()


turns = config["max_position_embeddings"] * rope_frequencies(dim, theta) / (2 * np.pi)
print(
    f"走完 {config['max_position_embeddings']} 個位置還轉不滿一圈的平面：{(turns < 1).sum()} / {len(turns)}"
)
without_context = token_losses(model, passages[:, half:]).mean().item()
far = {
    f"位置內插 ÷{s}" if s > 1 else "照舊": [far_loss(model, gap, s) for gap in run.gaps]
    for s in (1, 2, 4)
}


def draw_far(curves):
    fig = plotting.line_chart(
        {label: (run.gaps, losses) for label, losses in curves.items()},
        title="前文離得很遠時，後文猜得多準",
        xlabel="前後兩半相隔幾個位置",
        ylabel="後半的損失（nats）",
        markers=True,
    )
    limit = config["max_position_embeddings"]
    fig.axes[0].axvline(limit, color="gray", linestyle=":")
    fig.axes[0].text(limit + 300, fig.axes[0].get_ylim()[0] + 0.05, "訓練長度", color="gray")
    fig.axes[0].axhline(without_context, color="gray", linestyle="--", lw=1)
    fig.axes[0].text(
        run.gaps[-1], without_context, "丟掉前文", color="gray", ha="right", va="bottom"
    )
    return fig


plotting.show(
    draw_far(far),
    alt="照舊的線在訓練長度之內緩升，到 16000 衝高；除以 2 的線在 16000 沒有衝高，但近距離時比照舊差；除以 4 的線撐到 32000，近距離更差。",
)

# %%
edge = run.gaps.index(16000)
run.claim("相隔 16000 時，位置內插 ÷2 比照舊低多少", far["照舊"][edge] - far["位置內插 ÷2"][edge], at_least=0.5, level="medium", source="arXiv:2306.15595")  # fmt: skip
run.claim("近處（相隔 0），位置內插 ÷2 的代價", far["位置內插 ÷2"][0] - far["照舊"][0], at_least=0.2, level="simple", source="同一段文字、不內插")  # fmt: skip

# %% [markdown]
r"""
超過訓練長度，「照舊」不是慢慢變差，而是崩潰：有些平面慢到整段訓練都轉不滿一圈，再遠，就是從來沒去過的角度。位置內插在它放大的範圍內止住了崩潰，遠處的損失卻還是不低；而且連左右鄰居的距離也被壓扁，近處因此變差。論文的做法是內插之後再微調一小段，我們沒有微調。÷2 也只夠兩倍的長度，再遠一樣會崩。
有沒有辦法兩邊都要？最後一個練習讓你自己找。

### 五、同一個字，不同的意思

bank 可以是銀行，也可以是河岸。進模型時它們是同一個 token、同一個詞向量；往上走，左邊的字會不會把它們推開？
四十個句子，每句都以 bank 結尾，線索都在左邊。
"""

# %%
from dlbook.sequence_modeling.interpretability import record, residual_stream  # inline

money = """She needed a loan, so she went to the bank
He deposited his salary at the bank
The robbers stole two million dollars from the bank
My mortgage was approved by the bank
You can open a savings account at the bank
Interest rates were raised again by the central bank
The cashier counted the money inside the bank
He could not pay his debt to the bank
She works as an accountant for an investment bank
I withdrew some cash from the bank
The company borrowed five million from the bank
Before the holiday I exchanged my dollars at the bank
The credit card was issued by a small local bank
Investors were afraid after the failure of the bank
He forgot the password for his online bank
The financial crisis began with the collapse of one bank
The customers waited in line to see the teller at the bank
My paycheck goes directly to the bank
The shareholders elected a new director of the bank
They signed the contract and sent the cheque to the bank""".splitlines()
river = """We pulled the canoe out of the water onto the bank
The fisherman sat all morning on the grassy bank
The river flooded and washed away part of the bank
Willow trees were growing along the muddy bank
Children were skipping stones from the bank
The crocodile crawled out of the river and slept on the bank
They walked beside the stream and rested on the bank
The boat drifted slowly toward the opposite bank
Ducks were nesting in the reeds near the bank
After swimming across the river he climbed up the bank
We pitched our tent by the stream, close to the bank
The current carried the log against the left bank
She dipped her feet in the cool water at the bank
The deer came down to drink at the river bank
Frogs were jumping from the wet grass on the bank
The bridge connects the village with the far bank
The rain made the stream rise above its bank
An otter dug a hole in the steep bank
The water was shallow near the sandy bank
He cast his fishing line from the bank""".splitlines()
meaning = np.array([0] * len(money) + [1] * len(river))
words = torch.stack([residual_stream(model, encode(s))[:, 0, -1] for s in money + river], dim=1)
words = words.cpu().numpy()  # [層, 句子, 寬度]
print("第 0 層，四十個 bank 之間最大的差：", np.ptp(words[0], axis=0).max())

# %% [markdown]
r"""
量化「分得多開」用輪廓係數（silhouette，1 是完全分開、0 是混在一起）。畫圖用 t-SNE：它只保證近的還是近，圖上的距離與大小不要當真，所以判斷用左圖的數字。
"""

# %%
separation = [0.0] + [silhouette_score(x, meaning, metric="cosine") for x in words[1:]]
best = int(np.argmax(separation))
fig, axes = plt.subplots(1, 4, figsize=(12, 3.4))
plotting.line_chart(
    {"": (range(len(separation)), separation)},
    title="bank 的兩個意思分得多開",
    xlabel="層",
    ylabel="輪廓係數",
    ax=axes[0],
)
for ax, depth in zip(axes[1:], (1, best, len(words) - 1), strict=True):
    points = TSNE(perplexity=8, init="pca", random_state=run.seed).fit_transform(words[depth])
    for group, (label, marker) in enumerate((("銀行", "o"), ("河岸", "^"))):
        ax.scatter(
            *points[meaning == group].T, marker=marker, color=plotting.COLORS[group], label=label
        )
    ax.set(title=f"第 {depth} 層的 t-SNE", xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")
axes[1].legend()
plotting.show(
    fig,
    alt="左：輪廓係數從第 0 層的 0 升到中間層的最高點，之後下降。右三張：第 1 層兩種意思混在一起，最好的那一層與最後一層分成兩群。",
)


# %%
def neighbours_agree(features, metric="cosine"):
    """拿掉自己之後，最近的三個句子投票猜意思，對的比率。"""
    vote = KNeighborsClassifier(3, metric=metric)
    return cross_val_score(vote, features, meaning, cv=LeaveOneOut()).mean()


by_words = neighbours_agree(TfidfVectorizer().fit_transform(money + river).toarray())
by_context = neighbours_agree(words[len(words) // 3])
print(
    f"三個鄰居投票：數詞（TF-IDF）{by_words:.3f}；第 {len(words) // 3} 層的 bank 向量 {by_context:.3f}"
)
run.claim("最好的一層比第 0 層分得更開", separation[best] - separation[0], at_least=0.3, level="medium", source="第 0 層（沒有語境）")  # fmt: skip
run.claim("bank 的向量比數詞（TF-IDF）多猜對", by_context - by_words, at_least=0.05, level="strong", source="TF-IDF + 3 個最近鄰")  # fmt: skip

# %% [markdown]
r"""
只看一個字的向量，比看整句用了哪些詞還準：句子裡的線索已經被抄到 bank 的白板上了。

### 六、誰在抄？注意力圖與歸納頭

三個個性鮮明的頭。每一列是一個 query，越亮看得越多。（編號提醒：殘差流的第 0 層是詞向量；頭和「推一把」的層號照程式，第 0 層是第一個 Block。）
"""

# %%
from dlbook.sequence_modeling.interpretability import ablate_heads, attention_maps, induction_scores  # inline  # fmt: skip

maps = attention_maps(model, search)
induction = induction_scores(maps, run.period).cpu()
sink = maps[..., 1:, 0].mean(dim=(1, -1)).cpu()
previous = maps.diagonal(-1, dim1=-2, dim2=-1).mean(dim=(1, -1)).cpu()
story = encode("Yesterday Harry met Zelda at the market. Today Harry met Zelda")
labels = [decode(i[None]).strip() for i in story[0]]
story_maps = attention_maps(model, story)[:, 0].cpu()
fig, axes = plt.subplots(1, 3, figsize=(12, 4.4))
for ax, (label, scores) in zip(
    axes,
    {"只看第一個字": sink, "看前一個字": previous, "歸納頭：看上次的下一個": induction}.items(),
    strict=True,
):
    ((layer, head),) = best_heads(scores, 1)
    ax.imshow(story_maps[layer, head], vmin=0, vmax=1)
    ax.grid(visible=False)
    ax.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8)
    ax.set_yticks(range(len(labels)), labels, fontsize=8)
    ax.set(
        title=f"{label}\n（第 {layer} 層第 {head} 頭）",
        xlabel="key：被看的字",
        ylabel="query：正在看的字",
    )
plotting.show(
    fig,
    alt="三張注意力圖：第一張只有最左一行亮；第二張主對角線下面一條亮；第三張在第二次出現的 Harry met Zelda 處，亮在第一次出現的下一個字。",
)
print(f"平均把八成以上注意力放在第一個字的頭：{(sink > 0.8).sum()} / {sink.numel()}")

# %% [markdown]
r"""
很多頭把注意力都堆在第一個字上（attention sink）：softmax 規定總和是 1，沒事可做的頭需要一個地方「放」注意力。

歸納頭的分數是在「念兩遍」的序列上算的：第二遍的每個位置，有多少注意力落在「這個字上次出現的下一個」。如果亂看，大約只有 1/長度。
接下來做因果實驗：關掉分數最高的 6 個頭，和**隨機**關掉 6 個頭比。挑頭用一組序列，量損失用另外三組。
"""

# %%
top_heads = best_heads(induction, 6)
pool = [
    (i, j)
    for i in range(layers)
    for j in range(config["num_attention_heads"])
    if (i, j) not in top_heads
]
rng = np.random.default_rng(run.seed)
random_heads = [
    [pool[i] for i in rng.choice(len(pool), len(top_heads), replace=False)]
    for _ in range(run.random_sets)
]
trial = torch.cat([twice(3000 + 10 * run.seed + i, batch=1) for i in range(3)])


def copy_loss():
    """第二遍的平均損失。"""
    return token_losses(model, trial)[:, run.period :].mean().item()


first_pass = token_losses(model, trial)[:, : run.period - 1].mean().item()
whole, harms = copy_loss(), []
with ablate_heads(model, top_heads):
    damaged = copy_loss()
for heads in random_heads:
    with ablate_heads(model, heads):
        harms.append(copy_loss() - whole)
fig = plotting.bar_chart(
    {
        "第一遍": first_pass,
        "第二遍": whole,
        "第二遍\n隨機關 6 個\n（中位數）": whole + float(np.median(harms)),
        "第二遍\n關 6 個歸納頭": damaged,
    },
    title="關掉哪些頭，模型才忘記剛剛念過的",
    ylabel="損失（nats）",
)
fig.axes[0].scatter([2.3] * len(harms), whole + np.array(harms), color="black", s=12, zorder=3)
plotting.show(
    fig,
    alt="四根長條：第一遍很高，第二遍很低，隨機關掉六個頭多半只高一點（黑點是各次），關掉歸納頭則高得多，朝第一遍的高度回升。",
)
pd.DataFrame(
    {"(層, 頭)": [str(h) for h in top_heads], "歸納分數": [induction[h].item() for h in top_heads]}
).round(2)

# %%
run.claim("最強的歸納頭分數", induction.max(), at_least=0.5, level="simple", source="均勻注意力約為 1/長度")  # fmt: skip
harm_ratio = (damaged - whole) / max(float(np.median(harms)), 0.1)
run.claim("關歸納頭的傷害是隨機關頭的幾倍", harm_ratio, at_least=4, level="strong", source="arXiv:2209.11895；隨機頭的中位數")  # fmt: skip

# %% [markdown]
r"""
關掉歸納頭之後，損失大幅升高，但沒有完全回到第一遍：照抄不是只靠這 6 個頭。黑點高低不一：隨機的 6 個頭也可能剛好關到要緊的零件（例如所有歸納頭都要靠的那一個）。所以我們比的是中位數，也把每一次都畫出來。

### 七、logit lens：每一層在想什麼

把每一層的白板直接拿去過最後的輸出層，看它當下會答什麼。顏色是它給自己首選的機率；␣ 代表空格，⏎ 代表換行。
"""

# %%
from dlbook.sequence_modeling.interpretability import logit_lens  # inline

sentence = encode("The Eiffel Tower is in the city of")
lens = logit_lens(model, sentence)[:, 0].softmax(-1).cpu()
shown_layers = [*range(0, layers - 6, 4), *range(layers - 6, layers + 1)]
fig = plotting.heatmap(
    lens[shown_layers].amax(-1),
    title="logit lens：各層、各位置的首選",
    xlabel="讀到這個字為止",
    ylabel="第幾層之後",
    xticks=[decode(i[None]).strip() for i in sentence[0]],
    yticks=[str(i) for i in shown_layers],
    colorbar="首選的機率",
)
fig.set_size_inches(10, 5.4)
for row, depth in enumerate(shown_layers):
    for column, i in enumerate(lens[depth].argmax(-1)):
        guess = decode(i[None]).replace(" ", "␣").replace("\n", "⏎")
        ink = "black" if lens[depth, column].max() > 0.5 else "white"
        fig.axes[0].text(column, row, guess[:9], ha="center", va="center", fontsize=8, color=ink)
plotting.show(
    fig,
    alt="熱圖：橫軸是句子的每個字，縱軸是層。下層的首選多半是標點與虛詞，最後幾層才變成通順的下一個字，最後一格是 Paris。",
)

# %%
paris = smol.tokenizer.encode(" Paris").ids[0]
rank = (lens[:, -1] > lens[:, -1, [paris]]).sum(-1) + 1
print("Paris 的名次，由第 0 層往上：", rank.tolist())

# %% [markdown]
r"""
第 0 層的首選多半是這個字自己：輸入的詞向量和輸出層是同一個矩陣，白板上又只寫了自己。Paris 的名次在第 1 層先大幅退後，之後起起伏伏地往前，最後幾層才擠到第一。
中間層的白板用的是另一套「語言」，輸出層不見得讀得懂——讀不出來不等於不知道，這是 logit lens 的限制。

### 八、推它一把

收集幾句開心的、幾句難過的，取每句最後一個字的隱藏狀態，兩組平均相減，得到每一層一個方向。
然後在**沒看過**的中性句子上，把方向加進殘差流，看模型接「好字」與「壞字」的對數機率差動了多少。對照組：一樣長的隨機方向。
"""

# %%
from dlbook.sequence_modeling.interpretability import steer  # inline

happy = ["I love this, it is wonderful", "What a fantastic and delightful experience", "The food was delicious and the staff were lovely", "This is the best day of my life", "She was thrilled with the excellent results", "An amazing, brilliant, beautiful piece of work", "I am so happy and grateful", "Everyone enjoyed the superb performance"]  # fmt: skip
sad = ["I hate this, it is horrible", "What a dreadful and miserable experience", "The food was disgusting and the staff were rude", "This is the worst day of my life", "She was upset with the terrible results", "An ugly, stupid, boring piece of work", "I am so sad and angry", "Everyone hated the awful performance"]  # fmt: skip
neutral = ["After reading the book I thought it was", "My neighbour says that the new restaurant is", "The weather in our town this week was", "The guests told me that the hotel is"]  # fmt: skip
good = [
    smol.tokenizer.encode(f" {w}").ids[0]
    for w in ["great", "good", "wonderful", "excellent", "beautiful", "amazing"]
]
bad = [
    smol.tokenizer.encode(f" {w}").ids[0]
    for w in ["terrible", "bad", "awful", "horrible", "boring", "poor"]
]


def mean_state(texts):
    """最後一個字在各層的平均狀態：[層 + 1, 寬度]。"""
    return torch.stack([residual_stream(model, encode(t))[:, 0, -1] for t in texts]).mean(0)


direction = mean_state(happy) - mean_state(sad)
probes = torch.cat([encode(text) for text in neutral])  # 四句剛好一樣長


def mood():
    """log P(好字) − log P(壞字)，對中性句子取平均。"""
    logs = model(probes)[:, -1].log_softmax(-1)
    return (logs[:, good].logsumexp(-1) - logs[:, bad].logsumexp(-1)).mean().item()


calm, tried = mood(), list(range(0, layers, 3))
effect = {"加上方向": [], "減去方向": [], "一樣長的隨機方向": []}
noise = torch.Generator().manual_seed(run.seed)
for layer in tried:
    push = direction[layer + 1]
    blind = torch.randn(push.shape, generator=noise).to(push)
    for label, vector in zip(
        effect, (push, -push, blind * push.norm() / blind.norm()), strict=True
    ):
        with steer(model, layer, vector):
            effect[label].append(mood() - calm)
plotting.show(
    plotting.line_chart(
        {k: (tried, v) for k, v in effect.items()},
        title="在哪一層推最有用",
        xlabel="加在第幾層之後",
        ylabel="對數機率差的變化（nats）",
        markers=True,
    ),
    alt="三條線：加上方向的變化是正的、減去方向是負的、隨機方向在零附近；正的那條在後段的層最高。",
)

# %%
best_layer = tried[int(np.argmax(effect["加上方向"]))]
stories = {}
for strength in (-2, -1, 0, 1, 2):
    with steer(model, best_layer, strength * direction[best_layer + 1]):
        stories[f"{strength:+d}"] = decode(generate(model, probes[:1], 12, temperature=0)[0])
print(f"在第 {best_layer} 層推：{neutral[0]}…")
for strength, text in stories.items():
    print(f"{strength}：{text!r}")
typical_noise = float(np.median(np.abs(effect["一樣長的隨機方向"])))
run.claim("最好的一層，加上方向的變化", max(effect["加上方向"]), at_least=2, level="medium", source="不推時為 0；arXiv:2308.10248")  # fmt: skip
run.claim("變化是同長度隨機方向的幾倍", max(effect["加上方向"]) / typical_noise, at_least=3, level="strong", source="隨機方向（各層絕對值的中位數）")  # fmt: skip

# %% [markdown]
r"""
2025F HW3 用同樣的手法取出「拒絕」的方向，並且逐層找哪裡最有效。這裡推的是語氣：有效，但句子也可能跟著離題。兩個保留：隨機方向每層只抽一個，有的層它也動了不少，所以主張比的是各層的中位數；量的好字、壞字有一大半就出現在取方向的句子裡，方向裡難免混著「這些字本身」。推得更用力會怎樣，可以自己把 strength 改成 4、8 試試。

### 九、稀疏自編碼器：把白板上的字拆開

一個位置的狀態是幾百個數，一個數不對應一個概念。**稀疏自編碼器（sparse auto-encoder, SAE）** 假設：
模型知道的特徵很多（比維度多），但同一刻只有少數幾個亮著。於是學一大本「特徵字典」，限制每次最多用 $k$ 個，要求加起來還原得像。

對照組是 PCA，同樣只准用 $k$ 個分量。差別在於：PCA 每個位置都用**同樣**的 $k$ 個，SAE 可以每個位置挑**不同**的 $k$ 個。
資料是 Python 說明文件（你的電腦裡就有），訓練與測試取自不同的文件。
少數位置的狀態向量特別長，叫 massive activation（arXiv:2402.17762；論文認為它們的作用類似 sink，這裡沒有驗證），幾個就會主宰整個誤差，先挑出來看一眼，再放到一邊。
"""

# %%
from dlbook.sequence_modeling.sparse_autoencoder import SparseAutoencoder, explained_variance, train_sae  # inline  # fmt: skip

depth, active, chunk = 10, 16, 65
wanted = ("embed_tokens", "model.norm", *(f"layers.{i}." for i in range(depth)))
front = Llama.from_pretrained(
    config | {"num_hidden_layers": depth},
    {name: w for name, w in smol.state.items() if any(part in name for part in wanted)},
).to(run.device)  # 只留前幾層：不必為了中間的狀態算完整個模型


def activations(topic_names, count, generator):
    """隨機 count 段文字在第 depth 層之後的狀態與 token；每段的第一個位置（sink）不要。"""
    texts = [encode(pydoc_data.topics.topics[name])[0] for name in topic_names]
    pieces = [piece for text in texts for piece in text.split(chunk) if len(piece) == chunk]
    chosen = torch.randperm(len(pieces), generator=generator)[:count]
    tokens = torch.stack([pieces[i] for i in chosen])
    states = torch.cat([residual_stream(front, part)[depth] for part in tokens.split(16)])
    return states[:, 1:].flatten(0, 1).cpu(), tokens.cpu()


topic_names = sorted(pydoc_data.topics.topics)
held_out = topic_names[::5]
seen_topics = [name for name in topic_names if name not in held_out]
train_states, train_tokens = activations(seen_topics, run.sae_chunks, pick)
test_states, _ = activations(held_out, run.sae_chunks // 4, pick)

limit = 1.5 * train_states.norm(dim=-1).median()
ordinary = train_states.norm(dim=-1) <= limit
giants = train_tokens[:, 1:].flatten()[~ordinary].unique()
print(
    f"長度超過中位數一倍半的位置：{(~ordinary).sum()} / {len(ordinary)}，都是這些 token：{[decode(i[None]) for i in giants]}"
)
scale = train_states[ordinary].std()
train_x = train_states[ordinary] / scale
test_x = test_states[test_states.norm(dim=-1) <= limit] / scale

torch.manual_seed(run.seed)
sae = SparseAutoencoder(train_x.shape[1], run.sae_features, active)
losses = train_sae(sae, train_x, run.sae_steps, generator=pick)


def pca_score(components):
    pca = PCA(components).fit(train_x.numpy())
    return explained_variance(
        test_x, torch.from_numpy(pca.inverse_transform(pca.transform(test_x.numpy())))
    )


with torch.no_grad():
    sae_test, sae_train = (
        explained_variance(test_x, sae(test_x)),
        explained_variance(train_x, sae(train_x)),
    )
    code = sae.encode(train_x)
scores = {
    f"PCA，{active} 個": pca_score(active),
    f"PCA，{2 * active} 個": pca_score(2 * active),
    f"SAE，{active} 個": sae_test,
}
plotting.show(
    plotting.bar_chart(
        scores,
        title=f"沒看過的文件，還原了多少變異（{len(train_x)} 個位置訓練）",
        ylabel="解釋變異比",
    ),
    alt="三根長條：SAE 用 16 個特徵還原得比 PCA 用 16 個、32 個都多。",
)
print(
    f"SAE：訓練 {sae_train:.2f}、測試 {sae_test:.2f}；從來不亮的特徵 {(code == 0).all(0).float().mean():.0%}"
)

# %%
run.claim("同樣用 16 個，SAE 比 PCA 多還原的變異比", sae_test - scores[f"PCA，{active} 個"], at_least=0.1, level="strong", source="PCA，相同個數，未看過的文件")  # fmt: skip

# %% [markdown]
r"""
公平起見：SAE 除了 16 個強度，還要記住是**哪** 16 個，所以也和用兩倍分量的 PCA 比。訓練比測試好一截，表示幾千個位置對這麼大的字典太少了。

特徵在說什麼？挑幾個常亮但不是到處亮的，看讓它最亮的地方（〔〕裡是那個 token）。
"""

# %%
places = [(row, column) for row in range(len(train_tokens)) for column in range(1, chunk)]
places = [place for place, kept in zip(places, ordinary, strict=True) if kept]


def where(feature, count=6):
    """讓一個特徵最亮的幾個地方，連同前面三個 token。"""
    spots = []
    for i in code[:, feature].topk(count).indices:
        row, column = places[i]
        before = decode(train_tokens[row, max(column - 3, 0) : column])
        spot = f"{before}〔{decode(train_tokens[row, column][None])}〕".replace("\n", "⏎")
        spots.append(re.sub("  +", "␣", spot))  # 一長串空格縮成一個記號
    return "　".join(spots)


fires = (code > 0).sum(0)
common = [
    i for i in code.sum(0).argsort(descending=True).tolist() if 10 <= fires[i] <= len(code) // 50
]
pd.DataFrame(
    {
        "特徵": common[:8],
        "亮的次數": [int(fires[i]) for i in common[:8]],
        "最亮的地方": [where(i) for i in common[:8]],
    }
)


# %% [markdown]
r"""
有些特徵一眼看得懂（某個字、某種標點、數字），有些混了不相干的東西，說不出在講什麼。Gemma Scope 用的是幾十億個以上的 token，字典也大得多；我們只有幾千個 token，
學到的多半是「這是哪個字」這種淺的特徵。

## 看看哪裡錯

### 它不知道的事
"""

# %%
facts = {
    "The capital of France is": " Paris", "The capital of Germany is": " Berlin", "The capital of Australia is": " Canberra",
    "The capital of Egypt is": " Cairo", "The Colosseum is in the city of": " Rome", "The Space Needle is in the city of": " Seattle",
    "The chemical symbol for gold is": " Au", "Water is made of hydrogen and": " oxygen", "Two plus two equals": " four",
    "The opposite of hot is": " cold", "Romeo and Juliet was written by": " William", "The largest planet in the solar system is": " Jupiter",
    "Bill Gates was a co-founder of": " Microsoft", "The author of the theory of relativity is Albert": " Einstein",
}  # fmt: skip
rows = []
for text, truth in facts.items():
    chance = model(encode(text))[0, -1].softmax(-1).cpu()
    target = smol.tokenizer.encode(truth).ids[0]
    rows.append(
        [
            text,
            truth,
            decode(chance.argmax()[None]),
            chance[target].item(),
            int((chance > chance[target]).sum()) + 1,
        ]
    )
table = pd.DataFrame(rows, columns=["開頭", "正確的下一個", "模型的首選", "正確答案的機率", "名次"])
right_share = (table["名次"] == 1).mean()
print(f"首選就對的：{right_share:.0%}")
table.sort_values("名次").round(3)

# %% [markdown]
r"""
錯有好幾種：有的錯成「同一類裡的另一個」（澳洲的首都、二加二），正確答案緊接在後；有的只是想接別的話（接 the），名次要往後找；有的看起來真的不知道。首選錯了不一定等於不知道，要連名次和機率一起看。

### 中文，與繞圈圈

greedy 容易掉進迴圈，越繞越出不來。用「不重複的 token 占幾成」來量，越低越像在繞圈。
一個合理的猜想：歸納頭專門照抄，繞圈圈是它們害的。猜想要驗證：關掉歸納頭，再生成一次看看。
"""


# %%
def distinct(tokens):
    """不重複的 token 占幾成：1 是每個都不一樣。"""
    return len(set(tokens)) / len(tokens)


def reply_to(text, **options):
    """40 個 token 以內的回答。"""
    tokens = encode(render_chat([{"role": "user", "content": text}]))
    generator = torch.Generator(run.device).manual_seed(run.seed)
    return generate(fast, tokens, 40, stop=end, generator=generator, **options)[0].tolist()


rows = []
for text in ("List ten animals.", "台灣最高的山是哪一座？"):
    replies = {"greedy": reply_to(text, temperature=0), "top-p 0.9": reply_to(text, top_p=0.9)}
    with ablate_heads(fast, top_heads):
        replies["greedy，關掉歸納頭"] = reply_to(text, temperature=0)
    rows += [[text, how, distinct(t), decode(torch.tensor(t))] for how, t in replies.items()]
table = pd.DataFrame(rows, columns=["問題", "取樣", "不重複", "回答"])
table.round(2)

# %%
freshness = table.groupby("取樣")["不重複"].mean()
print(freshness.round(2).to_dict())
run.claim("關掉歸納頭，greedy 的不重複比率最多升高", freshness["greedy，關掉歸納頭"] - freshness["greedy"], at_most=0.1, level="simple", source="猜想若對，應大幅升高")  # fmt: skip
run.claim("top-p 0.9 的不重複比率比 greedy 高", freshness["top-p 0.9"] - freshness["greedy"], at_least=0.1, level="simple", source="arXiv:1904.09751")  # fmt: skip

# %% [markdown]
r"""
關掉歸納頭，圈圈還在。猜想聽起來合理，卻沒有通過實驗（只試了這兩題）：這個模型繞圈圈，不只（甚至不是）那幾個頭的事。換成取樣就好得多。

中文問題得到的是幾個湊出來的字、照抄的題目，和答非所問的英文；取樣也救不了。這不是程式的錯（logits 已經對過答案），是訓練資料裡幾乎沒有中文。

## 常見的坑

### 坑一：RoPE 配錯平面

GGUF 檔裡的 q、k 權重是「相鄰兩維相配」的排法。忘了換回「前半配後半」，直接載入：形狀全對，沒有任何錯誤訊息。
"""


# %%
def interleaved(weight, heads):
    """把「前半配後半」的列，換成 GGUF 的「相鄰相配」。"""
    return weight.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)


wrong_state = {
    name: interleaved(w, w.shape[0] // dim)
    if name.endswith(("q_proj.weight", "k_proj.weight"))
    else w
    for name, w in smol.state.items()
}
wrong_model = Llama.from_pretrained(smol.config, wrong_state).to(run.device).requires_grad_(False)
right_loss, wrong_loss = (token_losses(m, passages).mean().item() for m in (model, wrong_model))
print(
    f"損失：正確 {right_loss:.2f}，配錯 {wrong_loss:.2f}（亂猜 {np.log(config['vocab_size']):.2f}）"
)
print(
    "配錯的模型說：",
    decode(generate(wrong_model, encode("The capital of France is"), 12, temperature=0)[0]),
)
del wrong_model, wrong_state
run.claim("RoPE 配錯平面，損失升高", wrong_loss - right_loss, at_least=1, level="medium", source="正確的配法")  # fmt: skip

# %% [markdown]
r"""
**怎麼避免**：載入任何權重，第一件事是和參考實作比 logits，不是看它會不會說話。

### 坑二：用了快取，忘了位置要接下去

有快取時，新 token 的位置是「快取裡已經有幾個」，不是從 0 數起。忘了的話，它會以為自己站在句首。
"""


# %%
def generate_without_offset(tokens, count):
    cache, out = model.make_cache(1, tokens.shape[1] + count), []
    for _ in range(count):
        from_zero = torch.arange(tokens.shape[1], device=run.device)  # 錯：應該從 cache.length 開始
        tokens = model(tokens, cache, positions=from_zero)[:, -1].argmax(-1, keepdim=True)
        out.append(tokens)
    return torch.cat(out, dim=1)


lost = generate_without_offset(prompt, 24)
print("正確：", decode(ours[0, :24]))
print("忘了：", decode(lost[0]))
print(f"前 24 個 token 相同的有 {(lost == ours[:, :24]).sum().item()} 個")

# %% [markdown]
r"""
第一個 token 總是對的（讀 prompt 時的位置沒錯），所以只測一步抓不到這個錯。**怎麼避免**：測「任意切段餵進去，logits 都和一次餵完相同」。

### 坑三：線索在右邊，卻去量左邊的字

語境化向量的實驗裡，每一句的線索都刻意放在 bank 左邊。如果線索在右邊呢？
"""

# %%
pairs = [("The bank was steep and covered with grass", "The bank was closed on Sunday, so I used my card"),
         ("Near the bank there were ducks and reeds", "Near the bank there were two cash machines")]  # fmt: skip
at = smol.tokenizer.encode(" bank").ids[0]
for a, b in pairs:
    states = [residual_stream(model, encode(t))[:, 0] for t in (a, b)]
    places = [(encode(t)[0] == at).nonzero().item() for t in (a, b)]
    at_bank = (states[0][:, places[0]] - states[1][:, places[1]]).abs().max().item()
    at_end = (states[0][-1, -1] - states[1][-1, -1]).norm().item()
    print(f"bank 的向量在所有層的最大差距 {at_bank:.1e}；句尾的向量距離 {at_end:.1f}")
run.claim("線索在右邊時，兩個 bank 的向量差距", at_bank, at_most=1e-2, level="simple", source="因果遮罩：看不到右邊")  # fmt: skip

# %% [markdown]
r"""
左文相同，bank 的向量就相同，差距只是浮點誤差：讀到 bank 的時候，右邊還沒發生。BERT 這種雙向模型沒有這個限制。
**怎麼避免**：用因果模型取語境化向量，取句尾或線索之後的位置。

## 練習

寫完執行下一格，就會告訴你對不對；還沒作答的，後面的儲存格先用參考解答。
"""

# %%
from dlbook.exercises.sequence_modeling.transformer_internals import kv_cache_bytes  # exercise

# %%
seven_b = {"layers": 32, "heads": 32, "head_dim": 128, "length": 4096, "bytes_per_number": 2}
for shared in (32, 8, 1):
    size = kv_cache_bytes(kv_heads=shared, **seven_b) / 2**30
    print(f"像 Llama-2-7B 那樣的形狀，{shared:2d} 個 key/value 頭，4096 個 token：{size:.2f} GiB")


# %%
from dlbook.exercises.sequence_modeling.transformer_internals import rotate_to_position  # exercise

# %%
x = torch.randn(dim, generator=toy)
by_hand = rotate_to_position(x, 5.0, theta)
by_module = apply_rope(x[None], *rope_table(torch.tensor([5.0]), dim, theta))[0]
print(f"和 apply_rope 的最大差距：{(by_hand - by_module).abs().max():.1e}")


# %%
from dlbook.exercises.sequence_modeling.transformer_internals import top_p_keep  # exercise

# %%
for text in ("The capital of France is", "My favourite thing is"):
    chance = model(encode(text))[0, -1].softmax(-1).cpu()
    print(f"{text!r}：p = 0.9 留下 {top_p_keep(chance, 0.9).sum()} 個 token")

# %% [markdown]
r"""
越確定，留得越少；這是 top-p 比固定的 top-k 聰明的地方。

"""

# %%
from dlbook.exercises.sequence_modeling.transformer_internals import previous_token_scores  # exercise  # fmt: skip

# %%
helpers = best_heads(previous_token_scores(maps).cpu(), 4)
with ablate_heads(model, helpers):
    without_helpers = copy_loss()
    weakened = induction_scores(attention_maps(model, trial), run.period).cpu()
print(f"關掉的前一字頭 {helpers}：第二遍的損失 {whole:.2f} → {without_helpers:.2f}")
print(
    "六個歸納頭的平均分數：",
    *(f"{np.mean([s[h].item() for h in top_heads]):.2f}" for s in (induction, weakened)),
    sep="  ",
)
run.claim("關掉 4 個前一字頭，歸納頭的平均分數剩幾成", np.mean([weakened[h].item() / induction[h].item() for h in top_heads]), at_most=0.6, level="strong", source="arXiv:2209.11895 的兩段式機制")  # fmt: skip

# %% [markdown]
r"""
歸納頭一個都沒關，卻跟著失靈：它找的是「前面那個字和我一樣」的位置，而「我前面是誰」是前一字頭寫上去的。兩段接力，少了前一段，後一段就接不上。

"""

# %%
from dlbook.exercises.sequence_modeling.transformer_internals import ntk_theta  # exercise

# %%
stretched = Llama.from_pretrained(
    smol.config | {"rope_theta": ntk_theta(theta, dim, 4)}, smol.state
)
stretched = stretched.to(run.device).requires_grad_(False)
far["換 θ（×4）"] = [far_loss(stretched, gap) for gap in run.gaps]
plotting.show(
    draw_far(far),
    alt="和前面相同的三條線，加上換 θ 的一條：近處接近照舊，遠處也沒有崩潰。",
)
run.claim("換 θ 在近處的代價", far["換 θ（×4）"][0] - far["照舊"][0], at_most=0.2, level="medium", source="照舊，相隔 0")  # fmt: skip
run.claim("相隔 16000 時，換 θ 比照舊低多少", far["照舊"][edge] - far["換 θ（×4）"][edge], at_least=1, level="strong", source="arXiv:2309.00071")  # fmt: skip

# %% [markdown]
r"""
快的平面幾乎不動，鄰居還是分得清楚；慢的平面放慢，遠處也留在見過的角度裡。不用微調，近處保住了，遠處也不崩潰。
不過再看一眼「丟掉前文」那條虛線：照前面的標準，比虛線高就是在搗亂，而換 θ 在遠處也只是貼近虛線，遠方的前文並沒有幫上忙。不崩潰，不等於用得到。

### 想一想

1. KV cache 讓每一步快很多，為什麼讀 prompt 的那一步（prefill）完全沒有變快？

<details><summary>參考答案</summary>

prefill 的每個位置都是新的，沒有舊的 k、v 可以沿用；而且它本來就是一次矩陣乘法算完所有位置，權重讀進來用了很多次，不像逐字生成那樣受限於讀記憶體。
</details>

2. 歸納頭的傷害用「亂數 token」量，而不是真的文章。換成真的文章，差別會變大還是變小？

<details><summary>參考答案</summary>

變小。真的文章有文法、常識可以猜，照抄只是其中一條路；亂數 token 除了照抄沒有別的辦法，所以能把這一個機制單獨照出來。
</details>

3. 方向加得越強，變化不見得越大，句子反而壞掉。為什麼？

<details><summary>參考答案</summary>

方向是在一小塊區域裡量出來的平均差；加得太多，狀態跑到模型沒見過的地方，後面的層不知道怎麼讀。RMSNorm 還會因為它太大而把其他內容一起縮小。
</details>

## 驗收
"""

# %%
lesson.finish(run)

# %% [markdown]
r"""
## 延伸閱讀

- Vaswani et al., *Attention Is All You Need*, arXiv:1706.03762——一切的起點。
- Zhang & Sennrich, *RMSNorm*, arXiv:1910.07467；Shazeer, *GLU Variants*, arXiv:2002.05202——兩個「改一點點」的零件。
- Su et al., *RoFormer*, arXiv:2104.09864；Chen et al., *Position Interpolation*, arXiv:2306.15595；Peng et al., *YaRN*, arXiv:2309.00071——位置怎麼記、怎麼拉長。
- Shazeer, *Multi-Query Attention*, arXiv:1911.02150；Ainslie et al., *GQA*, arXiv:2305.13245——把 KV cache 變小。
- Pope et al., *Efficiently Scaling Transformer Inference*, arXiv:2211.05102——生成為什麼受限於讀記憶體。
- Holtzman et al., *The Curious Case of Neural Text Degeneration*, arXiv:1904.09751——top-p，以及為什麼 greedy 會繞圈圈。
- Olsson et al., *In-context Learning and Induction Heads*, arXiv:2209.11895——歸納頭與兩段式機制。
- Turner et al., *Activation Addition*, arXiv:2308.10248；Arditi et al., *Refusal Is Mediated by a Single Direction*, arXiv:2406.11717——推一把；2025F HW3 的來源。
- Gao et al., *Scaling and Evaluating Sparse Autoencoders*, arXiv:2406.04093；*Gemma Scope*, arXiv:2408.05147——大規模的 SAE；2025S HW3 用的就是後者。
- 作業：2025S HW3（Gemma-2-2b-it）、2025F HW3（語言模型解剖）。
- 下一課：[訓練一個 Transformer](transformer_training.ipynb)（規劃中）。
"""
