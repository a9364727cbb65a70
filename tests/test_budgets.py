"""The budgets of the design that do not need a lesson to run."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlbook import paths

REPO = paths.checkout()
CODE = [
    path
    for folder in ("src", "tests", "tools", "lessons", "benchmarks")
    for path in (REPO / folder).rglob("*.py")
    if "lessons" not in path.parts
] + [REPO / "course.py"]
PROGRAM = str(Path(sys.executable).with_name("dlbook"))


def seconds(*command: str) -> float:
    """Median of five, after one that warms the caches."""
    times = []
    for _ in range(6):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def test_importing_dlbook_takes_a_tenth_of_a_second_at_most() -> None:
    bare = seconds(sys.executable, "-c", "pass")
    assert seconds(sys.executable, "-c", "import dlbook") - bare <= 0.1


def test_help_answers_within_three_tenths_of_a_second() -> None:
    assert seconds(PROGRAM, "--help") <= 0.3


@pytest.mark.parametrize(
    "code",
    ["import dlbook", "import dlbook.cli", "from dlbook import build, curriculum, paths, claims"],
)
def test_what_must_start_quickly_does_not_import_torch(code: str, python) -> None:
    result = python(f"{code}; import sys; print('torch' in sys.modules)")
    assert result.stdout == "False\n", result.stderr


@pytest.mark.parametrize("arguments", ["'--help'", "'list'", "'run', 'x'", "'assets', 'list'"])
def test_commands_that_need_no_torch_do_not_import_it(arguments: str, python) -> None:
    code = f"""
import sys
from dlbook import cli
sys.argv = ["dlbook", {arguments}]
try:
    cli.main()
finally:
    print("torch imported:", "torch" in sys.modules)
"""
    assert "torch imported: False" in python(code).stdout


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def test_bundles_and_checkpoints_stay_small() -> None:
    assert 1 < megabytes(paths.DATA) <= 60
    checkpoints = paths.PACKAGE / "checkpoints"
    assert megabytes(checkpoints) <= 40
    assert all(path.stat().st_size <= 8e6 for path in checkpoints.rglob("*") if path.is_file())


def test_notebooks_stay_small() -> None:
    large = [p.name for p in (REPO / "notebooks").rglob("*.ipynb") if p.stat().st_size > 1.5e6]
    assert large == []


def test_files_of_code_stay_under_three_hundred_lines() -> None:
    """An exercise file holds all of a lesson's exercises with their mistakes, so it may be twice that."""
    assert len(CODE) > 50
    lines = {path.relative_to(REPO): path.read_text("utf-8").count("\n") for path in CODE}
    limits = {path: 600 if "exercises" in path.parts else 300 for path in lines}
    assert {str(p): count for p, count in lines.items() if count >= limits[p]} == {}
