"""``dlbook grade`` and ``dlbook release`` as a teacher types them."""

import csv
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from dlbook import exercise
from dlbook.grade import grading, sandbox, worker
from dlbook.grade.score import Score
from dlbook.grade.server import Reply
from tests.grade.test_grading import as_learner, with_answers

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason="這台機器不能完全隔離")
LESSON = "foundations/environment_setup"
EXERCISE = f"{LESSON}/matmul_intensity"


def dlbook(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dlbook.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def classroom(tmp_path: Path) -> Path:
    """Three students of a roster of four: right, an endless loop, not a notebook."""
    item = exercise.find(EXERCISE)
    folder = tmp_path / "hw"
    for student, content in {
        "王小明_b01": with_answers(LESSON, {EXERCISE: as_learner(LESSON, item.reference, item.reference.__name__)}),
        "b02": with_answers(LESSON, {EXERCISE: "def matmul_intensity(*a):\n    while True: pass\n"}),
        "b03": "not a notebook",
    }.items():  # fmt: skip
        (folder / student).mkdir(parents=True)
        (folder / student / "hw.ipynb").write_text(content, "utf-8")
    (tmp_path / "roster.csv").write_text("id\nb01\nb02\nb03\nb04\n")
    return tmp_path


def test_a_folder_becomes_a_table(classroom: Path) -> None:
    done = dlbook(
        "grade", classroom / "hw", "--out", classroom / "scores.csv", "--roster",
        classroom / "roster.csv", "--details", classroom / "details.csv", "--timeout", 3, "--seed", 1,
        "--jobs", 1,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "4 份" in done.stdout
    with (classroom / "scores.csv").open(encoding="utf-8-sig") as file:
        found = {row["student"]: row for row in csv.DictReader(file)}
    assert {s: row["passed"] for s, row in found.items()} == {
        "b01": "1",
        "b02": "0",
        "b03": "0",
        "b04": "0",
    }
    assert "JSON" in found["b03"]["reason"]
    assert found["b04"]["reason"] == "沒有繳交"
    assert "迴圈" in (classroom / "details.csv").read_text("utf-8-sig")


def test_one_notebook_is_shown_exercise_by_exercise(classroom: Path) -> None:
    done = dlbook("grade", classroom / "hw/王小明_b01/hw.ipynb", "--jobs", 1)
    assert done.returncode == 0, done.stderr
    assert "matmul_intensity" in done.stdout
    assert "尚未作答" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["grade", "nowhere"], "找不到"),
        (["grade", ".", "--out", "no/folder/s.csv"], "寫不了"),
        (["grade", ".", "--roster", "none.csv"], "讀不了名單"),
        (["grade", ".", "--engine", "abacus"], "沒有「abacus」這種引擎"),
        (["release", "nonsense", "--to", "x"], "nonsense"),
    ],
)
def test_bad_arguments_are_one_paragraph(
    classroom: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(classroom)
    done = dlbook(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_odd_names_and_texts_reach_the_table(classroom: Path) -> None:
    """A name in Big5, as old archives give; control characters; a lone surrogate."""
    folder = os.fsencode(classroom / "odd")
    os.mkdir(folder)
    answer = "def matmul_intensity(*a):\n    raise ValueError('\\ud800\\x1b[2J')\n"
    with open(folder + b"/\xa4\xfd_b01.ipynb", "w", encoding="utf-8") as file:
        file.write(with_answers(LESSON, {EXERCISE: answer}))
    done = dlbook(
        "grade", classroom / "odd", "--out", classroom / "s.csv", "--details", classroom / "d.csv",
        "--jobs", 1,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\x1b[2J" not in done.stdout
    assert "b01" in (classroom / "s.csv").read_text("utf-8-sig")
    assert "ValueError" in (classroom / "d.csv").read_text("utf-8-sig")


def test_two_notebooks_of_one_student_are_pointed_out(classroom: Path) -> None:
    source = classroom / "hw/王小明_b01/hw.ipynb"
    (source.parent / "again.ipynb").write_bytes(source.read_bytes())
    done = dlbook("grade", source.parent.parent, "--timeout", 3, "--jobs", 1)
    assert "交了不只一份" in done.stdout
    assert "王小明_b01" in done.stdout


def test_an_interruption_ends_at_once_and_keeps_what_was_graded(classroom: Path) -> None:
    loop = with_answers(LESSON, {EXERCISE: "def matmul_intensity(*a):\n    while True: pass\n"})
    for k in range(6):
        (classroom / "hw" / f"z{k}.ipynb").write_text(loop, "utf-8")
    command = [sys.executable, "-m", "dlbook.cli", "grade", str(classroom / "hw"), "--jobs", "1",
               "--timeout", "8", "--out", str(classroom / "s.csv")]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    time.sleep(30)  # past the first answers, in the middle of a loop
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=15)
    assert process.returncode != 0
    assert "Traceback" not in errors
    assert "中途停止" in errors
    assert (classroom / "s.csv").is_file()


def test_a_fault_of_the_grader_is_not_the_students(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told apart, and the others are graded."""
    one = worker.Worker.__new__(worker.Worker)

    def fail(*arguments: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(worker.answers, "read", fail)
    score = one.score("a", Path("a.ipynb"))
    assert score.failed
    assert "批改程式自己出錯" in score.reason


def test_a_sandbox_that_cannot_be_entered_stops_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    one = worker.Worker.__new__(worker.Worker)
    monkeypatch.setattr(
        one, "_send", lambda body: Reply(failure="EPERM", broken=True), raising=False
    )
    with pytest.raises(grading.CourseError, match="關不起來（EPERM）"):
        one.ask(None)  # ty: ignore


def test_release_says_where(tmp_path: Path) -> None:
    done = dlbook("release", "environment_setup", "--to", tmp_path / "out", "--no-hints")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/environment_setup.ipynb").is_file()
    assert "寫入" in done.stdout


def test_without_namespaces_it_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox, "missing", lambda: "Operation not permitted")
    with pytest.raises(grading.CourseError, match="--no-isolation"):
        grading.grade([("a", tmp_path / "a.ipynb")])


class Fatal(worker.Worker):
    """Dies at one of the notebooks, as a process that ran out of memory would."""

    def score(self, student: str, path: Path) -> Score:
        import os

        if student == "fatal":
            os._exit(9)
        return super().score(student, path)


def _start_fatal(*arguments: object) -> None:
    grading._worker = Fatal(*arguments)  # ty: ignore


def test_a_notebook_that_kills_its_grader_gets_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(grading, "_start", _start_fatal)
    names = ["a", "fatal", "b"]
    scores = grading.grade([(name, tmp_path / name) for name in names], jobs=2)
    assert [s.student for s in scores] == names
    assert "意外結束" in scores[1].reason
    assert all("讀不了" in scores[i].reason for i in (0, 2))


@pytest.mark.skipif(find_spec("ray") is None, reason="沒有安裝 ray")
def test_a_ray_cluster_gives_the_same_scores(classroom: Path) -> None:
    found = grading.find([classroom / "hw"])
    limits = sandbox.Limits(cpu=3, wall=3)
    here = grading.grade(found, limits=limits, seed=4)
    there = grading.grade(found, jobs=2, limits=limits, seed=4, engine="ray")
    assert there == here


@pytest.mark.skipif(find_spec("ray") is not None, reason="ray 已安裝")
def test_without_ray_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(grading.CourseError, match=r"pip install"):
        grading.grade([("a", tmp_path / "a.ipynb")], engine="ray")
