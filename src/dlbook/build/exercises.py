"""``# exercise``: a prompt, a stub to fill in, and its check in place of the reference solution."""

import ast
import inspect
from typing import Any, NamedTuple

from dlbook.build.cells import Cell, Piece
from dlbook.build.markers import Marked
from dlbook.build.source import Definition, Import, Source, global_names

CHECK = Import("dlbook.exercise", "check")
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Exercise(NamedTuple):
    """What the decorator and the docstring of an exercise say."""

    id: str
    node: Function | ast.ClassDef
    stars: int
    hints: list[str]
    title: str
    prompt: str


def exercise_cells(marked: Marked, source: Source, definition: Definition) -> list[Cell]:
    """The three cells of an exercise."""
    exercise = read_exercise(source, definition)
    name = exercise.node.name
    code = stub(exercise.node, source)
    answer = Piece(
        code,
        marked.line,
        needs=source.imports_for(code) | _local_names(code, source, name),
        defines=frozenset({Import(source.module, name)}),
    )
    call = f'{name} = check("{exercise.id}", {name})'
    check = Piece(call, marked.line, needs=frozenset({CHECK}))
    return [
        Cell("markdown", marked.line, [Piece(prompt(exercise), marked.line)]),
        Cell("code", marked.line, [answer], tags=("exercise",), exercise=exercise.id),
        Cell("code", marked.line, [check], tags=("check",)),
    ]


def read_exercise(source: Source, definition: Definition) -> Exercise:
    """Read an exercise without importing it.

    Raises:
        BuildError: no ``@exercise(…)``, arguments that are not literals, no docstring.
    """
    node = definition.node
    if not isinstance(node, Function | ast.ClassDef):
        raise source.problem(node.lineno, "練習要是函式或類別。")
    arguments = _decorator_arguments(node, source)
    docstring = ast.get_docstring(node, clean=False)
    if not docstring or not docstring.strip():
        raise source.problem(node.lineno, f"練習 {node.name} 沒有 docstring：題目就寫在那裡。")
    if source.lines[node.body[0].lineno - 1][: node.body[0].col_offset].strip():
        raise source.problem(node.lineno, f"練習 {node.name} 的 docstring 要自成一行。")
    title, _, text = inspect.cleandoc(docstring).partition("\n")
    default_id = f"{source.module.removeprefix('dlbook.exercises.')}.{node.name}".replace(".", "/")
    return Exercise(
        arguments.get("id", default_id),
        node,
        arguments.get("stars", 1),
        arguments.get("hints", []),
        title.rstrip("。"),
        text.strip(),
    )


def prompt(exercise: Exercise) -> str:
    """The text cell: title, task, folded hints, the way to the solution."""
    hints = [
        f"<details><summary>提示 {number}</summary>\n\n{inspect.cleandoc(hint)}\n\n</details>"
        for number, hint in enumerate(exercise.hints, 1)
    ]
    heading = f"### 練習 {'★' * exercise.stars}：{exercise.title}"
    solution = f"看解答：在終端機執行 `dlbook solution {exercise.id}`"
    return "\n\n".join(filter(None, [heading, exercise.prompt, *hints, solution]))


def stub(node: Function | ast.ClassDef, source: Source) -> str:
    """The exercise without its solution; a class keeps its fields and its public methods."""
    decorators = [
        source.between(decorator.lineno, decorator.end_lineno or decorator.lineno)
        for decorator in node.decorator_list
        if not is_exercise(decorator)
    ]
    head = "\n".join([*decorators, _head(node, source)])
    if not isinstance(node, ast.ClassDef):
        return f"{head}\n{' ' * (node.col_offset + 4)}raise NotImplementedError"
    fields = [
        source.between(field.lineno, field.end_lineno or field.lineno)
        for field in node.body
        if isinstance(field, ast.AnnAssign | ast.Assign)
    ]
    methods = [stub(m, source) for m in node.body if isinstance(m, Function) and _is_public(m.name)]
    return "\n\n".join(filter(None, [head, "\n".join(fields), *methods]))


def _head(node: Function | ast.ClassDef, source: Source) -> str:
    """From ``def`` or ``class`` to the end of the docstring, or of the signature without one."""
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        return source.between(node.lineno, first.end_lineno or first.lineno)
    lines = source.between(node.lineno, first.lineno).encode().split(b"\n")
    lines[-1] = lines[-1][: first.col_offset]
    while not lines[-1].strip() or lines[-1].lstrip().startswith(b"#"):
        lines.pop()  # the solution's own comments
    return b"\n".join(lines).decode().rstrip()


def _is_public(method: str) -> bool:
    return not method.startswith("_") or method.endswith("__")


def is_exercise(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return "exercise" in (getattr(function, "id", ""), getattr(function, "attr", ""))


def _decorator_arguments(node: Function | ast.ClassDef, source: Source) -> dict[str, Any]:
    decorator = next(filter(is_exercise, node.decorator_list), None)
    if decorator is None:
        raise source.problem(node.lineno, f"{node.name} 沒有 @exercise，不是練習。")
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    try:
        return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in keywords}
    except ValueError:
        message = f"練習 {node.name} 的 @exercise 參數（stars、hints）要直接寫出值，不能是運算式。"
        raise source.problem(decorator.lineno, message) from None


def _local_names(code: str, source: Source, own: str) -> frozenset[Import]:
    """Helpers of the exercise file that the stub mentions: imported, not copied."""
    names = global_names(code) & source.defined - {own}
    return frozenset(Import(source.module, name) for name in names)
