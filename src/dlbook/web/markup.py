"""Small pieces of HTML that the generated pages share."""

import re
from collections.abc import Iterable
from html import escape

from dlbook.curriculum import Lesson, Paper

__all__ = ["escape", "joined", "lesson_link", "linked_papers", "page", "paper_link", "raw"]

_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def page(title: str, body: str, *, wide: bool = False, lead: str = "") -> str:
    """A MyST page: a title, one sentence, and HTML that Markdown leaves alone."""
    front = "---\nhide-toc: true\n---\n\n" if wide else ""
    opening = f"{lead}\n\n" if lead else ""
    return f"{front}# {title}\n\n{opening}{raw(body)}"


def raw(html: str) -> str:
    """HTML as a MyST block."""
    return f"````{{raw}} html\n{html}\n````\n"


def lesson_link(lesson: Lesson, *, short: bool = True) -> str:
    """A link to a ready lesson; a planned one is named and marked."""
    title = escape(lesson.short if short else lesson.title)
    if lesson.ready:
        return f'<a href="{lesson.id}.html">{title}</a>'
    return f'<span class="dl-planned">{title}<small>（規劃中）</small></span>'


def paper_link(paper: Paper) -> str:
    """A paper's title, linked where it is on arXiv, and where it appeared."""
    title = escape(paper.title)
    if not paper.url:
        return f"<cite>{title}</cite> <small>{escape(paper.where)}</small>"
    return f'<a href="{paper.url}"><cite>{title}</cite></a> <small>arXiv:{paper.arxiv}</small>'


def linked_papers(text: str) -> str:
    """Escaped text in which ``arXiv:1706.03762`` is a link."""
    return _ARXIV.sub(
        lambda match: f'<a href="https://arxiv.org/abs/{match[1]}">{match[0]}</a>', escape(text)
    )


def joined(parts: Iterable[str]) -> str:
    """Parts in one Chinese enumeration."""
    return "、".join(parts)
