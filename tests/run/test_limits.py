"""Limits, interruption, and what the terminal shows."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from dlbook.errors import CourseError
from dlbook.run import Options, runner
from dlbook.run.kernel import LessonKernel, Watch
from dlbook.run.table import print_results

from .conftest import FINISH, notebook, processes_with, run_lessons


def test_a_lesson_that_hangs_is_ended_after_its_time(tmp_path: Path, no_new_kernels) -> None:
    lessons = {
        "zoo/hangs": ["x = 1", 'print("還在", flush=True)\nwhile True: pass'],
        "zoo/ok": [FINISH],
    }
    start = time.monotonic()
    results = run_lessons(lessons, tmp_path, jobs=2, timeout=4)
    assert time.monotonic() - start < 15
    assert results["zoo/hangs"].status == "timeout"
    assert results["zoo/hangs"].error == (
        '超過 4 秒，停在第 2 格「print("還在", flush=True)」。最後的輸出：\n    還在'
    )
    assert results["zoo/ok"].status == "passed"


def test_a_lesson_that_takes_too_much_memory_is_ended(tmp_path: Path, no_new_kernels) -> None:
    cell = "import time; block = b'x' * 500_000_000; time.sleep(30)"
    result = run_lessons({"zoo/big": [cell]}, tmp_path, memory_mb=300)["zoo/big"]
    assert result.status == "crashed"
    assert "超過上限 300 MB，停在第 1 格「import time; block" in result.error
    assert result.peak_mb > 300


def test_each_seed_is_a_run_of_its_own_and_reaches_the_kernel(tmp_path: Path) -> None:
    cell = (
        "import os\n"
        "note(claim=dict(name='種子', value=float(os.environ['DLBOOK_SEED']), relation='>=', threshold=0,"
        " tolerance=0, level='cost', source=os.environ['OMP_NUM_THREADS'], passed=True))"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "render", lambda name: notebook(FINISH, cell))
        console = Console(file=io.StringIO(), width=120, force_terminal=True)
        options = Options(seeds=(0, 7), jobs=2)
        results = runner.run_lessons(["zoo/cats"], options, tmp_path, console)
    assert [(r.seed, r.claims[0]["value"], r.claims[0]["source"]) for r in results] == [
        (0, 0.0, "1"),
        (7, 7.0, "1"),
    ]
    assert sorted(p.name for p in tmp_path.glob("zoo/*")) == [
        "cats-seed0.ipynb",
        "cats-seed7.ipynb",
    ]
    assert "zoo/cats" in console.file.getvalue()  # ty: ignore[unresolved-attribute]


def test_the_summary_shows_claims_and_errors(tmp_path: Path) -> None:
    results = run_lessons({"zoo/raises": ["1 / 0"]}, tmp_path)
    console = Console(file=io.StringIO(), width=120)
    print_results(list(results.values()), console)
    text = console.file.getvalue()  # ty: ignore[unresolved-attribute]
    assert "zoo/raises（種子 0）未通過" in text
    assert "ZeroDivisionError" in text


INTERRUPTED = """
import sys
from pathlib import Path
from dlbook import cli
from dlbook.run import runner
sys.path.insert(0, sys.argv[1])
from conftest import notebook
marks = Path(sys.argv[2])
cell = f"import subprocess, pathlib, time; subprocess.Popen(['sleep', '{sys.argv[3]}']);"
cell += f"pathlib.Path({str(marks / 'started')!r}).touch(); time.sleep(600)"
runner.render = lambda name: notebook(cell)
cli._run_folder = lambda: marks / "runs"
sys.argv = ["dlbook", "run", "pytorch_fundamentals", "--seeds", "0,1,2"]
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_130_and_leaves_no_process(tmp_path: Path, number) -> None:
    mark = f"{86400 + number}.{os.getpid()}"
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", INTERRUPTED, here, str(tmp_path), mark]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        _wait_for(lambda: (tmp_path / "started").exists())
        family = psutil.Process(process.pid).children(recursive=True)
        assert any("ipykernel_launcher" in p.cmdline() for p in family)
        start = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert time.monotonic() - start < 5
    assert process.returncode == 130
    assert errors == "dlbook：已中斷；所有核心都已結束。\n"
    _, alive = psutil.wait_procs(family, timeout=2)
    assert alive == []
    assert processes_with(mark) == []


def test_a_kernel_that_was_only_starting_when_it_was_ended_is_ended_at_the_next_look() -> None:
    kernel = LessonKernel()
    watch = Watch(kernel, None, 1e9)
    watch.end("interrupted")  # nothing there to be killed yet
    process = subprocess.Popen(["sleep", "600"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LessonKernel, "pid", process.pid)
        watch.look()
    assert process.wait(timeout=5) == -signal.SIGKILL
    assert watch.reason == "interrupted"
    kernel.folder.cleanup()


def _wait_for(happened) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"profile": "fast"}, "沒有「fast」這個設定檔。--profile 只能是 quick 或 full"),
        ({"seeds": ()}, "--seeds 要是用逗號分開的整數"),
        ({"seeds": (0, -1)}, "--seeds 要是用逗號分開的整數"),
        ({"seeds": (2**32,)}, "--seeds 要是用逗號分開的整數"),
    ],
)
def test_options_that_make_no_sense_are_refused(settings, message) -> None:
    with pytest.raises(CourseError, match=message):
        Options(**settings)


def test_full_has_no_time_limit_unless_one_is_given() -> None:
    assert Options().limit == runner.DEFAULT_TIMEOUT
    assert Options("full").limit is None
    assert Options("full", timeout=5).limit == 5
    assert Options().workers == os.cpu_count()


def test_a_run_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match=r"無法建立 .*file/runs（.*）。請確認資料夾可以寫入"):
        run_lessons({}, tmp_path / "file" / "runs")


def test_a_report_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="無法寫入報告"):
        runner.write_report([], tmp_path)
