"""Real kernels on tiny notebooks."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from rich.console import Console

from dlbook.run import Options, Result, runner

# What `lesson.finish` leaves behind, without the seconds it takes to import torch.
FINISH = """
from IPython.display import display
def note(**data):
    display({"text/plain": "note"}, metadata={"dlbook": data}, raw=True)
note(finish={"seconds": 0.1, "peak_mb": 1, "passed": True})
"""


def notebook(*cells: str) -> nbformat.NotebookNode:
    made = [nbformat.v4.new_code_cell(cell.strip()) for cell in cells]
    return nbformat.v4.new_notebook(cells=made)


Run = Callable[..., dict[str, Result]]


def run_lessons(lessons: dict[str, list[str]], folder: Path, **options) -> dict[str, Result]:
    """Run lessons given by their cells; the results by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "render", lambda name: notebook(*lessons[name]))
        console = Console(file=io.StringIO(), width=200)
        results = runner.run_lessons(list(lessons), Options(**options), folder, console)
    return {result.lesson: result for result in results}


def processes_with(mark: str) -> list[psutil.Process]:
    """Running processes that have ``mark`` among their arguments."""

    def matches(process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE and mark in process.cmdline()
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if matches(process)]


@pytest.fixture
def no_new_kernels() -> Iterator[None]:
    """Fails a test that leaves a kernel of this process behind."""
    yield
    left = psutil.Process().children(recursive=True)
    assert [p for p in left if "ipykernel_launcher" in p.cmdline()] == []
