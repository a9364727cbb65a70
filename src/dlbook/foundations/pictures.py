"""這個模組的示意圖：張量怎麼躺在記憶體裡、計算圖怎麼回傳梯度。"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlbook.plotting import COLORS


def storage_picture(views: Mapping[str, torch.Tensor]) -> Figure:
    """同一塊儲存的幾種視圖；格子裡的數字是元素在儲存裡的位置，同色就是同一個元素。"""
    first = next(iter(views.values()))
    count = first.untyped_storage().nbytes() // first.element_size()
    strip = torch.arange(count).reshape(1, -1)
    panels = [("記憶體", strip, f"{count} 個數，排成一排")]
    for name, view in views.items():
        note = f"shape {tuple(view.shape)}\nstride {view.stride()}"
        panels.append((name, _offsets(view), note))
    widths = [offsets.shape[1] for _, offsets, _ in panels]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(0.62 * (sum(widths) + 3), 3.1), width_ratios=widths
    )
    height = max(offsets.shape[0] for _, offsets, _ in panels)
    for ax, (name, offsets, note) in zip(axes, panels, strict=True):
        _grid(ax, offsets, count, height)
        ax.set_title(name, fontsize=11)
        ax.set_xlabel(note, fontsize=10)
    figure.suptitle("一塊儲存，多種視圖：改的只是形狀與步幅")
    return figure


def _offsets(view: torch.Tensor) -> torch.Tensor:
    """視圖的每個元素在儲存裡的位置：offset + Σ index·stride。"""
    offsets = torch.full(tuple(view.shape), int(view.storage_offset()))
    for axis, (size, stride) in enumerate(zip(view.shape, view.stride(), strict=True)):
        shape = [1] * view.ndim
        shape[axis] = size
        offsets = offsets + torch.arange(size).reshape(shape) * stride
    return offsets


def _grid(ax: Axes, offsets: torch.Tensor, count: int, height: int) -> None:
    rows, columns = offsets.shape
    colours = plt.get_cmap("viridis")
    for row in range(rows):
        for column in range(columns):
            offset = int(offsets[row, column])
            shade = offset / max(count - 1, 1)
            ax.add_patch(
                Rectangle((column, -row), 1, 1, facecolor=colours(shade), edgecolor="white")
            )
            ink = "white" if shade < 0.6 else "black"
            ax.text(column + 0.5, 0.5 - row, str(offset), ha="center", va="center", color=ink)
    ax.set(xlim=(0, columns), ylim=(1 - height, 1), aspect="equal")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def graph_picture(
    nodes: Mapping[str, tuple[float, float, float, float]], edges: Sequence[tuple[str, str, str]]
) -> Figure:
    """計算圖。``nodes``：名稱 → (x, y, 值, 梯度)；``edges``：(從, 到, 這條邊的局部導數)。"""
    figure, ax = plt.subplots(figsize=(9.0, 3.8))
    for start, end, label in edges:
        (x0, y0, *_), (x1, y1, *_) = nodes[start], nodes[end]
        ax.annotate(
            "",
            (x1 - 0.42, y1),
            (x0 + 0.42, y0),
            arrowprops={"arrowstyle": "->", "color": "#555555"},
        )
        ax.text(
            (x0 + x1) / 2, (y0 + y1) / 2 + 0.16, label, fontsize=9, color="#555555", ha="center"
        )
    for name, (x, y, value, grad) in nodes.items():
        ax.add_patch(
            Rectangle((x - 0.42, y - 0.32), 0.84, 0.64, facecolor="#f2f2f2", edgecolor="#555555")
        )
        ax.text(x, y + 0.16, name, ha="center", va="center", fontsize=11)
        ax.text(
            x, y - 0.04, f"值 {value:g}", ha="center", va="center", fontsize=10, color=COLORS[0]
        )
        ax.text(
            x, y - 0.21, f"梯度 {grad:g}", ha="center", va="center", fontsize=10, color=COLORS[1]
        )
    xs, ys = [n[0] for n in nodes.values()], [n[1] for n in nodes.values()]
    ax.set(xlim=(min(xs) - 0.6, max(xs) + 0.6), ylim=(min(ys) - 0.7, max(ys) + 0.7))
    ax.axis("off")
    ax.set_title("計算圖：每一格是前向的值與反向的梯度，箭頭旁是那一步的局部導數")
    return figure
