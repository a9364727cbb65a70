"""The glossary, from ``book/glossary.toml``: Chinese and English, one sentence, the lesson."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dlbook.curriculum import Curriculum
from dlbook.errors import CourseError
from dlbook.web.markup import escape, lesson_link, page

SOURCE = "book/glossary.toml"


@dataclass(frozen=True)
class Term:
    """One entry; ``lesson`` is the id of the lesson that teaches it.

    ``zh`` is the word that the lessons use, and ``en`` the English one where that is another.
    Where the same letters may mean something else: ``only_in`` are the lessons where they mean this,
    ``not_after`` and ``not_before`` what stands beside them where they don't.
    """

    zh: str
    line: str
    lesson: str
    en: str = ""
    only_in: list[str] = field(default_factory=list)
    not_after: list[str] = field(default_factory=list)
    not_before: list[str] = field(default_factory=list)

    @property
    def english(self) -> str:
        """The name by which the page is sorted."""
        return self.en or self.zh

    @property
    def anchor(self) -> str:
        """The entry's id on the page."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.english.lower()).strip("-")

    @property
    def label(self) -> str:
        """What a link to it says when pointed at."""
        return f"{self.zh}{f'（{self.en}）' if self.en else ''}：{self.line}"

    @property
    def pattern(self) -> str:
        """A regular expression that finds it: a Latin word whole, a Chinese one beside anything allowed."""
        edges = (r"(?<![\w-])", r"(?![\w-])") if self.zh.isascii() else ("", "")
        before = "".join(f"(?<!{re.escape(other)})" for other in self.not_after)
        after = "".join(f"(?!{re.escape(other)})" for other in self.not_before)
        return f"(?a:{edges[0]}{before}{re.escape(self.zh)}{after}{edges[1]})"


class Finder:
    """The terms of one lesson: each is found where it is first used."""

    def __init__(self, terms: list[Term], lesson: str) -> None:
        meant = [term for term in terms if not term.only_in or lesson in term.only_in]
        meant.sort(key=lambda term: -len(term.zh))  # 殘差流 before 殘差
        self.pattern = re.compile("|".join(term.pattern for term in meant))
        self.waiting = {term.zh: term for term in meant}

    def pieces(self, text: str) -> Iterator[str | Term]:
        """The text, with a term in the place of its name; a later use stays text."""
        end = 0
        for use in self.pattern.finditer(text):
            if term := self.waiting.pop(use[0], None):
                yield text[end : use.start()]
                yield term
                end = use.end()
        yield text[end:]


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
    entries = "".join(
        _entry(term, course) for term in sorted(terms, key=lambda t: t.english.lower())
    )
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
    english = f' <span lang="en">{escape(term.en)}</span>' if term.en else ""
    return (
        f'<div class="dl-term" id="{term.anchor}"><dt>{escape(term.zh)}{english}</dt>'
        f"<dd>{escape(term.line)} <small>{lesson_link(course.find(term.lesson))}</small></dd></div>"
    )
