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

# A lesson's code is up to 18,000 spans of a few dozen colours; two of each, in code and in output, are enough.
FEWER_TOKENS = """() => {
  const seen = {};
  document.querySelectorAll(".highlight pre span").forEach(span => {
    const kind = `${span.className} ${!!span.closest(".cell_output")}`;
    seen[kind] = (seen[kind] || 0) + 1;
    if (seen[kind] > 2) span.replaceWith(...span.childNodes);
  });
}"""


def violations(page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    options = {
        "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
        "preload": False,  # it fetches the style sheets, which file:// does not allow
    }
    page.evaluate(FEWER_TOKENS)
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for fault in found
        for node in fault["nodes"][:3]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*PAGES, *READY])
def test_axe(open_page, book: str, name: str, scheme: str) -> None:
    name, _, query = name.partition("?")
    page = open_page(f"{book}{name}.html?{query}", color_scheme=scheme)
    assert not violations(page)


@pytest.mark.parametrize("name", ["index", "roadmap", "results", READY[-1]])
def test_axe_on_a_phone(open_page, book: str, name: str) -> None:
    page = open_page(f"{book}{name}.html", width=390, height=844, is_mobile=True, has_touch=True)
    assert not violations(page)
