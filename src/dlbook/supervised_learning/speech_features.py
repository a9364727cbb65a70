"""語音特徵：波形 → 功率頻譜 → log-mel → MFCC → Δ → 上下文視窗，全部向量化。

MFCC：Davis & Mermelstein, Comparison of Parametric Representations for Monosyllabic Word
Recognition, IEEE Trans. ASSP 28(4), 1980。Δ：Furui, IEEE Trans. ASSP 34(1), 1986。
mel 刻度用 HTK 的公式，與 ``librosa.filters.mel(htk=True, norm=None)`` 相容。
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from dlbook.datasets import Phonemes

N_FFT = 256  # 200 個取樣點補零到 256，再做 FFT
N_MELS = 26
N_CEPSTRA = 13


def power_spectrogram(
    waveform: Float[Tensor, " samples"], window: int, hop: int, n_fft: int
) -> Float[Tensor, "frames bins"]:
    """每 ``hop`` 個取樣點取一段 ``window`` 長的波形，乘上 Hann 窗，做 FFT，取振幅平方。

    Raises:
        ValueError: 波形不到一個窗長，或 ``n_fft`` 比窗短。
    """
    if len(waveform) < window:
        raise ValueError(f"波形只有 {len(waveform)} 點，不到一個窗（{window} 點）。")
    if n_fft < window:
        raise ValueError(f"n_fft 要至少和窗一樣長（{window}），現在是 {n_fft}。")
    frames = waveform.unfold(0, window, hop) * torch.hann_window(window, dtype=waveform.dtype)
    return torch.fft.rfft(frames, n_fft).abs().square()


def hz_to_mel(hz: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """頻率（Hz）→ mel：低頻接近線性，高頻接近對數。"""
    return 2595 * torch.log10(1 + hz / 700)


def mel_to_hz(mel: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """mel → 頻率（Hz），:func:`hz_to_mel` 的反函數。"""
    return 700 * (10 ** (mel / 2595) - 1)


def mel_filters(n_mels: int, n_fft: int, sample_rate: int) -> Float[Tensor, "bins mels"]:
    """``n_mels`` 個三角形濾波器（float64）：中心在 mel 刻度上等距，從 0 Hz 到取樣率的一半。"""
    nyquist = torch.tensor(sample_rate / 2, dtype=torch.float64)
    edges = mel_to_hz(torch.linspace(0, 1, n_mels + 2, dtype=torch.float64) * hz_to_mel(nyquist))
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    hz = torch.linspace(0, 1, n_fft // 2 + 1, dtype=torch.float64)[:, None] * nyquist
    rising = (hz - left) / (centre - left)
    falling = (right - hz) / (right - centre)
    return torch.minimum(rising, falling).clamp(min=0)


def log_mel(
    power: Float[Tensor, "frames bins"], filters: Float[Tensor, "bins mels"], floor: float = 1e-8
) -> Float[Tensor, "frames mels"]:
    """每個濾波器收到的能量，取自然對數；低於 ``floor`` 的當作 ``floor``。"""
    return (power @ filters.to(power.dtype)).clamp(min=floor).log()


def dct_matrix(size: int, count: int) -> Float[Tensor, "size count"]:
    """正交的 DCT-II（float64）：``x @ dct_matrix(size, count)`` 是前 ``count`` 個係數。"""
    n = torch.arange(size, dtype=torch.float64)[:, None]
    k = torch.arange(count, dtype=torch.float64)
    basis = torch.cos(math.pi / size * (n + 0.5) * k) * math.sqrt(2 / size)
    basis[:, 0] = math.sqrt(1 / size)
    return basis


def deltas(x: Float[Tensor, "frames dims"], radius: int = 2) -> Float[Tensor, "frames dims"]:
    """每一維隨時間的斜率：對前後各 ``radius`` 框做最小平方的直線；頭尾重複邊緣的框。"""
    n = torch.arange(-radius, radius + 1, dtype=x.dtype)
    windows = context_window(x, radius).reshape(len(x), 2 * radius + 1, -1)
    return torch.einsum("n,tnd->td", n, windows) / n.square().sum()


def context_window(
    x: Float[Tensor, "frames dims"], radius: int
) -> Float[Tensor, "frames windowed"]:
    """每一框連同前後各 ``radius`` 框，由早到晚接成一列；``x`` 是**一個句子**，頭尾重複邊緣的框。"""
    offsets = torch.arange(-radius, radius + 1)
    index = (torch.arange(len(x))[:, None] + offsets).clamp(0, len(x) - 1)
    return x[index].flatten(1)


def mfcc39(
    waveform: Float[Tensor, " samples"], window: int, hop: int, sample_rate: int
) -> Float[Tensor, "frames 39"]:
    """13 個 MFCC，加上它們的 Δ 與 ΔΔ。"""
    power = power_spectrogram(waveform, window, hop, N_FFT)
    mels = log_mel(power, mel_filters(N_MELS, N_FFT, sample_rate))
    cepstra = mels @ dct_matrix(N_MELS, N_CEPSTRA).to(mels.dtype)
    slopes = deltas(cepstra)
    return torch.cat([cepstra, slopes, deltas(slopes)], dim=1)


def utterance_features(data: Phonemes) -> list[Float[Tensor, "frames 39"]]:
    """每一句的 MFCC-39，還沒有標準化。"""
    return [
        mfcc39(data.waveform(i), data.WINDOW, data.HOP, data.SAMPLE_RATE)
        for i in range(len(data.frames))
    ]


def standardized_features(data: Phonemes) -> list[Float[Tensor, "frames 39"]]:
    """每一句的 MFCC-39，每一維減去**訓練集**的平均、除以訓練集的標準差。"""
    raw = utterance_features(data)
    train = torch.cat([raw[i] for i in data.train.tolist()])
    mean, std = train.mean(dim=0), train.std(dim=0)
    return [(f - mean) / std for f in raw]
