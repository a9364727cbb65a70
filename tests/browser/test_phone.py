"""The pages on a phone: nothing is wider than it, nothing is cut off, the menu opens."""

import pytest

from dlbook import curriculum

PAGES = [
    "index",
    "roadmap",
    "paths",
    "playgrounds",
    "results",
    "glossary",
    "papers",
    "errata",
    "search",
]
READY = [lesson.id for lesson in curriculum.load().lessons if lesson.ready]
LESSON = "sequence_modeling/attention_mechanism"
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("name", [*PAGES, *READY])
def test_every_page_fits(open_page, book: str, width, name: str) -> None:
    page = open_page(f"{book}{name}.html", **PHONE)
    assert width(page) <= 390
    assert page.locator("h1").first.is_visible()


@pytest.mark.parametrize("name", ["paths", LESSON])
def test_what_does_not_fit_is_seen(open_page, book: str, width, name: str) -> None:
    page = open_page(f"{book}{name}.html", width=390, height=844)
    page.locator("article").evaluate(
        "article => { article.append(document.createElement('div')); article.lastChild.style.cssText = 'width:2000px;height:9px' }"
    )
    assert width(page) > 2000


def test_a_claim_has_the_whole_width(open_page, book: str) -> None:
    page = open_page(f"{book}results.html", **PHONE)
    for cell in ("th", "td"):
        box = page.locator(f".dl-claims tbody {cell}").first.bounding_box()
        assert box["width"] > 330


def test_a_title_breaks_after_its_colon(open_page, book: str) -> None:
    page = open_page(f"{book}computer_vision/cnn_fundamentals.html", **PHONE)
    lines = page.locator("h1").evaluate(
        """heading => {
          const text = heading.firstChild, range = document.createRange(), tops = [];
          for (let i = 0; i < text.length; i++) {
            range.setStart(text, i); range.setEnd(text, i + 1);
            tops.push(Math.round(range.getBoundingClientRect().top));
          }
          return Array.from(text.data).map((letter, i) => (i && tops[i] > tops[i - 1] + 9 ? "/" : "") + letter).join("");
        }"""
    )
    assert lines == "卷積神經網路：/從一個迴圈到遷移學習"


def test_the_menu_opens_by_keyboard(open_page, book: str) -> None:
    page = open_page(f"{book}{LESSON}.html", width=390, height=844)
    menu = page.get_by_role("button", name="開關選單")
    menu.focus()
    page.keyboard.press("Enter")
    with page.expect_navigation():
        page.get_by_role("link", name="路線圖").first.click()
    assert page.url.endswith("roadmap.html")
