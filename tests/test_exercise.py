"""Exercises: what `check` says of every kind of answer, and that it can't be fooled by accident."""

import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import dlbook.exercises
from dlbook import progress
from dlbook.errors import CourseError
from dlbook.exercise import Exercise, check, exercise, find

from .conftest import read_only

SOURCE = '''
import torch
from torch import Tensor, nn

from dlbook.exercise import exercise


@exercise(stars=1, hints=["想想 +"])
def double(x: Tensor) -> Tensor:
    """加倍"""
    return 2 * x


@double.cases
def _(rng):
    return [(torch.rand(3, generator=rng),), (torch.rand(5, generator=rng),)]


@double.verify
def _(case, output):
    (x,) = case
    assert output.shape == x.shape, "形狀要與輸入相同"
    assert torch.equal(output, 2 * x), "每個元素都要加倍"


@double.wrong("平方")
def _(x):
    return x * x


@exercise(stars=2, hints=["想想 nn.Module"])
class Doubler(nn.Module):
    """加倍的模組"""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


@Doubler.cases
def _(rng):
    return [(torch.rand(3, generator=rng),)]


@Doubler.run
def _(answer, case):
    return answer()(*case)


@Doubler.verify
def _(case, output):
    assert torch.equal(output, 2 * case[0]), "每個元素都要加倍"
'''
DOUBLE, DOUBLER = "zoo/cats/double", "zoo/cats/Doubler"


@pytest.fixture(autouse=True)
def zoo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The exercises of a lesson ``zoo/cats``."""
    file = tmp_path / "exercises" / "zoo" / "cats.py"
    file.parent.mkdir(parents=True)
    file.write_text(SOURCE, "utf-8")
    (file.parent / "broken.py").write_text("import a_package_nobody_has\n", "utf-8")
    monkeypatch.setattr(dlbook.exercises, "__path__", [str(file.parent.parent)])
    yield
    for name in [name for name in sys.modules if name.startswith("dlbook.exercises.zoo")]:
        del sys.modules[name]


def unanswered(x):
    raise NotImplementedError


def right(x):
    return x + x


def wrong(x):
    return x * x


def crashing(x):
    return x.no_such_thing


def test_an_unanswered_exercise_hands_back_the_reference_and_counts_as_no_try(capsys) -> None:
    assert check(DOUBLE, unanswered) is find(DOUBLE).reference
    assert capsys.readouterr().out == "○ 加倍：尚未作答\n"
    assert progress.answers() == {}


def test_a_right_answer_is_handed_back_and_remembered(capsys) -> None:
    assert check(DOUBLE, right) is right
    assert capsys.readouterr().out == "✓ 加倍：答對了！\n"
    assert progress.answers()[DOUBLE].passed_at is not None


def test_a_wrong_answer_is_told_why_and_where_help_is(capsys) -> None:
    assert check(DOUBLE, wrong) is find(DOUBLE).reference
    text = capsys.readouterr().out
    assert text.startswith("✗ 加倍：每個元素都要加倍\n")
    assert f"dlbook hint {DOUBLE}" in text
    answer = progress.answers()[DOUBLE]
    assert (answer.passed_at, answer.attempts) == (None, 1)


def test_a_crash_names_the_line_of_the_answer(capsys) -> None:
    check(DOUBLE, crashing)
    text = capsys.readouterr().out
    assert "AttributeError" in text
    assert "「return x.no_such_thing」" in text


def test_a_crash_inside_a_library_names_the_line_of_the_answer_that_called_it(capsys) -> None:
    def deep(x):
        return torch.nn.functional.max_pool2d(x, kernel_size="three")

    check(DOUBLE, deep)
    text = capsys.readouterr().out
    assert "return torch.nn.functional.max_pool2d" in text


def exits(x):
    raise SystemExit(1)


def recurses(x):
    return recurses(x)


def takes_nothing():
    return 1


@pytest.mark.parametrize("answer", [exits, recurses, takes_nothing, None, "2 * x", lambda x: None])
def test_nothing_that_an_answer_does_raises_out_of_check(answer, capsys) -> None:
    assert check(DOUBLE, answer) is find(DOUBLE).reference
    assert capsys.readouterr().out.startswith("✗ 加倍：")


def test_an_output_that_the_verifier_cannot_even_look_at_is_wrong_and_says_its_type(capsys) -> None:
    check(DOUBLE, lambda x: [1, 2])
    assert "無法檢查你的答案：回傳的是 list" in capsys.readouterr().out


def test_changing_the_input_in_place_does_not_fool_the_verifier() -> None:
    def cheat(x):
        doubled_later = x.zero_()  # twice zero is zero
        return doubled_later

    assert find(DOUBLE).judge(cheat).status == "wrong"
    assert find(DOUBLE).judge(lambda x: x.mul_(2)).status == "passed"


def test_running_the_check_cell_again_does_not_pass_the_reference_off_as_an_answer(capsys) -> None:
    double: Callable = unanswered
    for _ in range(2):
        double = check(DOUBLE, double)
    assert "現在用的是參考解答" in capsys.readouterr().out
    assert progress.answers() == {}


def test_once_passed_stays_passed() -> None:
    check(DOUBLE, right)
    check(DOUBLE, wrong)
    answer = progress.answers()[DOUBLE]
    assert answer.passed_at is not None
    assert answer.attempts == 2


def test_a_class_can_be_an_exercise() -> None:
    class Right(torch.nn.Module):
        def forward(self, x):
            return x + x

    class Wrong(torch.nn.Module):
        def forward(self, x):
            return x

    class Unanswered(torch.nn.Module):
        def __init__(self):
            raise NotImplementedError

    item = find(DOUBLER)
    verdicts = [item.judge(answer).status for answer in (Right, Wrong, Unanswered, item.reference)]
    assert verdicts == ["passed", "wrong", "unanswered", "passed"]
    assert check(DOUBLER, Right) is Right


def test_judging_leaves_the_random_numbers_of_the_lesson_alone_and_is_repeatable() -> None:
    seen = []

    def random_answer(x):
        seen.append((random.random(), np.random.rand(), torch.rand(()).item()))
        return 2 * x

    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    np_state, py_state = np.random.get_state()[1].copy(), random.getstate()
    check(DOUBLE, random_answer)
    assert torch.equal(torch.rand(2), expected)
    assert (np.random.get_state()[1] == np_state).all()
    assert random.getstate() == py_state
    random.random(), np.random.rand()  # other states than before
    check(DOUBLE, random_answer)
    assert seen[:2] == seen[2:]


def test_a_state_directory_that_cannot_be_written_costs_a_warning_not_the_verdict(
    monkeypatch, tmp_path, capsys, as_ordinary_user
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    read_only(closed)
    monkeypatch.setenv("DLBOOK_STATE", str(closed))
    find(DOUBLE)

    def answer() -> str:
        kept = check(DOUBLE, right) is right
        return f"{kept}\n{capsys.readouterr().out}"

    text = as_ordinary_user(answer)
    assert text.startswith("True\n✓ 加倍：答對了！\n（這次的結果沒有存下來。無法使用進度檔")
    assert "DLBOOK_STATE" in text


@pytest.mark.parametrize(
    "name", ["", "double", "zoo/cats", "a/b/c/d", "zoo/dogs/double", "//", "./../x", "a.b/c/d"]
)
def test_an_unknown_id_is_refused_with_its_format(name) -> None:
    with pytest.raises(CourseError, match="個練習。編號的格式是 模組/課程/名稱，dlbook progress"):
        find(name)


def test_an_unknown_name_in_a_known_lesson_lists_the_lessons_exercises() -> None:
    with pytest.raises(CourseError, match=f"這一課有：{DOUBLE}、{DOUBLER}"):
        find("zoo/cats/triple")


def test_a_package_that_the_exercises_need_and_lack_is_not_taken_for_an_unknown_id() -> None:
    with pytest.raises(ModuleNotFoundError, match="a_package_nobody_has"):
        find("zoo/broken/x")


def test_an_exercise_with_an_impossible_difficulty_is_refused() -> None:
    with pytest.raises(ValueError, match="stars 要是 1、2 或 3，現在是 4"):
        exercise(stars=4, hints=[])


def test_an_exercise_without_cases_or_verifier_says_so() -> None:
    made: Exercise = exercise(stars=1, hints=[], id="a/b/c")(right)
    with pytest.raises(TypeError, match="a/b/c 還缺 cases 或 verify"):
        made.judge(right)


def test_an_exercise_is_the_function_it_was_made_of() -> None:
    item = find(DOUBLE)
    assert torch.equal(item(torch.ones(2)), torch.full((2,), 2.0))
    assert (item.id, item.title, item.stars, item.hints) == (DOUBLE, "加倍", 1, ("想想 +",))
