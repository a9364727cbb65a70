"""The whole command on a copy of the course, in a folder with spaces and Chinese characters."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlbook.build.check import SECTIONS
from dlbook.paths import PACKAGE

LESSON = "foundations/pytorch_fundamentals"
HEADINGS = "\n\n".join(f"## {section}" for section in SECTIONS)
SCRIPT = f'''# %% [markdown]
r"""
# 小課

{HEADINGS}
"""

# %%
from dlbook import lesson

run = lesson.start("{LESSON}", quick={{}}, full={{}})

# %%
run.claim("種子加一", run.seed + 1, near=(run.seed + 1, 0), level="parity")
lesson.finish(run)
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A checkout of the course whose one lesson is short."""
    root = tmp_path_factory.mktemp("專案") / "深度 學習 課程"
    ignore = shutil.ignore_patterns(
        "__pycache__", "checkpoints", "mnist", "fashion_mnist", "tabular"
    )
    shutil.copytree(PACKAGE, root / "src" / "dlbook", ignore=ignore)
    (root / "pyproject.toml").write_text("")
    script = root / "lessons" / f"{LESSON}.py"
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT, "utf-8")
    return root


def dlbook(project: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dlbook.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "COLUMNS": "120"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=project, env=environment, **pipes)


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=120)
    return process.returncode, out, errors


def test_two_runs_of_one_lesson_at_once_do_not_meet(project: Path) -> None:
    runs = [dlbook(project, "run", LESSON, "--report", f"報告 {i}.json") for i in range(2)]
    for i, run in enumerate(runs):
        code, out, errors = finished(run)
        assert (code, errors) == (0, "")
        assert "執行過的筆記本在" in out
        [entry] = json.loads((project / f"報告 {i}.json").read_text("utf-8"))
        assert (entry["lesson"], entry["status"]) == (LESSON, "passed")
    assert len(list((project / ".runs").iterdir())) == 2


def test_write_and_record_leave_what_build_check_accepts_until_the_lesson_changes(project) -> None:
    code, out, _ = finished(dlbook(project, "build", "--check", LESSON))
    assert code == 1
    assert "還沒有筆記本" in out
    assert "還沒有紀錄" in out

    finished(dlbook(project, "build", LESSON))
    code, _, errors = finished(
        dlbook(project, "run", LESSON, "--seeds", "0,1,2", "--write", "--record")
    )
    assert (code, errors) == (0, "")
    record = json.loads((project / "records" / f"{LESSON}.json").read_text("utf-8"))
    assert [run["claims"][0]["value"] for run in record["runs"]] == [1, 2, 3]
    code, out, _ = finished(dlbook(project, "build", "--check", LESSON))
    assert code == 0, out

    script = project / "lessons" / f"{LESSON}.py"
    script.write_text(SCRIPT.replace("near=", "source='改過', near="), "utf-8")
    code, out, _ = finished(dlbook(project, "build", "--check", LESSON))
    script.write_text(SCRIPT, "utf-8")
    assert code == 1
    assert "紀錄過期了" in out


def test_a_notebook_edited_by_hand_is_not_overwritten(project: Path) -> None:
    finished(dlbook(project, "build", LESSON))
    notebook = project / "notebooks" / f"{LESSON}.ipynb"
    edited = notebook.read_text("utf-8").replace("小課", "我的小課")
    notebook.write_text(edited, "utf-8")
    code, out, errors = finished(dlbook(project, "build", LESSON))
    assert (code, out) == (2, "")
    assert "筆記本被直接改過" in errors
    assert "--force" in errors
    assert notebook.read_text("utf-8") == edited


def test_a_failed_lesson_is_an_exit_code_of_one_and_is_neither_written_nor_recorded(
    project,
) -> None:
    script = project / "lessons" / f"{LESSON}.py"
    script.write_text(SCRIPT.replace("run.seed + 1, near", "run.seed + 9, near"), "utf-8")
    before = {path: path.read_bytes() for path in (project / "records").rglob("*.json")}
    code, out, errors = finished(dlbook(project, "run", LESSON, "--write", "--record"))
    script.write_text(SCRIPT, "utf-8")
    assert code == 2  # nothing to record is an error of the command
    assert "種子加一：得到 9，要求 1 ± 0" in out
    assert "種子 0 沒有通過，所以沒有寫入紀錄" in errors
    assert {path: path.read_bytes() for path in (project / "records").rglob("*.json")} == before
