"""Scores as tables: one line a notebook, one line an exercise, and who on the roster is missing."""

import csv
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dlbook.errors import CourseError
from dlbook.grade.score import Score

SCORES = ("student", "lesson", "score", "passed", "exercises", "file", "reason")
DETAILS = ("student", "lesson", "exercise", "stars", "status", "reason")
STATUS = {"passed": "通過", "wrong": "不對", "unanswered": "尚未作答"}


def write_scores(scores: Iterable[Score], path: Path) -> None:
    """One line a notebook: the score is the passed stars out of all, 0 to 100."""
    _write(path, SCORES, (_line(score) for score in scores))


def write_details(scores: Iterable[Score], path: Path) -> None:
    """One line an exercise, with the reason."""
    rows = (
        (s.student, s.lesson, m.exercise, m.stars, m.status, m.reason)
        for s in scores
        for m in s.marks
    )
    _write(path, DETAILS, rows)


def read_roster(path: Path) -> list[str]:
    """The student ids of a CSV file with a column ``id`` (or 學號).

    Raises:
        CourseError: no such file, no such column, an id that stands there twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"讀不了名單 {path}（{error}）。名單要是 UTF-8 的 CSV 檔。") from None
    column = next((name for name in ("id", "學號") if rows and name in rows[0]), None)
    if column is None:
        raise CourseError(f"名單 {path} 裡沒有 id（或 學號）這一欄。")
    ids = [(row[column] or "").strip() for row in rows]
    ids = [id for id in ids if id]
    if twice := sorted({id for id in ids if ids.count(id) > 1}):
        raise CourseError(f"名單 {path} 裡，{'、'.join(twice)} 出現不只一次。")
    return ids


def with_roster(scores: list[Score], ids: list[str]) -> list[Score]:
    """Scores under the ids found in the names of files and folders; those without a notebook last.

    An id counts where it stands by itself: ``b12`` in ``王小明_B12_hw``, not in ``b123``.
    """
    named = []
    for score in scores:
        found = [id for id in ids if _stands_in(id, score.student)]
        if len(found) == 1:
            named.append(replace(score, student=found[0]))
        else:
            why = "名單上沒有這個人" if not found else f"符合不只一個學號：{'、'.join(found)}"
            named.append(replace(score, reason="；".join(filter(None, (score.reason, why)))))
    here = {score.student for score in named}
    return named + [Score(id, "", reason="沒有繳交") for id in ids if id not in here]


def _stands_in(id: str, name: str) -> bool:
    pattern = rf"(?<![0-9A-Za-z]){re.escape(id)}(?![0-9A-Za-z])"
    return re.search(pattern, name, re.IGNORECASE) is not None


def _line(score: Score) -> tuple[object, ...]:
    passed = sum(mark.status == "passed" for mark in score.marks)
    return (
        score.student, score.lesson, f"{score.points:.1f}", passed, len(score.marks), score.file,
        score.reason,
    )  # fmt: skip


def check_writable(path: Path) -> None:
    """Find out before the work is done.

    Raises:
        CourseError: nothing can be written there.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        raise CourseError(f"寫不了 {path}（{error.strerror}）。") from None


def _write(path: Path, header: tuple[str, ...], rows: Iterable[Iterable[object]]) -> None:
    """A CSV file that spreadsheets open as UTF-8, written whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows([_harmless(cell) for cell in row] for row in rows)
        os.replace(part, path)
    except OSError as error:
        raise CourseError(f"寫不了 {path}（{error.strerror}）。") from None


def _harmless(cell: object) -> object:
    """Learners' text that a spreadsheet would take for a formula, as text."""
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + cell
    return cell
