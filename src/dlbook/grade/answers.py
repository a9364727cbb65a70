"""Reading a learner's notebook: the answers, and the definitions around them. Nothing is run."""

import ast
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlbook.errors import CourseError
from dlbook.paths import checkout

MOST_MB = 50
LONGEST_CELL = 200_000
_MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)


class Unreadable(CourseError):
    """A notebook that can't be graded; the message says why."""


@dataclass(frozen=True)
class Submission:
    """One notebook: ``answers`` by exercise id; ``definitions`` are imports, functions, constants."""

    student: str
    lesson: str
    answers: dict[str, str]
    definitions: str


def read(path: Path, student: str = "") -> Submission:
    """A notebook as a submission of ``student`` (by default the name of the file).

    Raises:
        Unreadable: no file, too large, not a notebook, not of this course.
    """
    notebook = _load(path)
    cells = [cell for cell in notebook["cells"] if cell.get("cell_type") == "code"]
    answers: dict[str, str] = {}
    around: list[str] = []
    for cell in cells:
        source = _text(cell.get("source"))
        exercise = _inside(cell, "metadata", "dlbook", "exercise")
        if isinstance(exercise, str):
            answers[exercise] = source  # pasted twice: the last counts, as in the kernel
        else:
            around += _definitions(source)
    lesson = _inside(notebook, "metadata", "dlbook", "lesson")
    if not isinstance(lesson, str):
        raise Unreadable(f"{path.name} 不是這門課的筆記本：找不到課程的名稱。")
    return Submission(student or path.stem, lesson, answers, "\n".join(around))


def modules(lesson: str) -> list[str]:
    """What the lesson's own notebook imports: worth loading before the first answer.

    ``from a import b`` counts as ``a`` and ``a.b``, which need not be a module.
    """
    path = checkout() / "notebooks" / f"{lesson}.ipynb"
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(read(path).definitions)):
        if isinstance(node, ast.Import):
            found.update(dict.fromkeys(_modules(node)))
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            found.update(dict.fromkeys(names))
    return list(found)


def _load(path: Path) -> dict[str, Any]:
    try:
        notebook = json.loads(_content(path))
    except OSError as error:
        raise Unreadable(f"讀不了 {path.name}：{error.strerror}。") from None
    except (ValueError, RecursionError):
        raise Unreadable(f"{path.name} 不是筆記本：內容不是 JSON。") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unreadable(f"{path.name} 不是筆記本：裡面沒有儲存格。")
    return notebook


def _content(path: Path) -> bytes:
    """The bytes of an ordinary file; a link, a pipe or a device could be anything."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Unreadable(f"{path.name} 不是一般的檔案。")
        content = file.read(MOST_MB * 1_000_000 + 1)
    if len(content) > MOST_MB * 1_000_000:
        raise Unreadable(f"{path.name} 超過 {MOST_MB} MB。")
    return content


def _text(source: Any) -> str:
    """A cell's source, which nbformat allows to be a string or a list of strings; magics blanked.

    What is far longer than a cell that anyone typed counts as empty.
    """
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str) or len(source) > LONGEST_CELL:
        return ""
    return _MAGIC.sub("", source)


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _definitions(source: str) -> list[str]:
    """The imports, functions, classes and simple assignments of a cell; the rest is not needed."""
    try:
        return [ast.unparse(node) for node in ast.parse(source).body if _defines(node)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # half-written: an answer that needs it will say which name is missing


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return not any("dlbook.exercise" in name for name in _modules(node))
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return not any(isinstance(part, ast.Call | ast.Await) for part in ast.walk(node))
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]
