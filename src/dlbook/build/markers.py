"""Finding ``# inline`` and ``# exercise``, the marks behind the import statements of a lesson."""

import ast
import io
import re
import tokenize
from difflib import get_close_matches
from typing import NamedTuple

from dlbook.build.cells import Cell
from dlbook.build.errors import BuildError, Problem
from dlbook.build.project import Project
from dlbook.build.source import Definition, Source, parse

MARKER = re.compile(r"#\s*(inline|exercise)\s*(#.*)?")
EXPECTED = {
    "inline": "from dlbook.… import …",
    "exercise": "from dlbook.exercises.… import …",
}


class Marked(NamedTuple):
    """A marked import: ``kind`` is ``inline`` or ``exercise``; rows count from 1 in its cell."""

    kind: str
    node: ast.ImportFrom
    line: int  # of the lesson

    @property
    def last_row(self) -> int:
        return self.node.end_lineno or self.node.lineno


def marked_imports(cell: Cell, lesson: Source) -> list[Marked]:
    """The marked imports of a code cell. ruff may have moved a mark behind the closing bracket."""
    tree = parse(cell.source, lesson.shown, cell.line)
    found: dict[int, Marked] = {}
    problems = []
    for token in tokenize.generate_tokens(io.StringIO(cell.source).readline):
        mark = MARKER.fullmatch(token.string) if token.type == tokenize.COMMENT else None
        if not mark:
            continue
        row = token.start[0]
        match [node for node in tree.body if node.lineno <= row <= (node.end_lineno or 0)]:
            case [ast.ImportFrom(level=0, module=str(module)) as node] if _suits(mark[1], module):
                found[node.lineno] = Marked(mark[1], node, cell.line + node.lineno - 1)
            case _:
                message = f"`# {mark[1]}` 要放在自成一行的 `{EXPECTED[mark[1]]}` 後面。"
                problems.append(Problem(lesson.shown, cell.line + row - 1, message))
    if problems:
        raise BuildError(*problems)
    return list(found.values())


def _suits(kind: str, module: str) -> bool:
    return module.startswith("dlbook.exercises." if kind == "exercise" else "dlbook.")


def definitions(
    marked: Marked, lesson: Source, project: Project
) -> tuple[Source, list[Definition]]:
    """The file that a marked import names, and the definitions it asks for, in the file's order."""
    module = str(marked.node.module)
    source = project.module_source(module)
    if source is None:
        raise BuildError(Problem(lesson.shown, marked.line, f"找不到模組 {module}。"))
    if marked.kind == "exercise" and any(alias.asname for alias in marked.node.names):
        message = "練習不能改名：`# exercise` 的 import 不用 as。"
        raise BuildError(Problem(lesson.shown, marked.line, message))
    if any(found.module == "__future__" for found in source.imports):
        raise source.problem(1, "要展開的模組不能 from __future__ import：筆記本裡不會生效。")
    wanted = {alias.name for alias in marked.node.names}
    problems = [
        Problem(lesson.shown, marked.line, _explain_missing(name, source, project))
        for name in sorted(wanted - source.defined)
    ]
    if problems:
        raise BuildError(*problems)
    return source, [found for found in source.definitions if found.names & wanted]


def _explain_missing(name: str, source: Source, project: Project) -> str:
    if name == "*":
        return "有標記的 import 不能用 *：把要展開的名字寫出來。"
    message = f"{source.shown} 沒有定義 {name}"
    if project.module_path(f"{source.module}.{name}"):
        return f"{message}：那是一個模組，請寫 from {source.module}.{name} import …。"
    if origin := next((found for found in source.imports if found.binds == name), None):
        return f"{message}，只是匯入它：請從 {origin.module} 匯入。"
    close = get_close_matches(name, source.defined, n=1)
    return f"{message}。" + (f"是不是 {close[0]}？" if close else "")
