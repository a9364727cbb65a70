"""這一課的示意圖：對齊、遮罩、注意力頭、池化的權重、階梯與兩種錯誤率。"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from dlbook.plotting import COLORS
from dlbook.sequence_modeling.verification import equal_error_rate, error_rates


def alignment_picture(
    panels: Sequence[tuple[str, str, Float[Tensor, "steps length"]]], *, title: str
) -> Figure:
    """每一格是一次翻譯：橫軸原文、縱軸譯文，越深代表寫那個字時越看那裡。"""
    widths = [len(source) for source, _, _ in panels]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(1.2 + 0.27 * sum(widths), 3.9), width_ratios=widths, squeeze=False
    )
    for ax, (source, target, matrix) in zip(axes[0], panels, strict=True):
        ax.imshow(matrix[:, : len(source)].numpy(), cmap="Greys", vmin=0, vmax=1, aspect="auto")
        ax.set_xticks(range(len(source)), ["␣" if c == " " else c for c in source], fontsize=9)
        ax.set_yticks(range(len(target)), list(target), fontsize=9)
        ax.set_xlabel("原文")
        ax.grid(visible=False)
    axes[0, 0].set_ylabel("譯文（由上往下寫）")
    figure.suptitle(title)
    return figure


def matrices_picture(
    matrices: Mapping[str, Float[Tensor, "queries keys"]],
    *,
    title: str,
    limit: float | None = None,
    xlabel: str = "key 的位置",
    ylabel: str = "query 的位置",
) -> Figure:
    """幾張權重並排，同一個色階。"""
    figure, axes = plt.subplots(
        1, len(matrices), figsize=(1 + 2.6 * len(matrices), 3.3), squeeze=False
    )
    top = limit or max(float(m.max()) for m in matrices.values())
    image = None
    for ax, (name, matrix) in zip(axes[0], matrices.items(), strict=True):
        image = ax.imshow(matrix.numpy(), cmap="viridis", vmin=0, vmax=top)
        ax.set(title=name, xlabel=xlabel)
        ax.grid(visible=False)
    axes[0, 0].set_ylabel(ylabel)
    figure.suptitle(title)
    if image is not None:
        figure.colorbar(image, ax=axes[0].tolist(), label="權重", shrink=0.8)
    return figure


def spectrogram(ax: Axes, mels: Float[Tensor, "frames mels"], seconds: float) -> None:
    """一個檔案的 log-mel；橫軸是秒。"""
    ax.imshow(
        mels.T.numpy(), origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
        extent=(0, len(mels) * seconds, 0, mels.shape[1]),
    )  # fmt: skip
    ax.set_ylabel("mel 頻帶")
    ax.grid(visible=False)


def heads_picture(
    mels: Float[Tensor, "frames mels"],
    maps: Float[Tensor, "layers heads queries keys"],
    seconds: float,
    *,
    title: str,
) -> Figure:
    """最上面是聲音，下面每一列是一層、每一格是一個頭的注意力權重。"""
    layers, heads = maps.shape[:2]
    figure, axes = plt.subplots(
        layers + 1, heads, figsize=(2.1 * heads, 2.1 * layers + 1.7), squeeze=False,
        height_ratios=[0.7] + [1] * layers,
    )  # fmt: skip
    length = len(mels) * seconds
    for h in range(heads):
        axes[0, h].set_axis_off()
    spectrogram(figure.add_subplot(axes[0, 0].get_gridspec()[0, :]), mels, seconds)
    for layer in range(layers):
        for h in range(heads):
            ax = axes[layer + 1, h]
            extent = (0, length, length, 0)
            ax.imshow(maps[layer, h].numpy(), interpolation="nearest", extent=extent)
            ax.set_title(f"第 {layer + 1} 層第 {h + 1} 頭", fontsize=10)
            ax.grid(visible=False)
        axes[layer + 1, 0].set_ylabel("query（秒）")
    for ax in axes[-1]:
        ax.set_xlabel("key（秒）")
    figure.suptitle(title)
    return figure


def pooling_picture(
    files: Sequence[tuple[str, Float[Tensor, "frames mels"], Float[Tensor, " frames"]]],
    seconds: float,
    *,
    title: str,
) -> Figure:
    """每一欄一個檔案：上面是聲音，下面是池化給每一框的權重（虛線是平均分配）。"""
    figure, axes = plt.subplots(
        2, len(files), figsize=(3.0 * len(files), 4.2), height_ratios=[1.3, 1], squeeze=False
    )
    for column, (name, mels, weights) in enumerate(files):
        spectrogram(axes[0, column], mels, seconds)
        axes[0, column].set_title(name, fontsize=10)
        time = (np.arange(len(mels)) + 0.5) * seconds
        ax = axes[1, column]
        ax.fill_between(time, len(weights) * weights.numpy(), color=COLORS[0], alpha=0.6)
        ax.axhline(1, color="black", linestyle="--", linewidth=1)
        ax.set(xlabel="秒", xlim=(0, len(mels) * seconds))
    axes[1, 0].set_ylabel("是平均的幾倍")
    figure.suptitle(title)
    return figure


def ladder_picture(
    accuracy: Mapping[str, Sequence[float]],
    eer: Mapping[str, Sequence[float]],
    *,
    title: str,
    accuracy_lines: Mapping[str, float],
    eer_lines: Mapping[str, float],
) -> Figure:
    """左：辨識正確率（越長越好）；右：驗證的 EER（越短越好）。點是各個種子，虛線是對照。"""
    figure, axes = plt.subplots(1, 2, figsize=(10, 1.6 + 0.45 * len(accuracy)), sharey=True)
    panels = [
        (axes[0], accuracy, accuracy_lines, "測試正確率（%，越高越好）"),
        (axes[1], eer, eer_lines, "EER（%，越低越好）"),
    ]
    colour = {name: COLORS[1 + k] for k, name in enumerate({**accuracy_lines, **eer_lines})}
    for ax, values, lines, label in panels:
        for row, seeds in enumerate(values.values()):
            mean = 100 * float(np.mean(seeds))
            ax.barh(row, mean, 0.6, color=COLORS[0], alpha=0.75)
            ax.scatter([100 * s for s in seeds], [row] * len(seeds), color="black", s=12, zorder=3)
            right = 100 * max(seeds)
            ax.annotate(
                f"{mean:.1f}", (right, row), (6, 0), textcoords="offset points", va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )  # fmt: skip
        for name, value in lines.items():
            ax.axvline(100 * value, color=colour[name], linestyle="--", label=name)
        ax.set_xlabel(label)
        ax.grid(axis="y", visible=False)
        ax.margins(x=0.15)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, fontsize=9)
    axes[0].set_yticks(range(len(accuracy)), list(accuracy))
    axes[0].invert_yaxis()
    figure.suptitle(title)
    return figure


def verification_picture(
    systems: Mapping[str, Float[Tensor, " trials"]], same: Bool[Tensor, " trials"]
) -> Figure:
    """每一欄一個系統：上面是兩種配對的分數分布，下面是誤認率與誤拒率隨門檻的變化。"""
    figure, axes = plt.subplots(2, len(systems), figsize=(4.2 * len(systems), 5.2), squeeze=False)
    for column, (name, scores) in enumerate(systems.items()):
        low, high = float(scores.min()), float(scores.max())
        bins = np.linspace(low, high, 40).tolist()
        for k, (label, chosen) in enumerate({"不同人": ~same, "同一人": same}.items()):
            axes[0, column].hist(
                scores[chosen].numpy(), bins, alpha=0.65, color=COLORS[k], label=label
            )
        cuts, accept, reject = error_rates(scores, same)
        axes[1, column].plot(cuts[1:], 100 * accept[1:], color=COLORS[0], label="誤認率")
        axes[1, column].plot(cuts[1:], 100 * reject[1:], "--", color=COLORS[1], label="誤拒率")
        rate = equal_error_rate(scores, same)
        axes[1, column].axhline(100 * rate, color="black", linestyle=":", linewidth=1)
        axes[0, column].set(title=f"{name}\nEER {100 * rate:.1f}%", xlim=(low, high))
        axes[1, column].set(xlabel="餘弦相似度（門檻）", xlim=(low, high))
        axes[0, column].legend()
        axes[1, column].legend()
    axes[0, 0].set_ylabel("配對數")
    axes[1, 0].set_ylabel("錯誤率（%）")
    return figure
