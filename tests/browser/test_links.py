"""Every link of every page leads to something that is there; no browser is needed to see that."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Reader(HTMLParser):
    """The addresses that a page names, and the places in it that can be named."""

    links: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=lambda: {""})

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name in ("href", "src") and value:
                self.links.add(value)


def read(path: Path) -> Reader:
    """One page."""
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    return reader


def lost(folder: Path) -> list[str]:
    """Links inside a folder that lead nowhere, each with its page."""
    pages = {path: read(path) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = pages[target].ids if target in pages else {""}
            if not target.is_file() or unquote(parts.fragment) not in there:
                found.append(f"{path.relative_to(folder)}: {link}")
    return found


def test_links_lead_somewhere(html: Path) -> None:
    assert not lost(html)


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    page = '<h1 id="a">甲</h1><a href="#a"></a><a href="x.html#%E4%B9%99"></a><a href="x.html?q=1"></a>'
    (tmp_path / "x.html").write_text('<p id="乙"></p>', "utf-8")
    (tmp_path / "y.html").write_text(page + '<a href="https://arxiv.org/"></a>', "utf-8")
    assert not lost(tmp_path)
    (tmp_path / "y.html").write_text(page + '<a href="#x.ipynb"></a><img src="z.png">', "utf-8")
    assert lost(tmp_path) == ["y.html: #x.ipynb", "y.html: z.png"]
