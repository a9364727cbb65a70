"""Progress as a JSON file: to keep, to move to another computer, to put two together."""

import json
import os
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from dlbook import progress
from dlbook.progress import ProgressError

VERSION = 1
TABLES = {
    "answers": {"exercise": str, "passed_at": (str, type(None)), "attempts": int, "last_at": str},
    "hints": {"exercise": str, "seen": int},
    "runs": {
        "lesson": str, "passed_at": (str, type(None)), "count": int, "seconds": (int, float),
        "last_at": str,
    },
}  # fmt: skip
# How a value here and one from the file become one: what was reached once stays reached.
_MERGE = {
    "passed_at": "MIN(COALESCE({0}, excluded.{0}), COALESCE(excluded.{0}, {0}))",
    "attempts": "MAX({0}, excluded.{0})",
    "count": "MAX({0}, excluded.{0})",
    "seen": "MAX({0}, excluded.{0})",
    "seconds": "CASE WHEN excluded.last_at > last_at THEN excluded.{0} ELSE {0} END",
    "last_at": "MAX({0}, excluded.{0})",
}


def write(path: Path) -> int:
    """Write everything that is remembered; how many exercises that were tried.

    Raises:
        ProgressError: the file can't be written.
    """
    content: dict[str, Any] = {"dlbook_progress": VERSION}
    with progress.connect() as connection:
        for table, columns in TABLES.items():
            with closing(connection.execute(f"SELECT {', '.join(columns)} FROM {table}")) as rows:
                content[table] = [dict(zip(columns, row, strict=True)) for row in rows]
    try:
        part = path.with_name(path.name + ".part")
        part.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
        os.replace(part, path)
    except OSError as error:
        raise ProgressError(f"寫不了 {path}（{error.strerror}）。") from None
    return len(content["answers"])


def read(path: Path) -> int:
    """Put what a file remembers together with what is remembered here; how many exercises it has.

    Nothing is lost on either side, and reading it twice changes nothing.

    Raises:
        ProgressError: the file can't be read or is not one of ours; then nothing has changed.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ProgressError(f"讀不了 {path}（{error.strerror}）。") from None
    except (ValueError, RecursionError):
        raise ProgressError(f"{path} 不是進度檔：內容不是 JSON。") from None
    rows = _checked(content, path)
    with progress.connect() as connection:
        for table, columns in TABLES.items():
            key, *rest = columns
            merges = ", ".join(f"{name} = {_MERGE[name].format(name)}" for name in rest)
            holes = ", ".join(f":{name}" for name in columns)
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({holes}) "
                f"ON CONFLICT ({key}) DO UPDATE SET {merges}",
                rows[table],
            )
    return len(rows["answers"])


def _checked(content: Any, path: Path) -> dict[str, list[dict[str, Any]]]:
    if not isinstance(content, dict) or content.get("dlbook_progress") != VERSION:
        raise ProgressError(f"{path} 不是這個版本的進度檔；請用 dlbook progress --export 產生。")
    for table, columns in TABLES.items():
        rows = content.get(table)
        if not isinstance(rows, list) or not all(_fits(row, columns) for row in rows):
            raise ProgressError(f"{path} 的 {table} 這一段壞了；什麼都沒有改。")
    return content


MOST = 2**63 - 1


def _sane(name: str, value: Any) -> bool:
    """What SQLite and a page can take: numbers in range, times that are times, encodable text."""
    if isinstance(value, int | float):
        return 0 <= value <= MOST  # not for NaN
    try:
        if value is not None and name.endswith("_at"):
            datetime.fromisoformat(value)
        return value is None or len(value.encode()) <= 1_000
    except ValueError:
        return False


def _fits(row: Any, columns: dict[str, Any]) -> bool:
    return (
        isinstance(row, dict)
        and row.keys() == columns.keys()
        and all(
            isinstance(row[name], kind)
            and not isinstance(row[name], bool)
            and _sane(name, row[name])
            for name, kind in columns.items()
        )
    )
