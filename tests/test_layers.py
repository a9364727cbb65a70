"""The contracts of import-linter hold, and each is broken by what it forbids."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlbook.paths import checkout

LINT = str(Path(sys.executable).with_name("lint-imports"))


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    command = [LINT, "--no-cache", "--config", str(root / "pyproject.toml")]
    environment = {"PYTHONPATH": str(root / "src"), "COLUMNS": "200", "PATH": ""}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("layers")
    ignore = shutil.ignore_patterns("__pycache__", "data", "checkpoints")
    shutil.copytree(checkout() / "src", root / "src", ignore=ignore)
    shutil.copy(checkout() / "pyproject.toml", root)
    return root


def test_the_contracts_hold(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout
    assert "4 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("errors.py", "import dlbook.paths", "Machinery above exercises"),
        ("lesson.py", "import dlbook.foundations.autograd", "Machinery above exercises"),
        ("foundations/autograd.py", "import dlbook.sequence_modeling.rope", "Machinery above"),
        ("sequence_modeling/rope.py", "import dlbook.exercises", "Machinery above exercises"),
        ("run/result.py", "import dlbook.commands.doctor", "Machinery above exercises"),
        ("a_new_file.py", "x = 1", "Machinery above exercises"),
        ("run/result.py", "import dlbook.run.table", "No circles"),
        ("build/errors.py", "import torch", "The builder reads files"),
        ("cli.py", "def late():\n    import torch", "The command line leaves torch"),
    ],
)
def test_a_violation_is_found(copy: Path, file: str, line: str, contract: str) -> None:
    path = copy / "src" / "dlbook" / file
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", "utf-8")
    try:
        result = lint(copy)
    finally:
        path.write_text(before, "utf-8") if before is not None else path.unlink()
    assert result.returncode == 1
    broken = [text for text in result.stdout.splitlines() if text.endswith("BROKEN")]
    assert any(text.startswith(contract) for text in broken), result.stdout
