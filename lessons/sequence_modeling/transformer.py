# %% [markdown]
r"""
# Transformer：英文翻成繁體中文

**一句話**：編碼器讀完整句英文，解碼器一邊看著英文、一邊看著自己寫過的，一個 token 一個 token 寫出中文；訓練時每個位置同時練，翻譯時才一步一步走。

學完這一課，你能夠：

- 從零寫出 BPE、編碼器–解碼器 Transformer 與 beam search，每一樣都和參考實作對上；
- 說出 teacher forcing、標籤平滑、warm-up、參數平均各在解決什麼；
- 用 BLEU 與 chrF 比較翻譯系統，並判斷差距是不是運氣；
- 用反向翻譯把「只有中文」的句子變成訓練資料，也量得出它什麼時候幫倒忙。

| | |
| --- | --- |
| 先備 | [注意力機制](attention_mechanism.ipynb)：多頭注意力、編碼層、位置編碼；[RNN 與 LSTM](rnn_lstm.ipynb)：seq2seq 與它的瓶頸 |
| 作業 | ML 2021 HW5：TED 演講的英翻中。那份資料不能隨課程附上，這裡用 LibreOffice 的說明文件與介面文字 |
| 時間 | 兩核心 CPU 執行約 1 分半；讀與練習約 6 小時。GPU（full）未驗證 |
| 資料 | LibreOffice 說明與介面的英文、正體中文，© LibreOffice contributors（MPL-2.0） |
"""

# %%
import json
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display
from torch import nn

from dlbook import datasets, lesson, measure, plotting

run = lesson.start(
    "sequence_modeling/transformer",
    quick={
        "pairs": 4_000,
        "epochs": 6,
        "dim": 96,
        "layers": 1,
        "tokens": 800,
        "peak": 3e-3,
        "warmup": 100,
        "half": False,
        "checked": 100,
        "significance": 1_000,
    },
    full={
        "pairs": 30_000,
        "epochs": 40,
        "dim": 512,
        "layers": 6,
        "tokens": 16_384,
        "peak": 7e-4,
        "warmup": 2_000,
        "half": True,
        "checked": 967,
        "significance": 10_000,
    },
)

# %% [markdown]
r"""
## 先看結果

下面是測試集的句子：這些說明頁，訓練時整頁都沒有看過。三個系統用同樣的句對：逐字查的字典、RNN、Transformer。
"""

# %%
from dlbook.sequence_modeling import translation_study

record = json.loads(translation_study.record_file().read_text("utf-8"))
test_sources, test_references = map(list, zip(*translation_study.pairs("test")))
outputs = {name: entry["test_outputs"] for name, entry in record.items() if "test_outputs" in entry}
shown = [i for i, s in enumerate(test_sources) if 9 <= len(s.split()) <= 14][::60][:4]
for i in shown:
    print("英文　　　", test_sources[i])
    print("人翻的　　", test_references[i])
    for name in ("字典", "RNN", "Transformer"):
        print(name.ljust(6, "　") if name == "字典" else name.ljust(11), outputs[name][i])
    print()
print(
    "預先測得：python -m dlbook.sequence_modeling.translation_study all；訓練 Transformer 花了",
    f"{record['Transformer']['seconds'] / 60:.0f} 分鐘（一個執行緒），種子 {translation_study.SEED}",
)

# %% [markdown]
r"""
字典知道每個字怎麼翻，卻不知道中文的語序；後兩個系統兩樣都學到了一些。這一課把它們從頭做一遍，量每一步值多少；最後會看到，句對只有兩萬六千個的時候，誰翻得好和你想的可能不一樣。

## 直覺

翻譯不是一個字換一個字：語序不同，字數不同，有的字不用翻。把它想成**一邊看原文、一邊接著寫**：

- **編碼器**（encoder）把英文從頭到尾讀一遍，每個 token 都能看到全句，得到一排「懂了上下文的向量」；
- **解碼器**（decoder）寫中文，每寫一個 token 之前，看兩個地方：自己寫過的（因果自注意力），與英文的那一排向量（**交叉注意力**，cross-attention）。

誰看得到誰，就是三張遮罩：
"""

# %%
masks = {
    "編碼器自注意力": (np.ones((5, 5)), "英文", "英文"),
    "解碼器自注意力": (np.tril(np.ones((6, 6))), "中文（看）", "中文（被看）"),
    "交叉注意力": (np.ones((6, 5)), "中文（看）", "英文（被看）"),
}
figure, panels = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for axes, (title, (mask, rows, columns)) in zip(panels, masks.items()):
    axes.imshow(mask, cmap="Blues", vmin=0, vmax=1.6)
    axes.set(title=title, ylabel=rows, xlabel=columns)
    axes.set_xticks(np.arange(-0.5, mask.shape[1]), [])
    axes.set_yticks(np.arange(-0.5, mask.shape[0]), [])
    axes.grid(color="white", linewidth=1.5)
plotting.show(
    figure,
    alt="三張方格圖：編碼器自注意力全部看得到；解碼器自注意力只看得到左下三角，也就是自己與之前寫過的；交叉注意力每個中文位置都看得到整句英文。",
)

# %% [markdown]
r"""
## 原理

### 一個 token 一個 token 的機率

英文 $x=(x_1,\dots,x_S)$，中文 $y=(y_1,\dots,y_T)$，$y_T$ 是句尾 eos。連鎖律把整句的機率拆開，沒有任何近似：

$$p(y\mid x)=\prod_{t=1}^{T}p(y_t\mid y_{<t},x).$$

解碼器在第 $t$ 個位置輸出 $p(\cdot\mid y_{<t},x)$。訓練時 $y_{<t}$ 用**正確答案**，不用模型自己寫的，這叫 **teacher forcing**：整句一次餵進去，輸入是 $(\text{bos},y_1,\dots,y_{T-1})$，要猜的是 $(y_1,\dots,y_T)$，因果遮罩保證第 $t$ 格看不到 $y_t$。所以 $T$ 個位置可以**同時**算，RNN 做不到。

### token 從哪裡來：BPE

以字為單位，詞彙永遠不夠（檔名、錯字、沒看過的人名）；以字元為單位，句子太長。**BPE**（byte-pair encoding）走中間：從位元組出發，每次把最常相鄰的一對併成一個新 token，重複幾千次。常見的字會變成一個 token，罕見的拆成幾塊，沒有「不認得」這回事。英文與中文共用一份詞彙，`LibreOffice`、`Ctrl` 這種照抄的字，兩邊是同一個 token。

### 損失與學習率

**標籤平滑**（label smoothing）：目標由 1 改成 $1-\epsilon+\epsilon/K$，其餘各 $\epsilon/K$。翻譯常有不只一種對的寫法，別逼模型對唯一的參考答案百分之百肯定。

**Noam 學習率**：$\eta_t=d^{-1/2}\min(t^{-1/2},\ t\cdot w^{-3/2})$。前 $w$ 步直線上升，之後照 $1/\sqrt t$ 下降；在 $t=w$ 時最高，是 $1/\sqrt{dw}$。

**參數平均**：最後幾個 epoch 的參數在谷底附近晃，取平均就在中間（[訓練的技術](../supervised_learning/mlp_training.ipynb)的 SWA）。

### Beam search

每步都取最大的（greedy），不等於整句機率最大：第一步的第二名，後面可能一路順。**Beam search** 每一步留下分數最高的 $B$ 個半成品。但機率是連乘的，越長越小，直接比會偏愛短句，所以除以**長度懲罰**：

$$\text{score}(y)=\frac{\ln p(y\mid x)}{\big((5+T)/6\big)^{\alpha}} .$$

### BLEU 與 chrF

**BLEU**：譯文的 1 到 4 連字（n-gram）有多少出現在參考譯文裡，取幾何平均，太短再扣分。重複的字不能一再得分：次數取兩邊的較小值。**chrF** 是字元 n-gram 的 F 分數。兩者都用 `sacrebleu` 算，中文逐字切；切法不同，分數就不能比（坑三）。

### 反向翻譯

只有中文、沒有英文的句子也有用：訓練一個中翻英的模型，把它們翻回英文，湊成句對。中文那邊是人寫的，所以模型學的仍是好中文；英文那邊翻得差一點，只是讓「讀」的人辛苦一點；差太多就會教壞，所以要量。
"""

# %% [markdown]
r"""
## 從零實作

### 第一塊：BPE
"""

# %%
from dlbook.sequence_modeling.tokenizer import (  # inline
    BYTES,
    HAN,
    PIECES,
    PRINTABLE,
    TokenPair,
    learn_merges,
    merge,
)

# %%
from dlbook.sequence_modeling.tokenizer import BPETokenizer  # inline

# %% [markdown]
r"""
拿四個字試試看：一步一步印出合併了什麼。
"""

# %%
from collections import Counter

few = Counter({b"low": 5, b"lower": 2, b"newest": 6, b"widest": 3})
names = [bytes([byte]).decode("latin-1") for byte in BYTES]
for i, (left, right) in enumerate(learn_merges(few, 6)):
    names.append(names[left] + names[right])
    print(f"第 {i + 1} 次：{names[left]!r} + {names[right]!r} → {names[-1]!r}")

# %% [markdown]
r"""
`est` 這個字尾自己浮出來了。再用真的資料：從一部分句對學 1,000 個 token，和 `tokenizers` 函式庫（Rust 寫的）比。
"""

# %%
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

train_pairs = translation_study.pairs("train")
corpus = [text for pair in train_pairs[:3_000] for text in pair]
ours = BPETokenizer.train(corpus, 1_000)

theirs = Tokenizer(models.BPE())
theirs.pre_tokenizer = pre_tokenizers.Sequence(
    [
        pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
)
theirs.train_from_iterator(
    corpus,
    trainers.BpeTrainer(
        vocab_size=1_000,
        min_frequency=2,
        special_tokens=list(BPETokenizer.SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    ),
)
different = sum(
    ours.encode(text) != theirs.encode(text).ids for text in test_sources + test_references
)
run.claim(
    "同樣的資料學 BPE，與 tokenizers 編碼不同的測試句子",
    different,
    at_most=0,
    level="parity",
    source="tokenizers 的 BpeTrainer；英文與中文的測試句子全部比過",
)
print("例：", [ours.decode([i]) for i in ours.encode("Click the Insert tab. 按一下「插入」標籤。")])

# %%
texts = test_sources + test_references


def encode_all(tokenizer):
    """全部的測試句子編碼一次；我們的快取先清空，才是公平的起點。"""
    if tokenizer is ours:
        ours.cache.clear()
    for text in texts:
        tokenizer.encode(text)


times = measure.paired_times(lambda: encode_all(ours), lambda: encode_all(theirs), pairs=5)
characters = sum(map(len, texts))
print(
    f"編碼 {characters:,} 個字元：我們 {np.median(times.a) * 1e3:.0f} 毫秒，"
    f"tokenizers {np.median(times.b) * 1e3:.0f} 毫秒，速度是它的 {1 / times.ratio:.0%}"
)
run.claim(
    "編碼的速度是 tokenizers 的幾分之幾",
    1 / times.ratio,
    at_least=0.05,
    level="cost",
    source="同一次執行中交替量測 5 對；Python 對 Rust，靠的是「同一個片段只算一次」",
)

# %% [markdown]
r"""
正式的詞彙有 4,000 個 token，從全部的訓練句對學來（預先測得，存在檢查點旁邊）。token 少了，句子就長；多了，每個 token 看過的次數就少：
"""

# %%
tokenizer = translation_study.load_tokenizer()
sizes = [300, 500, 1_000, 2_000, 4_000]
per_sentence = []
for size in sizes:
    part = BPETokenizer(tokenizer.merges[: size - 259])
    per_sentence.append(np.mean([len(part.encode(text)) for text in test_references[:300]]))
characters_each = np.mean([len(text) for text in test_references[:300]])
figure = plotting.line_chart(
    {"BPE": (sizes, per_sentence), "一個字元一個 token": (sizes, [characters_each] * len(sizes))},
    title="詞彙多大，中文句子切成幾個 token",
    xlabel="詞彙大小",
    ylabel="每句的 token 數",
    logx=True,
    markers=True,
)
figure.axes[0].set_xticks(sizes, [f"{s:,}" for s in sizes])
figure.axes[0].minorticks_off()
plotting.show(
    figure,
    alt="詞彙從 300 增加到 4,000，每句的 token 數一路下降；一開始一個漢字要兩三個位元組 token，後來比字元數還少。",
)

# %% [markdown]
r"""
### 第二塊：解碼層與整個模型

編碼層、多頭注意力、位置編碼都是上一課的。新的只有解碼層，與把它們接起來：
"""

# %%
from dlbook.sequence_modeling.transformer import DecoderLayer, KeysValues, keys_values  # inline

# %%
from dlbook.sequence_modeling.beam_search import Translator, Writer  # inline
from dlbook.sequence_modeling.transformer import Memory, Transformer, TransformerWriter  # inline

# %% [markdown]
r"""
### 對答案：和 `nn.Transformer` 比

同樣的權重複製過去（`nn.MultiheadAttention` 把 q、k、v 三個矩陣疊成一個），同一批有補齊的句子，比分數與梯度。
"""


# %%
import warnings

warnings.filterwarnings("ignore", message="enable_nested_tensor")  # 先正規化時本來就用不到


@torch.no_grad()
def torch_twin(model, dim, heads, hidden, layers):
    """權重相同的 nn.Transformer（先正規化、沒有 dropout）。"""
    twin = nn.Transformer(
        dim, heads, layers, layers, hidden, dropout=0.0, batch_first=True, norm_first=True
    )

    def copy_attention(mine, yours):
        projections = (mine.q_proj, mine.k_proj, mine.v_proj)
        yours.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        yours.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
        yours.out_proj.load_state_dict(mine.o_proj.state_dict())

    def copy_rest(mine, yours, norms):
        yours.linear1.load_state_dict(mine.feed_forward.up.state_dict())
        yours.linear2.load_state_dict(mine.feed_forward.down.state_dict())
        for i in range(1, norms + 1):
            getattr(yours, f"norm{i}").load_state_dict(getattr(mine, f"norm{i}").state_dict())

    for mine, yours in zip(model.encoder, twin.encoder.layers):
        copy_attention(mine.attention, yours.self_attn)
        copy_rest(mine, yours, 2)
    for mine, yours in zip(model.decoder, twin.decoder.layers):
        copy_attention(mine.self_attention, yours.self_attn)
        copy_attention(mine.cross_attention, yours.multihead_attn)
        copy_rest(mine, yours, 3)
    twin.encoder.norm.load_state_dict(model.encoder_norm.state_dict())
    twin.decoder.norm.load_state_dict(model.decoder_norm.state_dict())
    return twin


torch.manual_seed(run.seed)
small = Transformer(len(tokenizer), dim=32, heads=4, hidden=64, layers=2, dropout=0.0)
twin = torch_twin(small, 32, 4, 64, 2)
source, target = torch.randint(3, 4_000, (3, 9)), torch.randint(3, 4_000, (3, 7))
source[0, 6:] = source[2, 4:] = 0  # 補齊


def twin_logits():
    """nn.Transformer 自己不含詞向量與輸出層，用我們的。"""
    hidden = twin(
        small.embed(source),
        small.embed(target),
        tgt_mask=torch.ones(7, 7, dtype=torch.bool).triu(1),  # 它的 True 是「看不到」
        src_key_padding_mask=source == 0,
        memory_key_padding_mask=source == 0,
    )
    return hidden @ small.embedding.weight.T


results = []
for compute in (lambda: small(source, target), twin_logits):
    small.zero_grad()
    logits = compute()
    logits.square().mean().backward()
    gradient: Any = small.embedding.weight.grad
    results.append((logits.detach(), gradient.clone()))
run.claim(
    "與 nn.Transformer 的分數最大差",
    (results[0][0] - results[1][0]).abs().max(),
    at_most=1e-4,
    level="parity",
    source="torch.nn.Transformer，複製權重，兩層、有補齊",
)
run.claim(
    "詞向量的梯度，與 nn.Transformer 的最大相對差",
    (results[0][1] - results[1][1]).abs().max() / results[1][1].abs().max(),
    at_most=1e-4,
    level="parity",
    source="同上；梯度要穿過整個編碼器與解碼器",
)

# %% [markdown]
r"""
訓練時整句一次算，翻譯時一次一個 token，靠 `Memory` 記住先前的 keys 與 values。兩條路的分數應該一樣：
"""

# %%
with torch.no_grad():
    at_once = small(source, target)
    memory = small.encode(source)
    steps = torch.cat([small.decode(target[:, i : i + 1], memory) for i in range(7)], dim=1)
run.claim(
    "一次一個 token（KV cache）與整句一次，分數最大差",
    (at_once - steps).abs().max(),
    at_most=1e-4,
    level="parity",
    source="同一個模型",
)

# %% [markdown]
r"""
### 第三塊：批次、損失、學習率、訓練
"""

# %%
from dlbook.sequence_modeling.translation import (  # inline
    Pair,
    PairBatches,
    noam,
    pad_batch,
    translation_loss,
)

# %%
from dlbook.sequence_modeling.translation import (  # inline
    TranslationHistory,
    mean_loss,
    train_translator,
)

# %%
figure = plotting.line_chart(
    {
        f"寬度 {dim}、warm-up {warmup}": (
            range(1, 8_001, 20),
            [noam(step, dim, warmup) for step in range(0, 8_000, 20)],
        )
        for dim, warmup in [(512, 4_000), (512, 1_000), (128, 4_000)]
    },
    title="Noam 學習率",
    xlabel="步",
    ylabel="學習率",
)
plotting.show(
    figure,
    alt="三條先直線上升、再像開根號一樣下降的曲線；warm-up 越短尖峰越高越早，寬度越小整條越高。",
)

# %% [markdown]
r"""
訓練慢在哪裡？用效能分析器看，CPU 上有三成的時間花在 dropout：每個元素抽一個浮點亂數。要丟掉的機率差個 1/256 沒有關係，所以一個 64 位元的亂數可以切成八個位元組，八個元素一起決定：
"""

# %%
from dlbook.sequence_modeling.byte_dropout import (  # inline
    INT64,
    ByteDropout,
    random_bytes,
    use_byte_dropout,
)

# %%
hidden_states = torch.randn(1_280, 512)
slow, fast = nn.Dropout(0.2), ByteDropout(0.2)
dropout_times = measure.paired_times(
    lambda: slow(hidden_states), lambda: fast(hidden_states), pairs=15
)
print(
    f"nn.Dropout {np.median(dropout_times.a) * 1e3:.1f} 毫秒，"
    f"ByteDropout {np.median(dropout_times.b) * 1e3:.1f} 毫秒；"
    f"丟掉的比例 {(slow(hidden_states) == 0).float().mean():.3f} 與 {(fast(hidden_states) == 0).float().mean():.3f}"
)
run.claim(
    "ByteDropout 比 nn.Dropout 快幾倍",
    np.median(dropout_times.a) / np.median(dropout_times.b),
    at_least=1.5,
    level="cost",
    source="同一次執行中交替量測 15 對，CPU；GPU 上沒有這個問題",
)

# %% [markdown]
r"""
### 第四塊：beam search
"""

# %%
from dlbook.sequence_modeling.beam_search import Hypothesis, beam_search, length_penalty  # inline

# %% [markdown]
r"""
對答案：詞彙只有 5 個、最多寫 4 個 token 時，所有的句子列得完。beam 夠寬，就該找到**整句機率**（除過長度懲罰）最高的那一句；beam = 1 則是 greedy。用一個沒訓練過的小 Transformer 試 20 次：
"""

# %%
import itertools


def best_by_listing(model, source, longest, alpha):
    """把所有寫得完的句子都列出來，逐一算分數。"""
    others = [0, 3, 4]  # pad 也只是一個 token；bos 是 1、eos 是 2
    others = [*others, 1]
    sentences = [s for n in range(longest) for s in itertools.product(others, repeat=n)]
    scores = []
    for tokens in sentences:
        inputs, labels = torch.tensor([[1, *tokens]]), torch.tensor([[*tokens, 2]])
        log_p = model(source, inputs).log_softmax(-1).gather(-1, labels[..., None]).sum()
        scores.append(float(log_p) / length_penalty(len(tokens) + 1, alpha))
    best = int(np.argmax(scores))
    return sentences[best], scores[best]


misses, worst = 0, 0.0
with torch.no_grad():
    for trial in range(20):
        torch.manual_seed(1_000 * run.seed + trial)
        tiny = Transformer(5, dim=8, heads=2, hidden=16, layers=1, dropout=0.0).eval()
        tiny_source = torch.randint(3, 5, (1, 4))
        tokens, score = best_by_listing(tiny, tiny_source, 4, 1.0)
        [found] = beam_search(
            tiny.writer(tiny_source), 1, beam=100, max_length=4, bos=1, eos=2, alpha=1.0
        )
        misses += found[0].tokens != tokens
        worst = max(worst, abs(found[0].score - score))
run.claim(
    "beam 夠寬時，與窮舉不同的次數（20 次）",
    misses,
    at_most=0,
    level="parity",
    source="列出全部 85 個句子逐一算分數",
)
run.claim(
    "beam search 的分數與窮舉的最大差",
    worst,
    at_most=1e-4,
    level="parity",
    source="同上",
)

# %% [markdown]
r"""
### 第五塊：翻譯與計分
"""

# %%
from dlbook.sequence_modeling.translation import bleu, chrf, translate  # inline

# %% [markdown]
r"""
## 實驗

### 現場練一個小的

完整的訓練要幾十分鐘；先在最短的句對上練一個小的，看它真的學得起來，順便看**位置編碼**值多少：把它全部設成 0，注意力就分不出誰先誰後。（設成 `full` 時，同一段程式在 GPU 上用全部的句對練六層、寬 512 的模型。）
"""

# %%
lengths = [len(tokenizer.encode(s)) + len(tokenizer.encode(t)) for s, t in train_pairs]
shortest = np.argsort(lengths, kind="stable")
short = [train_pairs[i] for i in shortest if lengths[i] >= 8][: run.pairs]
order = torch.randperm(len(short), generator=torch.Generator().manual_seed(run.seed)).tolist()
short_valid = [short[i] for i in order[:300]]
short_train = [short[i] for i in order[300:]]


def new_small():
    """quick 是一層、寬 96；full 是六層、寬 512。"""
    torch.manual_seed(run.seed)
    heads = max(4, run.dim // 64)
    model = Transformer(len(tokenizer), run.dim, heads, 4 * run.dim, run.layers)
    use_byte_dropout(model)
    return model


def train_small(model):
    """在短句對上訓練；full 時就是全部的句對。"""
    return train_translator(
        model.to(run.device),
        PairBatches(short_train, tokenizer, budget=run.tokens),
        PairBatches(short_valid, tokenizer),
        epochs=run.epochs,
        rate=lambda step: run.peak * min((step + 1) / run.warmup, (run.warmup / (step + 1)) ** 0.5),
        average=1,
        half=run.half,
    )


blind = new_small()
blind.positions.zero_()
small_runs = {"有位置編碼": train_small(new_small()), "沒有位置編碼": train_small(blind)}
figure = plotting.line_chart(
    {
        name: (range(1, run.epochs + 1), history.valid_loss)
        for name, (_, history) in small_runs.items()
    },
    title=f"{len(short_train):,} 個短句對：小 Transformer 的驗證損失",
    xlabel="epoch",
    ylabel="每個 token 的損失（nat）",
    markers=True,
)
plotting.show(figure, alt="兩條下降的曲線，沒有位置編碼的一路在上面。")
small_loss = {name: history.valid_loss for name, (_, history) in small_runs.items()}
guess = float(np.log(len(tokenizer)))
print(f"亂猜是 {guess:.2f}；" + "、".join(f"{n} {v[-1]:.2f}" for n, v in small_loss.items()))
run.claim(
    "現場的小 Transformer：驗證損失比亂猜少多少",
    guess - small_loss["有位置編碼"][-1],
    at_least=3.0,
    level="simple",
    source=f"亂猜是 ln {len(tokenizer):,}",
)
run.claim(
    "拿掉位置編碼，驗證損失多多少",
    small_loss["沒有位置編碼"][-1] - small_loss["有位置編碼"][-1],
    at_least=0.1,
    level="medium",
    source="消融：同樣的模型、資料、步數",
)

# %% [markdown]
r"""
### 階梯

下面全部用同樣的 26,000 個句對、同樣的詞彙，寬度都是 128，**預先測得**（種子 0；一個長的訓練只跑一個種子，差距是不是運氣，用 bootstrap 判斷）：

- **照抄英文**：什麼都不做；
- **翻譯記憶**：找訓練資料裡最像的英文句子，照抄它的中文；
- **字典**：IBM Model 1 從句對學出每個字的譯法，逐字換；
- **RNN（Adam）**、**Transformer（Adam）**：論文的訓練法，Adam 與 Noam 形狀的學習率，25 個 epoch。RNN 是雙向 GRU 讀、GRU 寫，帶注意力（2021 HW5 的 simple）；Transformer 是三層編碼、三層解碼（medium）；
- **RNN**、**Transformer**：改用 [Muon](../supervised_learning/mlp_training.ipynb) 與餘弦學習率，18 個 epoch（strong）。

長度懲罰的 $\alpha$ 各自在驗證集上由四個值裡選；dropout 看驗證損失選（Adam 用 0.2；Muon 時 RNN 用 0.2，Transformer 用 0.1）。Muon 的學習率沒有調過。
"""

# %%
LADDER = [
    "照抄英文",
    "翻譯記憶",
    "字典",
    "RNN（Adam）",
    "Transformer（Adam）",
    "RNN",
    "Transformer",
]
table = pd.DataFrame(
    {
        name: {
            "驗證 BLEU": record[name]["scores"]["valid"]["bleu"],
            "測試 BLEU": bleu(outputs[name], test_references),
            "測試 chrF": chrf(outputs[name], test_references),
            "α": record[name].get("alpha"),
            "參數": record[name].get("parameters"),
            "訓練（步）": record[name].get("steps"),
        }
        for name in LADDER
    }
).T
display(table.astype(float).round(1).astype({"參數": "Int64", "訓練（步）": "Int64"}))
figure = plotting.bar_chart(
    table["測試 BLEU"].to_dict(),
    title=f"英翻中的測試 BLEU（{len(test_sources)} 句，預先測得）",
    ylabel="BLEU（越高越好）",
    highlight="Transformer",
    horizontal=True,
    fmt="{:.1f}",
)
plotting.show(
    figure,
    alt="七個系統的測試 BLEU："
    + "、".join(f"{n} {v:.1f}" for n, v in table["測試 BLEU"].items())
    + "。",
)
score = table["測試 BLEU"]

# %% [markdown]
r"""
紀錄是真的嗎？把檢查點載進來，現場重翻前面的測試句子，和紀錄裡的譯文比；再從頭訓練十步，和紀錄裡的損失比。
"""

# %%
model = translation_study.load_translator("transformer")
some = slice(0, run.checked)
alpha = record["Transformer"]["alpha"]
again = translate(model, tokenizer, test_sources[some], alpha=alpha)
same = np.mean([a == b for a, b in zip(again, outputs["Transformer"][some])])
print(
    f"現場重翻 {len(again)} 句：{same:.0%} 與紀錄逐字相同，BLEU {bleu(again, test_references[some]):.1f}"
)
run.claim(
    "現場重翻的 BLEU，與紀錄裡同樣句子的差",
    bleu(again, test_references[some]) - bleu(outputs["Transformer"][some], test_references[some]),
    near=(0.0, 1.0),
    level="parity",
    source="同一個檢查點；不同機器的捨入可能讓少數句子走上另一條路",
)
first = record["Transformer"]["first_steps"]
replayed = translation_study.first_losses("transformer", train_pairs, len(first))
run.claim(
    "從頭重練：開頭幾步的損失與紀錄的最大差",
    np.abs(np.subtract(replayed, first)).max(),
    at_most=0.05,
    level="parity",
    source="同樣的種子與程式；bfloat16 在不同的處理器上捨入不同",
)
run.claim(
    "RNN（Adam）的測試 BLEU 比字典高多少",
    score["RNN（Adam）"] - score["字典"],
    at_least=5.0,
    level="simple",
    source="IBM Model 1，同樣的句對",
)
run.claim(
    "Transformer 的測試 BLEU 比字典高多少",
    score["Transformer"] - score["字典"],
    at_least=8.0,
    level="medium",
    source="IBM Model 1，同樣的句對",
)
run.claim(
    "Muon 比 Adam 高多少 BLEU：RNN 與 Transformer 中較小的",
    min(score[kind] - score[f"{kind}（Adam）"] for kind in ("RNN", "Transformer")),
    at_least=3.0,
    level="strong",
    source="同樣的模型與資料；Adam 走的步數還多三成",
)

# %% [markdown]
r"""
### 差距是不是運氣

測試集只有幾百句。**成對的 bootstrap**：隨機重抽測試句子一千次，每次兩個系統用同一批句子算 BLEU，看差距的符號穩不穩。用 `sacrebleu` 的實作：
"""

# %%
import sacrebleu
from sacrebleu.metrics import BLEU
from sacrebleu.significance import PairedTest


def paired(baseline, *others):
    """以 baseline 為準，其他系統的 BLEU、95% 區間的一半與 p 值。"""
    systems = [(name, outputs[name]) for name in (baseline, *others)]
    test = PairedTest(
        systems, {"BLEU": BLEU(tokenize="zh")}, [test_references], "bs", n_samples=run.significance
    )
    _, results = test()
    return {
        name: {"BLEU": r.score, "重抽的平均": r.mean, "± 95%": r.ci, "p": r.p_value}
        for name, r in zip(results["System"], results["BLEU"])
    }


rows = paired("Transformer", "字典", "Transformer（Adam）", "RNN")
display(pd.DataFrame(rows).T.astype(float).round(4))
p_values = {name.removeprefix("Baseline: "): row["p"] for name, row in rows.items()}
run.claim(
    "Transformer 與它的 Adam 版、與字典的差距，bootstrap 的 p 值（較大的）",
    max(p_values["字典"], p_values["Transformer（Adam）"]),
    at_most=0.01,
    level="strong",
    source=f"成對的 bootstrap，{run.significance:,} 次重抽（Koehn，2004）",
)

# %% [markdown]
r"""
### RNN 還是 Transformer？

2021 HW5 有將近四十萬個句對，Transformer 贏 RNN 很多。這裡只有兩萬六千個，結果**反過來**。調 Transformer 也追不上：dropout、層數、頭數、學習率都各試過幾種，前兩個 epoch 的驗證損失差別不大（沒有逐一留下紀錄）。

比較說得通的解釋是歸納偏差。GRU 天生一個字接著一個字讀，「附近的字比較有關係」不用學；它的注意力只要學會「現在該看原文的哪裡」。Transformer 什麼都能看，連順序都要從位置編碼學起，要多一點資料才學得會。文獻也這麼說：資料少的時候，Transformer 對設定特別敏感（[arXiv:2011.02266](https://arxiv.org/abs/2011.02266)），調好的 RNN 很難贏過（[arXiv:1905.11901](https://arxiv.org/abs/1905.11901)）。

那麼資料再少一半，RNN 會領先得更多嗎？用一半的句對各練一次（也是 18 個 epoch，所以步數是一半）：
"""

# %%
sizes = [record[name]["pairs"] for name in ("RNN（一半）", "RNN")]
by_size = {
    kind: [bleu(outputs[name], test_references) for name in (f"{kind}（一半）", kind)]
    for kind in ("RNN", "Transformer")
}
figure = plotting.line_chart(
    {
        **{
            f"{kind}，{pairs:,} 個句對": (range(1, len(losses) + 1), losses)
            for kind in ("RNN", "Transformer")
            for name in (f"{kind}（一半）", kind)
            for pairs, losses in [(record[name]["pairs"], record[name]["valid_loss"])]
        }
    },
    title="每個 epoch 的驗證損失（預先測得）",
    xlabel="epoch",
    ylabel="每個 token 的損失（nat）",
)
plotting.show(
    figure,
    alt="四條下降的曲線：兩種模型各有全部與一半的句對；從第三個 epoch 起，RNN 的都在同樣資料的 Transformer 下面。",
)
display(pd.DataFrame(by_size, index=[f"{size:,} 個句對" for size in sizes]).round(1))
gaps = [rnn - other for rnn, other in zip(by_size["RNN"], by_size["Transformer"])]
print(f"RNN 領先的 BLEU：一半的句對 {gaps[0]:.1f}，全部的句對 {gaps[1]:.1f}")
run.claim(
    "全部的句對：RNN 的測試 BLEU 比 Transformer 高多少",
    gaps[1],
    at_least=1.0,
    level="medium",
    source="同樣的句對、詞彙、寬度與訓練方法；2021 HW5 的資料多十五倍，順序相反",
)
run.claim(
    "RNN 與 Transformer 的差距，bootstrap 的 p 值",
    p_values["RNN"],
    at_most=0.01,
    level="medium",
    source=f"成對的 bootstrap，{run.significance:,} 次重抽",
)
run.claim(
    "句對少一半，RNN 的領先多出幾分",
    gaps[0] - gaps[1],
    at_least=1.0,
    level="medium",
    source="同樣的兩個模型；資料越多，差距越小",
)

# %% [markdown]
r"""
### 反向翻譯：什麼時候有用

只有中文的句子，先請**中翻英**的模型翻回英文。這個模型是 RNN，只用一半的句對練的；先看它翻得怎麼樣。左邊是機器翻的英文，右邊是原來的中文：
"""

# %%
from dlbook.sequence_modeling.back_translation import back_translate, monolingual  # inline

# %%
reverse_model = translation_study.load_translator("reverse")
some_pairs = [(e, c) for e, c in translation_study.pairs("valid")[: run.checked]]
returned = back_translate(reverse_model, tokenizer, [chinese for _, chinese in some_pairs])
for english, chinese in [pair for pair in returned if 12 <= len(pair[1]) <= 22][:5]:
    print("　", english, "｜", chinese)
english_of = {chinese: english for english, chinese in returned}
reverse_bleu = sacrebleu.corpus_bleu(
    [english_of.get(chinese, "") for _, chinese in some_pairs],
    [[english for english, _ in some_pairs]],
).score
help_data = datasets.help_pairs()
lonely = monolingual(datasets.help_pages(), help_data.train, help_data.valid + help_data.test)
print(f"中翻英的 BLEU（驗證集的 {len(some_pairs)} 句）：{reverse_bleu:.1f}")
print(f"說明頁裡沒有英文對照的中文段落：{len(lonely):,} 段；句對有 {len(train_pairs):,} 個")

# %% [markdown]
r"""
「只有中文」的段落太少，補不補看不出差別。所以另外做一個實驗：把一半句對的英文**藏起來**，假裝只有中文，由上面的模型補回英文。三個模型都是 RNN：

- **一半**：只用留下的那一半句對；
- **一半＋反向翻譯**：再加上另一半，英文是機器翻的；
- **全部**：再加上另一半，英文是人寫的。

後兩個的中文**完全相同**，只差那一半的英文是誰寫的（還有 epoch 數：12 與 18；驗證損失那時都已經走平）。
"""

# %%
HALF = {"一半": "RNN（一半）", "一半＋反向翻譯": "RNN（一半＋反向翻譯）", "全部": "RNN"}
half = {title: bleu(outputs[name], test_references) for title, name in HALF.items()}
figure = plotting.bar_chart(
    half,
    title="藏起一半的英文，由機器補回來（預先測得）",
    ylabel="測試 BLEU",
    highlight="一半＋反向翻譯",
    horizontal=True,
    fmt="{:.1f}",
)
plotting.show(
    figure, alt="三根長條的測試 BLEU：" + "、".join(f"{n} {v:.1f}" for n, v in half.items()) + "。"
)
rows = paired("RNN（一半）", "RNN（一半＋反向翻譯）", "RNN")
display(pd.DataFrame(rows).T.astype(float).round(4))
run.claim(
    "反向翻譯讓測試 BLEU 少了多少",
    half["一半"] - half["一半＋反向翻譯"],
    at_least=0.5,
    level="strong",
    source="同樣的模型與詞彙；2021 HW5 與 arXiv:1511.06709 是變好，這裡相反",
)
run.claim(
    "反向翻譯的差距，bootstrap 的 p 值",
    rows["RNN（一半＋反向翻譯）"]["p"],
    at_most=0.05,
    level="strong",
    source=f"成對的 bootstrap，{run.significance:,} 次重抽",
)
run.claim(
    "同樣的中文，補的英文由機器換成人寫的，測試 BLEU 多多少",
    half["全部"] - half["一半＋反向翻譯"],
    at_least=3.0,
    level="strong",
    source="這是反向翻譯的上限：中翻英的模型完美時的分數",
)

# %% [markdown]
r"""
這裡的反向翻譯**幫倒忙**，而且原因量得出來：中文一模一樣，英文換成人寫的，分數就高出許多。中翻英的模型只看過一萬三千個句對，翻出來的英文常常不是那個意思；一半的訓練資料都在教「這句英文」翻成「不相干的中文」，英翻中就學到不必太理會原文。論文與作業裡有幾十萬個句對，中翻英的模型好得多，機器英文又只占一部分，才會變好。補救的辦法有在機器英文前面加記號（tagged back-translation，[arXiv:1906.06442](https://arxiv.org/abs/1906.06442)）、最後只用真的句對收尾；這兩樣這裡沒有試。
"""

# %% [markdown]
r"""
### Beam 多寬、長度懲罰多重
"""

# %%
valid_sources, valid_references = map(list, zip(*translation_study.pairs("valid")[: run.checked]))
rows = []
for beam, penalty in [(1, 1.0), (4, 0.0), (4, 1.0), (4, 2.0), (10, 2.0)]:
    written = translate(model, tokenizer, valid_sources, beam=beam, alpha=penalty)
    rows.append(
        {
            "beam": beam,
            "α": penalty,
            "BLEU": bleu(written, valid_references),
            "長度 ÷ 參考": sum(map(len, written)) / sum(map(len, valid_references)),
        }
    )
beams = pd.DataFrame(rows)
display(beams.round(2))
greedy_test, beam_test = (record["Transformer"][k]["test"]["bleu"] for k in ("greedy", "scores"))
print(f"整個測試集：greedy {greedy_test:.1f}，beam 4 {beam_test:.1f}")
run.claim(
    "beam 4 的測試 BLEU 比 greedy 高多少",
    beam_test - greedy_test,
    at_least=0.0,
    level="medium",
    source="同一個模型，整個測試集（預先測得）",
)

# %% [markdown]
r"""
### 放大到 GPU 要多少

浮點運算可以數，不必猜：PyTorch 的計數器數一步要幾次乘加，掛鉤數反向傳播要留下多少中間結果。下表先數一小批（每邊 512 個 token），再按比例放大到一批的 token 數。時間以「每秒 10¹³ 次」估（16 GB 的顯示卡以混合精度訓練，實際用得到的大約是這個數量級）；參數、梯度與 Adam 的兩份狀態，每個參數 16 個位元組；中間結果按 float32 算，混合精度約是一半。這是**估計**，沒有在顯示卡上跑過。
"""

# %%
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode


def count(model, tokens):
    """走一步：浮點運算的次數，與留給反向傳播的中間結果的位元組（同一塊記憶體只算一次）。"""
    saved = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with FlopCounterMode(display=False) as counter, saved_tensors_hooks(keep, lambda kept: kept):
        translation_loss(model(tokens, tokens), tokens).backward()
    parameters = sum(p.untyped_storage().nbytes() for p in model.parameters())
    return counter.get_total_flops(), sum(saved.values()) - parameters


epoch_tokens = sum(lengths)  # 兩邊合計
rows = {}
for name, (dim, heads, layers, batch, epochs) in {
    "這一課（預先測得的）": (128, 4, 3, 2_560, 25),
    "full": (512, 8, 6, 16_384, 40),
}.items():
    torch.manual_seed(0)
    big = Transformer(len(tokenizer), dim, heads, 4 * dim, layers)
    tokens = torch.randint(3, 4_000, (16, 32))
    flops, kept = (number / (2 * tokens.numel()) for number in count(big, tokens))  # 每個 token
    parameters = sum(p.numel() for p in big.parameters())
    rows[name] = {
        "參數（百萬）": parameters / 1e6,
        "一步（GFLOP）": flops * batch / 1e9,
        "參數與最佳化器（GB）": 16 * parameters / 1e9,
        "中間結果（GB）": kept * batch / 1e9,
        "全部的 epoch，每秒 10¹³ 次（分）": flops * epochs * epoch_tokens / 1e13 / 60,
    }
gpu = pd.DataFrame(rows).T
display(gpu.round(2))
run.claim(
    "full 一步的參數、最佳化器與中間結果（GB）",
    gpu.loc["full", "參數與最佳化器（GB）"] + gpu.loc["full", "中間結果（GB）"],
    at_most=14.0,
    level="cost",
    source="數出來的位元組；16 GB 的顯示卡要留一點餘裕",
)

# %% [markdown]
r"""
## 看看哪裡錯

### 它在看英文的哪裡

交叉注意力的權重：寫每個中文 token 的時候，看了英文的哪些 token？取最後一層、各個頭的平均。
"""

# %%
sentence = min((s for s in test_sources if 7 <= len(s.split()) <= 9 and s.endswith(".")), key=len)
written = translate(model, tokenizer, [sentence], alpha=alpha)[0]
source_ids = [*tokenizer.encode(sentence), tokenizer.eos]
target_ids = [tokenizer.bos, *tokenizer.encode(written)]
patterns: list[torch.Tensor] = []
decoder: Any = model.decoder
hooks = [
    layer.cross_attention.pattern.register_forward_hook(lambda *a: patterns.append(a[2][0]))
    for layer in decoder
]
with torch.no_grad():
    model(torch.tensor([source_ids]), torch.tensor([target_ids]))
for hook in hooks:
    hook.remove()
alignment = patterns[-1].mean(0).numpy()
label = [tokenizer.decode([i]).strip() or "▁" for i in source_ids[:-1]] + ["eos"]
answer = [tokenizer.decode([i]).strip() or "▁" for i in target_ids[1:]] + ["eos"]
figure = plotting.heatmap(
    alignment,
    title="寫每個中文 token 時，看英文的哪裡（最後一層，各頭平均）",
    xlabel="英文的 token",
    ylabel="正要寫的中文 token",
    xticks=label,
    yticks=answer,
    colorbar="注意力",
)
plotting.show(
    figure,
    alt="交叉注意力的熱圖：大致有一條由左上到右下的帶子，但順序依中文的語序調動；標點與句尾看的位置較分散。",
)
print(sentence, "→", written)

# %% [markdown]
r"""
### 哪些句子翻不好

依「和訓練資料裡最像的英文句子有多像」（TF-IDF 的餘弦）分成四份：
"""

# %%
from dlbook.sequence_modeling.word_alignment import TranslationMemory

memory_bank = TranslationMemory(train_pairs)
likeness = np.asarray(
    (memory_bank.vectorizer.transform(test_sources) @ memory_bank.known.T).max(axis=1).todense()
).ravel()
quarters = np.array_split(np.argsort(likeness), 4)
rows = {}
for name in ("翻譯記憶", "RNN", "Transformer"):
    rows[name] = [
        bleu([outputs[name][i] for i in part], [test_references[i] for i in part])
        for part in quarters
    ]
middles = [float(np.median(likeness[part])) for part in quarters]
figure = plotting.line_chart(
    {name: (middles, values) for name, values in rows.items()},
    title="和訓練句子越像，翻得越好",
    xlabel="與最像的訓練句子的相似度（四等分，各取中位數）",
    ylabel="測試 BLEU",
    markers=True,
)
plotting.show(
    figure,
    alt="三條線都隨相似度上升，翻譯記憶升得最陡，但每一段都在 RNN 與 Transformer 下面。",
)
run.claim(
    "最不像訓練資料的四分之一：Transformer 比翻譯記憶高多少",
    rows["Transformer"][0] - rows["翻譯記憶"][0],
    at_least=5.0,
    level="strong",
    source="不是背下來的：最像的訓練句子也不太像",
)

# %%
from sacrebleu import sentence_chrf

each = [sentence_chrf(o, [r]).score for o, r in zip(outputs["Transformer"], test_references)]
ranked = np.argsort(each)
for title, rows_ in [
    ("最差的", ranked[:4]),
    ("中間的", ranked[len(ranked) // 2 :][:2]),
    ("最好的", ranked[::-1][:2]),
]:
    print(f"── {title}")
    for i in rows_:
        print("英文：", test_sources[i][:110])
        print("參考：", test_references[i][:70])
        print("機器：", outputs["Transformer"][i][:70], "\n")

# %% [markdown]
r"""
分數最低的，有的是模型真的翻錯（沒看過的專有名詞、重複），有的是**參考譯文**不對應（資料是照頁面上的位置配對的，少數過時或配錯），還有的兩種翻法都對、用字不同。BLEU 分不出這三種，所以一定要看句子。

## 常見的坑

### 坑一：解碼器忘了因果遮罩

訓練時整句答案都在輸入裡；沒有遮罩，第 $t$ 格看得到答案 $y_t$：
"""


# %%
class PeekingLayer(DecoderLayer):
    """少了因果遮罩的解碼層；其餘照抄。"""

    def forward(self, x, memory, memory_mask=None, past=None):
        normed = self.norm1(x)
        seen = keys_values(self.self_attention, normed)
        if past is not None:
            seen = (torch.cat([past[0], seen[0]], 2), torch.cat([past[1], seen[1]], 2))
        x = x + self.dropout(self.self_attention.attend(normed, *seen))
        x = x + self.dropout(self.cross_attention.attend(self.norm2(x), *memory, memory_mask))
        return x + self.dropout(self.feed_forward(self.norm3(x))), seen


peeking = new_small()
heads = max(4, run.dim // 64)
peeking.decoder = nn.ModuleList(
    [PeekingLayer(run.dim, heads, 4 * run.dim) for _ in range(run.layers)]
)
peeking, peek_history = train_small(peeking)
honest = small_runs["有位置編碼"][0]
short_sources, short_references = map(list, zip(*short_valid[:100]))
small_bleu = {
    "有遮罩": bleu(translate(honest, tokenizer, short_sources, beam=1), short_references),
    "忘了遮罩": bleu(translate(peeking, tokenizer, short_sources, beam=1), short_references),
}
print(
    f"驗證損失：有遮罩 {small_loss['有位置編碼'][-1]:.2f}，忘了遮罩 {peek_history.valid_loss[-1]:.2f}"
)
print("真的翻譯的 BLEU：", {name: round(value, 1) for name, value in small_bleu.items()})
run.claim(
    "忘了遮罩的驗證損失，比有遮罩的低多少",
    small_loss["有位置編碼"][-1] - peek_history.valid_loss[-1],
    at_least=0.3,
    level="simple",
    source="看到答案當然猜得準",
)
run.claim(
    "忘了遮罩的 BLEU，是有遮罩的幾分之幾",
    small_bleu["忘了遮罩"] / small_bleu["有遮罩"],
    at_most=0.5,
    level="simple",
    source="100 句短句，greedy；翻譯時沒有答案可以偷看",
)

# %% [markdown]
r"""
**症狀**：損失漂亮得不像話，翻出來卻是胡言亂語。**解法**：因果遮罩；並且一定要真的翻幾句，不要只看損失。

### 坑二：翻譯時忘了 `model.eval()`
"""

# %%
hypotheses = {}
for name, training in [("eval", False), ("train", True)]:
    model.train(training)
    with torch.no_grad():
        source = pad_batch([[*tokenizer.encode(s), tokenizer.eos] for s in valid_sources])
        torch.manual_seed(run.seed)
        found = beam_search(
            model.writer(source), len(valid_sources), beam=1, max_length=80, bos=1, eos=2
        )
    hypotheses[name] = [tokenizer.decode(each[0].tokens) for each in found]
model.eval()
forgot = {name: bleu(written, valid_references) for name, written in hypotheses.items()}
print({name: round(value, 1) for name, value in forgot.items()})
run.claim(
    "忘了 eval()，BLEU 掉多少",
    forgot["eval"] - forgot["train"],
    at_least=1.0,
    level="simple",
    source="同一個檢查點；dropout 還開著，每一步都在亂關單元",
)

# %% [markdown]
r"""
**症狀**：同一句每次翻得不一樣，分數比訓練時記下的低。**解法**：`translate` 一開始就呼叫 `model.eval()`。

### 坑三：BLEU 的切法不一樣，分數不能比
"""

# %%
transformer_outputs = outputs["Transformer"]
cuts = {
    cut: sacrebleu.corpus_bleu(transformer_outputs, [test_references], tokenize=cut).score
    for cut in ("zh", "char", "13a")
}
print("同一份譯文：", {name: round(value, 1) for name, value in cuts.items()})
run.claim(
    "同一份譯文，逐字切（zh）與照空格切（13a）的 BLEU 差多少",
    abs(cuts["zh"] - cuts["13a"]),
    at_least=5.0,
    level="simple",
    source="13a 是英文的切法，把整句中文當成一兩個字",
)

# %% [markdown]
r"""
**症狀**：換一支評分程式，分數差了一截。**解法**：報分數時附上 `sacrebleu` 的設定；只和同樣設定的分數比。

## 練習

寫完執行下一格，就會告訴你對不對。
"""

# %%
from dlbook.exercises.sequence_modeling.transformer import teacher_forcing  # exercise

# %%
from dlbook.exercises.sequence_modeling.transformer import one_merge  # exercise

# %%
from dlbook.exercises.sequence_modeling.transformer import smoothed_loss  # exercise

# %%
from dlbook.exercises.sequence_modeling.transformer import bleu_by_hand  # exercise

# %% [markdown]
r"""
拿你的 BLEU 和 `sacrebleu` 比：它切成一個字元一個 token 時會丟掉空格，所以先去掉空格再算，兩者應該一樣（還沒作答時，這裡用的是參考解答）。
"""

# %%
mine = bleu_by_hand(
    *([text.replace(" ", "") for text in texts] for texts in (transformer_outputs, test_references))
)
run.claim(
    "自己算的 BLEU 與 sacrebleu（char）的差",
    mine - cuts["char"],
    near=(0.0, 0.01),
    level="parity",
    source="sacrebleu；整個測試集，去掉空格",
)

# %%
from dlbook.exercises.sequence_modeling.transformer import best_alpha  # exercise

# %% [markdown]
r"""
### 想一想

1. 訓練時第 $t$ 個位置看的是**正確的** $y_{<t}$，翻譯時看的是**自己寫的**。這會出什麼事？

<details><summary>參考答案</summary>

訓練時從沒見過自己犯的錯，一旦寫錯一個 token，後面的上下文就偏離訓練時的分布，錯誤可能接二連三（exposure bias）。beam search 留幾個候選，緩和了一部分；有的訓練方法會在訓練時混入自己寫的 token。

</details>

2. 把 beam 加寬到幾百，BLEU 通常反而下降。模型給那些句子的機率明明更高，為什麼？

<details><summary>參考答案</summary>

模型並不完美：它給很短的、甚至空的句子的機率，往往比正確的長句高（每多寫一個 token 就多乘一個小於 1 的數）。beam 窄的時候找不到那些句子，等於無意間幫了忙；長度懲罰就是在補這個洞。

</details>

3. 反向翻譯造的是（機器英文, 人寫中文）。反過來，用英翻中的模型把只有英文的句子翻成中文，當成（人寫英文, 機器中文）來訓練，會有一樣的效果嗎？

<details><summary>參考答案</summary>

不一樣。那樣學的目標是機器自己的譯文，好的壞的照單全收，等於叫模型更相信自己（self-training）；有時有用，但學不到它原本不會的中文說法。反向翻譯的目標是人寫的，新的用詞與句型是真的新資訊。

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

- Vaswani 等人，*Attention Is All You Need*，[arXiv:1706.03762](https://arxiv.org/abs/1706.03762)——第 3 節的圖與第 5 節的訓練細節，這一課全都寫過一遍了。
- Sennrich 等人，*Neural Machine Translation of Rare Words with Subword Units*，[arXiv:1508.07909](https://arxiv.org/abs/1508.07909)——BPE 用在翻譯。
- Sennrich 等人，*Improving Neural Machine Translation Models with Monolingual Data*，[arXiv:1511.06709](https://arxiv.org/abs/1511.06709)——反向翻譯。
- Araabi、Monz，*Optimizing Transformer for Low-Resource Neural Machine Translation*，[arXiv:2011.02266](https://arxiv.org/abs/2011.02266)；Sennrich、Zhang，*Revisiting Low-Resource Neural Machine Translation*，[arXiv:1905.11901](https://arxiv.org/abs/1905.11901)——資料少的時候，什麼都要重調。
- Post，*A Call for Clarity in Reporting BLEU Scores*，[arXiv:1804.08771](https://arxiv.org/abs/1804.08771)——坑三為什麼害了整個領域。
- Koehn，*Statistical Significance Tests for Machine Translation Evaluation*，EMNLP 2004——成對的 bootstrap。
- 2021 HW5：simple／medium／strong 是 BLEU 18.43／24.04／29.32（公開組）。那是 TED 演講、四十萬個句對；領域、句子長度與參考都不同，分數不能和這裡的比。
- 下一課：[拆開 Transformer](transformer_internals.ipynb)。
"""
