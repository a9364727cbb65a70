"""cnn_fundamentals 的圖：每個函式傳回一張圖，由課文加上替代文字。"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from dlbook import plotting


def _picture(ax, values, *, signed: bool = False, title: str = "") -> None:
    """一格影像；``signed`` 以 0 為中心，紅正藍負。"""
    values = np.asarray(values)
    limit = float(np.abs(values).max()) or 1.0
    style = (
        {"cmap": plotting.DIVERGING, "vmin": -limit, "vmax": limit} if signed else {"cmap": "gray"}
    )
    ax.imshow(values, interpolation="nearest", **style)
    ax.set_title(title, fontsize=10)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)


def sliding_picture(
    image: Float[Tensor, "H W"], kernel: Float[Tensor, "K K"], top: int, left: int
) -> Figure:
    """一個視窗怎麼變成輸出的一格：那一小塊 × 卷積核，全部加起來。"""
    side = len(kernel)
    patch = image[top : top + side, left : left + side]
    response = image.unfold(0, side, 1).unfold(1, side, 1).mul(kernel).sum(dim=(2, 3))
    figure, axes = plt.subplots(1, 4, figsize=(8.5, 2.6), width_ratios=[2, 1, 1, 2])
    _picture(axes[0], image, title="輸入")
    axes[0].add_patch(
        Rectangle((left - 0.5, top - 0.5), side, side, fill=False, lw=2, color=plotting.COLORS[1])
    )
    for ax, values, name in [(axes[1], patch, "框住的一小塊"), (axes[2], kernel, "卷積核")]:
        _picture(ax, values, signed=True, title=name)
        for (i, j), value in np.ndenumerate(np.asarray(values)):
            ink = "white" if abs(float(value)) > 0.6 * float(values.abs().max()) else "black"
            ax.text(j, i, f"{value:.1f}", ha="center", va="center", color=ink, fontsize=8)
    _picture(axes[3], response, signed=True, title=f"輸出；框出的一格 = {response[top, left]:.2f}")
    axes[3].add_patch(
        Rectangle((left - 0.5, top - 0.5), 1, 1, fill=False, lw=2, color=plotting.COLORS[2])
    )
    figure.suptitle("卷積的一格：逐項相乘，再全部加起來")
    return figure


def im2col_picture(columns: Float[Tensor, "KK L"], size: int, kernel: int) -> Figure:
    """size × size 的輸入（值是 0、1、2…）與它的 im2col 矩陣。"""
    numbers = np.arange(size * size).reshape(size, size)
    figure, axes = plt.subplots(1, 2, figsize=(6.5, 3.4), width_ratios=[1.4, 1])
    names = ("輸入（每格的編號）", f"im2col：一欄是一個 {kernel}×{kernel} 的視窗")
    for ax, values, name in zip(axes, (numbers, columns.numpy()), names, strict=True):
        ax.imshow(values, cmap="cividis", vmin=0, vmax=size * size - 1)
        ax.set(xticks=range(values.shape[1]), yticks=range(values.shape[0]))
        ax.set_title(name)
        ax.grid(visible=False)
        for (i, j), value in np.ndenumerate(values):
            ink = "white" if float(value) < size * size * 0.55 else "black"
            ax.text(j, i, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=8)
    axes[0].set(xlabel="行", ylabel="列")
    axes[1].set(xlabel="輸出的位置", ylabel="視窗裡的位置")
    for corner, color in [((0, 0), plotting.COLORS[1]), ((1, 1), plotting.COLORS[3])]:
        axes[0].add_patch(
            Rectangle(
                (corner[1] - 0.5, corner[0] - 0.5), kernel, kernel, fill=False, lw=3, color=color
            )
        )
        place = corner[0] * (size - kernel + 1) + corner[1]
        axes[1].add_patch(
            Rectangle((place - 0.5, -0.5), 1, kernel * kernel, fill=False, lw=3, color=color)
        )
    return figure


def fields_picture(
    maps: Mapping[str, Float[Tensor, "H W"]], boxes: Sequence[tuple[int, int]], title: str
) -> Figure:
    """每一層正中央那一格受哪些像素影響；方框是**算**出來的感受野：(第一個像素, 邊長)，橫直相同。"""
    figure, axes = plt.subplots(1, len(maps), figsize=(1.7 * len(maps), 2.5))
    for ax, (name, values), (start, size) in zip(axes, maps.items(), boxes, strict=True):
        _picture(ax, values / values.max(), title=f"{name}\n感受野 {size}×{size}")
        corner, color = (start - 0.5, start - 0.5), plotting.COLORS[1]
        ax.add_patch(Rectangle(corner, size, size, fill=False, lw=2, color=color))
    figure.suptitle(title)
    return figure


def maps_picture(
    image: Float[Tensor, "H W"], maps: Mapping[str, Float[Tensor, "C h w"]], most: int = 8
) -> Figure:
    """輸入與幾層的特徵圖，一列一層，每層最多 ``most`` 個通道。"""
    figure, axes = plt.subplots(len(maps), most + 1, figsize=(8, 0.92 * len(maps) + 0.4))
    for row, (name, channels) in enumerate(maps.items()):
        for ax in axes[row]:
            ax.axis("off")
        if row == 0:
            axes[0, 0].axis("on")
            _picture(axes[0, 0], image)
        for ax, values in zip(axes[row, 1:], channels, strict=False):
            ax.axis("on")
            _picture(ax, values)
        axes[row, 1].set_ylabel(name, fontsize=9)
    axes[0, 0].set_title("輸入", fontsize=10)
    figure.suptitle("特徵圖：越亮，那個通道在那裡反應越強")
    return figure


def scatter_picture(
    panels: Mapping[str, Float[np.ndarray, "N 2"]],
    labels: Int[Tensor, " N"],
    names: Sequence[str],
    title: str,
) -> Figure:
    """幾張並排的散布圖（例如每一層的 t-SNE），顏色與形狀是類別。"""
    figure, axes = plt.subplots(1, len(panels), figsize=(2.7 * len(panels), 3.4))
    colors = plt.get_cmap("tab10")
    for ax, (name, points) in zip(axes, panels.items(), strict=True):
        for k, label in enumerate(names):
            mine = (labels == k).numpy()
            marker = (plotting.MARKERS + "<>h")[k]
            ax.scatter(*points[mine].T, s=6, color=colors(k), marker=marker, label=label)
        ax.set(title=name, xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")
        ax.grid(visible=False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.suptitle(title)
    return figure


def tradeoff_picture(
    points: Mapping[str, tuple[float, float, float]], title: str, xlabel: str, ylabel: str
) -> Figure:
    """每個名字一點：(橫座標, 平均, 標準差)；橫軸取對數。"""
    figure, ax = plt.subplots(figsize=(6.6, 3.2))
    for i, (name, (x, mean, std)) in enumerate(points.items()):
        ax.errorbar(
            x, mean, std, fmt=plotting.MARKERS[i % 7], color=plotting.COLORS[i % 7],
            capsize=4, markersize=8, label=name,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def guesses_picture(
    panels: Mapping[str, Mapping[str, Mapping[str, list[float]]]], names: Sequence[str], title: str
) -> Figure:
    """每份資料一格：訓練過程中，未標註影像「夠把握」的比例（實線），與其中猜對的比例（虛線）。"""
    figure, axes = plt.subplots(1, len(panels), figsize=(8, 3), sharey=True)
    for ax, (panel, runs) in zip(axes, panels.items(), strict=True):
        for i, name in enumerate(names):
            steps, short = runs[name]["steps"], name.partition("：")[2]
            style = {"marker": plotting.MARKERS[i], "color": plotting.COLORS[i], "markersize": 4}
            sure, right = (100 * np.array(runs[name][key]) for key in ("sure", "right"))
            ax.plot(steps, sure, label=f"{short}：夠把握", **style)
            ax.plot(
                steps, right, "--", label=f"{short}：其中猜對", markerfacecolor="white", **style
            )
        ax.set(title=panel, xlabel="步數")
    axes[0].set_ylabel("%")
    axes[-1].legend(fontsize=8, loc="lower right")
    figure.suptitle(title)
    return figure


def photo_row(
    images: Sequence[Tensor], titles: Sequence[str], title: str, columns: int = 5
) -> Figure:
    """彩色照片 (3, H, W)，0–255，一列 ``columns`` 張。"""
    return plotting.image_grid(
        [image.permute(1, 2, 0).numpy() for image in images],
        titles=titles, title=title, columns=columns, size=8.5 / columns,
    )  # fmt: skip


def thumbnails(
    x: Float[Tensor, "N 1 28 28"], titles: Sequence[str], title: str, columns: int = 8
) -> Figure:
    """灰階小圖。"""
    return plotting.image_grid(
        [torch.as_tensor(image)[0].numpy() for image in x],
        titles=titles, title=title, columns=columns, size=7.2 / columns,
    )  # fmt: skip
