"""Right answers pass, learners' mistakes don't, whatever the hidden cases are; folders and scores."""

import inspect
import json
import textwrap
from pathlib import Path

import pytest
import torch

from dlbook import curriculum, exercise
from dlbook.build.project import Project
from dlbook.commands.learning import exercises_of
from dlbook.errors import CourseError
from dlbook.grade import codec, grading, sandbox, server
from dlbook.grade.score import Score
from dlbook.paths import checkout

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason="這台機器不能完全隔離")


def with_answers(lesson: str, answers: dict[str, str]) -> str:
    """The lesson's notebook with these answers filled in."""
    content = json.loads((checkout() / "notebooks" / f"{lesson}.ipynb").read_text("utf-8"))
    for cell in content["cells"]:
        exercise = cell["metadata"].get("dlbook", {}).get("exercise")
        if exercise in answers:
            cell["source"] = answers[exercise]
    return json.dumps(content)


def as_learner(lesson: str, function: object, name: str) -> str:
    """A solution or a mistake as it would stand in the notebook, with the imports of its file."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()  # type: ignore[arg-type]
    first = next(i for i, line in enumerate(lines) if line.startswith(("def ", "class ")))
    source = Project.here().module_source(f"dlbook.exercises.{lesson.replace('/', '.')}")
    assert source is not None
    imports = "\n".join(str(i) for i in source.imports if "dlbook.exercise" not in i.module)
    body = "\n".join(lines[first:]).replace("def _(", f"def {name}(", 1)
    return f"{imports}\n{body}\n"


LESSONS = [lesson.id for lesson in curriculum.load().lessons if lesson.ready]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Score]:
    """Every lesson's solutions, blanks, and the first mistake of each exercise, graded in one go."""
    folder = tmp_path_factory.mktemp("class")
    for lesson in LESSONS:
        items = exercises_of(lesson)
        right = {i.id: as_learner(lesson, i.reference, i.reference.__name__) for i in items}
        wrong = {i.id: as_learner(lesson, i.wrongs[0].answer, i.reference.__name__) for i in items}
        for who, answers in (("right", right), ("blank", {}), ("mistaken", wrong)):
            file = folder / f"{who}-{lesson.replace('/', '-')}" / "notebook.ipynb"
            file.parent.mkdir()
            file.write_text(with_answers(lesson, answers), "utf-8")
    scores = grading.grade(grading.find([folder]), jobs=2, seed=7)
    return {score.student: score for score in scores}


@pytest.mark.parametrize("lesson", LESSONS)
def test_solutions_pass_on_cases_they_never_saw(graded: dict[str, Score], lesson: str) -> None:
    score = graded[f"right-{lesson.replace('/', '-')}"]
    assert [(m.exercise, m.reason) for m in score.marks if m.status != "passed"] == []
    assert score.points == 100


@pytest.mark.parametrize("lesson", LESSONS)
def test_blanks_and_mistakes_earn_nothing(graded: dict[str, Score], lesson: str) -> None:
    blank, mistaken = (graded[f"{w}-{lesson.replace('/', '-')}"] for w in ("blank", "mistaken"))
    assert {mark.status for mark in blank.marks} == {"unanswered"}
    assert [mark.exercise for mark in mistaken.marks if mark.status != "wrong"] == []
    assert all(mark.reason for mark in mistaken.marks)
    assert blank.points == mistaken.points == 0


def test_a_patched_torch_does_not_hide_a_mistake(tmp_path: Path) -> None:
    """What an exercise observes is judged outside, not where the answer ran."""
    lesson = "foundations/environment_setup"
    item = exercise.find(f"{lesson}/private_random")
    mistake = next(w for w in item.wrongs if "manual_seed" in w.label)
    patch = "import torch\ntorch.equal = lambda *a, **k: True\n"
    answer = patch + as_learner(lesson, mistake.answer, "private_random")
    (tmp_path / "a.ipynb").write_text(with_answers(lesson, {item.id: answer}), "utf-8")
    [score] = grading.grade([("a", tmp_path / "a.ipynb")], seed=1)
    [mark] = [mark for mark in score.marks if mark.exercise == item.id]
    assert mark.status == "wrong"
    assert "全域" in mark.reason


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_hidden_cases_depend_on_the_seed(lesson: str) -> None:
    def written(cases: list) -> bytes:
        try:
            return codec.dumps(cases)
        except codec.NotPlain:
            return repr(cases).encode()

    fixed = [
        i.id for i in exercises_of(lesson) if written(i.make_cases(1)) == written(i.make_cases(2))
    ]
    assert fixed == []


def test_an_answer_may_change_its_inputs_and_the_cell_may_end_in_an_error() -> None:
    job = server.Job(
        "", "def f(x):\n    x += 1\n    return x\nprint(unknown)", "f",
        "def run(answer, case):\n    return answer(*case), answer(*case)", [(torch.zeros(2),)] * 2,
        0, [], [], [],
    )  # fmt: skip
    results = server.run_answer(job)
    assert [kind for kind, _ in results] == ["output", "output"]
    assert all(value[1].tolist() == [2, 2] for _, value in results)
    assert job.cases[0][0].tolist() == [0, 0]


def test_what_is_not_a_notebook_gets_a_reason_and_the_others_are_graded(tmp_path: Path) -> None:
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "other.ipynb").write_text(
        json.dumps({"cells": [], "metadata": {"dlbook": {"lesson": "../../etc/passwd"}}})
    )
    told: list[str] = []
    scores = grading.grade(grading.find([tmp_path]), done=lambda score: told.append(score.student))
    assert [(s.student, s.points) for s in scores] == [("broken", 0), ("other", 0)]
    assert "JSON" in scores[0].reason
    assert "沒有「../../etc/passwd」這一課" in scores[1].reason
    assert sorted(told) == ["broken", "other"]


def test_students_are_folders_or_files(tmp_path: Path) -> None:
    for name in ("b1/hw.ipynb", "a2/deep/hw.ipynb", "c3.ipynb", "a2/.ipynb_checkpoints/hw.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = grading.find([tmp_path, tmp_path / "c3.ipynb"])
    assert [student for student, _ in found] == ["a2", "b1", "c3", "c3"]


def test_nothing_to_grade_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="沒有筆記本"):
        grading.find([tmp_path])
    with pytest.raises(CourseError, match="找不到"):
        grading.find([tmp_path / "none"])
