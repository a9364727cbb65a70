"""Every exercise of the course keeps its promises: solution, stub, mistakes, hints."""

import inspect
from importlib import import_module
from pkgutil import walk_packages

import pytest

import dlbook.exercises
from dlbook import curriculum
from dlbook.exercise import Exercise, find

READY = [lesson.id for lesson in curriculum.load().lessons if lesson.ready]
SEEDS = (0, 1, 2)


def exercises_of(module: str) -> list[Exercise]:
    return [item for item in vars(import_module(module)).values() if isinstance(item, Exercise)]


PREFIX = dlbook.exercises.__name__ + "."
FILES = [m.name for m in walk_packages(dlbook.exercises.__path__, PREFIX) if not m.ispkg]
ALL = [item for file in FILES for item in exercises_of(file)]
WRONGS = [(item, wrong) for item in ALL for wrong in item.wrongs]

every = pytest.mark.parametrize("item", ALL, ids=lambda item: item.id)


@pytest.mark.parametrize("lesson", READY)
def test_a_ready_lesson_has_at_least_three_exercises(lesson: str) -> None:
    assert len(exercises_of(PREFIX + lesson.replace("/", "."))) >= 3


def test_ids_are_unique_and_lead_to_their_exercise() -> None:
    assert len({item.id for item in ALL}) == len(ALL)
    for item in ALL:
        assert find(item.id) is item


@every
def test_it_has_a_prompt_hints_and_a_mistake(item: Exercise) -> None:
    assert len(item.title) >= 2
    assert item.hints
    assert all(len(hint) >= 6 for hint in item.hints)
    assert item.wrongs
    assert len({wrong.label for wrong in item.wrongs}) == len(item.wrongs)


@every
@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_passes(item: Exercise, seed: int) -> None:
    verdict = item.judge(item.reference, seed)
    assert verdict.status == "passed", verdict.message


@every
def test_cases_are_tuples_that_depend_on_the_seed_alone(item: Exercise) -> None:
    cases = item.make_cases(0)
    assert cases
    assert all(isinstance(case, tuple) for case in cases)
    assert str(item.make_cases(0)) == str(cases)


@every
def test_the_stub_reads_as_unanswered(item: Exercise) -> None:
    assert item.judge(_stub(item)).status == "unanswered"


@pytest.mark.parametrize(("item", "wrong"), WRONGS, ids=[f"{i.id}: {w.label}" for i, w in WRONGS])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_known_mistake_is_rejected_with_a_message_that_helps(item, wrong, seed) -> None:
    message = _objection(item, wrong.answer, seed)
    assert message is not None, "the verifier accepts this mistake"
    assert len(message) >= 8
    assert not message.startswith("assert ")


def _objection(item: Exercise, answer, seed: int) -> str | None:
    """The first AssertionError of the verifier; any other exception counts as a failing test."""
    assert item._verify is not None
    for case in item.make_cases(seed):
        output = item.apply(answer, case)
        try:
            item._verify(case, output)
        except AssertionError as error:
            return str(error)
    return None


def _stub(item: Exercise):
    """What the notebook asks a learner to fill in: same signature, no body."""
    if not inspect.isclass(item.reference):
        signature = inspect.signature(item.reference)

        def stub(*args, **kwargs):
            signature.bind(*args, **kwargs)
            raise NotImplementedError

        return stub
    bases = item.reference.__bases__
    methods = [n for n, m in vars(item.reference).items() if inspect.isfunction(m)]
    return type(item.reference.__name__, bases, dict.fromkeys(methods, _not_implemented))


def _not_implemented(*args, **kwargs):
    raise NotImplementedError
