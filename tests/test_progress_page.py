"""The page of one's progress: what is done, what is next; it needs nothing but itself."""

import html.parser
from pathlib import Path

import pytest

from dlbook import progress
from dlbook.commands import progress_page
from dlbook.errors import CourseError

LESSON = "foundations/environment_setup"


class Outline(html.parser.HTMLParser):
    """Checks that tags close, and collects addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag != "meta" and tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_done_tried_and_next() -> None:
    progress.record(f"{LESSON}/matmul_intensity", "passed")
    progress.record(f"{LESSON}/private_random", "wrong")
    progress.record_run(LESSON, passed=True, seconds=21)
    page = progress_page.page()
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert outline.addresses == []  # no file and no site but itself
    assert "練習完成 1／" in page
    assert "試過 1 次" in page
    assert "接下來：自己的亂數" in page
    assert "上次 21 秒" in page


def test_a_stranger_is_told_where_to_begin() -> None:
    assert f"dlbook lab {LESSON}" in progress_page.page()


def test_an_unwritable_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="寫不了"):
        progress_page.write(tmp_path / "no/page.html")
