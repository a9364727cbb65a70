"""Every playground, used as a person would: by mouse, by touch, by keyboard."""

from collections.abc import Callable
from typing import Any

import pytest

from dlbook.web.playgrounds import PLAYGROUNDS, Playground

Play = Callable[..., tuple[Any, Any]]
Ink = Callable[..., str]


@pytest.mark.parametrize("playground", PLAYGROUNDS, ids=lambda p: p.name)
def test_it_stands_in_its_section_and_fits_a_phone(
    play: Play, start: str, width: Callable[[Any], int], playground: Playground
) -> None:
    page, box = play(start, playground.name, width=390, height=844)
    heading = box.evaluate(
        "box => box.closest('section:not(.play)').querySelector('h1, h2, h3').innerText"
    )
    assert heading.startswith(playground.heading)
    assert width(page) <= 390
    assert box.bounding_box()["width"] <= 390


# Numbers the controls that Tab should reach: none that is disabled or hidden, one of each group of radio buttons.
CONTROLS = """box => {
  const groups = new Set();
  return Array.from(box.querySelectorAll("button, select, input, textarea, a[href], [tabindex]")).filter(c => {
    const roving = c.getAttribute("role") === "radio" && c.tabIndex < 0; // arrows reach it
    if (c.disabled || roving || !c.checkVisibility({ visibilityProperty: true })) return false;
    if (c.type !== "radio") return true;
    const first = !groups.has(c.name);
    groups.add(c.name);
    return first;
  }).map((c, i) => c.dataset.control = String(i));
}"""


@pytest.mark.parametrize("playground", PLAYGROUNDS, ids=lambda p: p.name)
def test_the_keyboard_reaches_every_control(play: Play, book: str, playground: Playground) -> None:
    page, box = play(book, playground.name)
    expected = box.evaluate(CONTROLS)
    assert len(expected) >= 4
    unnamed = box.evaluate(
        """box => Array.from(box.querySelectorAll("button, select, input, canvas[tabindex]"))
          .filter(c => !(c.labels?.length || c.ariaLabel || c.innerText)).map(c => c.outerHTML)"""
    )
    assert not unnamed
    box.evaluate("box => { box.tabIndex = -1; box.focus() }")
    reached = []
    for _ in range(len(expected) + 1):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.control"))
    assert reached == [*expected, None]  # each once, in the order of the page, and out again


def test_convolution_shows_a_sum(play: Play, start: str, ink: Ink) -> None:
    page, box = play(start, "convolution")
    page.wait_for_selector("#play-convolution[data-loaded]")
    edges = ink(box, "[data-out]")
    box.get_by_label("卷積核").select_option(label="什麼都不做")
    assert ink(box, "[data-out]") != edges
    box.locator("[data-in]").click(position={"x": 100, "y": 100})
    words = box.locator(".play-sum").inner_text().replace("\n", " ").split("＝")
    centre = words[0].split()[8]
    assert centre.endswith("×1")
    assert float(words[1]) == float(centre.removesuffix("×1"))
    box.get_by_label("第 2 列第 2 欄的權重").fill("2")
    doubled = float(box.locator(".play-sum").inner_text().partition("＝")[2])
    assert doubled == 2 * float(words[1])
    assert box.get_by_label("卷積核").input_value() == ""
    box.get_by_label("卷積核").select_option(label="模糊（平均）")
    assert "≈" in box.locator(".play-sum").inner_text()  # 1/9 is shown as 0.11
    box.get_by_label("步幅").select_option("2")
    assert "輸出 96×96" in box.inner_text()


def test_a_digit_drawn_by_mouse_is_recognised(play: Play, start: str, ink: Ink) -> None:
    page, box = play(start, "digit")
    pad = box.locator(".play-pad")
    frame = pad.bounding_box()

    def move(x: float, y: float, **options: Any) -> None:
        page.mouse.move(
            frame["x"] + x * frame["width"], frame["y"] + y * frame["height"], **options
        )

    move(0.28, 0.22)
    page.mouse.down()
    move(0.72, 0.22, steps=12)
    move(0.45, 0.82, steps=12)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#play-digit').dataset.answer === '7'")
    assert box.locator(".play-answer").inner_text().startswith("我看是 7")
    plain = ink(box, ".play-seen")
    box.get_by_label("每個像素的影響").check()
    assert ink(box, ".play-seen") != plain
    assert "梯度" in box.locator("[data-legend]").inner_text()
    box.get_by_role("button", name="清除").click()
    assert box.locator(".play-answer").inner_text() == "先寫一個數字。"


def test_a_digit_drawn_by_keyboard_is_recognised(play: Play, book: str) -> None:
    page, box = play(book, "digit")
    box.locator(".play-pad").focus()
    page.keyboard.press("Delete")
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('#play-digit').dataset.answer === '1'")


def test_a_digit_drawn_by_touch_is_recognised(play: Play, book: str) -> None:
    page, box = play(book, "digit", width=390, height=844, has_touch=True, is_mobile=True)
    box.locator(".play-pad").scroll_into_view_if_needed()
    frame = box.locator(".play-pad").bounding_box()
    x = frame["x"] + frame["width"] / 2
    points = [(x, frame["y"] + frame["height"] * (0.2 + 0.06 * i)) for i in range(11)]
    client = page.context.new_cdp_session(page)
    for i, (px, py) in enumerate(points):
        kind = "touchMove" if i else "touchStart"
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": px, "y": py}]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("document.querySelector('#play-digit').dataset.answer === '1'")
    assert box.locator(".play-pad").bounding_box() == frame  # the page didn't scroll along


def test_the_examples_are_recognised(play: Play, start: str) -> None:
    _, box = play(start, "digit")
    for digit in range(10):
        box.get_by_role("button", name=f"測試影像 {digit}").click()
        assert box.get_attribute("data-answer") == str(digit)


def test_attention_follows_the_mask(play: Play, start: str, ink: Ink) -> None:
    page, box = play(start, "attention")
    tokens = box.get_by_role("radiogroup").get_by_role("radio")
    assert "最看" in box.locator("[data-status]").inner_text()
    hidden = box.get_by_role("radiogroup").get_by_text("遮住")
    count = hidden.count()
    assert count == tokens.count() - 11
    box.get_by_label("不遮").check()
    assert hidden.count() == 0
    assert "未來" in box.locator("[data-warning]").inner_text()
    box.get_by_label("視窗：只看最近幾個").check()
    box.get_by_label("視窗的寬度").focus()
    page.keyboard.press("Home")
    assert tokens.nth(10).inner_text().split()[-1] == "100%"
    box.get_by_label("因果").check()
    tokens.nth(10).focus()
    page.keyboard.press("ArrowRight")
    assert tokens.nth(11).get_attribute("aria-checked") == "true"
    assert hidden.count() == count - 1
    before = ink(box)
    box.get_by_role("button", name="看前一個的頭").click()
    assert ink(box) != before
    tokens.nth(5).click()
    assert "最看「pear」" in box.locator("[data-status]").inner_text()


def test_sampling_keeps_and_draws(play: Play, start: str) -> None:
    page, box = play(start, "sampling")
    status = box.locator("[data-status]")
    assert "留下 49,152 個 token" in status.inner_text()
    box.get_by_label("top-k").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "留下 5 個 token" in status.inner_text()
    box.get_by_role("button", name="抽 100 個").click()
    times = [
        int(text.removeprefix("×"))
        for text in box.locator(".play-tokenbars > span:nth-child(4n)").all_inner_texts()
        if text
    ]
    assert sum(times) == 100
    assert len(times) <= 5
    box.get_by_label("溫度").focus()
    page.keyboard.press("Home")
    assert "留下 1 個 token" in status.inner_text()
    box.get_by_role("button", name="抽一個").click()
    assert "抽了 1 次：1 種）" in box.locator(".play-prompt").inner_text()
    assert "The capital of France is Paris" in box.locator(".play-prompt").inner_text()
    box.get_by_label("溫度").focus()
    page.keyboard.press("End")
    box.get_by_label("top-k").focus()
    page.keyboard.press("End")
    page.evaluate("Math.random = () => 0.9999")  # the last bin of the tail
    box.get_by_role("button", name="抽 100 個").click()
    assert "0 種，另有 100 次落在 256 名之後" in box.locator(".play-prompt").inner_text()
