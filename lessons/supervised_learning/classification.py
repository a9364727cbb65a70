# %% [markdown]
r"""
# 分類：逐框的音素辨識

**一句話**：分類器替每個類別打分數，softmax 把分數變成機率，交叉熵告訴它該往哪裡改；而相鄰的答案彼此有關，再用 HMM 把斷斷續續的答案修得連貫。

學完這一課，你能夠：

- 推導 softmax 與交叉熵的梯度，說出標籤平滑（label smoothing）改了什麼；
- 從波形算到 MFCC，一步一步與參考函式庫對上答案；
- 量一個分類器的機率可不可信，不可信就校準（calibration）；
- 從零寫出 Viterbi 演算法，並說出它什麼時候有用、什麼時候沒什麼用。

| | |
| --- | --- |
| 先備 | [迴歸](regression.ipynb)：訓練、驗證、測試怎麼分；[PyTorch 基礎](../foundations/pytorch_fundamentals.ipynb)：`nn.Module` 與 `fit` |
| 作業 | ML 2021 HW2-1：TIMIT 逐框音素分類（39 類）。TIMIT 需要授權，不能隨課程附上，這裡換成自由授權的語音 |
| 時間 | 兩核心 CPU 執行約 1 分半；讀與練習約 4 小時。GPU（full）未驗證 |
| 資料 | Asterisk Core Sounds 英語電話語音提示，© 2003–2010 Allison Smith（聲音）、Digium, Inc.（CC BY-SA 3.0） |
"""

# %%
import functools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F

from dlbook import datasets, lesson, measure, plotting
from dlbook.datasets import PHONE_CLASSES, PHONES
from dlbook.foundations.loaders import TensorLoader
from dlbook.training import fit

run = lesson.start(
    "supervised_learning/classification",
    quick={"repeats": 3, "mlp_epochs": 6, "width": 256, "load_conv": True, "conv_epochs": 20},
    full={"repeats": 3, "mlp_epochs": 30, "width": 1024, "load_conv": False, "conv_epochs": 60},
)

# %% [markdown]
r"""
## 先看結果

一位語者唸了 490 句電話提示語。把聲音切成一框一框，每 10 毫秒一框，問：這一框是 39 個音素（phone）裡的哪一個？

先用等一下要寫的零件訓練一個小網路，看它對驗證集裡的一句話怎麼說：
"""

# %%
from dlbook.supervised_learning import phoneme_models, speech_features, speech_pictures
from dlbook.supervised_learning import viterbi as hmm_tools

data = datasets.phonemes()
train, valid, test = (part.tolist() for part in (data.train, data.valid, data.test))
labels = [data.phones(i) for i in range(len(data.frames))]

features = speech_features.standardized_features(data)  # 每句一個 (框數, 39) 的特徵
valid_labels, test_labels = ([labels[i] for i in part] for part in (valid, test))
valid_y, test_y = torch.cat(valid_labels), torch.cat(test_labels)
for name, part in [("訓練", train), ("驗證", valid), ("測試", test)]:
    print(f"{name}：{len(part)} 句，{sum(len(labels[i]) for i in part):,} 框")


# %%
histories = {}  # 模型 → 訓練紀錄


@functools.cache
def windows(part, radius):
    """訓練集或驗證集的視窗 (框, 輸入) 與標籤 (框,)。"""
    utterances = {"train": train, "valid": valid}[part]
    x = torch.cat([speech_features.context_window(features[i], radius) for i in utterances])
    return x, torch.cat([labels[i] for i in utterances])


def accuracy(z, y):
    """逐框正確率。"""
    return float((z.argmax(dim=-1) == y).double().mean())


def train_mlp(seed, hidden, radius, *, data=None, smoothing=0.0, **options):
    """訓練一個看前後各 ``radius`` 框的 MLP；留下驗證集上最好的 epoch。"""
    torch.manual_seed(seed)
    x, y = data or windows("train", radius)
    valid_x, valid_y = windows("valid", radius)
    sizes = [x.shape[1], *hidden, len(PHONES)]
    model = phoneme_models.FrameMLP(sizes, **options).to(run.device)
    loader = TensorLoader(x, y, 256)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    steps = run.mlp_epochs * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    histories[model] = fit(
        model, loader, nn.CrossEntropyLoss(label_smoothing=smoothing), optimizer,
        epochs=run.mlp_epochs, scheduler=schedule, progress=False,
        evaluate=lambda m: accuracy(m(valid_x.to(run.device)).cpu(), valid_y),
    )  # fmt: skip
    return model


def frame_scores(model, utterances, radius=5):
    """每句一個 (框數, 39) 的分數。"""
    with torch.no_grad():
        return [
            model(speech_features.context_window(features[i], radius).to(run.device)).cpu()
            for i in utterances
        ]


# %%
seeds = [run.seed + 100 * i for i in range(run.repeats)]
hidden = [run.width, run.width]
first_model = train_mlp(seeds[0], hidden, 5)
first_scores = frame_scores(first_model, valid)

hmm = hmm_tools.count_hmm([labels[i] for i in train], len(PHONES))
first_log_p = [z.log_softmax(dim=-1) for z in first_scores]
first_knobs, _ = hmm_tools.tune(first_log_p, valid_labels, hmm)

shown = int(np.argmin([abs(len(y) - 230) for y in valid_labels]))  # 挑一句兩秒多的
sentence, answer = valid[shown], valid_labels[shown]
by_frame = first_scores[shown].argmax(dim=-1)
smoothed = hmm_tools.smooth(first_log_p[shown], hmm, *first_knobs)
power = speech_features.power_spectrogram(data.waveform(sentence), data.WINDOW, data.HOP, 256)
figure = speech_pictures.utterance_picture(
    data, sentence, power, {"標籤": answer, "逐框": by_frame, "Viterbi": smoothed},
    title=f"「{data.transcripts[sentence]}」",
)  # fmt: skip
plotting.show(
    figure,
    alt="一句話的波形、頻譜圖與三條音素帶。標籤那一條是整齊的一段一段；逐框的答案大致相同，但夾著許多一兩框寬的碎片；Viterbi 之後碎片變少。黑線標出答錯的框。",
)
for name, path in [("逐框取最大", by_frame), ("Viterbi 之後", smoothed)]:
    right = (path == answer).double().mean()
    print(f"這一句：{name}，答對 {right:.1%}，切成 {len(torch.unique_consecutive(path))} 段")
print(f"標籤共 {len(torch.unique_consecutive(answer))} 段")

# %% [markdown]
r"""
兩件事值得注意。第一，網路只看 0.2 秒左右的聲音，就答對了大半。圖裡帶子底下的黑線，是答錯的框。
第二，逐框的答案會「閃爍」：一個音明明持續好幾框，中間卻夾著一兩框別的答案。人不會這樣說話；最下面那條修過的帶子，就是把這個常識加了進去。
"""

# %% [markdown]
r"""
## 直覺

### 聲音怎麼變成一筆一筆的資料

取樣率 8,000 Hz，一秒有 8,000 個數。音素的差別在於「哪些頻率強」，而這要看一小段才知道。所以每 10 毫秒取一框，每框看 25 毫秒；窗的兩端壓低，免得硬切出來的斷口被當成聲音。
"""

# %%
loud = int(data.waveform(sentence).abs().unfold(0, 440, 80).mean(dim=1).argmax()) * 80
plotting.show(
    speech_pictures.framing_picture(data.waveform(sentence)[loud:], data.WINDOW, data.HOP, 8_000),
    alt="一小段有週期的波形，上方四個鐘形的窗依序往右移 10 毫秒，每個寬 25 毫秒，相鄰的窗大半重疊。",
)

# %% [markdown]
r"""
### 標籤從哪裡來：強制對齊

沒有人用耳朵標這 98,892 框。標籤來自**強制對齊**（forced alignment）：程式已經知道這句話是哪些字，查字典得到音素的順序，再找出每個音素最可能從哪裡開始。這代表三件事：

- 唸法與字典不同的字，標籤就是錯的；
- 音素的邊界常差一兩框，而且邊界本來就是漸變的；
- 模型的「錯」有一部分是標籤的錯，正確率到不了 100%。

語者永遠是同一位，字也會重複，所以這裡的正確率**不能**與 TIMIT（630 位語者）的作業門檻直接比。

### 為什麼前後文有用，連貫也有用

一個音素通常持續好幾框，它的樣子又受前後的音影響。數一數訓練集：
"""

# %%
runs = [torch.unique_consecutive(labels[i], return_counts=True)[1] for i in train]
durations = torch.cat(runs)
counts = torch.bincount(durations.clamp(max=30), minlength=31)[1:]
figure, ax = plt.subplots(figsize=(7, 3))
ax.bar(range(1, 31), counts, color=plotting.COLORS[0])
ax.set(title="一個音素持續幾框（訓練集；最右邊是 30 框以上）", xlabel="框數", ylabel="次數")
plotting.show(
    figure, alt="音素長度的長條圖：最常見的是三框到十框，往右拖著長尾；只有一兩框的幾乎沒有。"
)
stay = float(torch.cat([labels[i].diff() == 0 for i in train]).double().mean())
print(f"中位數 {int(durations.median())} 框；下一框與這一框相同的機率約 {stay:.2f}")
print(f"不到三框的：{len(durations):,} 個裡有 {int((durations < 3).sum())} 個")

# %% [markdown]
r"""
下一框多半與這一框相同。閃爍的答案違反這個規律，這就是 HMM 能修的東西。

不到三框的幾乎沒有，這是對齊器的痕跡：它自己也是 HMM，每個音素由三個依序的狀態組成，每個狀態至少佔一框。
"""

# %% [markdown]
r"""
## 原理

記號：一批 $N$ 筆，$K=39$ 類；網路的輸出是分數（logits）$z\in\mathbb{R}^{N\times K}$，答案是 $y\in\{1,\dots,K\}^N$。

### softmax 與交叉熵

softmax 把一筆的分數變成機率：$p_k=\dfrac{e^{z_k}}{\sum_j e^{z_j}}$。分子分母同乘 $e^{-\max z}$ 機率不變，卻不會溢位。

為什麼用交叉熵？把訓練資料的概似（likelihood）$\prod_n p_{n,y_n}$ 最大化，取對數、加負號、除以 $N$，就是

$$\mathcal{L}=-\frac1N\sum_n \ln p_{n,y_n}.$$

更一般地，答案可以是一個分布 $q$（one-hot 是特例），單筆的損失是 $\ell=-\sum_k q_k\ln p_k$。它的梯度一步一步推：

1. $\ln p_k=z_k-\ln\sum_j e^{z_j}$，所以 $\ell=-\sum_k q_k z_k+\left(\sum_k q_k\right)\ln\sum_j e^{z_j}$。
2. $q$ 的總和是 1，第二項剩下 $\ln\sum_j e^{z_j}$，它對 $z_k$ 的導數是 $p_k$。
3. 合起來，$\dfrac{\partial \ell}{\partial z_k}=p_k-q_k$；對批次平均再除以 $N$。

預測減目標，就這麼簡單：機率給多了就往下壓，給少了就往上拉。

### 標籤平滑

one-hot 的目標要 $p_y\to1$，分數就得一直拉開。標籤平滑（arXiv:1512.00567）把目標改成

$$q_k=(1-\varepsilon)\,[k=y]+\varepsilon/K ,$$

梯度在 $p=q$ 時就是 0，不必再拉開。好處與代價等一下量。

### 語音特徵

每一框 $x\in\mathbb{R}^{200}$ 乘上 Hann 窗，補零到 256 點做 FFT，取振幅平方，得到功率頻譜 $S\in\mathbb{R}^{129}$。接著三步：

1. **mel 濾波**：耳朵對低頻分得細、高頻分得粗。$\text{mel}(f)=2595\log_{10}(1+f/700)$；在 mel 刻度上等距放 26 個三角形，各收集一份能量，取對數。
2. **DCT**：相鄰的濾波器重疊，輸出高度相關。離散餘弦轉換 $c_k=\sqrt{2/M}\sum_m \log E_m\cos\!\big(\tfrac{\pi}{M}(m+\tfrac12)k\big)$（$M=26$；$k=0$ 時係數是 $\sqrt{1/M}$）把它攤開，前 13 個就描述了頻譜的大致輪廓，這就是 **MFCC**。
3. **Δ 與 ΔΔ**：聲音的變化也是線索。$\Delta_t=\dfrac{\sum_{n=-2}^{2} n\,c_{t+n}}{\sum_{n=-2}^{2} n^2}$，是前後五框的最小平方斜率；再做一次得到 ΔΔ。一共 39 維。Δ、ΔΔ 各往外看 2 框，所以「一框」的特徵其實看得到前後各 4 框。

**上下文視窗**（context window）：把前後各 5 框也接進來，11 框 × 39 維 = 429 維，與 HW2-1 相同；連同 Δ、ΔΔ 往外看的，一共看到 19 框，大約 0.2 秒。

### BatchNorm 與 dropout

**BatchNorm**（arXiv:1502.03167）：訓練時，每個隱藏單元 $h\in\mathbb{R}^N$ 減去這一批的平均、除以標準差，再乘上可學的 $\gamma$、加上 $\beta$；評估時改用訓練途中累積的平均與變異數，答案才不會隨「和誰同一批」而變。

**dropout**：訓練時每個單元以機率 $r$ 變成 0，留下的除以 $1-r$，期望值不變；評估時什麼都不做。單元不能依賴某個特定的夥伴。

這裡先會用；反向怎麼推，下一課〈訓練的技術〉從零寫一遍。

### 校準

把握（confidence）是最大的那個機率 $\hat p$。說「八成把握」的那些框，如果真的對了八成，就是校準好的。把框按把握分成 15 箱 $B_1,\dots,B_{15}$，期望校準誤差（expected calibration error，ECE）是

$$\text{ECE}=\sum_b \frac{|B_b|}{N}\,\big|\text{acc}(B_b)-\text{conf}(B_b)\big| .$$

**溫度縮放**（temperature scaling，arXiv:1706.04599）：所有分數除以同一個 $T$，用驗證集的交叉熵挑 $T$。$T>1$ 把機率拉平。每一列的大小順序不變，所以答案一個都不會變，改的只是把握。

### HMM 與 Viterbi

令 $k_t$ 是第 $t$ 框的音素。隱馬可夫模型（hidden Markov model，HMM）假設：音素一步一步轉移，$A_{jk}=p(k_t{=}k\mid k_{t-1}{=}j)$；每一框的聲音只由當時的音素決定。給定整句的聲音 $x_1,\dots,x_T$，最可能的音素序列要讓

$$\ln p(k_1)+\sum_{t\ge2}\ln A_{k_{t-1}k_t}+\sum_t \ln p(x_t\mid k_t)$$

最大。網路給的是 $p(k\mid x)$，不是 $p(x\mid k)$。用貝氏定理換：$p(x\mid k)\propto p(k\mid x)/\pi_k$，其中 $\pi_k$ 是音素的**先驗**（prior，在訓練集的佔比）。所以每一步的分數是

$$\ln p(k_t\mid x_t)-\kappa\ln\pi_{k_t}+\lambda\ln A_{k_{t-1}k_t},\qquad\kappa=\lambda=1 .$$

不除以先驗，常見的音素就被算了兩次：網路的輸出裡一次，轉移機率裡一次。

公式說兩個旋鈕都是 1，那為什麼要調？因為公式假設各框的聲音互不相干，而相鄰兩框的視窗其實重疊了 10/11。一個持續 10 框的音，證據並沒有 10 份那麼多，卻加了 10 次，先驗也跟著除了 10 次。讓 $\lambda$ 大一點，等於把重複的證據打折；讓 $\kappa$ 小一點，等於別把先驗除那麼多次。$\kappa=\lambda=0$ 就是逐框取最大。兩個都用**驗證集**挑。

$K^T$ 條路徑試不完。**Viterbi** 的想法：走到第 $t$ 框、停在 $k$ 的最佳路徑，它的前一段一定也是「停在某個 $j$」的最佳路徑。令 $b_t(k)$ 是那個最高分，$e_t(k)$ 是第 $t$ 框給 $k$ 的分數，

$$b_t(k)=\max_j\big[b_{t-1}(j)+\ln A_{jk}\big]+e_t(k),$$

記下每個 $\max$ 是由哪個 $j$ 得到的，走到最後再倒著走回來。$T K^2$ 次加法就找到全域最佳。
"""

# %% [markdown]
r"""
## 從零實作

### 第一塊：波形 → 功率頻譜

`unfold` 不搬資料，只改步幅，就把波形變成一列一框。
"""

# %%
from dlbook.supervised_learning.speech_features import N_FFT, power_spectrogram  # inline

# %%
power = power_spectrogram(data.waveform(sentence), data.WINDOW, data.HOP, N_FFT)
print("波形", tuple(data.waveform(sentence).shape), "→ 功率頻譜", tuple(power.shape))

# %% [markdown]
r"""
### 第二塊：mel 濾波器與對數
"""

# %%
from dlbook.supervised_learning.speech_features import (
    N_MELS,
    hz_to_mel,
    mel_to_hz,
    mel_filters,
    log_mel,
)  # inline

# %%
filters = mel_filters(N_MELS, N_FFT, data.SAMPLE_RATE)
plotting.show(
    speech_pictures.filters_picture(filters, data.SAMPLE_RATE),
    alt="26 個三角形濾波器：左邊低頻又密又窄，越往右高頻越疏越寬。",
)

# %% [markdown]
r"""
### 第三塊：DCT、上下文視窗、Δ，合起來是 39 維
"""

# %%
from dlbook.supervised_learning.speech_features import N_CEPSTRA, dct_matrix  # inline

# %%
from dlbook.supervised_learning.speech_features import deltas, context_window  # inline

# %%
print("三框、每框一個數，前後各看一框：")
print(context_window(torch.tensor([[1.0], [2.0], [3.0]]), 1).int().tolist(), "（頭尾重複邊緣）")

# %%
from dlbook.supervised_learning.speech_features import mfcc39, utterance_features  # inline

# %%
mels = log_mel(power, filters)
whole = mfcc39(data.waveform(sentence), data.WINDOW, data.HOP, data.SAMPLE_RATE)
figure, axes = plt.subplots(2, 1, figsize=(9, 4.6), sharex=True)
scaled = features[sentence][:, 1:13]  # 標準化之後，每一維的尺度相同才看得清楚
for ax, matrix, name in [(axes[0], mels, "mel 濾波器"), (axes[1], scaled, "MFCC 1–12")]:
    low = 0.5 if name.startswith("MFCC") else -0.5  # MFCC 從 1 數起
    extent = (0, len(matrix), low, low + matrix.shape[1])
    ax.imshow(matrix.T.numpy(), origin="lower", aspect="auto", extent=extent)
    ax.set_ylabel(name)
    ax.grid(visible=False)
axes[0].set_title("同一句話：log-mel 與標準化的 MFCC")
axes[1].set_xlabel("框（每框 10 毫秒）")
plotting.show(
    figure,
    alt="上圖是 26 條 log-mel，相鄰的條幾乎一樣亮；下圖是 12 個標準化的 MFCC，各條的明暗彼此不同。",
)


# %%
def mean_correlation(x):
    """不同維度之間，相關係數絕對值的平均。"""
    c = np.abs(np.corrcoef(x.T.numpy()))
    return (c.sum() - len(c)) / (c.size - len(c))


print(
    f"維度之間的相關：log-mel {mean_correlation(mels):.2f}，MFCC {mean_correlation(whole[:, :13]):.2f}"
)

# %% [markdown]
r"""
### 對答案：一條完全用別人的函式庫搭的路

SciPy 的 STFT、transformers 的 mel 濾波器（與 librosa 的 HTK 設定相容）、SciPy 的 DCT 與 Savitzky–Golay 斜率，走同一條路：
"""

# %%
import scipy.fft
import scipy.signal
from transformers.audio_utils import mel_filter_bank


def reference_mfcc39(wave):
    """同樣的 39 維，每一步都用參考函式庫；float64。"""
    window = scipy.signal.get_window("hann", data.WINDOW)
    _, _, stft = scipy.signal.stft(
        wave, window=window, nperseg=data.WINDOW, noverlap=data.WINDOW - data.HOP, nfft=N_FFT,
        boundary=None, padded=False, detrend=False,
    )  # fmt: skip
    power = np.abs(stft.T * window.sum()) ** 2
    bank = mel_filter_bank(
        N_FFT // 2 + 1, N_MELS, 0.0, data.SAMPLE_RATE / 2, data.SAMPLE_RATE, mel_scale="htk"
    )
    cepstra = scipy.fft.dct(np.log(np.maximum(power @ bank, 1e-8)), norm="ortho")[:, :N_CEPSTRA]
    slope = {"window_length": 5, "polyorder": 1, "deriv": 1, "axis": 0, "mode": "nearest"}
    first = scipy.signal.savgol_filter(cepstra, **slope)
    return np.hstack([cepstra, first, scipy.signal.savgol_filter(first, **slope)])


gaps = []
for i in valid[:20]:
    wave = data.waveform(i).double()
    ours = mfcc39(wave, data.WINDOW, data.HOP, data.SAMPLE_RATE)
    gaps.append(np.abs(ours.numpy() - reference_mfcc39(wave.numpy())).max())
run.claim(
    "MFCC、Δ、ΔΔ 與參考函式庫的最大差（20 句）",
    max(gaps),
    at_most=1e-8,
    level="parity",
    source="scipy.signal、scipy.fft、transformers.audio_utils，float64；測試另比對 torch.stft",
)


# %% [markdown]
r"""
向量化值得嗎？與「一框一框跑迴圈」比，兩者算出同樣的東西：
"""


# %%
def loop_spectrogram(wave):
    """一框一框算。"""
    window = torch.hann_window(data.WINDOW)
    rows = []
    for start in range(0, len(wave) - data.WINDOW + 1, data.HOP):
        piece = wave[start : start + data.WINDOW] * window
        rows.append(torch.fft.rfft(piece, N_FFT).abs().square())
    return torch.stack(rows)


longest = data.waveform(int(data.frames.argmax()))
assert torch.allclose(
    loop_spectrogram(longest), power_spectrogram(longest, 200, 80, N_FFT), atol=1e-4
)
times = measure.paired_times(
    lambda: loop_spectrogram(longest),
    lambda: power_spectrogram(longest, data.WINDOW, data.HOP, N_FFT),
    pairs=9,
)
run.claim(
    "功率頻譜：向量化比逐框迴圈快幾倍",
    times.ratio,
    at_least=4.0,
    level="cost",
    source="同一次執行交替量測 9 對，取中位數",
)

# %% [markdown]
r"""
### 第四塊：softmax 與標籤平滑的交叉熵
"""

# %%
from dlbook.supervised_learning.softmax import log_softmax, soft_targets, cross_entropy  # inline

# %%
q = soft_targets(torch.tensor([2]), 5, 0.1)
print("五類、答案是第 2 類、ε = 0.1：", q[0].tolist())
print(
    f"39 類、ε = 0.1 時，損失最小的分數差：{np.log((0.9 + 0.1 / 39) / (0.1 / 39)):.2f}（one-hot 則是無限大）"
)

# %%
rng = torch.Generator().manual_seed(run.seed)
largest = 0.0
for smoothing in (0.0, 0.1, 0.5):
    z = (5 * torch.randn(64, 39, generator=rng, dtype=torch.float64)).requires_grad_()
    y = torch.randint(39, (64,), generator=rng)
    ours, theirs = cross_entropy(z, y, smoothing), F.cross_entropy(z, y, label_smoothing=smoothing)
    gradients = [torch.autograd.grad(loss, z)[0] for loss in (ours, theirs)]
    by_formula = (z.softmax(dim=1) - soft_targets(y, 39, smoothing)) / 64
    differences = [ours - theirs, gradients[0] - gradients[1], by_formula - gradients[1]]
    largest = max(largest, *(float(d.detach().abs().max()) for d in differences))
run.claim(
    "交叉熵與標籤平滑：損失、梯度、(p − q)/N 與 PyTorch 的最大差",
    largest,
    at_most=1e-10,
    level="parity",
    source="F.cross_entropy(label_smoothing=…)，float64",
)

# %% [markdown]
r"""
### 第五塊：逐框的 MLP
"""

# %%
from dlbook.supervised_learning.phoneme_models import FrameMLP  # inline

# %% [markdown]
r"""
BatchNorm 與 dropout 真的照〈原理〉說的做嗎？直接算一次：
"""

# %%
torch.manual_seed(run.seed)
norm, h = nn.BatchNorm1d(4), torch.randn(64, 4) * 3 + 5
by_hand = (h - h.mean(dim=0)) / (h.var(dim=0, unbiased=False) + norm.eps).sqrt()
print(f"訓練模式：與手算的最大差 {(norm(h) - by_hand).abs().max():.1e}")
one = h[:1]
print("評估模式：單獨一筆也能算，輸出", norm.eval()(one)[0, :2].tolist())
dropped = nn.Dropout(0.2)(torch.ones(100_000))
print(f"dropout(0.2)：{(dropped == 0).double().mean():.3f} 變成 0，平均仍是 {dropped.mean():.3f}")

# %% [markdown]
r"""
### 第六塊：看整句的卷積網路

視窗 MLP 看到的範圍固定，而且把 11 框一視同仁。一維卷積（convolution）用同一組權重掃過整句；**膨脹**（dilation）讓卷積跳著看：1、2、4、8 框疊起來，再加上第一層的 2 框，往一邊就看到 17 框，參數卻沒有變多。殘差（residual）讓每一層只學「要補什麼」。
"""

# %%
from dlbook.supervised_learning.phoneme_models import IGNORE, ConvBlock, PhonemeConv, mark  # inline

# %% [markdown]
r"""
批次怎麼湊很要緊。拿整句當一筆，同一批的框都來自兩三句話，彼此太像，每一步看到的花樣就少。所以把句子切成 48 框的小段、打亂再湊；每段左右多給 17 框當上下文，切開與不切開的分數就相同。句子之間隔著補的框，標籤是 `IGNORE`，不算損失。
"""

# %%
from dlbook.supervised_learning.phoneme_models import ChunkLoader, frame_loss  # inline

# %%
from dlbook.supervised_learning.phoneme_training import (
    HALO,
    Sentences,
    sentence_scores,
    train_conv,
)  # inline

# %%
torch.manual_seed(run.seed)
tiny = PhonemeConv(39, 8, len(PHONES)).eval()
x = torch.randn(1, 101, 39, requires_grad=True)
score = tiny(F.pad(x, (0, 1), value=1.0))[0, 50].sum()
seen = torch.autograd.grad(score, x)[0][0].abs().sum(dim=1).nonzero().flatten() - 50
print(f"第 50 框的分數受哪些框影響：{int(seen.min())} 到 +{int(seen.max())}")
sentences = {
    name: ([features[i] for i in part], [labels[i] for i in part])
    for name, part in [("train", train), ("valid", valid), ("test", test)]
}
loader = ChunkLoader(*sentences["train"], chunk=48, halo=HALO, batch_size=8)
x, y = next(iter(loader))
print(
    f"一批：x {tuple(x.shape)}，y {tuple(y.shape)}，其中 {int((y != IGNORE).sum())} 框要算損失；一個 epoch {len(loader)} 批"
)

# %% [markdown]
r"""
### 第七塊：HMM 與 Viterbi

HMM 的三張表都從**訓練集的標籤**數出來，不必訓練。
"""

# %%
from dlbook.supervised_learning.viterbi import HMM, count_hmm  # inline

# %%
hmm = count_hmm([labels[i] for i in train], len(PHONES))
ratio = (hmm.log_transition - hmm.log_prior) / np.log(2)
figure = plotting.heatmap(
    ratio,
    title="接在誰後面，比平常更可能多少（log₂ 倍）",
    xlabel="這一框的音素",
    ylabel="上一框的音素",
    xticks=PHONES,
    yticks=PHONES,
    diverging=True,
    colorbar="log₂(A / π)",
)
figure.set_size_inches(9, 7.6)
for ticks in (figure.axes[0].get_xticklabels(), figure.axes[0].get_yticklabels()):
    plt.setp(ticks, fontsize=7)
plotting.show(
    figure,
    alt="39×39 的矩陣：對角線是紅色，表示留在原地比平常可能得多；對角線以外幾乎全是藍色；稀有的 OY、UH 那幾欄偏淺。",
)
leave = hmm.log_transition.clone().fill_diagonal_(-torch.inf)  # 離開之後去哪裡
for phone in ("NG", "Y", "HH", "T"):
    j = PHONES.index(phone)
    p = leave[j].exp() / leave[j].exp().sum()
    k = int(p.argmax())
    print(f"離開 {phone} 之後，最常接 {PHONES[k]}（{p[k]:.0%}）")

# %% [markdown]
r"""
對角線以外大多是藍的：每一步換音素的機會本來就小。最稀有的 OY 那一欄偏淺，是「每個計數從 1 開始」的痕跡，看過的次數太少時，這個 1 就佔了一大份。

Viterbi 本身。最前面可以多帶幾軸，同時試好幾組旋鈕：
"""

# %%
from dlbook.supervised_learning.viterbi import (
    WEIGHTS,
    PRIOR_POWERS,
    viterbi,
    smooth,
    tune,
)  # inline

# %% [markdown]
r"""
**對答案**：狀態少、句子短時，可以真的把 $K^T$ 條路徑全部試過。
"""

# %%
from itertools import product

paths = torch.tensor(list(product(range(3), repeat=6)))  # 729 條
different = 0
for _ in range(200):
    start, transition, emission = (
        torch.randn(s, generator=rng, dtype=torch.float64) for s in [(3,), (3, 3), (6, 3)]
    )
    scores = start[paths[:, 0]] + transition[paths[:, :-1], paths[:, 1:]].sum(dim=1)
    scores = scores + emission[torch.arange(6), paths].sum(dim=1)
    different += int(not torch.equal(viterbi(start, transition, emission), paths[scores.argmax()]))
run.claim(
    f"Viterbi 與窮舉 {len(paths)} 條路徑，200 個隨機 HMM 中不同的個數",
    different,
    near=(0, 0),
    level="parity",
    source="窮舉；測試另以 hypothesis 變化狀態數與長度",
)

# %% [markdown]
r"""
看它怎麼修那一句：底色是網路給的機率，線是三條路徑。
"""

# %%
wrong_now = (by_frame != answer).double().unfold(0, 60, 1).mean(dim=1)
piece = slice(int(wrong_now.argmax()), int(wrong_now.argmax()) + 60)
figure = speech_pictures.trellis_picture(
    first_log_p[shown][piece],
    {"標籤": answer[piece], "逐框": by_frame[piece], "Viterbi": smoothed[piece]},
    title="錯得最多的 0.6 秒：機率（底色）與三條路徑",
)
plotting.show(
    figure,
    alt="灰階底色表示各音素的機率，三條階梯線是標籤、逐框與 Viterbi 的路徑；逐框的線上下跳動，Viterbi 的線停留較久、跳動較少。",
)

# %% [markdown]
r"""
### 第八塊：校準
"""

# %%
from dlbook.supervised_learning.calibration import (
    reliability,
    expected_calibration_error,
    fit_temperature,
)  # inline

# %%
divided = viterbi(hmm.log_start, hmm.log_transition, first_log_p[0] - hmm.log_prior)
run.claim(
    "λ = κ = 1 的 smooth，和照公式除以先驗的 Viterbi，不同的框數",
    (smooth(first_log_p[0], hmm, 1.0, 1.0) != divided).sum(),
    at_most=0,
    level="parity",
    source="〈原理〉的公式：ln p(k|x) − ln π",
)

# %% [markdown]
r"""
## 實驗

### 階梯

每一階只加一個想法；模型、兩個旋鈕、溫度都在驗證集上挑，測試集不參與任何選擇。每一階三個種子。

- **全猜最多**：不聽聲音；
- **起手式**：線性分類器，只看一框的特徵；
- **上下文**：線性分類器，看 11 框；
- **隱藏層**：MLP，兩層；
- **改良**：再加 BatchNorm 與 dropout（兩者一起加，這裡分不開各自的功勞）；
- **強**：看整句的卷積網路。

每一階都再用 Viterbi 修一次，看它在哪一階有用。

卷積要練比較久，所以用**預先測得**的檢查點（固定是種子 0、1、2），由上面的 `train_conv` 產生；現場只重跑第一個 epoch，確認真的是這段程式練出來的。
"""

# %%
from dlbook.supervised_learning.phoneme_training import load_conv

if run.load_conv:
    conv_models, records = zip(*[load_conv(seed) for seed in range(run.repeats)])
    conv_seconds = [record["seconds"] for record in records]
    for record in records:
        print(
            f"{record['command']}：{record['epochs']} 個 epoch，{record['seconds']:.0f} 秒，驗證正確率 {record['valid_accuracy']:.4f}"
        )
    channels = records[0]["channels"]
    _, start_again = train_conv(
        sentences["train"], sentences["valid"], seed=0, channels=channels,
        epochs=run.conv_epochs, stop_after=1,
    )  # fmt: skip
    gap = np.abs(np.subtract(start_again.step_loss[:20], records[0]["first_steps"][:20])).max()
    run.claim(
        "現場重練：前 20 步的損失與檢查點紀錄的最大差",
        gap,
        at_most=1e-2,
        level="parity",
        source="同樣的種子與程式；不同機器的捨入誤差會逐步放大，所以只比開頭",
    )
else:
    trained_now = [
        train_conv(
            sentences["train"],
            sentences["valid"],
            seed=seed,
            channels=256,
            epochs=run.conv_epochs,
            device=run.device,
        )
        for seed in range(run.repeats)
    ]
    conv_models, conv_seconds = [m for m, _ in trained_now], [h.seconds for _, h in trained_now]


# %%

plain = {"batch_norm": False, "dropout": 0.0}
models = {
    "起手式：線性，1 框": [train_mlp(s, [], 0) for s in seeds],
    "上下文：線性，11 框": [train_mlp(s, [], 5) for s in seeds],
    "隱藏層：MLP，11 框": [train_mlp(s, hidden, 5, **plain) for s in seeds],
    "改良：BatchNorm、dropout": [first_model] + [train_mlp(s, hidden, 5) for s in seeds[1:]],
    "強：卷積，整句（預先測得）": conv_models,
}
LINEAR, CONTEXT, PLAIN, BETTER, CONV = models
seconds = {
    n: np.mean([histories[m].seconds for m in models[n]]) for n in (LINEAR, CONTEXT, PLAIN, BETTER)
}
seconds[CONV] = np.mean(conv_seconds)  # 預先測得


def scores_of(name, model, utterances):
    """這一階的模型對每一句的分數。"""
    if name == CONV:
        return sentence_scores(model, [features[i] for i in utterances])
    return frame_scores(model, utterances, 0 if name == LINEAR else 5)


# %%
guess = int(hmm.log_prior.argmax())
before = {"全猜最多": [float((test_y == guess).double().mean())] * len(seeds)}
after, knobs, valid_scores, test_scores = {"全猜最多": before["全猜最多"]}, {}, {}, {}
for name, trained in models.items():
    valid_scores[name] = [scores_of(name, m, valid) for m in trained]
    test_scores[name] = [scores_of(name, m, test) for m in trained]
    before[name] = [accuracy(torch.cat(zs), test_y) for zs in test_scores[name]]
    knobs[name], after[name] = [], []
    for on_valid, on_test in zip(valid_scores[name], test_scores[name]):
        chosen, _ = tune([z.log_softmax(dim=-1) for z in on_valid], valid_labels, hmm)
        path = torch.cat([smooth(z.log_softmax(dim=-1), hmm, *chosen) for z in on_test])
        knobs[name].append(chosen)
        after[name].append(float((path == test_y).double().mean()))

means = {name: float(np.mean(values)) for name, values in before.items()}
smoothed_means = {name: float(np.mean(values)) for name, values in after.items()}
table = pd.DataFrame(
    {
        "逐框正確率": means,
        "標準差": {n: np.std(v) for n, v in before.items()},
        "Viterbi 後": smoothed_means,
        "Viterbi 增益（點）": {n: 100 * (smoothed_means[n] - means[n]) for n in means},
        "挑到的 λ": {n: "、".join(f"{w:g}" for w, _ in ks) for n, ks in knobs.items()},
        "挑到的 κ": {n: "、".join(f"{k:g}" for _, k in ks) for n, ks in knobs.items()},
        "參數": {n: sum(p.numel() for p in ms[0].parameters()) for n, ms in models.items()},
        "訓練秒數": seconds,
    }
).reindex(list(means))
shown_table = table.round(
    {"逐框正確率": 4, "標準差": 4, "Viterbi 後": 4, "Viterbi 增益（點）": 2, "訓練秒數": 1}
)
display(shown_table.astype({"參數": "Int64"}).fillna({"挑到的 λ": "—", "挑到的 κ": "—"}))

# %%
plotting.show(
    speech_pictures.ladder_picture(
        before, after, title=f"每一階的測試正確率（{run.repeats} 個種子的平均與標準差）"
    ),
    alt="六階的逐框正確率與 Viterbi 之後的正確率："
    + "；".join(f"{n} {100 * means[n]:.1f}% 與 {100 * smoothed_means[n]:.1f}%" for n in means)
    + "。",
)

# %%
run.claim(
    "MLP 加 BatchNorm 與 dropout 的逐框正確率（改良）",
    means[BETTER],
    at_least=0.745,
    level="medium",
    source=f"本課的門檻是 .70；全猜最多的音素是 {means['全猜最多']:.3f}",
)
run.claim(
    "上下文：線性分類器看 11 框比看 1 框多多少",
    means[CONTEXT] - means[LINEAR],
    at_least=0.072,
    level="simple",
    source="消融：同樣的模型與訓練，只差視窗",
)
run.claim(
    "BatchNorm 與 dropout 讓 MLP 多多少",
    means[BETTER] - means[PLAIN],
    at_least=0.003,
    level="medium",
    source="消融：同樣的網路與步數，三個種子的平均",
)
run.claim(
    "看整句的卷積比 11 框的 MLP 多多少",
    means[CONV] - means[BETTER],
    at_least=0.05,
    level="strong",
    source="同一次執行，三個種子的平均",
)
run.claim(
    "Viterbi 讓 11 框的 MLP（改良）多多少",
    smoothed_means[BETTER] - means[BETTER],
    at_least=0.025,
    level="medium",
    source="本課的門檻是 1 點；λ 與 κ 在驗證集上挑",
)
run.claim(
    "Viterbi 的增益：11 框的 MLP 比卷積多多少",
    (smoothed_means[BETTER] - means[BETTER]) - (smoothed_means[CONV] - means[CONV]),
    at_least=0.015,
    level="medium",
    source="卷積看得寬、也比較準，HMM 能補的就少；同一次執行",
)
run.claim(
    "Viterbi 之後，有沒有 BatchNorm 與 dropout 的差距",
    smoothed_means[BETTER] - smoothed_means[PLAIN],
    near=(0, 0.01),
    level="medium",
    source="三個種子的平均；差距與種子之間的差別同一個量級",
)
run.claim(
    "卷積加 Viterbi 的逐框正確率",
    smoothed_means[CONV],
    at_least=0.81,
    level="strong",
    source="本課的門檻；HW2-1 在 TIMIT 上的 strong 是 .76023，語者與句子不同，只供參考",
)

# %% [markdown]
r"""
從表裡讀出幾件事：

- **前後文與隱藏層是最大的兩步**。BatchNorm 與 dropout 在這麼短的訓練裡只多一點點，Viterbi 修過之後，差距就看不出來了。
- **卷積看整句，又多一大步**。它往一邊看 17 框，參數卻比 MLP 還少；代價是訓練久好幾倍。
- **Viterbi 在每一階都有用，但對卷積最少**：「相鄰的框多半相同」，看得夠寬的網路自己已經學到大半。兩種想法補的是同一個洞，增益不能相加。
- **挑到的 $\lambda$ 與 $\kappa$ 大多不是教科書的 1**，下一節看為什麼。
"""

# %% [markdown]
r"""
### 兩個旋鈕

「改良」那一階的第一個模型，在驗證集上改變 $\lambda$ 與 $\kappa$：
"""

# %%
_, surface = tune(first_log_p, valid_labels, hmm)
figure = plotting.line_chart(
    {f"κ = {k:g}": (WEIGHTS, 100 * row) for k, row in zip(PRIOR_POWERS, surface)},
    title="轉移的權重 λ、先驗的次方 κ 與驗證正確率",
    xlabel="λ（轉移機率的權重）",
    ylabel="驗證正確率（%）",
    markers=True,
)
star = 100 * float(surface[PRIOR_POWERS.index(1.0), WEIGHTS.index(1.0)])
figure.axes[0].plot(1, star, "*", color="black", markersize=14)
figure.axes[0].annotate("教科書：κ = λ = 1", (1, star), (8, -14), textcoords="offset points")
plotting.show(
    figure,
    alt="三條先升後降的線，κ 是 0、0.5、1；星號標出教科書的 κ = λ = 1，比三條線的最高點都低。",
)
textbook = float(surface[PRIOR_POWERS.index(1.0), WEIGHTS.index(1.0)])
print(
    f"逐框 {surface[0, 0]:.4f}，教科書 {textbook:.4f}，挑到的 λ、κ = {first_knobs} {surface.max():.4f}"
)
run.claim(
    "兩個旋鈕用驗證集挑，比教科書的 κ = λ = 1 多多少",
    float(surface.max()) - textbook,
    at_least=0.01,
    level="medium",
    source="同一個模型的驗證集；挑選與比較用的是同一份，所以是樂觀的估計",
)

# %% [markdown]
r"""
公式的假設不成立時，照著公式做就不是最好的。但公式告訴我們該調的是哪兩個旋鈕，這比亂試有用得多。挑到的 $\kappa$ 多半比 1 小很多：這裡是先驗除得少反而好，理由〈原理〉說過。
"""

# %% [markdown]
r"""
### 校準：太有把握，與太沒把握

三個 MLP：沒有正則化的、加了 BatchNorm 與 dropout 的、再加標籤平滑的；還有卷積。溫度用驗證集挑，ECE 在測試集上算：
"""

# %%
smoothing_model = train_mlp(seeds[0], hidden, 5, smoothing=0.1)
cases = {
    "沒有正則化": (valid_scores[PLAIN][0], test_scores[PLAIN][0]),
    "BatchNorm、dropout": (valid_scores[BETTER][0], test_scores[BETTER][0]),
    "再加標籤平滑 0.1": (frame_scores(smoothing_model, valid), frame_scores(smoothing_model, test)),
    "卷積": (valid_scores[CONV][0], test_scores[CONV][0]),
}
rows, panels, eces = [], {}, {}
for name, (on_valid, on_test) in cases.items():
    temperature = fit_temperature(torch.cat(on_valid), valid_y)
    z = torch.cat(on_test)
    raw_p, scaled_p = z.log_softmax(dim=-1), (z / temperature).log_softmax(dim=-1)
    panels[name], eces[name] = reliability(raw_p, test_y), expected_calibration_error(raw_p, test_y)
    rows.append(
        {
            "模型": name,
            "正確率": accuracy(z, test_y),
            "平均把握": float(raw_p.max(dim=-1).values.exp().mean()),
            "ECE": eces[name],
            "溫度 T": temperature,
            "校準後的 ECE": expected_calibration_error(scaled_p, test_y),
        }
    )
plotting.show(
    speech_pictures.reliability_picture(panels, eces),
    alt="四張可靠度圖，虛線是完全校準。沒有正則化的 MLP 與卷積，點落在虛線下方（太有把握）；標籤平滑的模型，點落在虛線上方（太沒把握）；加了 BatchNorm 與 dropout 的靠近虛線。",
)
display(pd.DataFrame(rows).set_index("模型").round(4))

# %%
shrink = []
for on_valid, on_test in zip(valid_scores[PLAIN], test_scores[PLAIN]):
    temperature, z = fit_temperature(torch.cat(on_valid), valid_y), torch.cat(on_test)
    eces_of = [
        expected_calibration_error((z / t).log_softmax(dim=-1), test_y) for t in (1.0, temperature)
    ]
    shrink.append(eces_of[1] / eces_of[0])
run.claim(
    "沒有正則化的 MLP：溫度縮放之後，ECE 剩下原本的幾分之幾",
    np.mean(shrink),
    at_most=0.25,
    level="medium",
    source="本課的門檻是減半；溫度在驗證集上挑、在測試集上量，三個種子的平均（arXiv:1706.04599）",
)
run.claim(
    "標籤平滑的模型挑到的溫度（小於 1：太沒把握）",
    rows[2]["溫度 T"],
    at_most=0.85,
    level="medium",
    source="p = q 時，把握最多只有 1 − ε + ε/K；arXiv:1906.02629 在過度自信的大網路上看到它改善校準，這裡原本就不太過度自信",
)

# %% [markdown]
r"""
沒有正則化的 MLP 與練了很久的卷積**太有把握**：在訓練資料上一路對下去，就以為到哪裡都那麼準。標籤平滑反過來，明白要求它不要太有把握，於是**太沒把握**。（arXiv:1906.02629 在過度自信的大網路上看到標籤平滑**改善**校準；對一個本來就不太過度自信的網路，它就過了頭。）溫度縮放兩種都能修，而且一個答案都不變。本來就接近校準的（BatchNorm、dropout 那一列），能修的就不多，沒有減半。
"""

# %% [markdown]
r"""
## 看看哪裡錯

### 哪些音素分不開
"""

# %%
from dlbook.supervised_learning.frame_errors import (
    CLASS_OF_PHONE,
    confusion,
    class_confusion,
    most_confused,
)  # inline

# %%
from sklearn.metrics import accuracy_score, confusion_matrix

predicted = torch.cat(test_scores[CONV][0]).argmax(dim=-1)
figure = plotting.heatmap(
    class_confusion(test_y, predicted),
    title="卷積網路的混淆，按音素大類（每一列加總是 1）",
    xlabel="模型說的",
    ylabel="標籤",
    xticks=list(PHONE_CLASSES),
    yticks=list(PHONE_CLASSES),
    annotate="{:.2f}",
    colorbar="佔這一列的比例",
)
plotting.show(
    figure,
    alt="8×8 的混淆矩陣，對角線最亮，母音與鼻音最高、塞擦音最低；雙母音最常被當成母音，塞擦音被當成塞音與擦音。",
)
same_class = (CLASS_OF_PHONE[predicted] == CLASS_OF_PHONE[test_y])[predicted != test_y]
print(f"答錯的框裡，{float(same_class.double().mean()):.0%} 至少大類是對的")
for truth, guessed, count in most_confused(test_y, predicted, 6):
    print(f"把 {truth} 當成 {guessed}：{count} 框")
ours = confusion(test_y, predicted, len(PHONES))
gap = np.abs(ours.numpy() - confusion_matrix(test_y, predicted, labels=range(39))).max()
gap = max(gap, abs(float(ours.trace() / ours.sum()) - accuracy_score(test_y, predicted)))
run.claim(
    "混淆矩陣與正確率，和 scikit-learn 的最大差",
    gap,
    at_most=1e-6,
    level="parity",
    source="sklearn.metrics",
)

# %% [markdown]
r"""
最常見的幾種錯，聲音本來就接近：鼻音 N 與 M、母音 AO 與 AA、ER 與 R。雙母音是從一個母音滑到另一個，單獨切一框出來，聽起來就是其中一個母音。但過半的錯跨了大類，其中一個原因在下面。

### 錯在音素的哪裡
"""

# %%
from dlbook.supervised_learning.frame_errors import boundary_distance, count_segments  # inline

# %%
distance = torch.cat([boundary_distance(y) for y in test_labels]).clamp(max=6)
wrong = predicted != test_y
error_rate = [float(wrong[distance == d].double().mean()) for d in range(7)]
share = [float((distance == d).double().mean()) for d in range(7)]
names = [f"{d} 框" for d in range(6)] + ["6 框以上"]
figure = plotting.bar_chart(
    {n: 100 * e for n, e in zip(names, error_rate)},
    title="離音素邊界越近，越容易錯（測試集，卷積）",
    xlabel="離最近的邊界",
    ylabel="錯誤率（%）",
    highlight="0 框",
    fmt="{:.0f}",
)
plotting.show(
    figure,
    alt="錯誤率的長條圖：緊鄰邊界的框錯得最多，隔一框就少了將近一半，之後緩緩下降。",
)
print(
    f"緊鄰邊界的框佔 {share[0]:.0%}，卻佔了 {float((distance[wrong] == 0).double().mean()):.0%} 的錯"
)
run.claim(
    "緊鄰邊界的框，錯誤率是離邊界 3 框的幾倍",
    error_rate[0] / error_rate[3],
    at_least=2.0,
    level="medium",
    source="強制對齊的邊界常差一兩框；同一次執行",
)

# %% [markdown]
r"""
邊界是漸變的，對齊器的邊界也不準，這裡的錯有一部分不是模型的錯；錯成隔壁的音素，大類自然也常常不同。再看閃爍修掉了多少：
"""

# %%
path = torch.cat(
    [smooth(z.log_softmax(dim=-1), hmm, *knobs[BETTER][0]) for z in test_scores[BETTER][0]]
)
by_frame_test = torch.cat(test_scores[BETTER][0]).argmax(dim=-1)
segments = {
    "標籤": count_segments(test_y),
    "MLP，逐框": count_segments(by_frame_test),
    "MLP，Viterbi": count_segments(path),
    "卷積，逐框": count_segments(predicted),
}
display(
    pd.DataFrame(
        {"段數": segments, "是標籤的幾倍": {k: v / segments["標籤"] for k, v in segments.items()}}
    ).round(2)
)
run.claim(
    "MLP 多切出來的段數，Viterbi 之後剩下幾分之幾",
    abs(segments["MLP，Viterbi"] - segments["標籤"])
    / abs(segments["MLP，逐框"] - segments["標籤"]),
    at_most=0.25,
    level="medium",
    source="與標籤的段數之差；同一次執行",
)

# %% [markdown]
r"""
## 常見的坑

### 坑一：標準化用錯統計量

訓練時每一維減去**訓練集**的平均、除以訓練集的標準差。測試時呢？同一個模型，四種做法，在驗證集上：
"""


# %%
def score_with(standardize):
    """用另一種標準化處理驗證集，模型不變。"""
    outputs = []
    for i in valid:
        x = context_window(standardize(raw[i]), 5)
        with torch.no_grad():
            outputs.append(first_model(x.to(run.device)).cpu())
    return accuracy(torch.cat(outputs), valid_y)


def by_own_statistics(x):
    """用這一句自己的平均與標準差。"""
    return (x - x.mean(dim=0)) / (x.std(dim=0, unbiased=False) + 0.1)


def by_batches(x):
    """每 32 框一批，各用各的平均與標準差。"""
    return torch.cat(
        [(b - b.mean(dim=0)) / (b.std(dim=0, unbiased=False) + 0.1) for b in x.split(32)]
    )


raw = utterance_features(data)
together, everything = torch.cat([raw[i] for i in train]), torch.cat(raw)
mean, std = together.mean(dim=0), together.std(dim=0)
standardizers = {
    "訓練集的統計量": lambda x: (x - mean) / std,
    "全部資料的統計量": lambda x: (x - everything.mean(dim=0)) / everything.std(dim=0),
    "每句用自己的": by_own_statistics,
    "每 32 框用自己的": by_batches,
}
results = {name: score_with(f) for name, f in standardizers.items()}
display(pd.DataFrame({"驗證正確率": results}).round(4))
run.claim(
    "每 32 框各自標準化，正確率掉了多少",
    results["訓練集的統計量"] - results["每 32 框用自己的"],
    at_least=0.25,
    level="simple",
    source="同一個模型，只換標準化",
)

# %% [markdown]
r"""
**症狀**：各自標準化時，同一個聲音會隨「和誰同一批」變成不同的輸入。批次越小、越不像訓練集，掉得越多，而且訓練時看不出來。錯在**訓練與測試不一致**：兩邊都以整句標準化（cepstral mean and variance normalization，CMVN）是語音辨識的常見做法，語者多的時候常常更好。

用「全部資料」的統計量，這裡幾乎沒有差別：語者只有一位，三份資料的統計量差不多。但測試資料的資訊畢竟流進了訓練，換成多位語者或小資料，成績就會虛報。**解法**：統計量只從訓練集算一次，存起來，到處用同一組。

### 坑二：softmax 沿著錯的那一軸

分數是 (框, 類別)，機率要沿著類別加總成 1。寫成 `dim=0` 不會報錯：
"""

# %%
z = first_scores[shown]
right, wrong_axis = z.softmax(dim=1), z.softmax(dim=0)
print(f"沿類別：每一框加總 {right.sum(dim=1).min():.3f} 到 {right.sum(dim=1).max():.3f}")
print(f"沿時間：每一框加總 {wrong_axis.sum(dim=1).min():.3f} 到 {wrong_axis.sum(dim=1).max():.3f}")
flipped = accuracy(torch.cat([s.softmax(dim=0) for s in first_scores]), valid_y)
print(f"驗證正確率：沿類別 {accuracy(torch.cat(first_scores), valid_y):.4f}，沿時間 {flipped:.4f}")
run.claim(
    "softmax 沿著時間那一軸，正確率掉了多少",
    accuracy(torch.cat(first_scores), valid_y) - flipped,
    at_least=0.25,
    level="simple",
    source="同樣的分數，只差 softmax 的 dim",
)

# %% [markdown]
r"""
整句一起算損失時更隱密。`F.cross_entropy` 規定類別在**第 1 軸**；分數 (句, 框, 類別) 直接丟進去，框數與類別數不同會報錯，剛好都是 39 就悄悄算成別的東西：
"""

# %%
torch.manual_seed(run.seed)
z = F.one_hot(torch.randint(39, (2, 39)), 39).float() * 8  # 每一框都很有把握
y = z.argmax(dim=-1)  # 而且全對
print(f"直接丟進去：損失 {F.cross_entropy(z, y):.3f}；攤平之後：{frame_loss(z, y):.3f}")
try:
    F.cross_entropy(z[:, :30], y[:, :30])
except RuntimeError as error:
    print("框數不是 39 時：", str(error).splitlines()[0])

# %% [markdown]
r"""
**症狀**：損失降得怪、每框的機率總和不是 1。**解法**：`assert torch.allclose(p.sum(dim=-1), torch.ones(...))`；算損失之前先攤平成 (框, 類別)，`frame_loss` 就是這樣做。

### 坑三：按框切分訓練與驗證

把所有框打亂、切出兩成當驗證，看起來很公平。但相鄰兩框的視窗重疊 10/11，幾乎同一筆資料一半在訓練、一半在驗證。用訓練集的句子做一次：
"""

# %%
x, y = windows("train", 5)
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(run.seed))
kept, held = order[: int(0.8 * len(x))], order[int(0.8 * len(x)) :]


def nearest_neighbour(known_x, known_y, new_x):
    """抄最像的那一框的答案：最會背、最不會學的分類器。"""
    return known_y[torch.cdist(new_x, known_x).argmin(dim=1)]


def probe(candidates):
    """抽 1,000 筆來問，省時間。"""
    return candidates[
        torch.randperm(len(candidates), generator=torch.Generator().manual_seed(0))[:1_000]
    ]


leaky_model = train_mlp(seeds[0], hidden, 5, data=(x[kept], y[kept]), **plain)
with torch.no_grad():
    leaky_own = accuracy(leaky_model(x[held].to(run.device)).cpu(), y[held])
leaky_true = accuracy(torch.cat(frame_scores(leaky_model, valid)), valid_y)
valid_x, _ = windows("valid", 5)
own, true = probe(held), probe(torch.arange(len(valid_x)))
neighbour = [
    float((nearest_neighbour(x[kept], y[kept], q) == t).double().mean())
    for q, t in [(x[own], y[own]), (valid_x[true], valid_y[true])]
]
leak = pd.DataFrame(
    {"按框切分的驗證": [leaky_own, neighbour[0]], "沒聽過的句子": [leaky_true, neighbour[1]]},
    index=["MLP（無正則化）", "最近鄰"],
)
leak["高估（點）"] = 100 * (leak["按框切分的驗證"] - leak["沒聽過的句子"])
display(leak.round(3))
run.claim(
    "按框切分，把最近鄰的正確率高估多少",
    neighbour[0] - neighbour[1],
    at_least=0.15,
    level="simple",
    source="同樣的訓練框；驗證換成沒聽過的句子",
)
run.claim(
    "按框切分，把 MLP 的正確率高估多少",
    leaky_own - leaky_true,
    at_least=0.08,
    level="simple",
    source="同一個模型；驗證換成沒聽過的句子",
)

# %% [markdown]
r"""
**症狀**：驗證分數漂亮，上線就掉。按框切分時，只會背的最近鄰看起來比網路還好，你會選錯模型。**解法**：按句子切；有好幾位語者就按語者切。本課的資料連「說的內容相同」的句子都放在同一邊。

視窗跨到隔壁句、`zero_grad` 忘了呼叫，是另外兩個常見的坑：前者在練習二，後者在〈PyTorch 基礎〉。
"""

# %% [markdown]
r"""
## 練習

寫完執行下一格，就會告訴你對不對。
"""

# %%
from dlbook.exercises.supervised_learning.classification import smoothed_gradient  # exercise

# %%
from dlbook.exercises.supervised_learning.classification import splice  # exercise

# %%
from dlbook.exercises.supervised_learning.classification import equal_mass_ece  # exercise

# %% [markdown]
r"""
等寬的箱子與每箱一樣多的箱子，對「改良」那一階差多少？（還沒作答時，這裡用的是參考解答。）
"""

# %%
z = torch.cat(test_scores[BETTER][0])
top = z.softmax(dim=-1).max(dim=-1)
equal_mass = equal_mass_ece(top.values, top.indices == test_y, 15)
print(
    f"等寬 {expected_calibration_error(z.log_softmax(dim=-1), test_y):.4f}，每箱一樣多 {float(equal_mass):.4f}"
)

# %%
from dlbook.exercises.supervised_learning.classification import forced_align  # exercise

# %% [markdown]
r"""
用它重新對齊驗證集：給卷積網路每一句的音素順序，看它找到的邊界與 pocketsphinx 差幾框。
"""

# %%
shifts = []
for z, truth in zip(valid_scores[CONV][0], valid_labels):
    order_of = torch.unique_consecutive(truth)
    ours = torch.as_tensor(forced_align(z.log_softmax(dim=-1) - hmm.log_prior, order_of))
    starts = [(p[1:] != p[:-1]).nonzero().flatten() for p in (ours, truth)]
    shifts.append(starts[0] - starts[1])
shifts = torch.cat(shifts)
counts = torch.bincount(shifts.clamp(-6, 6) + 6, minlength=13)
figure, ax = plt.subplots(figsize=(7, 3))
ax.bar(range(-6, 7), 100 * counts / counts.sum(), color=plotting.COLORS[0])
ax.set(title="重新對齊的邊界，比標籤晚幾框（兩端含更遠的）", xlabel="框", ylabel="佔所有邊界的 %")
plotting.show(
    figure, alt="邊界差距的長條圖：以 0 為中心的高峰，大多數在正負兩框之內，兩側拖著小尾巴。"
)
print(
    f"{len(shifts):,} 個邊界：完全相同 {float((shifts == 0).double().mean()):.0%}，"
    f"差 2 框以內 {float((shifts.abs() <= 2).double().mean()):.0%}"
)

# %% [markdown]
r"""
兩個模型對「順序」的意見相同（是我們給的），對邊界卻常差一兩框。這就是標籤本身的不確定。
"""

# %% [markdown]
r"""
最後一題是實驗。要比較好幾種視窗，每種都練一個網路太久；線性分類器可以用最小平方法（見〈迴歸〉）去擬合 one-hot，一次解完：
"""

# %%
from dlbook.supervised_learning.phoneme_models import least_squares_classifier  # inline

# %%
from dlbook.exercises.supervised_learning.classification import context_curve  # exercise

# %%
radii = [0, 1, 2, 3, 5, 8, 10]
curve = context_curve(*sentences["train"], *sentences["valid"], radii)
figure = plotting.line_chart(
    {"線性分類器（最小平方）": (radii, 100 * np.array(curve))},
    title="上下文看多寬才夠",
    xlabel="前後各看幾框",
    ylabel="驗證正確率（%）",
    markers=True,
)
plotting.show(figure, alt="正確率隨視窗變寬而上升，前幾框升得最快，之後趨緩。")
print("、".join(f"前後各 {r} 框 {c:.3f}" for r, c in zip(radii, curve)))

# %% [markdown]
r"""
### 想一想

1. Viterbi 找的是「整條路徑最可能」，我們量的是「逐框正確率」。這兩件事的最佳答案一定相同嗎？

<details><summary>參考答案</summary>

不一定。逐框正確率的最佳答案是每一框各取後驗機率 $p(k_t\mid x_1,\dots,x_T)$ 最大的，要用前向–後向演算法（把 Viterbi 的 max 換成加總，前後各走一趟）。它的路徑可能包含機率是 0 的轉移；Viterbi 的路徑一定走得通。

</details>

2. HMM 的狀態「留在原地」的機率固定，代表音素的長度服從什麼分布？和〈直覺〉那張圖像嗎？怎麼改？

<details><summary>參考答案</summary>

幾何分布：最可能的長度是 1 框，然後一路下降；標籤的分布高峰在好幾框。常見的改法是一個音素拆成三個依序的狀態（開頭、中間、結尾），長度就至少三框，分布也有了高峰。產生標籤的對齊器正是這樣做的。

</details>

3. 溫度縮放不改變答案。那它會改變 Viterbi 的結果嗎？

<details><summary>參考答案</summary>

會。分數除以 $T$，等於把 $\lambda$ 與 $\kappa$ 都放大 $T$ 倍（softmax 的分母每一框對所有音素都相同，不影響路徑）。所以校準過的模型，挑到的旋鈕會不同；調旋鈕的時候，其實已經順便調了溫度。

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

- Szegedy 等人，*Rethinking the Inception Architecture for Computer Vision*，[arXiv:1512.00567](https://arxiv.org/abs/1512.00567)——標籤平滑出自第 7 節。
- Ioffe、Szegedy，*Batch Normalization*，[arXiv:1502.03167](https://arxiv.org/abs/1502.03167)——訓練與評估為什麼要用不同的統計量。
- Guo 等人，*On Calibration of Modern Neural Networks*，[arXiv:1706.04599](https://arxiv.org/abs/1706.04599)——現代網路為什麼太有把握，溫度縮放為什麼夠用。
- Müller 等人，*When Does Label Smoothing Help?*，[arXiv:1906.02629](https://arxiv.org/abs/1906.02629)——標籤平滑對校準與蒸餾的影響。
- Rabiner，*A Tutorial on Hidden Markov Models*，Proc. IEEE 77(2)，1989——HMM 的三個問題與 Viterbi。
- 李宏毅，[機器學習 2021 春季班](https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php) HW2——原本的作業：TIMIT，simple .68334、strong .76023。
- 下一課：[訓練的技術](mlp_training.ipynb)——BatchNorm、dropout 與各種最佳化器從零寫一遍。
"""
