"""What a learner has answered and run, kept in SQLite under permanent ids."""

import os
import sqlite3
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock

from dlbook import paths
from dlbook.errors import CourseError

Verdict = Literal["passed", "wrong"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    exercise TEXT PRIMARY KEY,
    passed_at TEXT,
    attempts INTEGER NOT NULL,
    last_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS hints (
    exercise TEXT PRIMARY KEY,
    seen INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS runs (
    lesson TEXT PRIMARY KEY,
    passed_at TEXT,
    count INTEGER NOT NULL,
    seconds REAL NOT NULL,
    last_at TEXT NOT NULL
);
"""


class ProgressError(CourseError):
    """The progress file can't be read or written."""


@dataclass(frozen=True)
class Answer:
    """The state of one exercise: when it was first passed (None: not yet), and tries so far."""

    exercise: str
    passed_at: str | None
    attempts: int
    last_at: str


@dataclass(frozen=True)
class LessonRun:
    """A lesson run to its end: when all claims first passed (None: not yet), how often it was run,
    the seconds of the last time."""

    lesson: str
    passed_at: str | None
    count: int
    seconds: float
    last_at: str


def database() -> Path:
    """The progress file."""
    return paths.state_dir() / "progress.sqlite3"


def record(exercise: str, verdict: Verdict) -> None:
    """Count a try; an exercise once passed stays passed."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    passed_at = now if verdict == "passed" else None
    with connect() as connection:
        connection.execute(
            "INSERT INTO answers VALUES (?, ?, 1, ?) ON CONFLICT (exercise) DO UPDATE SET "
            "attempts = attempts + 1, last_at = excluded.last_at, "
            "passed_at = COALESCE(passed_at, excluded.passed_at)",
            (exercise, passed_at, now),
        )


def answers() -> dict[str, Answer]:
    """All exercises that were tried, by id."""
    with connect() as connection:
        rows = connection.execute("SELECT exercise, passed_at, attempts, last_at FROM answers")
        return {row[0]: Answer(*row) for row in rows}


def hints_seen(exercise: str) -> int:
    """How many hints of an exercise have been looked at."""
    with connect() as connection:
        row = connection.execute(
            "SELECT seen FROM hints WHERE exercise = ?", (exercise,)
        ).fetchone()
    return row[0] if row else 0


def see_hint(exercise: str, number: int) -> None:
    """Remember that hints up to ``number`` have been looked at."""
    with connect() as connection:
        connection.execute(
            "INSERT INTO hints VALUES (?, ?) "
            "ON CONFLICT (exercise) DO UPDATE SET seen = MAX(seen, excluded.seen)",
            (exercise, number),
        )


def record_run(lesson: str, *, passed: bool, seconds: float) -> None:
    """Count a run of a lesson; one whose claims once passed stays passed."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with connect() as connection:
        connection.execute(
            "INSERT INTO runs VALUES (?, ?, 1, ?, ?) ON CONFLICT (lesson) DO UPDATE SET "
            "count = count + 1, seconds = excluded.seconds, last_at = excluded.last_at, "
            "passed_at = COALESCE(passed_at, excluded.passed_at)",
            (lesson, now if passed else None, seconds, now),
        )


def runs() -> dict[str, LessonRun]:
    """All lessons that were run to their end, by id."""
    with connect() as connection:
        rows = connection.execute("SELECT lesson, passed_at, count, seconds, last_at FROM runs")
        return {row[0]: LessonRun(*row) for row in rows}


@contextmanager
def connect() -> Generator[sqlite3.Connection, None, None]:
    """The database, made if need be; commits at the end, or rolls back."""
    file = database()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(
            file.with_suffix(".lock"), timeout=10
        ):  # one process at a time makes the file
            if not _is_sound(file):
                _set_aside(file)
                _is_sound(file)
        with closing(sqlite3.connect(file, timeout=10)) as connection, connection:
            yield connection
    except (OSError, sqlite3.Error) as error:
        raise ProgressError(
            f"無法使用進度檔 {file}（{error}）。請確認該資料夾可以寫入，"
            "或以環境變數 DLBOOK_STATE 指定別的資料夾。"
        ) from error


def _is_sound(file: Path) -> bool:
    """Make the tables if they are not there; False if the file is damaged."""
    try:
        with closing(sqlite3.connect(file, timeout=10)) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_SCHEMA)
            return connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
            return False
        raise


def _set_aside(file: Path) -> None:
    """Keep a damaged file, and what SQLite had not yet merged into it, under another name."""
    kept = file.with_name(f"progress-broken-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.sqlite3")
    for suffix in ("", "-wal", "-shm"):
        part = file.with_name(file.name + suffix)
        if part.exists():
            os.replace(part, kept.with_name(kept.name + suffix))
    print(f"進度檔壞了，原檔保留在 {kept}；接下來的進度記在新的檔案。", file=sys.stderr)
