"""The cells of a lesson, and of the notebook that it becomes."""

import io
import re
import tokenize
from dataclasses import dataclass
from typing import Literal

from dlbook.build.errors import BuildError, Problem
from dlbook.build.source import Import, Source

FORMAT = {"extension": ".py", "format_name": "percent", "comment_magics": False}


@dataclass
class Piece:
    """A stretch of code that came from one place, and the line of the lesson that brought it."""

    text: str
    line: int
    needs: frozenset[Import] = frozenset()  # imports it relies on and does not bring
    defines: frozenset[Import] = frozenset()  # objects of the course whose source this is


@dataclass
class Cell:
    """A cell, and the line of the lesson that it comes from."""

    kind: Literal["markdown", "code"]
    line: int
    pieces: list[Piece]
    tags: tuple[str, ...] = ()
    exercise: str = ""  # the exercise that is answered here

    @property
    def source(self) -> str:
        return join([piece.text for piece in self.pieces])


def read(source: Source) -> list[Cell]:
    """Split a lesson, a script in jupytext's percent format, into its cells.

    Raises:
        BuildError: text before the first cell; a Markdown cell that is not a raw string, in which
            the LaTeX of ``\\nu`` or ``\\frac`` would be eaten.
    """
    import jupytext

    starts = _cell_starts(source.text)
    parsed = jupytext.reads(source.text, fmt=FORMAT).cells
    if len(starts) != len(parsed):
        raise source.problem(1, "第一個 `# %%` 之前不能有內容：把它移進儲存格。")
    problems, cells = [], []
    for start, cell in zip(starts, parsed, strict=True):
        if cell.cell_type == "markdown" and cell.metadata.get("cell_marker") != 'r"""':
            message = '文字儲存格要寫成 r"""…""" 字串，否則 LaTeX 的反斜線會被 Python 吃掉。'
            problems.append(Problem(source.shown, start, message))
        text = cell.source.strip("\n")
        if text:
            blank = len(cell.source) - len(cell.source.lstrip("\n"))
            opening = source.lines[start].strip() == 'r"""'  # alone on its line
            tags = tuple(cell.metadata.get("tags", ()))
            line = start + 1 + blank + opening
            cells.append(Cell(cell.cell_type, line, [Piece(text, line)], tags))
    if problems:
        raise BuildError(*problems)
    return cells


def _cell_starts(text: str) -> list[int]:
    """The lines of the ``# %%`` comments; those inside a string are not comments."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [
        token.start[0]
        for token in tokens
        if token.type == tokenize.COMMENT
        and token.start[1] == 0
        and re.match(r"#\s*%%", token.string)
    ]


def join(texts: list[str]) -> str:
    """Put code together with two blank lines between, but none below a comment that leads in."""
    code = ""
    for text in filter(None, (text.strip("\n") for text in texts)):
        leads_in = code.rpartition("\n")[2].startswith("#")
        code += (("\n" if leads_in else "\n\n\n") if code else "") + text
    return code
