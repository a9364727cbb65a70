"""Every exercise's procedure runs without the exercise file, and holds no solution."""

from pathlib import Path

import pytest

from dlbook import curriculum, exercise
from dlbook.build.errors import BuildError
from dlbook.build.source import Source
from dlbook.grade.procedures import PLAIN, procedures
from dlbook.paths import PACKAGE

READY = [lesson.id for lesson in curriculum.load().lessons if lesson.ready]


def load(lesson: str) -> Source:
    path = PACKAGE / "exercises" / f"{lesson}.py"
    return Source.load(path, lesson, f"dlbook.exercises.{lesson.replace('/', '.')}")


@pytest.mark.parametrize("lesson", READY)
def test_a_procedure_applies_the_reference_as_the_exercise_does(lesson: str) -> None:
    programs = procedures(load(lesson))
    assert programs
    for name, procedure in programs.items():
        program = procedure.run
        item = exercise.find(f"{lesson}/{name}")
        assert "exercises" not in program
        for wrong in item.wrongs:
            assert f'"{wrong.label}"' not in program
        namespace: dict = {}
        exec(compile(program, name, "exec"), namespace)
        assert callable(namespace["run"])
        assert (program == PLAIN) == (item._run is None)
        exec(compile(procedure.names, name, "exec"), {})


def test_a_procedure_that_leans_on_a_solution_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "lesson.py"
    file.write_text(
        "from dlbook.exercise import exercise\n"
        "@exercise(stars=1, hints=[])\n"
        "def double(x):\n    '''兩倍'''\n    return 2 * x\n"
        "def helper(x):\n    return double(x)\n"
        "@double.run\n"
        "def _(answer, case):\n    return answer(helper(*case))\n"
    )
    with pytest.raises(BuildError, match="double 的解答"):
        procedures(Source.load(file, "lesson.py", "dlbook.exercises.x.lesson"))
