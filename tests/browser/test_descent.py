"""The playground that goes down a surface: its start, its steps, its learning rates."""

from collections.abc import Callable
from typing import Any

import pytest

Play = Callable[..., tuple[Any, Any]]
Ink = Callable[..., str]
SURFACES = ("窄谷", "香蕉谷（Rosenbrock）", "鞍點", "兩個谷")


def test_descent_walks_and_flies_away(play: Play, start: str, ink: Ink) -> None:
    page, box = play(start, "descent")
    before = ink(box)
    box.get_by_role("button", name="走 1 步").click()
    box.get_by_role("button", name="走 50 步").click()
    assert box.locator("[data-status]").inner_text() == "第 51 步"
    assert ink(box) != before
    losses = [float(text) for text in box.locator("tbody td:last-child").all_inner_texts() if text]
    assert all(loss < 22 for loss in losses)
    rate = box.get_by_label("SGD 的學習率")
    rate.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert "飛出去了" in box.locator("tbody").inner_text()
    box.get_by_label("曲面").select_option(label="鞍點")
    assert box.locator("[data-status]").inner_text() == "第 0 步"
    box.locator("canvas").click(position={"x": 40, "y": 40})
    assert float(box.locator('[data-of="y"]').inner_text()) > 1


def test_descent_plays_only_where_motion_is_welcome(play: Play, book: str) -> None:
    page, box = play(book, "descent")
    box.get_by_role("button", name="播放").click()
    page.wait_for_timeout(400)
    box.get_by_role("button", name="暫停").click()
    assert box.locator("[data-status]").inner_text() != "第 0 步"
    _, box = play(book, "descent", reduced_motion="reduce")
    assert not box.get_by_role("button", name="播放").is_visible()


@pytest.mark.parametrize("surface", SURFACES)
def test_the_sliders_stand_at_the_start(play: Play, book: str, surface: str) -> None:
    page, box = play(book, "descent")
    box.get_by_label("曲面").select_option(label=surface)
    name = box.get_by_label("曲面").input_value()
    start = page.evaluate("name => DLPlay.descent.surfaces[name].start", name)
    assert [float(box.locator(f"#descent-{axis}").input_value()) for axis in "xy"] == start


def test_the_saddle_can_be_left(play: Play, book: str) -> None:
    _, box = play(book, "descent")
    box.get_by_label("曲面").select_option(label="鞍點")
    for _ in range(3):
        box.get_by_role("button", name="走 50 步").click()
    row = box.locator("tbody tr").first
    assert row.inner_text().startswith("SGD")
    assert float(row.locator("td").last.inner_text()) < 0.5


def test_the_learning_rates_are_the_declared_ones(play: Play, book: str) -> None:
    page, box = play(book, "descent")
    declared = page.evaluate("Object.values(DLPlay.descent.rules).map(rule => rule.rate)")
    shown = box.locator("tbody output").all_inner_texts()
    assert [float(rate) for rate in shown] == declared


def test_a_thumb_can_move_the_learning_rate(play: Play, book: str) -> None:
    _, box = play(book, "descent", width=390, height=844)
    assert box.get_by_label("SGD 的學習率").bounding_box()["width"] >= 90
