"""The worked example of CONTRIBUTING.md works as it stands there."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CONCEPT, TEST, EXERCISE, LESSON = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The concept and the exercises, importable under the names that the guide gives them."""
    modules = {}
    for name, code in {
        "dlbook.supervised_learning.losses": CONCEPT,
        "dlbook.exercises.supervised_learning.classification": EXERCISE,
    }.items():
        modules[name] = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, modules[name])
        exec(code, vars(modules[name]))
    return modules


def test_the_test_passes(example: dict[str, ModuleType]) -> None:
    names: dict[str, object] = {}
    exec(TEST, names)
    test = names["test_equals_torch_forward_and_gradient"]
    assert callable(test)
    test()


def test_the_exercise_accepts_its_solution_and_rejects_its_mistakes(
    example: dict[str, ModuleType],
) -> None:
    exercise = example["dlbook.exercises.supervised_learning.classification"].soft_targets
    assert exercise.id == "supervised_learning/classification/soft_targets"
    assert exercise.judge(exercise.reference).status == "passed"
    verdicts = {wrong.label: exercise.judge(wrong.answer) for wrong in exercise.wrongs}
    assert [verdict.status for verdict in verdicts.values()] == ["wrong", "wrong"]
    assert "所有類別" in verdicts["只平分給其他類別"].message
    assert "加總成 1" in verdicts["忘了從答案類別扣掉"].message


def test_the_lesson_runs(example: dict[str, ModuleType], capsys) -> None:
    exec(LESSON, {})
    assert "1/1 項主張通過" in capsys.readouterr().out
