"""Is a notebook what its sources make today? Hashes over cells, inputs and outputs.

``stamp`` marks a rendered notebook and ``seal`` an executed one. Four hashes are kept in
``nb.metadata["dlbook"]``: ``cells_hash`` and ``outputs_hash`` tell an edit by hand from an edit of
the sources, which ``source_hash`` sees; ``code_hash`` leaves the prose out, because outputs and
records stay true when only the text is polished.
"""

import ast
import hashlib
import json
from collections.abc import Iterator

from nbformat import NotebookNode

from dlbook.build.project import Project
from dlbook.build.source import Source, imports_of

# Packages that age no notebook, being core or machinery; nor do the files directly in dlbook.
CORE = {"assets", "datasets", "pretrained", "build", "run", "grade", "commands"}

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def stamp(nb: NotebookNode, lesson: str, project: Project) -> NotebookNode:
    """Give a rendered notebook its metadata: the fixed part and the hashes."""
    cells, files = cells_hash(nb), inputs(nb, lesson, project)
    code = [cell.source for cell in nb.cells if cell.cell_type == "code"]
    hashes = {
        "cells_hash": cells,
        "code_hash": _digest([code, files]),
        "source_hash": _digest([cells, files]),
    }
    return _mark(nb, {"lesson": lesson, **hashes})


def seal(nb: NotebookNode) -> NotebookNode:
    """Mark an executed notebook, so that it counts as fresh until its sources or outputs change."""
    return _mark(nb, {**nb.metadata["dlbook"], "outputs_hash": outputs_hash(nb)})


def cells_hash(nb: NotebookNode) -> str:
    """What a person would edit: the kind, id, source and tags of every cell."""
    return _digest(
        [[c.cell_type, c.get("id"), c.source, c.metadata.get("tags", [])] for c in nb.cells]
    )


def outputs_hash(nb: NotebookNode) -> str:
    """What an execution leaves behind."""
    return _digest([cell.get("outputs", []) for cell in nb.cells])


def inputs(nb: NotebookNode, lesson: str, project: Project) -> dict[str, str]:
    """The files, besides the cells, that results depend on, with their hashes. Add kinds here."""
    code = {source.shown: _digest(source.text) for source in code_of(nb, project)}
    weights = {
        project.shown(path): _sha256(path.read_bytes()) for path in project.checkpoints(lesson)
    }
    return code | weights


def code_of(nb: NotebookNode, project: Project) -> list[Source]:
    """The module packages and exercises that a notebook imports, directly or through others."""
    found: dict[str, Source] = {}
    queue = list(_modules_of(nb))
    while queue:
        for module in _packages(queue.pop(), project):
            if module not in found and (source := project.module_source(module)):
                found[module] = source
                queue += _imported(source.tree, source.package)
    return list(found.values())


def _modules_of(nb: NotebookNode) -> Iterator[str]:
    for cell in nb.cells:
        if cell.cell_type == "code":
            yield from _imported(ast.parse(cell.source))
        if id := cell.metadata.get("dlbook", {}).get("exercise"):
            yield "dlbook.exercises." + id.replace("/", ".")


def _imported(tree: ast.Module, package: str = "") -> Iterator[str]:
    """Dotted names of what is imported anywhere in a file; the last part may be an object's name."""
    for node in ast.walk(tree):
        for found in imports_of(node, package):
            yield f"{found.module}.{found.name}" if found.name else found.module


def _packages(module: str, project: Project) -> list[str]:
    """``dlbook.a.b.c``: ``dlbook.a``, ``dlbook.a.b``…, as importing it runs them all; core: none."""
    top, *parts = module.split(".")
    if top != "dlbook" or not parts or parts[0] in CORE or not project.is_package(parts[0]):
        return []
    return [".".join([top, *parts[:depth]]) for depth in range(1, len(parts) + 1)]


def _mark(nb: NotebookNode, marks: dict[str, str]) -> NotebookNode:
    """Write the metadata anew: executing adds to it, and the same content is to be the same bytes."""
    metadata = {"dlbook": marks, "kernelspec": KERNEL, "language_info": {"name": "python"}}
    nb.metadata = NotebookNode(metadata)
    return nb


def _digest(content: object) -> str:
    return _sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
