"""迴歸一課的示意圖：殘差、損失的等高線與兩種預算的形狀。"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import ndarray

from dlbook.plotting import COLORS


def residual_picture(x: ndarray, y: ndarray, slope: float, intercept: float) -> Figure:
    """左：平均值的殘差；右：直線的殘差。標題寫均方根誤差。"""
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.8), sharey=True)
    lines = [("都猜平均值", 0.0, float(y.mean())), ("最小平方直線", slope, intercept)]
    for ax, (name, a, b) in zip(axes, lines, strict=True):
        predicted = a * x + b
        ax.vlines(x, predicted, y, color=COLORS[1], linewidth=0.8, label="殘差")
        ax.plot(x, y, "o", color=COLORS[0], markersize=3.5, label="資料")
        ends = np.array([x.min(), x.max()])
        ax.plot(ends, a * ends + b, color=COLORS[6], linewidth=2, label="預測")
        error = np.sqrt(np.mean((y - predicted) ** 2))
        ax.set_title(f"{name}：均方根誤差 {error:.0f} 輛")
        ax.set_xlabel("氣溫（°C）")
    axes[0].set_ylabel("租出幾輛")
    axes[0].legend(loc="upper left")
    return figure


def budget_picture(
    gram: ndarray, correlation: ndarray, points: Mapping[str, ndarray], budgets: tuple[float, float]
) -> Figure:
    """½wᵀGw − cᵀw 的等高線（兩個權重），左疊 L2 的圓、右疊 L1 的菱形。

    ``points``：名稱 → (2,) 的解，依序是最小平方、ridge、lasso；``budgets``：(圓的半徑, 菱形的半徑)。
    """
    best, second, third = points.values()
    first_name, *names = points
    figure, axes = plt.subplots(1, 2, figsize=(8.0, 3.8), sharey=True)
    for ax, name, point, budget, p in zip(
        axes, names, (second, third), budgets, (2, 1), strict=True
    ):
        contours(ax, gram, correlation, (-0.35, 0.75), (-0.65, 0.35))
        corner = np.linspace(0, 2 * np.pi, 201)
        circle = np.stack([np.cos(corner), np.sin(corner)])
        shape = budget * circle / np.linalg.norm(circle, ord=p, axis=0)
        ax.fill(*shape, color=COLORS[4], alpha=0.35)
        ax.plot(*best, "o", color=COLORS[6], label=first_name)
        ax.plot(*point, "D", color=COLORS[1], label=name)
        ax.axhline(0, color="#777777", linewidth=0.8)
        ax.axvline(0, color="#777777", linewidth=0.8)
        ax.legend(loc="upper right")
        ax.set_xlabel("氣溫的權重")
    axes[0].set_ylabel("濕度的權重")
    axes[0].set_title("圓：|w|₂ 的預算")
    axes[1].set_title("菱形：|w|₁ 的預算")
    return figure


def contours(
    ax: Axes,
    gram: ndarray,
    correlation: ndarray,
    first: tuple[float, float],
    second: tuple[float, float],
) -> None:
    """在 ``ax`` 上畫 ½wᵀGw − cᵀw 的等高線（兩個權重），間隔往外加大。"""
    u, v = np.meshgrid(np.linspace(*first, 121), np.linspace(*second, 121))
    w = np.stack([u, v])
    loss = np.einsum("iab,ij,jab->ab", w, gram, w) / 2 - np.einsum("i,iab->ab", correlation, w)
    above = loss - loss.min()
    ax.contour(u, v, np.sqrt(above), levels=9, colors="#999999", linewidths=0.7)
    ax.grid(visible=False)


def descent_picture(panels: Mapping[str, tuple[ndarray, ndarray, ndarray]]) -> Figure:
    """每格一條梯度下降的路徑。``panels``：名稱 → (G, c, 走過的 w (steps, 2))。"""
    figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.8), squeeze=False)
    for ax, (name, (gram, correlation, path)) in zip(axes[0], panels.items(), strict=True):
        best = np.linalg.solve(gram, correlation)
        spans = []
        for axis in range(2):
            low, high = np.sort([0.0, best[axis]])
            low, high = min(low, path[:, axis].min()), max(high, path[:, axis].max())
            margin = 0.35 * (high - low)
            spans.append((low - margin, high + margin))
        contours(ax, gram, correlation, *spans)
        ax.plot(*path.T, "-", color=COLORS[0], linewidth=1.2)
        ax.plot(*path[0], "s", color=COLORS[0], label="起點")
        ax.plot(*path[-1], "o", color=COLORS[1], label="終點")
        ax.plot(*best, "*", color=COLORS[6], markersize=13, label="最小平方解")
        ax.set_title(name)
        ax.set_xlabel("「日期」的權重")
        ax.legend(loc="best", fontsize=9)
    axes[0][0].set_ylabel("「氣溫」的權重")
    return figure
