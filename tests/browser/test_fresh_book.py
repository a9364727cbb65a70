"""These tests read no book that is older than what it is made from."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

CheckBook = Callable[[Path], Path]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A checkout with a page of each kind, all older than the book."""
    for name in (
        "book/static/a.css",
        "book/_build/source/index.md",
        "notebooks/a/b.ipynb",
        "records/a/b.json",
        "src/dlbook/web/home.py",
        "src/dlbook/curriculum.toml",
        "book/_build/html/search-index.js",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
        os.utime(path, (1000, 1000))
    return tmp_path


def test_a_book_that_is_newer_is_read(built: Path, check_book: CheckBook) -> None:
    os.utime(built / "book/_build/source/index.md", (2000, 2000))  # no source
    assert check_book(built) == built / "book" / "_build" / "html"


@pytest.mark.parametrize(
    "name",
    [
        "book/static/a.css",
        "notebooks/a/b.ipynb",
        "records/a/b.json",
        "src/dlbook/web/home.py",
        "src/dlbook/curriculum.toml",
    ],
)
def test_an_older_book_is_refused(built: Path, check_book: CheckBook, name: str) -> None:
    os.utime(built / name, (2000, 2000))
    with pytest.raises(pytest.fail.Exception, match=f"{name}: make book"):
        check_book(built)
