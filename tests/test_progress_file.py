"""Progress goes to a file and comes back; two computers' progress become one; nothing is lost."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlbook import progress, progress_file
from dlbook.progress import ProgressError


def remember_something() -> None:
    progress.record("a/b/c", "wrong")
    progress.record("a/b/c", "passed")
    progress.record("a/b/d", "wrong")
    progress.see_hint("a/b/d", 2)
    progress.record_run("a/b", passed=True, seconds=12.5)


def everything() -> tuple:
    return progress.answers(), progress.hints_seen("a/b/d"), progress.runs()


def test_what_is_written_comes_back_on_another_computer(tmp_path: Path, monkeypatch) -> None:
    remember_something()
    before = everything()
    assert progress_file.write(tmp_path / "p.json") == 2
    monkeypatch.setenv("DLBOOK_STATE", str(tmp_path / "other"))
    assert progress.answers() == {}
    for _ in range(2):  # the second time changes nothing
        assert progress_file.read(tmp_path / "p.json") == 2
        assert everything() == before


def test_two_computers_become_one(tmp_path: Path, monkeypatch) -> None:
    remember_something()
    progress_file.write(tmp_path / "p.json")
    monkeypatch.setenv("DLBOOK_STATE", str(tmp_path / "other"))
    for _ in range(3):
        progress.record("a/b/d", "passed")
    progress.see_hint("a/b/d", 1)
    progress.record_run("a/b", passed=False, seconds=20)
    progress_file.read(tmp_path / "p.json")
    answers, hints, runs = everything()
    assert answers["a/b/c"].passed_at is not None
    assert answers["a/b/d"].passed_at is not None
    assert answers["a/b/d"].attempts == 3
    assert hints == 2
    assert runs["a/b"].passed_at is not None


def test_runs_are_counted_and_a_pass_is_kept() -> None:
    progress.record_run("a/b", passed=False, seconds=3)
    assert progress.runs()["a/b"].passed_at is None
    progress.record_run("a/b", passed=True, seconds=2)
    progress.record_run("a/b", passed=False, seconds=1)
    run = progress.runs()["a/b"]
    assert (run.count, run.seconds) == (3, 1)
    assert run.passed_at is not None


def test_a_file_of_an_earlier_version_of_the_course_still_opens() -> None:
    """Before runs were kept there were two tables only."""
    progress.record("a/b/c", "passed")
    with progress.connect() as connection:
        connection.execute("DROP TABLE runs")
    progress.record_run("a/b", passed=True, seconds=1)
    assert "a/b/c" in progress.answers()
    assert "a/b" in progress.runs()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "不是 JSON"),
        ("[]", "不是這個版本"),
        ('{"dlbook_progress": 2}', "不是這個版本"),
        ('{"dlbook_progress": 1, "answers": 3}', "answers 這一段壞了"),
        ('{"dlbook_progress": 1, "answers": [{"exercise": "a"}]}', "answers 這一段壞了"),
        ('{"dlbook_progress": 1, "answers": [], "hints": [{"exercise": "a", "seen": true}]}', "hints"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_ours_changes_nothing(
    tmp_path: Path, content: str, message: str
) -> None:
    remember_something()
    before = everything()
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(ProgressError, match=message):
        progress_file.read(tmp_path / "p.json")
    assert everything() == before


def test_files_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProgressError, match="讀不了"):
        progress_file.read(tmp_path / "none.json")
    with pytest.raises(ProgressError, match="寫不了"):
        progress_file.write(tmp_path / "no/folder.json")


@given(
    st.dictionaries(
        st.sampled_from(["dlbook_progress", "answers", "hints", "runs"]),
        st.one_of(st.integers(0, 2), st.lists(st.dictionaries(st.text(), st.none()))),
    )
)
def test_any_json_is_read_or_refused(tmp_path_factory, value: dict) -> None:
    path = tmp_path_factory.mktemp("json") / "p.json"
    path.write_text(json.dumps(value))
    with contextlib.suppress(ProgressError):
        assert progress_file.read(path) == 0
