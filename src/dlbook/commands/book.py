"""``dlbook book``: the executed notebooks as a web book, made by Sphinx and MyST-NB."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from dlbook import curriculum
from dlbook.errors import CourseError
from dlbook.paths import checkout


def build() -> Path:
    """Build the book of the ready lessons; its first page.

    Raises:
        CourseError: Sphinx is missing or the build failed.
    """
    if find_spec("myst_nb") is None:
        raise CourseError('缺少建書的套件。請執行 make book，或 pip install -e ".[book]"。')
    book = checkout() / "book"
    source, output = book / "_build" / "source", book / "_build" / "html"
    _gather(book, source)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    if subprocess.call([*command, str(source), str(output)]):
        raise CourseError("網頁書沒有建成（原因見上）。")
    return output / "index.html"


def _gather(book: Path, source: Path) -> None:
    """Copy the configuration, the executed notebooks and the generated front page together."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    shutil.copy(book / "conf.py", source)
    ready = [lesson.id for lesson in curriculum.load().lessons if lesson.ready]
    for lesson in ready:
        notebook, target = checkout() / "notebooks" / f"{lesson}.ipynb", source / f"{lesson}.ipynb"
        if not notebook.is_file():
            raise CourseError(f"還沒有 {notebook}；請先執行 dlbook run {lesson} --write。")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(notebook, target)
    (source / "index.md").write_text(_front_page(ready), "utf-8")


def _front_page(ready: list[str]) -> str:
    """What the course is, its lessons by module, and the table of contents."""
    lines = ["# 深度學習：跑得動、驗得過的課", "", "離線、兩核心 CPU 就能跑完的深度學習課程。", ""]
    for module in curriculum.load().modules:
        lines += [f"## {module.title}", "", module.line, ""]
        for lesson in module.lessons:
            title = f"[{lesson.title}]({lesson.id}.ipynb)" if lesson.ready else lesson.title
            lines.append(f"- {title}{'' if lesson.ready else '（規劃中）'}：{lesson.summary}")
        lines.append("")
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", *ready, "```", ""])
