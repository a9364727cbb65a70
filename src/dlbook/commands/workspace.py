"""``dlbook lab``: the learner's own copies of the notebooks, and JupyterLab to work in them."""

import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import nbformat

from dlbook.errors import CourseError
from dlbook.paths import checkout


def work_dir() -> Path:
    """Where the learner's copies are; git ignores it."""
    return checkout() / "work"


def prepare(lesson: str, *, reset: bool = False) -> str:
    """Copy the lesson's notebook into ``work/``, without outputs, unless it is there already.

    An existing copy is never touched, except with ``reset``, which first moves it to
    ``work/backup/``. Returns a sentence that says what was done.
    """
    source = checkout() / "notebooks" / f"{lesson}.ipynb"
    target = work_dir() / f"{lesson}.ipynb"
    if not source.is_file():
        raise CourseError(f"找不到 {source}；請用 git checkout notebooks 還原。")
    note = "新的一份"
    if target.exists() and not reset:
        return f"{lesson}：沿用你的筆記本 {target}{_remark(lesson, source, target)}"
    if target.exists():
        backup = work_dir() / "backup" / f"{lesson}-{datetime.now():%Y%m%d-%H%M%S-%f}.ipynb"
        backup.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(target, backup)
        note = f"你的版本備份在 {backup}"
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, target)
    return f"{lesson}：{target}（{note}）"


def prepare_index() -> None:
    """Copy the roadmap, which holds no answers, over the one of the last time."""
    source = checkout() / "notebooks/index.ipynb"
    if not source.is_file():
        raise CourseError(f"找不到 {source}；請用 git checkout notebooks 還原。")
    work_dir().mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, work_dir() / "index.ipynb")


def open_lab(notebook: str, *, browser: bool = True) -> int:
    """Start JupyterLab on ``work/``, at a lesson or at ``index``, and wait for it; its exit code."""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={work_dir()}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container
        command.append("--allow-root")
    if not browser:
        command.append("--no-browser")
    command.append(f"--LabApp.default_url=/lab/tree/{notebook}.ipynb")
    return subprocess.call(command)


def _remark(lesson: str, source: Path, copy: Path) -> str:
    """What a learner should know about the copy: nothing, mostly."""
    try:
        outdated = _version(copy) != _version(source)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError):
        return f"（這個檔案打不開；dlbook lab {lesson} --reset 會備份它，再重新複製）"
    if outdated:
        return f"（課程有新版；dlbook lab {lesson} --reset 會備份你的版本，再重新複製）"
    return ""


def _version(notebook: Path) -> str | None:
    """The hash of the lesson's sources that a notebook was built from."""
    metadata = nbformat.read(notebook, as_version=4).metadata
    return metadata.get("dlbook", {}).get("source_hash")
