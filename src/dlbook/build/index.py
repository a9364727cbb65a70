"""``notebooks/index.ipynb``: the roadmap, generated from the curriculum."""

from nbformat import NotebookNode

from dlbook.build.cells import Cell, Piece
from dlbook.build.hoist import GUARD
from dlbook.build.notebooks import Status, refuse_if_edited, update
from dlbook.build.project import Project
from dlbook.build.render import notebook
from dlbook.curriculum import Curriculum, Lesson, Module, load

NAME = "index"

INTRODUCTION = """\
# 課程路線圖

由上往下，一個模組接一個模組；每一課開頭都寫了需要先會什麼。標「規劃中」的課還沒有寫好。
最後一格列出你做過的練習。"""


def build_index(
    *,
    check: bool = False,
    force: bool = False,
    curriculum: Curriculum | None = None,
    project: Project | None = None,
) -> Status:
    """Write the roadmap if the curriculum changed. It is never executed: progress is the reader's.

    Raises:
        BuildError: it was edited by hand, unless ``force``.
    """
    project = project or Project.here()
    nb = render_index(curriculum or load(), project)
    if not (check or force):
        refuse_if_edited(nb, project)
    found = update(nb, project, check=check)
    if found.state == "unexecuted":
        return Status(NAME, "fresh", "是最新的。", found.written)
    advice = "與 curriculum.toml 不一致：`dlbook build`（直接改過的內容會遺失時，加上 --force）。"
    return Status(NAME, found.state, advice)


def render_index(curriculum: Curriculum, project: Project) -> NotebookNode:
    """One table a module, and a last cell that shows the reader's progress."""
    tables = [_module(number, module) for number, module in enumerate(curriculum.modules, 1)]
    progress = f"{GUARD}\n\nfrom dlbook.commands import learning\n\nlearning.print_progress()"
    texts = [INTRODUCTION, *tables, "## 我的進度"]
    cells = [Cell("markdown", 1, [Piece(text, 1)]) for text in texts]
    return notebook(NAME, [*cells, Cell("code", 1, [Piece(progress, 1)])], project)


def _module(number: int, module: Module) -> str:
    rows = "\n".join(map(_row, module.lessons))
    return f"## {number}. {module.title}\n\n{module.line}\n\n| 課 | 內容 | 分鐘 |\n| :-- | :-- | --: |\n{rows}"


def _row(lesson: Lesson) -> str:
    title = f"[{_text(lesson.title)}]({lesson.id}.ipynb)"
    if not lesson.ready:
        title = f"{_text(lesson.title)}（規劃中）"
    return f"| {title} | {_text(lesson.summary)} | {lesson.minutes:g} |"


def _text(text: str) -> str:
    """Text that may stand in a table."""
    return text.replace("|", "\\|")
