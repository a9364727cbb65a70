"""The generated pages and a lesson, read as a person would."""

import json

import pytest

from dlbook import curriculum

READY = [lesson for lesson in curriculum.load().lessons if lesson.ready]
LESSON = "sequence_modeling/attention_mechanism"


def follow(page, link) -> None:
    """Click a link and wait until its page is there."""
    with page.expect_navigation():
        link.click()


def test_home(open_page, start: str) -> None:
    page = open_page(f"{start}index.html")
    assert "跑得動" in page.locator("h1").inner_text()
    assert page.locator(".dl-numbers dd").first.inner_text().split() == [str(len(READY)), "/", "38"]
    assert page.locator(".dl-card").count() == len(READY)
    page.wait_for_selector("#play-digit[data-ready]")
    answer = page.locator(".play-answer").inner_text()  # the first thing that a visitor sees
    assert "很有把握" in answer
    assert float(answer.partition("（")[2].partition("%")[0]) > 90
    follow(page, page.get_by_role("link", name="從第一課開始"))
    assert READY[0].title in page.locator("h1").inner_text()


def test_home_is_light_and_quick(open_page, server: str) -> None:
    sizes = list[int]()
    page = open_page("about:blank")
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    page.goto(f"{server}index.html", wait_until="load")
    for _ in range(12):  # to the end, so that the pictures that wait are counted too
        page.mouse.wheel(0, 1000)
        page.wait_for_timeout(60)
    timing = json.loads(
        page.evaluate("JSON.stringify(performance.getEntriesByType('navigation')[0])")
    )
    assert sum(sizes) <= 1_000_000
    assert timing["domInteractive"] <= 1000
    assert page.locator('[data-play="digit"][data-ready]').count() == 1


@pytest.mark.parametrize("word", ["梯度下降", "attention", "softmax 注意力"])
def test_search_finds(open_page, start: str, word: str) -> None:
    page = open_page(f"{start}index.html")
    page.keyboard.press("/")
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    page.wait_for_selector("#dl-results li")
    hits = page.locator("#dl-results li")
    assert hits.count() >= 3
    shown = " ".join(hits.all_inner_texts()[:5]).lower()
    assert all(part.lower() in shown for part in word.split())
    follow(page, hits.first.locator("a"))
    assert page.locator("article h1").count() == 1


@pytest.mark.parametrize("word", ["β", "Β"])
def test_search_finds_a_greek_letter(open_page, book: str, word: str) -> None:
    page = open_page(f"{book}search.html?q={word}")
    hits = page.locator("#dl-results li")
    assert 3 <= hits.count() < 40
    assert "β" in hits.first.inner_text()


def test_search_does_not_take_c_plus_plus_for_c(open_page, book: str) -> None:
    page = open_page(f"{book}search.html?q=C%2B%2B")
    assert "沒有找到" in page.locator("#dl-search-status").inner_text()


def test_search_says_when_there_is_nothing(open_page, book: str) -> None:
    page = open_page(f"{book}search.html?q=龘龘龘")
    assert "沒有找到" in page.locator("#dl-search-status").inner_text()


def test_dark_mode_is_kept(open_page, start: str) -> None:
    page = open_page(f"{start}index.html", color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    button = page.locator(".theme-toggle-content button")
    button.click()  # auto, then dark, then light, in an order that follows the system
    while page.evaluate("document.body.dataset.theme") != "dark":
        button.click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light == "rgb(255, 255, 255)" != dark
    page.goto(f"{start}{LESSON}.html")
    assert page.evaluate("document.body.dataset.theme") == "dark"


def test_dark_follows_the_system(open_page, book: str) -> None:
    page = open_page(f"{book}roadmap.html", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"


def test_a_lesson(open_page, start: str) -> None:
    page = open_page(f"{start}{LESSON}.html")
    assert page.locator("math").count() > 10
    assert page.evaluate("document.querySelector('math msqrt').getBoundingClientRect().height") > 5
    pictures = page.locator("article img")
    for i in range(pictures.count()):
        pictures.nth(i).scroll_into_view_if_needed()
        assert (
            pictures.nth(i).evaluate(
                "async image => { await image.decode(); return image.naturalWidth }"
            )
            > 50
        )
        assert len(pictures.nth(i).get_attribute("alt")) > 10
    hint = page.locator("article details:not(.hide)").first
    assert not hint.locator("p").first.is_visible()
    hint.locator("summary").click()
    assert hint.locator("p").first.is_visible()


def test_downloads(open_page, server: str) -> None:
    page = open_page(f"{server}{LESSON}.html")
    for kind, begins in ((".ipynb", '{\n "cells"'), (".py", "# %% [markdown]")):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=f"下載 {kind}").click()
        text = waiting.value.path().read_text("utf-8")
        assert waiting.value.suggested_filename == f"attention_mechanism{kind}"
        assert text.startswith(begins)


def test_a_term_leads_to_the_glossary_and_back(open_page, book: str) -> None:
    page = open_page(f"{book}{LESSON}.html")
    follow(page, page.locator("a.dl-term-link", has_text="注意力").first)
    assert page.url.endswith("glossary.html#term-attention")
    entry = page.locator("#term-attention")
    assert entry.is_visible()
    follow(page, entry.get_by_role("link", name="注意力機制"))
    assert LESSON in page.url


def test_the_glossary_can_be_filtered(open_page, book: str) -> None:
    page = open_page(f"{book}glossary.html")
    page.get_by_label("找術語").fill("gradient")
    shown = page.locator(".dl-term:visible")
    assert 1 <= shown.count() < page.locator(".dl-term").count()
    assert all("gradient" in text.lower() for text in shown.all_inner_texts())


def test_the_way_follows_the_chosen_path(open_page, start: str) -> None:
    page = open_page(f"{start}paths.html")
    page.locator('[data-choose-path="llm"]').click()
    follow(page, page.locator('[data-path="llm"]').get_by_role("link", name="注意力機制"))
    way = page.locator(".dl-way")
    assert way.locator("select").input_value() == "llm"
    assert "Transformer" in way.locator(".dl-after").inner_text()
    way.locator("select").select_option("")
    assert way.locator(".dl-before").inner_text().endswith("RNN 與 LSTM")


def test_results_can_be_filtered(open_page, book: str) -> None:
    page = open_page(f"{book}results.html")
    everything = page.locator(".dl-claims tbody tr:visible").count()
    page.get_by_role("button", name="boss").click()
    rows = page.locator(".dl-claims tbody tr:visible")
    assert 0 < rows.count() < everything
    assert set(rows.locator(".dl-level").all_inner_texts()) == {"boss"}


def test_mistakes_have_a_place(open_page, book: str) -> None:
    page = open_page(f"{book}{LESSON}.html")
    follow(page, page.get_by_role("link", name="這一頁有錯"))
    assert LESSON in page.get_by_label("可以直接複製的文字").input_value()


def test_print_leaves_the_text(open_page, book: str) -> None:
    page = open_page(f"{book}{LESSON}.html")
    page.emulate_media(media="print")
    assert not page.locator(".sidebar-drawer").is_visible()
    assert not page.locator(".play").first.is_visible()
    assert page.locator("h1").is_visible()
