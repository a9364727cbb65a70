"""What a lesson must satisfy to be built: the fixed headings, and no name missing or repeated."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import nbformat
from nbformat import NotebookNode

from dlbook.build.cells import Cell
from dlbook.build.errors import BuildError, Problem
from dlbook.build.project import Project
from dlbook.build.source import Source

SECTIONS = (
    "先看結果",
    "直覺",
    "原理",
    "從零實作",
    "實驗",
    "看看哪裡錯",
    "常見的坑",
    "練習",
    "驗收",
    "延伸閱讀",
)


class Heading(NamedTuple):
    level: int
    title: str
    line: int


class Composed(NamedTuple):
    """A lesson on its way to a notebook: cell ``n`` of ``nb`` was made from ``cells[n]``."""

    source: Source
    cells: list[Cell]
    nb: NotebookNode


def check_shape(cells: list[Cell], lesson: Source) -> None:
    """Every lesson has one title and the same sections in the same order; the rest is ``###``."""
    found = list(_headings(cells))
    titles = [heading for heading in found if heading.level == 1]
    sections = [heading for heading in found if heading.level == 2]
    known = [heading for heading in sections if heading.title in SECTIONS]
    missing = [title for title in SECTIONS if title not in {heading.title for heading in known}]
    problems = []
    if not cells or cells[0].kind != "markdown" or not cells[0].source.startswith("# "):
        problems.append((1, "第一格要是文字，並以 `# 標題` 開頭。"))
    problems += [(h.line, f"只能有一個一級標題，「{h.title}」請改用 ###。") for h in titles[1:]]
    problems += [
        (h.line, f"二級標題是固定的，「{h.title}」請改用 ###。") for h in sections if h not in known
    ]
    if missing:
        problems.append((1, "缺少標題：" + "、".join(f"## {title}" for title in missing) + "。"))
    for above, below in pairwise(known):
        if SECTIONS.index(below.title) <= SECTIONS.index(above.title):
            message = f"標題的順序不對：「{below.title}」不該在「{above.title}」之後。"
            problems.append((below.line, message))
    if problems:
        raise BuildError(*(Problem(lesson.shown, line, message) for line, message in problems))


def _headings(cells: list[Cell]) -> Iterator[Heading]:
    for cell in cells:
        fenced = False
        for line, text in enumerate(cell.source.split("\n"), cell.line):
            fenced ^= text.lstrip().startswith("```")
            heading = re.match(r"(##?) +(.+)", text)
            if heading and not fenced and cell.kind == "markdown":
                yield Heading(len(heading[1]), heading[2].strip(), line)


def check_names(lessons: list[Composed], project: Project) -> None:
    """ruff reads the notebooks: a name that is used and missing, or defined twice, stops the build."""
    problems = []
    for number, finding in _ruff([lesson.nb for lesson in lessons]):
        lesson = lessons[number]
        cell = lesson.cells[finding["cell"] - 1]
        where = f"筆記本第 {finding['cell']} 格第 {finding['location']['row']} 行"
        message = f"{where}：{_explain(finding, cell, project)}"
        problems.append(Problem(lesson.source.shown, cell.line, message))
    if problems:
        raise BuildError(*dict.fromkeys(problems))


def _ruff(notebooks: list[NotebookNode]) -> Iterator[tuple[int, dict[str, Any]]]:
    """ruff's findings, each with the number of its notebook."""
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    ruff = shutil.which("ruff", path=here)
    if ruff is None:
        raise BuildError(Problem("pyproject.toml", 1, "找不到 ruff：請執行 make setup。"))
    options = ["--isolated", "--no-cache", "--target-version=py311", "--select=F821,F811"]
    with TemporaryDirectory() as folder:
        for number, nb in enumerate(notebooks):
            nbformat.write(nb, Path(folder, f"{number}.ipynb"))
        command = [ruff, "check", *options, "--output-format=json", "."]
        result = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    if result.returncode not in (0, 1):
        raise BuildError(Problem("notebooks", 1, f"ruff 無法執行：{result.stderr.strip()}"))
    for finding in json.loads(result.stdout):
        yield int(Path(finding["filename"]).stem), finding


def _explain(finding: dict[str, Any], cell: Cell, project: Project) -> str:
    name = re.search(r"`(.+?)`", finding["message"])
    if finding["code"] == "F811" and name:
        return f"{name[1]} 定義了兩次，前一次還沒用到。留下一個。"
    if finding["code"] == "F821" and name:
        modules = sorted({found.module for piece in cell.pieces for found in piece.defines})
        sources = filter(None, map(project.module_source, modules))
        owner = next((source.module for source in sources if name[1] in source.defined), "dlbook.…")
        advice = f"from {owner} import {name[1]}"
        return (
            f"用到 {name[1]}，但筆記本裡沒有它。在前面加上 `{advice}  # inline`，或不加標記只匯入。"
        )
    return finding["message"]
