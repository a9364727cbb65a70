"""The glossary, from ``book/glossary.toml``: Chinese and English, one sentence, the lesson."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from dlbook.curriculum import Curriculum
from dlbook.errors import CourseError
from dlbook.web.markup import escape, lesson_link, page

SOURCE = "book/glossary.toml"


@dataclass(frozen=True)
class Term:
    """One entry; ``lesson`` is the id of the lesson that teaches it."""

    zh: str
    en: str
    line: str
    lesson: str

    @property
    def anchor(self) -> str:
        """The entry's id on the page."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.en.lower()).strip("-")


def read_terms(root: Path, course: Curriculum) -> list[Term]:
    """The terms in the order of the file.

    Raises:
        CourseError: an unknown lesson, or an entry twice.
    """
    tables = tomllib.loads((root / SOURCE).read_text("utf-8"))["term"]
    terms = [Term(**table) for table in tables]
    for term in terms:
        course.find(term.lesson)
    for values in ([t.zh for t in terms], [t.anchor for t in terms]):
        if twice := {value for value in values if values.count(value) > 1}:
            raise CourseError(f"{SOURCE} 裡重複：{'、'.join(sorted(twice))}。")
    return terms


def glossary_page(terms: list[Term], course: Curriculum) -> str:
    """All terms by English name, with a box that filters them."""
    entries = "".join(_entry(term, course) for term in sorted(terms, key=lambda t: t.en.lower()))
    lead = (
        f"{len(terms)} 個術語，各用一句話說明，並連到教它的那一課。"
        "每一課第一次用到時，也會連回這裡。"
    )
    body = (
        '<p><label class="dl-label" for="dl-term-filter">找術語</label>'
        '<input id="dl-term-filter" class="dl-input" type="search" placeholder="中文或英文" autocomplete="off"></p>'
        f'<dl class="dl-glossary">{entries}</dl><p class="dl-meta" data-no-term hidden>沒有這個術語。</p>'
    )
    return page("中英術語", body, wide=True, lead=lead)


def _entry(term: Term, course: Curriculum) -> str:
    return (
        f'<div class="dl-term" id="{term.anchor}"><dt>{escape(term.zh)} '
        f'<span lang="en">{escape(term.en)}</span></dt>'
        f"<dd>{escape(term.line)} <small>{lesson_link(course.find(term.lesson))}</small></dd></div>"
    )
