"""The search index: words of Latin or Greek letters and pairs of Chinese characters, section by section.

``book/static/dl-search.js`` cuts a query the same way; a test compares the two.
"""

import json
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

_RUNS = re.compile(r"c\+\+|[a-z0-9_]+|[α-ω]+|[\u3400-\u9fff]+")
_SKIPPED = {"script", "style", "math", "svg", "nav", "template", "button", "select"}
_BREAKS = {"p", "li", "dt", "dd", "td", "th", "tr", "div", "br", "summary", "pre"}
_VOID = {"br", "img", "input", "hr", "meta", "link", "wbr", "source"}


def terms(text: str) -> list[str]:
    """「梯度下降 SGD」→ 梯度 度下 下降 sgd; a lone character is itself, ``a_b`` also a and b."""
    found: list[str] = []
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text).lower()):
        if run[0] >= "\u3400":
            found += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
        else:
            found.append(run)
            if "_" in run:
                found += [part for part in run.split("_") if part]
    return found


@dataclass
class Section:
    """What stands between a heading and the next: its address, its text, its code."""

    url: str
    page: str
    heading: str
    text: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Cuts the article of a page of the book into sections."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.sections = url, list[Section]()
        self.stack: list[tuple[str, dict[str, str | None]]] = []
        self.anchor, self.heading = "", ""
        self.in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img" and self._inside("article") and (alt := values.get("alt")):
            self._add(f"〔圖：{alt}〕")
        if tag in _BREAKS:
            self._add(" ")
        if tag in _VOID:
            return
        self.stack.append((tag, values))
        if self._inside("article") and tag in ("section", "h1", "h2", "h3"):
            self.anchor = values.get("id") or self.anchor
        if tag in ("h1", "h2", "h3") and self._inside("article"):
            self.in_heading, self.heading = True, ""

    def handle_endtag(self, tag: str) -> None:
        if self.in_heading and tag in ("h1", "h2", "h3"):
            self.in_heading = False
            first = not self.sections
            title = self.heading.strip() if first else self.sections[0].page
            url = self.url if first else f"{self.url}#{quote(self.anchor)}"
            self.sections.append(Section(url, title, self.heading.strip()))
        while self.stack and any(name == tag for name, _ in self.stack):
            if self.stack.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if any(name in _SKIPPED for name, _ in self.stack) or not self._inside("article"):
            return
        if self.stack and "headerlink" in (self.stack[-1][1].get("class") or ""):
            return
        if self.in_heading:
            self.heading += data
        else:
            self._add(data)

    def _add(self, text: str) -> None:
        if not self.sections or self.in_heading:
            return
        section = self.sections[-1]
        (section.code if self._inside("pre") else section.text).append(text)

    def _inside(self, tag: str) -> bool:
        return any(name == tag for name, _ in self.stack)


def read_page(url: str, html: str) -> list[Section]:
    """The sections of a page of the book."""
    reader = _Reader(url)
    reader.feed(html)
    return reader.sections


def build_index(sections: list[Section]) -> str:
    """The classic script ``search-index.js``.

    ``docs`` has [address, page, heading, text]; ``terms`` maps a term to its sections, each as the
    step from the one before, in base 36, and after a colon how often, where that isn't once.
    """
    docs, postings = [], defaultdict[str, list[tuple[int, int]]](list)
    for number, section in enumerate(sections):
        text = re.sub(r"\s+", " ", "".join(section.text)).strip()
        docs.append([section.url, section.page, section.heading, text])
        heads = f"{section.heading} " * 4
        count = Counter(terms(f"{heads} {text} {' '.join(section.code)}"))
        for term, times in count.items():
            postings[term].append((number, times))
    packed = {term: _pack(places) for term, places in sorted(postings.items())}
    data = json.dumps({"docs": docs, "terms": packed}, ensure_ascii=False, separators=(",", ":"))
    return f"window.DL_SEARCH = {data};\n"


def _pack(places: list[tuple[int, int]]) -> str:
    parts, last = [], 0
    for number, times in places:
        step = _base36(number - last)
        parts.append(step if times == 1 else f"{step}:{_base36(times)}")
        last = number
    return " ".join(parts)


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
        if not number:
            return digits


def index_folder(folder: Path) -> str:
    """The index of all pages of a built book."""
    pages = sorted(path for path in folder.rglob("*.html") if path.name != "search.html")
    sections: list[Section] = []
    for path in pages:
        sections += read_page(path.relative_to(folder).as_posix(), path.read_text("utf-8"))
    return build_index(sections)
