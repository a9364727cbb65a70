"""One look for every figure: colours that colour-blind readers can tell apart, Chinese labels,
alternative text. Every helper returns a figure; ``show(fig, alt=…)`` displays it."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from dlbook import assets
from dlbook.display import show_png

# Okabe & Ito's palette, darkest first so that lines also differ in grey.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "osD^vP*"
SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"
DPI = 100


def use_style() -> None:
    """Set matplotlib's defaults; ``lesson.start`` calls it."""
    font = assets.path("font-sans-tc")
    font_manager.fontManager.addfont(str(font))
    family = font_manager.FontProperties(fname=str(font)).get_name()
    mpl.rcParams.update(
        {
            "font.family": [family, "DejaVu Sans"],
            "axes.unicode_minus": False,
            "axes.prop_cycle": cycler(color=COLORS),
            "axes.grid": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "grid.alpha": 0.3,
            "image.cmap": SEQUENTIAL,
            "figure.dpi": DPI,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "legend.frameon": False,
            "figure.constrained_layout.use": True,
        }
    )


def show(fig: Figure, *, alt: str) -> None:
    """Display a figure with its alternative text, and close it.

    Args:
        fig: the figure.
        alt: what a reader who can't see the figure should know: what it shows and what follows.
    """
    if not alt.strip():
        raise ValueError('圖要有替代文字：plotting.show(fig, alt="這張圖顯示什麼")。')
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    plt.close(fig)
    show_png(in_256_colours(buffer.getvalue()), alt)


def in_256_colours(png: bytes) -> bytes:
    """The same picture with a palette: charts look the same, and notebooks stay small."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def line_chart(
    series: Mapping[str, tuple[Any, Any]],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    logx: bool = False,
    logy: bool = False,
    markers: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Lines ``{label: (x, y)}`` in one pair of axes (or in ``ax``)."""
    figure, ax = _axes(ax, (7.0, 4.0))
    for i, (label, (x, y)) in enumerate(series.items()):
        style = ("-", "--", "-.", ":")[i % 4]
        marker = MARKERS[i % len(MARKERS)] if markers else ""
        ax.plot(np.asarray(x), np.asarray(y), style, marker=marker, label=label)
    if logx:
        ax.set_xscale("log")
    if logy:
        ax.set_yscale("log")
    _label(ax, title, xlabel, ylabel)
    if len(series) > 1:
        ax.legend()
    return figure


def bar_chart(
    values: Mapping[str, float],
    *,
    title: str,
    ylabel: str,
    xlabel: str = "",
    errors: Sequence[float] | None = None,
    highlight: str = "",
    horizontal: bool = False,
    fmt: str = "{:.2f}",
    ax: Axes | None = None,
) -> Figure:
    """Bars ``{label: height}`` with the number on top; ``errors`` are half-lengths of error bars.

    ``highlight`` names the bar that the text is about. ``horizontal`` suits long labels; ``ylabel``
    is then the label of the values' axis all the same.
    """
    figure, ax = _axes(ax, (7.0, 1.2 + 0.5 * len(values)) if horizontal else (7.0, 4.0))
    colors = [COLORS[1] if label == highlight else COLORS[0] for label in values]
    labels, heights = list(values), list(values.values())
    if horizontal:
        bars = ax.barh(labels, heights, xerr=errors, capsize=4, color=colors)
        ax.invert_yaxis()
        ax.margins(x=0.15)
    else:
        bars = ax.bar(labels, heights, yerr=errors, capsize=4, color=colors)
        ax.margins(y=0.15)
    ax.bar_label(bars, labels=[fmt.format(height) for height in heights], padding=4)
    ax.grid(axis="y" if horizontal else "x", visible=False)
    _label(ax, title, *((ylabel, xlabel) if horizontal else (xlabel, ylabel)))
    return figure


def heatmap(
    matrix: Any,
    *,
    title: str,
    xlabel: str = "",
    ylabel: str = "",
    xticks: Sequence[str] | None = None,
    yticks: Sequence[str] | None = None,
    annotate: str = "",
    diverging: bool = False,
    colorbar: str = "",
    ax: Axes | None = None,
) -> Figure:
    """A matrix as colours; ``annotate`` is a format (``"{:.2f}"``) for numbers in the cells.

    ``diverging`` centres the colours on zero; ``colorbar`` is the bar's label.
    """
    values = np.asarray(matrix, dtype=float)
    rows, columns = values.shape
    size = (min(9.0, 2.0 + 0.42 * columns), min(8.0, 1.6 + 0.36 * rows))
    figure, ax = _axes(ax, (max(4.5, size[0]), max(3.2, size[1])))
    limit = float(np.nanmax(np.abs(values))) or 1.0
    scale: dict[str, Any] = {"vmin": -limit, "vmax": limit, "cmap": DIVERGING} if diverging else {}
    image = ax.imshow(values, aspect="auto", **scale)
    ax.grid(visible=False)
    if xticks is not None:
        tilt = 60 if max(map(len, xticks), default=0) > 2 else 0
        align = "right" if tilt else "center"
        ax.set_xticks(range(columns), xticks, rotation=tilt, ha=align, rotation_mode="anchor")
    if yticks is not None:
        ax.set_yticks(range(rows), yticks)
    if annotate:
        _annotate(ax, values, annotate, image)
    figure.colorbar(image, ax=ax, label=colorbar)
    _label(ax, title, xlabel, ylabel)
    return figure


def image_grid(
    images: Any,
    *,
    titles: Sequence[str] = (),
    title: str = "",
    columns: int = 10,
    size: float = 0.9,
    limit: float | None = None,
) -> Figure:
    """Grey (H, W) or colour (H, W, 3) pictures side by side, ``size`` inches each.

    With ``limit``, the pictures are signed: blue for -limit, white for 0, red for +limit, one scale
    for all of them.
    """
    pictures = [np.asarray(image) for image in images]
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    height = size + (0.25 if titles else 0.0)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * size, rows * height + 0.5), squeeze=False
    )
    for ax in axes.flat:
        ax.axis("off")
    style: dict[str, Any] = {"cmap": "gray"}
    if limit is not None:
        style = {"cmap": DIVERGING, "vmin": -limit, "vmax": limit}
    for i, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        ax.imshow(picture, interpolation="nearest", **(style if picture.ndim == 2 else {}))
        if titles:
            ax.set_title(titles[i], fontsize=9)
    figure.suptitle(title)
    return figure


def _axes(ax: Axes | None, figsize: tuple[float, float]) -> tuple[Figure, Axes]:
    """The axes to draw on, in a new figure if none are given."""
    if ax is None:
        return plt.subplots(figsize=figsize)
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure, ax


def _label(ax: Axes, title: str, xlabel: str, ylabel: str) -> None:
    ax.set_title(title)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)


def _annotate(ax: Axes, values: np.ndarray, fmt: str, image: Any) -> None:
    """Numbers in the cells, black or white by the brightness of the colour behind them."""
    for (row, column), value in np.ndenumerate(values):
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        ink = "white" if dark else "black"
        ax.text(column, row, fmt.format(value), ha="center", va="center", color=ink, fontsize=8)
