"""The imports that inlined code needs, gathered in the first code cell of the notebook."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from dlbook.build.cells import Cell, Piece, join
from dlbook.build.errors import BuildError, Problem
from dlbook.build.source import Import, imports_of

LINE_LENGTH = 100
DLBOOK = Import("dlbook")
GUARD = """\
try:
    import dlbook
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "這個核心裡沒有 dlbook。請在課程的資料夾執行 make lab 開啟筆記本，"
        "或在那裡先 pip install -e .，再重新啟動核心。"
    ) from None"""


def hoist(cells: list[Cell], shown: str) -> list[Cell]:
    """Add the cell that imports what is needed earlier than the lesson itself brings it.

    An object of the course that the notebook defines is not imported: an answer or a change that
    the learner makes there is what later cells see.

    Raises:
        BuildError: one name would stand for two things.
    """
    code = [cell for cell in cells if cell.kind == "code"]
    if not code:
        return cells
    hoisted = _gather([piece for cell in code for piece in cell.pieces], shown)
    for cell in code:
        cell.pieces = [_without(piece, hoisted | {DLBOOK}) for piece in cell.pieces]
    line = code[0].line
    setup = "\n\n".join(filter(None, [GUARD, import_block(hoisted - {DLBOOK})]))
    first = cells.index(code[0])
    start = Cell("code", line, [Piece(setup, line)], tags=("setup",))
    return [*cells[:first], start, *(cell for cell in cells[first:] if cell.source)]


def _gather(pieces: list[Piece], shown: str) -> set[Import]:
    """What must be imported beforehand; reads the pieces in the order in which they run.

    Code that knows an object of this notebook under another name gets ``other = name``.
    """
    present: set[Import] = set()
    defined: set[Import] = set()
    hoisted: dict[Import, int] = {}
    for piece in pieces:
        present |= _imports(piece)
        needs = piece.needs - present - hoisted.keys()
        renamed = {need for need in needs if need.alias and replace(need, alias="") in defined}
        names = [f"{need.alias} = {need.name}" for need in sorted(renamed)]
        piece.text = join(["\n".join(names), piece.text])
        hoisted |= dict.fromkeys(needs - renamed, piece.line)
        present |= piece.defines | renamed
        defined |= piece.defines
    _check_clashes(hoisted, present, shown)
    return set(hoisted)


def import_block(imports: Iterable[Import]) -> str:
    """Import statements in the order of isort: standard library, third party, dlbook."""
    sections: dict[int, dict[tuple[bool, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for found in sorted(imports):
        alias = f" as {found.alias}" if found.alias else ""
        key = (bool(found.name), found.module if found.name else found.module + alias)
        sections[_section(found.module)][key].append(found.name + alias)
    return "\n\n".join(
        "\n".join(_statement(*key, section[key]) for key in sorted(section))
        for _, section in sorted(sections.items())
    )


def _section(module: str) -> int:
    top = module.partition(".")[0]
    return 2 if top == "dlbook" else 0 if top in sys.stdlib_module_names else 1


def _statement(is_from: bool, module: str, names: list[str]) -> str:
    if not is_from:
        return f"import {module}"
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= LINE_LENGTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _imports(piece: Piece) -> set[Import]:
    return {found for node in ast.parse(piece.text).body for found in imports_of(node)}


def _without(piece: Piece, hoisted: set[Import]) -> Piece:
    """The piece without the imports that the first cell has made."""
    lines = piece.text.split("\n")
    for node in reversed(ast.parse(piece.text).body):
        found = imports_of(node)
        if hoisted.isdisjoint(found):
            continue
        start, end = node.lineno - 1, node.end_lineno or node.lineno
        kept = import_block(set(found) - hoisted).splitlines()
        if not kept and start and not "".join(lines[start - 1 : start] + lines[end : end + 1]):
            start -= 1  # one of the blank lines around it
        lines[start:end] = kept
    return replace(piece, text="\n".join(lines))


def _rename(piece: Piece, defined: set[Import]) -> set[Import]:
    """Let code that imports an object of this notebook under another name have it by that name."""
    renamed = {need for need in piece.needs if need.alias and replace(need, alias="") in defined}
    lines = [f"{need.alias} = {need.name}" for need in sorted(renamed)]
    piece.text = join(["\n".join(lines), piece.text])
    return renamed


def _check_clashes(hoisted: dict[Import, int], present: set[Import], shown: str) -> None:
    advice = (
        "請統一寫法，或其中一邊換個寫法（例如不用 from torch import Tensor，改寫 torch.Tensor）。"
    )
    problems = [
        Problem(
            shown, line, f"{new.binds} 有兩個意思：展開的程式要的 `{new}`，和 `{old}`。{advice}"
        )
        for new, line in hoisted.items()
        for old in sorted({*present, *hoisted, DLBOOK} - {new})
        if old.binds == new.binds and not (_is_plain(old) and _is_plain(new))
    ]
    if problems:
        raise BuildError(*problems)


def _is_plain(found: Import) -> bool:
    """Is it ``import a.b``, which may share its name with ``import a.c``?"""
    return not found.name and not found.alias
