"""axe finds nothing to object to, in light and dark, wide and on a phone."""

import pytest

from dlbook import curriculum

READY = [lesson.id for lesson in curriculum.load().lessons if lesson.ready]
PAGES = [
    "index",
    "roadmap",
    "paths",
    "playgrounds",
    "results",
    "glossary",
    "papers",
    "errata",
    "search?q=注意力",
]

# A lesson's code is up to 18,000 spans of a few dozen colours, the results are 300 rows of six kinds: two of each,
# in code, in output and in every table, are enough.
FEWER = """() => {
  const fewer = (elements, kind, drop) => {
    const seen = {};
    elements.forEach(one => { seen[kind(one)] = (seen[kind(one)] || 0) + 1; if (seen[kind(one)] > 2) drop(one); });
  };
  fewer(document.querySelectorAll(".highlight pre span"), span => `${span.className} ${!!span.closest(".cell_output")}`,
    span => span.replaceWith(...span.childNodes));
  document.querySelectorAll("tbody").forEach(body =>
    fewer(Array.from(body.rows), row => `${row.className} ${row.dataset.level}`, row => row.remove()));
}"""
EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast"]}


def violations(page, rules) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    options = {
        "runOnly": rules,
        "resultTypes": ["violations"],
        "preload": False,  # it fetches the style sheets, which file:// does not allow
    }
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for fault in found
        for node in fault["nodes"][:3]
    ]


@pytest.mark.parametrize("name", [*PAGES, *READY])
def test_axe(open_page, book: str, name: str) -> None:
    name, _, query = name.partition("?")
    page = open_page(f"{book}{name}.html?{query}", color_scheme="light", reduced_motion="reduce")
    page.evaluate(FEWER)
    assert not violations(page, EVERYTHING)
    page.emulate_media(color_scheme="dark")  # of all rules this touches the colours alone
    assert not violations(page, COLOURS)


@pytest.mark.parametrize("name", ["index", "roadmap", "results", "glossary", "paths", READY[-1]])
def test_axe_on_a_phone(open_page, book: str, name: str) -> None:
    page = open_page(f"{book}{name}.html", width=390, height=844, is_mobile=True, has_touch=True)
    page.evaluate(FEWER)
    assert not violations(page, EVERYTHING)


def test_axe_sees_a_colour_that_is_too_faint(open_page, book: str) -> None:
    page = open_page(f"{book}paths.html", color_scheme="dark")
    page.locator("h1").evaluate("heading => { heading.style.color = '#333' }")
    assert violations(page, COLOURS)
