"""Rendering a lesson: read, expand the marked imports, gather imports, write as a notebook."""

import hashlib
from collections import Counter

from nbformat import NotebookNode, v4

from dlbook.build.cells import Cell, Piece, read
from dlbook.build.errors import BuildError, Problem, collect
from dlbook.build.exercises import exercise_cells
from dlbook.build.freshness import stamp
from dlbook.build.hoist import hoist
from dlbook.build.inline import inline
from dlbook.build.markers import definitions, marked_imports
from dlbook.build.project import Project
from dlbook.build.prose import unwrap
from dlbook.build.source import Import, Source


def render(lesson: str, project: Project | None = None) -> NotebookNode:
    """The notebook of ``lesson`` (``module/lesson``), not executed; the same bytes every time."""
    project = project or Project.here()
    source = project.lesson_source(lesson)
    return notebook(lesson, compose(source, read(source), project), project)


def compose(lesson: Source, script: list[Cell], project: Project) -> list[Cell]:
    """The cells of the notebook, which still know the line of the lesson they come from."""
    cells: list[Cell] = []
    problems: list[Problem] = []
    for cell in script:
        with collect(problems):
            cells += expand(cell, lesson, project) if cell.kind == "code" else [cell]
    problems += _repeats(cells, lesson)
    if problems:
        raise BuildError(*problems)
    return hoist(cells, lesson.shown)


def expand(cell: Cell, lesson: Source, project: Project) -> list[Cell]:
    """A code cell with its marked imports replaced; it is cut in two where an exercise stands."""
    lines = cell.source.split("\n")
    cells = [Cell("code", cell.line, [], cell.tags)]
    done = 0
    problems: list[Problem] = []
    for marked in marked_imports(cell, lesson):
        above = "\n".join(lines[done : marked.node.lineno - 1])
        cells[-1].pieces.append(Piece(above, cell.line + done))
        done = marked.last_row
        with collect(problems):
            source, chosen = definitions(marked, lesson, project)
            if marked.kind == "inline":
                cells[-1].pieces.append(inline(marked, source, chosen))
                continue
            for definition in chosen:
                with collect(problems):
                    cells += exercise_cells(marked, source, definition)
            cells.append(Cell("code", cell.line + done, [], cell.tags))
    cells[-1].pieces.append(Piece("\n".join(lines[done:]), cell.line + done))
    if problems:
        raise BuildError(*problems)
    return [cell for cell in cells if cell.source]


def notebook(name: str, cells: list[Cell], project: Project) -> NotebookNode:
    """The cells as nbformat 4.5, with ids made from their content."""
    seen: Counter[str] = Counter()
    nodes = []
    for cell in cells:
        source = unwrap(cell.source) if cell.kind == "markdown" else cell.source
        digest = hashlib.sha256(f"{cell.kind}\n{source}".encode()).hexdigest()[:12]
        seen[digest] += 1
        id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        new = v4.new_markdown_cell if cell.kind == "markdown" else v4.new_code_cell
        nodes.append(new(source, id=id, metadata=_metadata(cell)))
    return stamp(v4.new_notebook(cells=nodes), name, project)


def _metadata(cell: Cell) -> dict[str, object]:
    metadata: dict[str, object] = {"tags": list(cell.tags)} if cell.tags else {}
    if cell.exercise:
        metadata["dlbook"] = {"exercise": cell.exercise}
    return metadata


def _repeats(cells: list[Cell], lesson: Source) -> list[Problem]:
    """Names that two marked imports bring into the notebook."""
    seen: dict[str, tuple[Import, int]] = {}
    problems = []
    for piece in (piece for cell in cells for piece in cell.pieces):
        for found in sorted(piece.defines):
            first, line = seen.setdefault(found.name, (found, piece.line))
            if line != piece.line:
                message = (
                    f"{found.name}（{found.module}）在同一本筆記本展開了兩次；"
                    f"第 {line} 行已展開 {first.module} 的。刪掉其中一個標記。"
                )
                problems.append(Problem(lesson.shown, piece.line, message))
    return problems
