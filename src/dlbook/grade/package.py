"""A copy of the package without the exercises, for the process that runs learners' code."""

import shutil
from pathlib import Path

from dlbook.paths import PACKAGE

LEFT_OUT = ("exercises", "grade", "__pycache__")
LINKED = ("data", "checkpoints")  # large, and nothing in them is secret


def copy_without_exercises(folder: Path) -> Path:
    """Put the copy in ``folder``; what to add to PYTHONPATH."""
    target = folder / "dlbook"
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns(*LEFT_OUT, *LINKED))
    for name in LINKED:
        (target / name).symlink_to(PACKAGE / name, target_is_directory=True)
    grade = target / "grade"
    grade.mkdir()
    for name in ("__init__", "codec", "sandbox", "server"):
        shutil.copy(PACKAGE / "grade" / f"{name}.py", grade)
    return folder


def hidden_folders() -> list[Path]:
    """Where solutions, or texts that give them away, lie on this disk."""
    root = PACKAGE.parent.parent
    names = ("lessons", "notebooks", "tests", "work", "book", ".git", ".runs")
    return [PACKAGE / "exercises", PACKAGE / "grade", *(root / name for name in names)]
