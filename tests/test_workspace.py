"""The learner's copies: made without outputs, never overwritten, backed up before a reset."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from dlbook import cli
from dlbook.commands import workspace
from dlbook.errors import CourseError

LESSON = "zoo/cats"


def write_notebook(root: Path, version: str) -> Path:
    """The reference edition, executed."""
    cell = nbformat.v4.new_code_cell("x = 1", execution_count=3)
    cell.outputs = [nbformat.v4.new_output("stream", text="輸出")]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 貓"), cell])
    notebook.metadata["dlbook"] = {"lesson": LESSON, "source_hash": version}
    path = root / "notebooks" / f"{LESSON}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def root(monkeypatch, tmp_path: Path) -> Path:
    folder = tmp_path / "深度 學習"
    monkeypatch.setattr(workspace, "checkout", lambda: folder)
    write_notebook(folder, "one")
    (folder / "notebooks/index.ipynb").write_text('{"cells": [], "roadmap": 1}')
    return folder


def answer(root: Path) -> Path:
    """The learner's copy, with an answer in it."""
    workspace.prepare(LESSON)
    copy = root / "work" / f"{LESSON}.ipynb"
    copy.write_text(copy.read_text("utf-8").replace("x = 1", "x = 我的答案"), "utf-8")
    return copy


def test_the_copy_has_no_outputs_and_the_reference_keeps_its_own(root: Path) -> None:
    before = (root / "notebooks" / f"{LESSON}.ipynb").read_bytes()
    assert "新的一份" in workspace.prepare(LESSON)
    copy = nbformat.read(root / "work" / f"{LESSON}.ipynb", as_version=4)
    assert copy.cells[1].outputs == []
    assert copy.cells[1].execution_count is None
    assert (root / "notebooks" / f"{LESSON}.ipynb").read_bytes() == before


def test_an_answer_is_never_overwritten(root: Path) -> None:
    copy = answer(root)
    before = copy.read_bytes()
    assert workspace.prepare(LESSON) == f"{LESSON}：沿用你的筆記本 {copy}"
    assert copy.read_bytes() == before


def test_a_newer_edition_is_reported_and_the_answer_kept(root: Path) -> None:
    copy = answer(root)
    before = copy.read_bytes()
    write_notebook(root, "two")
    text = workspace.prepare(LESSON)
    assert f"課程有新版；dlbook lab {LESSON} --reset 會備份你的版本" in text
    assert copy.read_bytes() == before


def test_every_reset_keeps_the_version_before_it(root: Path) -> None:
    answered = answer(root).read_bytes()
    assert "你的版本備份在" in workspace.prepare(LESSON, reset=True)
    workspace.prepare(LESSON, reset=True)
    backups = sorted((root / "work" / "backup").rglob("*.ipynb"))
    assert len(backups) == 2
    assert backups[0].read_bytes() == answered
    assert "我的答案" not in (root / "work" / f"{LESSON}.ipynb").read_text("utf-8")


def test_a_copy_that_cannot_be_read_is_reported_and_kept(root: Path) -> None:
    copy = answer(root)
    copy.write_text("{", "utf-8")
    assert "這個檔案打不開；dlbook lab zoo/cats --reset" in workspace.prepare(LESSON)
    assert copy.read_text("utf-8") == "{"
    workspace.prepare(LESSON, reset=True)
    assert nbformat.read(copy, as_version=4).cells


def test_a_missing_reference_says_how_to_get_it_back(root: Path) -> None:
    with pytest.raises(CourseError, match=r"找不到 .*dogs.ipynb；請用 git checkout notebooks 還原"):
        workspace.prepare("zoo/dogs")


# `dlbook lab …` in the course of the test.
LAB = """
import sys
from pathlib import Path
from dlbook import cli
from dlbook.commands import choosing, workspace
root = Path(sys.argv[1])
workspace.checkout = lambda: root
choosing.find = lambda name: name
sys.argv = ["dlbook", "lab", *sys.argv[2:]]
cli.main()
"""


@pytest.mark.parametrize(("reply", "done"), [("n\n", False), ("", False), ("y\n", True)])
def test_reset_asks_first(root: Path, reply: str, done: bool) -> None:
    copy = answer(root)
    before = copy.read_bytes()
    stop = LAB.replace("cli.main()", "workspace.open_lab = lambda *a, **k: 0\ncli.main()")
    command = [sys.executable, "-c", stop, str(root), LESSON, "--reset"]
    result = subprocess.run(command, input=reply, capture_output=True, text=True, timeout=60)
    assert result.returncode == (0 if done else 1)
    assert f"要重新複製 {LESSON} 嗎？你現在的版本會備份。" in result.stdout
    assert (copy.read_bytes() == before) == (not done)
    if not done:
        assert result.stderr.strip() == "已取消。"


def test_the_roadmap_is_always_the_newest(root: Path) -> None:
    workspace.prepare_index()
    (root / "notebooks/index.ipynb").write_text('{"cells": [], "roadmap": 2}')
    workspace.prepare_index()
    assert json.loads((root / "work/index.ipynb").read_text())["roadmap"] == 2


@pytest.mark.parametrize(("lesson", "opened"), [(None, "index"), ("zoo/cats", "zoo/cats")])
def test_lab_opens_the_lesson_or_the_roadmap(monkeypatch, root: Path, lesson, opened: str) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(workspace.subprocess, "call", lambda command: called.append(command) or 0)
    monkeypatch.setattr(cli.choosing, "find", lambda name: name)
    monkeypatch.setattr(cli.choosing, "ready", lambda: ["zoo/cats"])
    with pytest.raises(cli.typer.Exit):
        cli.lab(lesson, reset=False, no_browser=True)
    assert f"--LabApp.default_url=/lab/tree/{opened}.ipynb" in called[0]
    assert (root / f"work/{opened}.ipynb").is_file()


def test_lab_starts_jupyterlab_on_the_copy(root: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    port = _free_port()
    settings = {"ServerApp": {"port": port, "port_retries": 0, "token": "secret"}}
    (config / "jupyter_server_config.json").write_text(json.dumps(settings))
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(config), "HOME": str(tmp_path)}
    command = [sys.executable, "-c", LAB, str(root), LESSON, "--no-browser"]
    process = subprocess.Popen(
        command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        copy = json.loads(_get(f"http://127.0.0.1:{port}/api/contents/{LESSON}.ipynb?token=secret"))
        assert copy["content"]["cells"][1]["source"] == "x = 1"
        page = _get(f"http://127.0.0.1:{port}/lab/tree/{LESSON}.ipynb?token=secret")
        assert b"JupyterLab" in page
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _get(url: str) -> bytes:
    """The page, once the server listens."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while True:
        try:
            with opener.open(url, timeout=20) as reply:
                return reply.read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
