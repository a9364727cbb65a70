"""``dlbook build``, and what ``dlbook run --write --record`` leaves in the repository."""

from collections.abc import Sequence
from pathlib import Path

import nbformat

from dlbook import build as builder
from dlbook.paths import checkout
from dlbook.run import Result, records

MAX_NOTEBOOK_BYTES = 1_500_000


def build(lessons: Sequence[str], *, force: bool = False) -> list[str]:
    """Write what changed, the index included; one sentence for each notebook that isn't fresh yet."""
    found = builder.build(lessons, force=force)
    builder.build_index(force=force)
    return [f"{item.lesson}：{item.message}" for item in found if item.state != "fresh"]


def check(lessons: Sequence[str]) -> list[str]:
    """What is out of date: notebooks, records, the index; one sentence each."""
    found = [*builder.build(lessons, check=True), builder.build_index(check=True)]
    problems = [f"{item.lesson}：{item.message}" for item in found if item.state != "fresh"]
    for lesson in lessons:
        notebook = checkout() / "notebooks" / f"{lesson}.ipynb"
        if notebook.is_file() and notebook.stat().st_size > MAX_NOTEBOOK_BYTES:
            size = notebook.stat().st_size / 1e6
            problems.append(f"{lesson}：筆記本有 {size:.1f} MB，超過 1.5 MB；請減少圖或輸出。")
        stale = records.problem(lesson, builder.code_hash(lesson), record_path(lesson))
        if stale is not None:
            problems.append(stale)
    return problems


def keep_notebook(lesson: str, executed: Path) -> None:
    """Make an executed notebook the reference edition."""
    notebook = nbformat.read(executed, as_version=4)
    builder.seal(notebook)
    print(f"寫入 {builder.write(notebook)}")


def keep_record(lesson: str, results: Sequence[Result], profile: str) -> None:
    """Write the record of a lesson's claims over several seeds."""
    path = record_path(lesson)
    records.write(lesson, results, builder.code_hash(lesson), profile, path)
    print(f"寫入 {path}")


def record_path(lesson: str) -> Path:
    """Where the record of a lesson is."""
    return checkout() / "records" / f"{lesson}.json"
