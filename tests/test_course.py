"""course.py, the entry that needs nothing but Python."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dlbook.paths import checkout

FILE = checkout() / "course.py"


@pytest.fixture
def course(monkeypatch, tmp_path: Path) -> ModuleType:
    """The module, whose project is an empty folder."""
    spec = importlib.util.spec_from_file_location("course", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "專案 夾"
    root.mkdir()
    for name, value in {
        "ROOT": root,
        "VENV": root / ".venv",
        "LOCK": root / "requirements.lock",
        "STAMP": root / ".venv" / "dlbook-setup.txt",
    }.items():
        monkeypatch.setattr(module, name, value)
    (root / "requirements.lock").write_text("torch==2.0\n")
    (root / "pyproject.toml").write_text("")
    (root / ".venv").mkdir()
    return module


def test_it_imports_the_standard_library_only() -> None:
    command = [sys.executable, "-S", "-I", str(FILE), "help"]  # -S: no site-packages
    result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stderr
    assert "python course.py setup" in result.stdout


@pytest.mark.parametrize(("arguments", "code"), [([], 0), (["--help"], 0), (["tset"], 2)])
def test_help_and_an_unknown_command_show_the_commands(course, capsys, arguments, code) -> None:
    assert course.main(arguments) == code
    shown = capsys.readouterr().out
    for command in ("setup", "run", "test", "test-assets", "lab", "book", "lock"):
        assert f"python course.py {command}" in shown


def test_an_old_python_is_told_what_is_needed(course, monkeypatch) -> None:
    monkeypatch.setattr(course, "OLDEST_PYTHON", (99, 0))
    with pytest.raises(SystemExit, match=r"需要 Python 3\.11 以上"):
        course.main(["run"])


@pytest.mark.parametrize("file", ["requirements.lock", "pyproject.toml"])
def test_setup_runs_when_missing_or_outdated_and_only_then(course, monkeypatch, file) -> None:
    done: list[int] = []

    def setup() -> None:
        done.append(1)
        course.STAMP.write_text(course.fingerprint(), encoding="utf-8")

    monkeypatch.setattr(course, "setup", setup)
    course.ensure_setup()
    course.ensure_setup()
    assert len(done) == 1
    (course.ROOT / file).write_text("torch==2.1\n")
    course.ensure_setup()
    assert len(done) == 2


def test_run_without_a_lesson_runs_the_showpiece_and_passes_options_on(course, monkeypatch) -> None:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(course, "ensure_setup", lambda: None)
    monkeypatch.setattr(course, "run", lambda *command: calls.append(command) or 7)
    assert course.main(["run"]) == 7
    assert course.main(["run", "a/b", "--seeds", "1"]) == 7
    assert calls[0][1:] == ("run", "sequence_modeling/transformer_internals")
    assert calls[1][1:] == ("run", "a/b", "--seeds", "1")


def test_test_goes_on_after_a_failure_and_names_what_failed(course, monkeypatch, capsys) -> None:
    seen: list[str] = []

    def run(*command: str) -> int:
        seen.append(Path(command[0]).stem)
        return int(seen[-1] == "ty")

    monkeypatch.setattr(course, "run", run)
    assert course.test() == 1
    assert capsys.readouterr().out.endswith("未通過：型別\n")
    assert {"ruff", "ty", "lint-imports", "dlbook"} <= set(seen)
    assert seen.index("ty") < len(seen) - 1
    monkeypatch.setattr(course, "run", lambda *command: 0)
    assert course.test() == 0


def test_an_install_that_fails_stops_with_advice(course, monkeypatch) -> None:
    monkeypatch.setattr(course.venv, "create", lambda *a, **k: None)
    monkeypatch.setattr(course, "run", lambda *command: 1)
    with pytest.raises(
        SystemExit, match="安裝失敗（原因見上）。請確認網路連線，再執行一次 make setup"
    ):
        course.setup()
    assert not course.STAMP.exists()


def test_an_asset_that_vanished_is_told_and_does_not_stop_the_set_up(
    course, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(course.venv, "create", lambda *a, **k: None)
    monkeypatch.setattr(course, "run", lambda *command: int("assets" in command))
    course.setup()
    assert "有資產沒有下載成功（原因見上）" in capsys.readouterr().out
    assert course.STAMP.exists()


def test_a_python_without_venv_is_told_which_package_to_install(course, monkeypatch) -> None:
    def create(*args: object, **options: object) -> None:
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(course.venv, "create", create)
    with pytest.raises(SystemExit, match="sudo apt install python3-venv"):
        course.setup()


def test_a_lock_file_without_torch_is_refused(course) -> None:
    course.LOCK.write_text("numpy==2\n")
    with pytest.raises(SystemExit, match=r"requirements.lock 裡沒有 torch==…"):
        course.lock()


@pytest.mark.skipif(os.name == "nt", reason="make is not there on Windows")
def test_every_target_of_the_makefile_only_calls_course_py() -> None:
    text = (checkout() / "Makefile").read_text("utf-8")
    recipes = [line.strip() for line in text.splitlines() if line.startswith("\t")]
    assert recipes
    assert all(line.startswith("@$(PYTHON) course.py ") for line in recipes)
