"""Figures: Chinese labels without warnings, alternative text, and closed when shown."""

import io
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dlbook import plotting


@pytest.fixture(autouse=True)
def style():
    plotting.use_style()
    yield
    plt.close("all")


X = np.arange(5.0)
MATRIX = np.array([[-1.0, 0.0], [0.5, 2.0]])
FIGURES = {
    "lines": lambda: plotting.line_chart(
        {"訓練": (X, X + 1), "驗證": (X, 2 * X + 1)}, title="損失", xlabel="步數", ylabel="損失", logx=True,
        logy=True, markers=True,
    ),
    "bars": lambda: plotting.bar_chart(
        {"簡單": 0.5, "強": 0.9}, title="正確率", ylabel="比例", xlabel="等級", errors=[0.1, 0.1]
    ),
    "heatmap": lambda: plotting.heatmap(
        MATRIX, title="注意力", xlabel="看", ylabel="被看", xticks=["我", "你"], yticks=["他", "她"],
        annotate="{:.1f}", diverging=True, colorbar="權重",
    ),
    "grey images": lambda: plotting.image_grid(
        np.zeros((3, 4, 4)), titles=["一", "二", "三"], title="數字", columns=2
    ),
    "colour images": lambda: plotting.image_grid([np.zeros((4, 4, 3))]),
}  # fmt: skip
every = pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES.keys())


@every
def test_every_helper_draws_chinese_without_a_warning_and_returns_a_figure(make) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a missing glyph is a warning
        figure = make()
        figure.savefig(io.BytesIO(), format="png")
    assert isinstance(figure, Figure)


@every
def test_a_shown_figure_is_closed_and_leaves_its_alternative_text(make, capsys) -> None:
    plotting.show(make(), alt="一張圖")
    assert plt.get_fignums() == []
    assert capsys.readouterr().out == "〔圖〕一張圖\n"


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_figure_without_alternative_text_is_refused(alt: str) -> None:
    with pytest.raises(ValueError, match=r"圖要有替代文字：plotting\.show"):
        plotting.show(plt.figure(), alt=alt)


def test_charts_can_share_a_figure() -> None:
    figure, axes = plt.subplots(1, 3)
    labels = {"title": "題", "ylabel": "縱"}
    made = [
        plotting.line_chart({"甲": (X, X)}, xlabel="橫", ax=axes[0], **labels),
        plotting.bar_chart({"甲": 1.0}, ax=axes[1], **labels),
        plotting.heatmap(MATRIX, title="題", ax=axes[2]),
    ]
    assert made == [figure] * 3
    assert [ax.get_title() for ax in axes] == ["題"] * 3


def test_a_diverging_heatmap_is_centred_on_zero_also_where_a_value_is_missing() -> None:
    figure = plotting.heatmap([[-1.0, float("nan")], [0.5, 3.0]], title="題", diverging=True)
    assert figure.axes[0].images[0].get_clim() == (-3.0, 3.0)


def test_numbers_in_cells_can_be_read_on_their_colour() -> None:
    figure = plotting.heatmap([[0.0, 1.0]], title="題", annotate="{:.0f}")
    dark, bright = figure.axes[0].texts  # viridis begins dark
    assert (dark.get_color(), bright.get_color()) == ("white", "black")


def test_lines_of_one_chart_differ_in_colour_and_in_dash() -> None:
    series = {str(i): (X, X * i) for i in range(4)}
    figure = plotting.line_chart(series, title="題", xlabel="橫", ylabel="縱")
    lines = figure.axes[0].get_lines()
    assert len({line.get_color() for line in lines}) == 4
    assert len({line.get_linestyle() for line in lines}) == 4


def test_the_palette_also_differs_in_grey() -> None:
    grey = [float(np.dot(to_rgb(color), (0.299, 0.587, 0.114))) for color in plotting.COLORS[:3]]
    assert len({round(value, 1) for value in grey}) >= 2
    assert len(set(plotting.COLORS)) == 7


def test_the_font_is_our_own_and_not_one_that_happens_to_be_installed() -> None:
    from matplotlib import font_manager

    file = font_manager.findfont(font_manager.FontProperties(family=plt.rcParams["font.family"]))
    assert Path(file).name == "DLBookSansTC.otf"


def test_the_same_figure_is_the_same_bytes(monkeypatch) -> None:
    pictures: list[bytes] = []
    monkeypatch.setattr(plotting, "show_png", lambda png, alt: pictures.append(png))
    for _ in range(2):
        plotting.show(FIGURES["lines"](), alt="一張圖")
    assert pictures[0] == pictures[1]
    assert len(pictures[0]) < 60_000
