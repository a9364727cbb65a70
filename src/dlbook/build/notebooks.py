"""Notebooks on disk: what state they are in, and building them without losing anybody's work."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import nbformat
from nbformat import NotebookNode, ValidationError

from dlbook.build.cells import Cell, read
from dlbook.build.check import Composed, check_names, check_shape
from dlbook.build.errors import BuildError, Problem, collect
from dlbook.build.freshness import cells_hash, outputs_hash, seal
from dlbook.build.project import Project
from dlbook.build.render import compose, notebook, render

State = Literal["missing", "edited", "stale", "unexecuted", "fresh"]


@dataclass(frozen=True)
class Status:
    """The state of a lesson's notebook and what to do about it, in a sentence."""

    lesson: str
    state: State
    message: str
    written: bool = False  # by this build


def status(lesson: str, project: Project | None = None) -> Status:
    """Compare the notebook on disk with what its sources make today."""
    project = project or Project.here()
    return compare(render(lesson, project), project)


def code_hash(lesson: str, project: Project | None = None) -> str:
    """The hash over all that the results of a lesson come from; prose is not part of it."""
    return render(lesson, project).metadata["dlbook"]["code_hash"]


def build(
    lessons: Iterable[str],
    *,
    check: bool = False,
    force: bool = False,
    project: Project | None = None,
) -> list[Status]:
    """Write the notebooks whose sources changed; with ``check``, only say how things stand.

    A notebook that is up to date keeps its bytes, and one whose prose alone changed its outputs; any
    other is left without outputs, to be executed.

    Raises:
        BuildError: everything that is wrong with the lessons, or a notebook that was edited by hand
            (``force`` overwrites it). Nothing has been written then.
    """
    project = project or Project.here()
    problems: list[Problem] = []
    composed: list[Composed] = []
    for lesson in lessons:
        with collect(problems):
            composed.append(_compose(lesson, project))
    with collect(problems):
        check_names(composed, project)
    for lesson in [] if check or force else composed:
        with collect(problems):
            refuse_if_edited(lesson.nb, project)
    if problems:
        raise BuildError(*problems)
    return [update(lesson.nb, project, check=check) for lesson in composed]


def _compose(lesson: str, project: Project) -> Composed:
    source = project.lesson_source(lesson)
    script = read(source)
    cells: list[Cell] = []
    problems: list[Problem] = []
    with collect(problems):
        check_shape(script, source)
    with collect(problems):
        cells = compose(source, script, project)
    if problems:
        raise BuildError(*problems)
    return Composed(source, cells, notebook(lesson, cells, project))


def update(nb: NotebookNode, project: Project, *, check: bool = False) -> Status:
    """Write a rendered notebook, edited by hand or not, unless the one on disk is as good."""
    found = compare(nb, project)
    if check or found.state in ("fresh", "unexecuted"):
        return found
    write(_with_outputs(nb, project), project, force=True)
    return replace(compare(nb, project), written=True)


def _with_outputs(nb: NotebookNode, project: Project) -> NotebookNode:
    """The notebook with the outputs of the one on disk, if the same code made them there."""
    path = project.notebook_path(nb.metadata["dlbook"]["lesson"])
    old = _read(path) if path.is_file() else None
    if old is None or _is_edited(old):
        return nb
    marks = old.metadata["dlbook"]
    same_code = marks.get("code_hash") == nb.metadata["dlbook"]["code_hash"]
    if not same_code or marks.get("outputs_hash") != outputs_hash(old):
        return nb
    executed = [cell for cell in old.cells if cell.cell_type == "code"]
    for cell in nb.cells:
        if cell.cell_type == "code":
            done = executed.pop(0)
            cell.outputs, cell.execution_count = done.outputs, done.execution_count
    return seal(nb)


def compare(nb: NotebookNode, project: Project) -> Status:
    """The state of the notebook on disk, given what it should be."""
    lesson = nb.metadata["dlbook"]["lesson"]
    state = _state(project.notebook_path(lesson), nb.metadata["dlbook"]["source_hash"])
    message = _advice(state, lesson)
    return Status(lesson, "edited" if state == "edited outputs" else state, message)


def _state(path: Path, source_hash: str) -> State | Literal["edited outputs"]:
    if not path.is_file():
        return "missing"
    nb = _read(path)
    if nb is None or _is_edited(nb):
        return "edited"
    marks = nb.metadata["dlbook"]
    if marks.get("source_hash") != source_hash:
        return "stale"
    if "outputs_hash" in marks:
        return "fresh" if marks["outputs_hash"] == outputs_hash(nb) else "edited outputs"
    return "edited outputs" if any(cell.get("outputs") for cell in nb.cells) else "unexecuted"


def write(nb: NotebookNode, project: Project | None = None, *, force: bool = False) -> Path:
    """Put a notebook (built, or executed and sealed) in its place, whole or not at all.

    Raises:
        BuildError: the notebook there was edited by hand, unless ``force``; can't write.
    """
    project = project or Project.here()
    if not force:
        refuse_if_edited(nb, project)
    path = project.notebook_path(nb.metadata["dlbook"]["lesson"])
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(nbformat.writes(nb) + "\n", encoding="utf-8", newline="\n")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        message = f"寫不進去（{error.strerror}）：請檢查資料夾的權限與剩餘空間。"
        raise BuildError(Problem(project.shown(path), 1, message)) from error
    return path


def refuse_if_edited(nb: NotebookNode, project: Project) -> None:
    """Raise if ``nb`` would overwrite cells that somebody changed in the notebook itself.

    Outputs are made by machine and may go; so may an edit that the lesson has caught up with.
    """
    lesson = nb.metadata["dlbook"]["lesson"]
    path = project.notebook_path(lesson)
    if not path.is_file():
        return
    old = _read(path)
    if old is None or (_is_edited(old) and cells_hash(old) != cells_hash(nb)):
        raise BuildError(Problem(project.shown(path), 1, _advice("edited", lesson)))


def _read(path: Path) -> NotebookNode | None:
    """The notebook, or None if the file is not one."""
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, AttributeError, KeyError, ValidationError):
        return None


def _is_edited(nb: NotebookNode) -> bool:
    """Do the cells differ from what was built?"""
    return nb.metadata.get("dlbook", {}).get("cells_hash") != cells_hash(nb)


def _advice(state: str, lesson: str) -> str:
    run = f"`dlbook run {lesson} --write`"
    return {
        "missing": f"還沒有筆記本：`dlbook build {lesson}`。",
        "edited": f"筆記本被直接改過。請把修改寫進 lessons/{lesson}.py，再 `dlbook build {lesson}`；"
        f"不要這些修改就用 `dlbook build {lesson} --force`。",
        "edited outputs": f"輸出與執行時留下的不同：{run} 重新執行。",
        "stale": f"課程或它用到的程式改過了：先 `dlbook build {lesson}`；改的不只是文字就再 {run}。",
        "unexecuted": f"還沒有執行：{run}。",
        "fresh": "是最新的。",
    }[state]
