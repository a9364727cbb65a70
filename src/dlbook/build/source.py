"""A Python file as the builder sees it: text, imports, top-level definitions. Nothing is run."""

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import resolve_name
from pathlib import Path

from dlbook.build.errors import BuildError, Problem


@dataclass(frozen=True, order=True)
class Import:
    """One imported name: ``from module import name as alias``, or ``import module as alias``."""

    module: str
    name: str = ""
    alias: str = ""

    @property
    def binds(self) -> str:
        """The name that the importing code uses."""
        return self.alias or self.name or self.module.partition(".")[0]

    def __str__(self) -> str:
        alias = f" as {self.alias}" if self.alias else ""
        start = f"from {self.module} import {self.name}" if self.name else f"import {self.module}"
        return start + alias


@dataclass(frozen=True)
class Definition:
    """A top-level statement that binds names, with its decorators and the comments above it."""

    names: frozenset[str]
    node: ast.stmt
    start: int
    end: int


@dataclass(frozen=True)
class Source:
    """A parsed file; ``shown`` is its path in messages, ``module`` its dotted name."""

    shown: str
    text: str
    tree: ast.Module
    module: str = ""
    package: str = ""

    @classmethod
    def load(cls, path: Path, shown: str, module: str = "") -> "Source":
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BuildError(Problem(shown, 1, f"讀不了這個檔案：{error}")) from error
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        return cls(shown, text, parse(text, shown), module, package)

    def problem(self, line: int, message: str) -> BuildError:
        return BuildError(Problem(self.shown, line, message))

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")  # as Python counts them; splitlines() knows other breaks

    def between(self, start: int, end: int) -> str:
        """Lines ``start`` to ``end``, counted from 1, both included."""
        return "\n".join(self.lines[start - 1 : end])

    @cached_property
    def imports(self) -> list[Import]:
        """What the top level imports."""
        return [found for node in self.tree.body for found in imports_of(node, self.package)]

    @cached_property
    def definitions(self) -> list[Definition]:
        """What the top level defines, in the order of the file."""
        return [
            self._definition(node, names) for node in self.tree.body if (names := bound_by(node))
        ]

    @cached_property
    def defined(self) -> frozenset[str]:
        return frozenset().union(*(definition.names for definition in self.definitions))

    def imports_for(self, code: str) -> frozenset[Import]:
        """The imports of this file that ``code``, a piece of it, relies on."""
        names = global_names(code)
        return frozenset(found for found in self.imports if found.binds in names)

    def _definition(self, node: ast.stmt, names: frozenset[str]) -> Definition:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        while start > 1 and self.lines[start - 2].startswith("#"):
            start -= 1
        return Definition(names, node, start, node.end_lineno or node.lineno)


def parse(text: str, shown: str, first_line: int = 1) -> ast.Module:
    """``ast.parse`` with a BuildError that knows the file, where ``text`` begins on ``first_line``."""
    try:
        return ast.parse(text)
    except SyntaxError as error:
        line = first_line + (error.lineno or 1) - 1
        raise BuildError(Problem(shown, line, f"Python 語法錯誤：{error.msg}")) from error


def imports_of(node: ast.AST, package: str = "") -> list[Import]:
    """The names that an import statement binds; none for any other node."""
    if isinstance(node, ast.Import):
        return [Import(alias.name, alias=alias.asname or "") for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        module = resolve_name(module, package) if node.level else module
        return [Import(module, alias.name, alias.asname or "") for alias in node.names]
    return []


def bound_by(node: ast.stmt) -> frozenset[str]:
    """The names that a definition or an assignment binds."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return frozenset({node.name})
        case ast.Assign():
            targets = node.targets
        case ast.AnnAssign() | ast.AugAssign():
            targets = [node.target]
        case _:
            return frozenset()
    inside = (name for target in targets for name in ast.walk(target))
    return frozenset(
        name.id for name in inside if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    )


def global_names(code: str) -> set[str]:
    """The names that ``code`` takes from its surroundings: module globals and builtins."""

    def visit(table: symtable.SymbolTable) -> Iterator[str]:
        for symbol in table.get_symbols():
            if symbol.is_global() and symbol.is_referenced():
                yield symbol.get_name()
        for child in table.get_children():
            yield from visit(child)

    return set(visit(symtable.symtable(code, "<code>", "exec")))
