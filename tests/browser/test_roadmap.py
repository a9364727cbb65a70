"""The roadmap by mouse, keyboard and touch."""

from dlbook import curriculum

LESSONS = curriculum.load().lessons
NODE = '.dl-map-wide [data-id="{}"]'


def test_it_has_every_lesson_and_every_need(open_page, start: str) -> None:
    page = open_page(f"{start}roadmap.html")
    for kind in ("wide", "narrow"):
        assert page.locator(f".dl-map-{kind} .dl-node").count() == len(LESSONS) == 38
        edges = page.locator(f".dl-map-{kind} .dl-edges path").count()
        assert edges == sum(len(lesson.prerequisites) for lesson in LESSONS)
    assert page.locator(".dl-map-wide a.dl-ready").count() == sum(x.ready for x in LESSONS)


def test_hover_says_what_and_why(open_page, book: str) -> None:
    page = open_page(f"{book}roadmap.html")
    page.locator(NODE.format("sequence_modeling/attention_mechanism")).hover()
    panel = page.locator(".dl-map-panel").inner_text()
    assert "注意力機制：誰在說話" in panel
    assert "RNN 與 LSTM" in panel
    assert "Transformer" in panel
    needed = page.locator(".dl-map-wide .dl-needed").evaluate_all(
        "all => all.map(n => n.dataset.id)"
    )
    assert "foundations/environment_setup" in needed
    assert "computer_vision/cnn_fundamentals" not in needed


def test_click_opens_a_ready_lesson_and_not_a_planned_one(open_page, book: str) -> None:
    page = open_page(f"{book}roadmap.html")
    page.locator(NODE.format("generative_models/gan")).click()
    assert page.url.endswith("roadmap.html")
    assert "規劃中" in page.locator(".dl-map-panel").inner_text()
    page.locator(NODE.format("supervised_learning/regression")).click()
    assert page.url.endswith("supervised_learning/regression.html")


def test_the_keyboard_is_enough(open_page, book: str) -> None:
    page = open_page(f"{book}roadmap.html")
    page.locator(NODE.format("foundations/environment_setup")).focus()
    assert "環境與量測" in page.locator(".dl-map-panel").inner_text()
    page.keyboard.press("ArrowRight")
    assert "數學要點" in page.locator(".dl-map-panel").inner_text()
    page.keyboard.press("Tab")
    assert "PyTorch" in page.locator(".dl-map-panel").inner_text()
    page.keyboard.press("Escape")
    assert "選一課" in page.locator(".dl-map-panel").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**/pytorch_fundamentals.html")


def test_the_panel_covers_no_lesson_that_has_the_focus(open_page, book: str) -> None:
    page = open_page(f"{book}roadmap.html", reduced_motion="reduce")  # it is there at once
    covered = page.evaluate(
        """() => Array.from(document.querySelectorAll(".dl-map-wide .dl-node")).filter(node => {
          node.focus();
          const box = node.getBoundingClientRect(), panel = document.querySelector(".dl-map-panel").getBoundingClientRect();
          const chosen = node.classList.contains("dl-chosen") && document.activeElement === node;
          return !chosen || box.top < 0 || box.bottom > Math.min(panel.top, innerHeight);
        }).map(node => node.dataset.id)"""
    )
    assert not covered


def test_on_a_phone_the_first_touch_explains_and_the_second_opens(open_page, book: str) -> None:
    page = open_page(f"{book}roadmap.html", width=390, height=844, has_touch=True, is_mobile=True)
    node = page.locator('.dl-map-narrow [data-id="computer_vision/cnn_fundamentals"]')
    assert not page.locator(".dl-map-wide").is_visible()
    node.scroll_into_view_if_needed()
    node.tap()
    assert page.url.endswith("roadmap.html")
    panel = page.locator(".dl-map-panel")
    assert "卷積" in panel.inner_text()
    box = panel.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 844
    node.tap()
    page.wait_for_url("**/cnn_fundamentals.html")


def test_titles_on_a_phone_are_large_enough(open_page, book: str) -> None:
    page = open_page(f"{book}roadmap.html", width=390, height=844)
    height = page.locator(".dl-map-narrow .dl-map-title").first.evaluate(
        "t => t.getBoundingClientRect().height"
    )
    assert height >= 14
    node = page.locator(".dl-map-narrow .dl-node").first.bounding_box()
    assert node["height"] >= 38
