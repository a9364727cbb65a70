"""The student edition of a lesson: no outputs, no way to the solutions, hints only when wanted."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from dlbook import exercise
from dlbook.errors import CourseError
from dlbook.paths import checkout

_HINT = re.compile(r"<details><summary>提示 \d+</summary>.*?</details>\s*", re.DOTALL)
_SOLUTION = re.compile(r"^看解答：在終端機執行.*$\n?", re.MULTILINE)


def release(lesson: str, folder: Path, *, hints: bool = True, force: bool = False) -> Path:
    """Write ``folder/<lesson>.ipynb`` for students; its path.

    Exercise cells carry nbgrader's metadata (manual grading, as many points as stars), so that
    nbgrader's form grader and exchange can be used on it.

    Raises:
        CourseError: the file is there already (``force`` overwrites it), or can't be written.
    """
    target = folder / f"{lesson.rpartition('/')[2]}.ipynb"
    if target.exists() and not force:
        raise CourseError(f"{target} 已經在那裡；要覆蓋請加 --force。")
    notebook = nbformat.read(checkout() / "notebooks" / f"{lesson}.ipynb", as_version=4)
    for cell in notebook.cells:
        _for_students(cell, hints=hints)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
    except OSError as error:
        raise CourseError(f"寫不了 {target}（{error.strerror}）。") from None
    return target


def _for_students(cell: NotebookNode, *, hints: bool) -> None:
    if cell.cell_type == "markdown":
        cell.source = _SOLUTION.sub("", cell.source).rstrip()
        if not hints:
            cell.source = _HINT.sub("", cell.source).rstrip()
        return
    cell.outputs, cell.execution_count = [], None
    id = cell.metadata.get("dlbook", {}).get("exercise")
    if id is not None:
        cell.metadata["nbgrader"] = {
            "cell_type": "code",
            "grade": True,
            "grade_id": id.replace("/", "-"),
            "locked": False,
            "points": exercise.find(id).stars,
            "schema_version": 3,
            "solution": True,
            "task": False,
        }
