"""One run with every way in which a lesson can end: each is told in words, and the others go on."""

import json
import os
from pathlib import Path

import nbformat
import pytest

from dlbook.run import Result, runner
from dlbook.run.execute import MAX_CELL_OUTPUT

from .conftest import FINISH, processes_with, run_lessons

MARK = f"31557.{os.getpid()}"  # seconds that only this process's tests let a child sleep
SLEEPER = f'import subprocess; child = subprocess.Popen(["sleep", "{MARK}"])'
LAST = 'print("甲")\nprint("最後的話", flush=True)\n'

REAL = """
from dlbook import lesson, plotting
run = lesson.start("zoo/real", quick={"epochs": 1}, full={"epochs": 2})
run.claim("正確率", 0.9, at_least=0.5, level="simple", source="arXiv:1706.03762")
run.claim("損失", float("nan") if False else 0.1, at_most=0.2, level="strong")
plotting.show(plotting.line_chart({"線": ([0, 1], [0, 1])}, title="題", xlabel="橫", ylabel="縱"), alt="一條斜線")
"""
FAILING = """
from dlbook import lesson
run = lesson.start("zoo/failing", quick={}, full={})
run.claim("爆掉的損失", float("nan"), at_most=1, level="simple")
run.claim("正確率", 0.9, at_least=0.95, level="boss")
lesson.finish(run)
"""
AGAIN = """
run.claim("正確率", 0.8, at_least=0.5, level="simple")
lesson.finish(run)
"""
CLAIM = '{"name": "重複", "value": 1, "relation": ">=", "threshold": 0, "tolerance": 0, "level": "cost", "source": "", "passed": True}'

LESSONS = {
    "zoo/real": [REAL, "lesson.finish(run)"],
    "zoo/failing": [FAILING],
    "zoo/rerun": [REAL, AGAIN],
    "zoo/raises": ["x = 1", LAST + "1 / 0"],
    "zoo/leaves": [LAST + "import sys; sys.exit(4)"],
    "zoo/memory": [LAST + "raise MemoryError('太大')"],
    "zoo/exits": ["x = 1", LAST + "import os, time; time.sleep(0.3); os._exit(3)"],
    "zoo/segfault": [LAST + "import ctypes, time; time.sleep(0.3); ctypes.string_at(0)"],
    "zoo/killed": [LAST + "import os, time; time.sleep(0.3); os.kill(os.getpid(), 9)"],
    "zoo/prints": [FINISH, "for _ in range(500): print('x' * 100_000)"],
    "zoo/unfinished": ["x = 1"],
    "zoo/repeats": [FINISH, f"note(claim={CLAIM})\nnote(claim={CLAIM})"],
    "zoo/parent": [FINISH, SLEEPER, SLEEPER.replace("])", "], start_new_session=True)")],
    "zoo/lost_parent": [SLEEPER, "import os; os._exit(0)"],
    "zoo/chatty": [FINISH, *["for _ in range(15): print('x' * 100_000)"] * 3],
    "zoo/last": [FINISH],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("執行 結果")


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, Result]:
    return run_lessons(LESSONS, folder, jobs=4, timeout=120)


def test_a_lesson_whose_claims_hold_passes_and_carries_them(results) -> None:
    result = results["zoo/real"]
    assert (result.status, result.error, result.seed) == ("passed", "", 0)
    assert [claim["name"] for claim in result.claims] == ["正確率", "損失"]
    assert result.claims[0]["source"] == "arXiv:1706.03762"
    assert 100 < result.peak_mb < 2000
    assert 0.5 < result.seconds < 120


def test_a_lesson_that_fails_claims_names_them_with_value_and_bar(results) -> None:
    result = results["zoo/failing"]
    assert result.status == "failed"
    assert "有 2 項主張未通過" in result.error
    assert "爆掉的損失：得到 nan，要求 ≤ 1" in result.error
    assert "正確率：得到 0.9，要求 ≥ 0.95" in result.error
    assert [claim["passed"] for claim in result.claims] == [False, False]
    assert result.claims[0]["value"] == "nan"


def test_a_name_claimed_by_two_cells_is_a_fault_of_the_lesson_though_a_learner_may_rerun(
    results,
) -> None:
    assert results["zoo/rerun"].status == "failed"
    assert "主張「正確率」出現了不只一次" in results["zoo/rerun"].error
    assert "主張「重複」出現了不只一次" in results["zoo/repeats"].error


WORDS = {
    "zoo/raises": ("failed", '第 2 格「print("甲")」發生 ZeroDivisionError：division by zero'),
    "zoo/leaves": ("failed", '第 1 格「print("甲")」發生 SystemExit：4'),
    "zoo/memory": ("failed", '第 1 格「print("甲")」發生 MemoryError：太大'),
    "zoo/exits": ("crashed", '第 2 格「print("甲")」執行時核心死掉（結束碼 3）'),
    "zoo/segfault": ("crashed", "核心死掉（區段錯誤 SIGSEGV）"),
    "zoo/killed": ("crashed", "核心死掉（被系統以 SIGKILL 終止，多半是記憶體不足）"),
}


@pytest.mark.parametrize("lesson", WORDS)
def test_a_lesson_that_dies_is_told_with_its_cell_and_its_last_output(results, lesson) -> None:
    status, words = WORDS[lesson]
    assert results[lesson].status == status
    assert words in results[lesson].error
    assert "最後的輸出：\n    甲\n    最後的話" in results[lesson].error


def test_a_lesson_that_prints_fifty_megabytes_is_stopped_and_its_notebook_stays_small(
    results, folder
) -> None:
    result = results["zoo/prints"]
    assert result.status == "failed"
    assert "第 2 格「for _ in range(500): print('x' * 100_000)」印出超過 4 MB" in result.error
    assert (folder / "zoo/prints-seed0.ipynb").stat().st_size < 1.1 * MAX_CELL_OUTPUT


def test_several_cells_may_each_print_what_one_may(results) -> None:
    assert results["zoo/chatty"].status == "passed"


def test_a_lesson_that_never_calls_finish_fails(results) -> None:
    assert results["zoo/unfinished"].status == "failed"
    assert "沒有呼叫 lesson.finish(run)" in results["zoo/unfinished"].error


def test_the_others_go_on(results) -> None:
    assert set(results) == set(LESSONS)
    assert results["zoo/last"].status == "passed"


@pytest.mark.parametrize("lesson", ["zoo/parent", "zoo/lost_parent"])
def test_what_a_lesson_started_ends_with_it_even_if_its_kernel_died_first(results, lesson) -> None:
    assert results[lesson].status == ("passed" if lesson == "zoo/parent" else "crashed")
    assert processes_with(MARK) == []


def test_every_lesson_leaves_its_notebook_as_far_as_it_came(results, folder) -> None:
    for lesson in LESSONS:
        nbformat.validate(nbformat.read(folder / f"{lesson}-seed0.ipynb", as_version=4))
    died = nbformat.read(folder / "zoo/exits-seed0.ipynb", as_version=4)
    assert died.cells[1].outputs[0]["text"] == "甲\n最後的話\n"


def test_a_picture_arrives_with_its_alternative_text(results, folder) -> None:
    cell = nbformat.read(folder / "zoo/real-seed0.ipynb", as_version=4).cells[0]
    [picture] = [o for o in cell.outputs if "image/png" in o.get("data", {})]
    assert picture["data"]["text/plain"] == "一條斜線"
    assert picture["metadata"]["image/png"]["alt"] == "一條斜線"
    assert len(picture["data"]["image/png"]) > 1000


def test_the_report_has_exactly_the_schema(results, tmp_path) -> None:
    runner.write_report(list(results.values()), tmp_path / "報告.json")
    entries = json.loads((tmp_path / "報告.json").read_text("utf-8"))
    assert len(entries) == len(LESSONS)
    for entry in entries:
        assert list(entry) == ["lesson", "status", "seconds", "peak_mb", "seed", "claims", "error"]
        assert entry["status"] in ("passed", "failed", "timeout", "crashed")
        assert isinstance(entry["seconds"], float)
        for claim in entry["claims"]:
            assert list(claim) == [
                "name", "value", "relation", "threshold", "tolerance", "level", "source", "passed",
            ]  # fmt: skip
