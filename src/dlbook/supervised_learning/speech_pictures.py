"""這一課的示意圖：句子與音素、取框、濾波器、可靠度、Viterbi 走的路。"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from torch import Tensor

from dlbook.datasets import PHONE_CLASSES, PHONES, Phonemes
from dlbook.plotting import COLORS
from dlbook.supervised_learning.frame_errors import CLASS_OF_PHONE

CLASS_COLORS = (
    "#DDDDDD", "#56B4E9", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#D55E00", "#882255",
)  # fmt: skip
DARK = {2, 3, 6, 7}  # 這幾類的底色深，字用白的


def utterance_picture(
    data: Phonemes,
    utterance: int,
    power: Float[Tensor, "frames bins"],
    strips: Mapping[str, Int[Tensor, " frames"]],
    *,
    title: str,
    frames: slice = slice(None),
) -> Figure:
    """波形、頻譜圖與幾條音素帶；第一條是答案，其他條答錯的框在底下畫一道黑線。"""
    count = int(data.frames[utterance])
    first, last, _ = frames.indices(count)
    seconds = data.HOP / data.SAMPLE_RATE
    figure, axes = plt.subplots(
        2 + len(strips), 1, figsize=(9.0, 3.4 + 0.62 * len(strips)), sharex=True,
        height_ratios=[1.0, 1.6] + [0.5] * len(strips),
    )  # fmt: skip
    wave = data.waveform(utterance)
    time = np.arange(len(wave)) / data.SAMPLE_RATE
    axes[0].plot(time, wave.numpy(), color=COLORS[0], linewidth=0.5)
    axes[0].set_ylabel("振幅")
    axes[0].set_title(title)
    decibels = 10 * (power[:count] + 1e-8).log10().T.numpy()
    axes[1].imshow(
        decibels, origin="lower", aspect="auto", cmap="magma", vmin=decibels.max() - 70,
        extent=(0, count * seconds, 0, data.SAMPLE_RATE / 2000),
    )  # fmt: skip
    axes[1].set_ylabel("頻率（kHz）")
    axes[1].grid(visible=False)
    truth = next(iter(strips.values()))
    for ax, (name, labels) in zip(axes[2:], strips.items(), strict=True):
        _strip(ax, labels, truth, seconds, first, last)
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
    axes[-1].set_xlabel("時間（秒）")
    axes[-1].set_xlim(first * seconds, last * seconds)
    handles = [Patch(color=c, label=n) for c, n in zip(CLASS_COLORS, PHONE_CLASSES, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=8, fontsize=9)
    return figure


def _strip(ax: Axes, labels: Tensor, truth: Tensor, seconds: float, first: int, last: int) -> None:
    """一條音素帶：連續相同的框畫成一格，放得下就寫上音素的名字。"""
    phones, lengths = torch.unique_consecutive(labels, return_counts=True)
    start, room = 0, (last - first) / 110
    for phone, length in zip(phones.tolist(), lengths.tolist(), strict=True):
        group = int(CLASS_OF_PHONE[phone])
        ax.add_patch(
            Rectangle(
                (start * seconds, 0), length * seconds, 1, facecolor=CLASS_COLORS[group],
                edgecolor="white", linewidth=0.6,
            )
        )  # fmt: skip
        if length >= room * len(PHONES[phone]) and first <= start + length / 2 < last:
            ink = "white" if group in DARK else "black"
            middle = (start + length / 2) * seconds
            ax.text(middle, 0.55, PHONES[phone], ha="center", va="center", fontsize=8, color=ink)
        start += length
    for t in (labels != truth).nonzero().flatten().tolist():
        ax.plot([t * seconds, (t + 1) * seconds], [-0.12, -0.12], "k", linewidth=3)
    ax.set(ylim=(-0.25, 1), yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def framing_picture(
    wave: Float[Tensor, " samples"], window: int, hop: int, rate: int, frames: int = 4
) -> Figure:
    """一小段波形上，前幾個窗各蓋到哪裡。"""
    figure, ax = plt.subplots(figsize=(8.0, 3.2))
    count = window + (frames - 1) * hop
    time = 1000 * np.arange(count) / rate
    top = float(wave[:count].abs().max())
    ax.plot(time, wave[:count].numpy(), color="#777777", linewidth=0.8, label="波形")
    hann = np.hanning(window + 1)[:-1]
    for k in range(frames):
        x = time[k * hop : k * hop + window]
        ax.plot(x, top * (1.15 + 0.35 * k + 0.3 * hann), color=COLORS[k], label=f"第 {k} 框的窗")
    ax.set(title="每 10 毫秒取一框，每一框看 25 毫秒", xlabel="時間（毫秒）", ylabel="振幅")
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left", fontsize=9)
    return figure


def filters_picture(filters: Float[Tensor, "bins mels"], rate: int) -> Figure:
    """三角形的 mel 濾波器：低頻密而窄，高頻疏而寬。"""
    figure, ax = plt.subplots(figsize=(8.0, 2.8))
    hz = np.linspace(0, rate / 2, len(filters))
    for k, triangle in enumerate(filters.T.numpy()):
        ax.plot(hz, triangle, color=COLORS[k % 5], linewidth=1)
    ax.set(title=f"{filters.shape[1]} 個 mel 濾波器", xlabel="頻率（Hz）", ylabel="權重")
    return figure


def reliability_picture(
    panels: Mapping[str, tuple[Tensor, Tensor, Tensor]], eces: Mapping[str, float]
) -> Figure:
    """每個模型一格：橫軸是把握，縱軸是正確率；點越大，落在那一箱的框越多。"""
    figure, axes = plt.subplots(
        1, len(panels), figsize=(3.1 * len(panels), 3.4), sharex=True, sharey=True, squeeze=False
    )
    for ax, (name, (confidence, accuracy, share)) in zip(axes[0], panels.items(), strict=True):
        used = share > 0
        ax.plot([0, 1], [0, 1], "--", color="#777777", linewidth=1)
        ax.plot(*(v[used].numpy() for v in (confidence, accuracy)), color=COLORS[0], linewidth=1)
        ax.scatter(confidence[used], accuracy[used], s=12 + 400 * share[used], color=COLORS[0])
        ax.set_title(f"{name}\nECE {eces[name]:.3f}", fontsize=11)
        ax.set_xlabel("把握（最大的機率）")
    axes[0, 0].set_ylabel("正確率")
    return figure


def trellis_picture(
    log_p: Float[Tensor, "T K"], paths: Mapping[str, Int[Tensor, " T"]], *, title: str
) -> Figure:
    """底色是每一框的機率，線是各條路徑；只畫路徑經過的音素，先出現的在上面。"""
    used = list(dict.fromkeys(phone for path in paths.values() for phone in path.tolist()))
    figure, ax = plt.subplots(figsize=(9.0, 1.9 + 0.3 * len(used)))
    shades = log_p.exp()[:, used].T.numpy()
    image = ax.imshow(shades, aspect="auto", cmap="Greys", vmin=0, vmax=1)
    for k, (name, path) in enumerate(paths.items()):
        rows = [used.index(phone) + 0.14 * (k - 1) for phone in path.tolist()]
        style = ("-", "--", ":")[k % 3]
        ax.step(range(len(rows)), rows, style, where="mid", color=COLORS[k], lw=2.2, label=name)
    ax.set_yticks(range(len(used)), [PHONES[phone] for phone in used])
    ax.grid(visible=False)
    ax.set(title=title, xlabel="框（每框 10 毫秒）", ylabel="音素")
    figure.legend(loc="outside lower center", ncols=len(paths))
    figure.colorbar(image, ax=ax, label="機率", pad=0.01)
    return figure


def ladder_picture(
    before: Mapping[str, list[float]], after: Mapping[str, list[float]], *, title: str
) -> Figure:
    """每一階兩根長條：逐框取最大，與 Viterbi 修過之後；誤差線是種子間的標準差。"""
    figure, ax = plt.subplots(figsize=(8.0, 1.4 + 0.75 * len(before)))
    for k, (name, rungs) in enumerate({"逐框取最大": before, "Viterbi 之後": after}.items()):
        means = [100 * float(np.mean(values)) for values in rungs.values()]
        spreads = [100 * float(np.std(values)) for values in rungs.values()]
        rows = np.arange(len(rungs)) + 0.38 * k
        bars = ax.barh(rows, means, 0.36, xerr=spreads, capsize=3, color=COLORS[k], label=name)
        ax.bar_label(bars, labels=[f"{m:.1f}" for m in means], padding=4, fontsize=9)
    ax.set_yticks(np.arange(len(before)) + 0.19, list(before))
    ax.invert_yaxis()
    ax.margins(x=0.1)
    ax.grid(axis="y", visible=False)
    ax.set(title=title, xlabel="測試集的逐框正確率（%）")
    ax.legend(loc="upper right")
    return figure
