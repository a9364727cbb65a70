"""How an answer is applied to a case, cut out of the exercise file without the solutions beside it."""

import ast
from dataclasses import dataclass

from dlbook.build.exercises import is_exercise, stub
from dlbook.build.source import Source, global_names

PLAIN = "def run(answer, case):\n    return answer(*case)\n"


@dataclass(frozen=True)
class Procedure:
    """``run`` is a program that defines ``run(answer, case)``; ``names`` one that the answer stands on:
    what the exercise file defines and the exercise's signature mentions."""

    run: str
    names: str


def procedures(source: Source) -> dict[str, Procedure]:
    """The procedure of each exercise of the file.

    Raises:
        BuildError: one leans on a solution, which learners' code could then read.
    """
    exercises = {
        node.name: node
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and any(map(is_exercise, node.decorator_list))
    }
    runs = {
        decorator.value.id: node
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Attribute)
        and decorator.attr == "run"
        and isinstance(decorator.value, ast.Name)
    }
    found = {}
    for name, node in exercises.items():
        others = set(exercises) - {name}
        mentioned = global_names(stub(node, source)) & source.defined - {name}
        names = _program("", mentioned, source, others, node.lineno)
        program = PLAIN
        if name in runs:
            own = source.between(runs[name].lineno, runs[name].end_lineno or 0)
            own = own.replace(f"def {runs[name].name}(", "def run(", 1)
            needs = global_names(own)
            program = _program(own, needs, source, set(exercises), runs[name].lineno)
        found[name] = Procedure(program, names)
    return found


def _program(code: str, needs: set[str], source: Source, solutions: set[str], line: int) -> str:
    """``code`` under the helpers and imports that it needs, in the order of the file."""
    helpers: dict[int, str] = {}
    done: set[str] = set()
    while names := (needs & source.defined) - done:
        if leak := names & solutions:
            message = f"run 用到練習 {'、'.join(sorted(leak))} 的解答；批改時學生的程式就讀得到。"
            raise source.problem(line, message)
        for definition in source.definitions:
            if definition.names & names:
                text = source.between(definition.start, definition.end)
                helpers[definition.start] = text
                needs = needs | global_names(text)
        done |= names
    body = "\n\n\n".join([*(helpers[start] for start in sorted(helpers)), code])
    imports = sorted(str(found) for found in source.imports if found.binds in needs)
    return "\n".join([*imports, "", "", body, ""])
