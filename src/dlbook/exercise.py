"""Exercises that check themselves.

An exercise is a reference solution with its cases, a verifier and the mistakes that learners make::

    @exercise(stars=1, hints=["…"])
    def causal_mask(length: int) -> Tensor:
        '''題目 …'''
        return torch.ones(length, length, dtype=torch.bool).tril()

    @causal_mask.cases
    def _(rng): return [(1,), (5,)]

    @causal_mask.verify
    def _(case, output): assert output.shape == …, "…"

    @causal_mask.wrong("看得到未來")
    def _(length): return torch.ones(length, length, dtype=torch.bool)

In a notebook ``name = check("module/lesson/name", name)`` judges the learner's answer.
"""

import copy
import html
import importlib
import inspect
import random
import sysconfig
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any, Generic, Literal, ParamSpec, TypeVar

import numpy as np
import torch

from dlbook import progress
from dlbook.display import show_html
from dlbook.errors import CourseError

P = ParamSpec("P")
R = TypeVar("R")
Case = tuple[Any, ...]

CASES_SEED = (
    20_210  # the cases of `check` are the same for everybody; grading uses seeds of its own
)


# Where code is that a learner did not write: this file, the standard library, installed packages.
_NOT_THE_LEARNERS = (__file__, *(sysconfig.get_path(name) for name in ("stdlib", "purelib")))


@dataclass(frozen=True)
class Verdict:
    """What became of an answer; ``message`` is for the learner."""

    status: Literal["passed", "wrong", "unanswered"]
    message: str


@dataclass(frozen=True)
class Wrong:
    """A mistake that learners make, which the verifier must reject."""

    label: str
    answer: Callable[..., Any]


@dataclass
class Exercise(Generic[P, R]):
    """A reference solution together with what is needed to judge another answer."""

    reference: Callable[P, R]
    id: str
    stars: int
    hints: tuple[str, ...]
    _cases: Callable[[torch.Generator], Iterable[Case]] | None = None
    _verify: Callable[[Case, Any], None] | None = None
    _run: Callable[[Callable[..., Any], Case], Any] | None = None
    wrongs: list[Wrong] = field(default_factory=list)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The reference solution, so that a lesson can use the exercise as the function it is."""
        return self.reference(*args, **kwargs)

    @property
    def title(self) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(self.reference) or "").split("\n", 1)[0]

    def cases(self, make: Callable[[torch.Generator], Iterable[Case]]) -> None:
        """Decorator: makes the inputs from a seeded generator."""
        self._cases = make

    def verify(self, judge: Callable[[Case, Any], None]) -> None:
        """Decorator: asserts on one case and its output, with messages for the learner."""
        self._verify = judge

    def run(self, apply: Callable[[Callable[..., Any], Case], Any]) -> None:
        """Decorator: how an answer is applied to a case, where ``answer(*case)`` won't do."""
        self._run = apply

    def wrong(self, label: str) -> Callable[[Callable[..., Any]], None]:
        """Decorator: a mistaken answer that the verifier must reject."""

        def register(answer: Callable[..., Any]) -> None:
            self.wrongs.append(Wrong(label, answer))

        return register

    def make_cases(self, seed: int = CASES_SEED) -> list[Case]:
        """The inputs for ``seed``."""
        if self._cases is None or self._verify is None:
            raise TypeError(f"{self.id} 還缺 cases 或 verify。")
        return list(self._cases(torch.Generator().manual_seed(seed)))

    def apply(self, answer: Callable[..., Any], case: Case) -> Any:
        """Run an answer on (a copy of) a case."""
        case = copy.deepcopy(case)
        return self._run(answer, case) if self._run else answer(*case)

    def judge(self, answer: Callable[..., Any], seed: int = CASES_SEED) -> Verdict:
        """Run an answer on all cases; it is judged by the first that it does not pass.

        Random numbers that the answer draws are the same every time, and the lesson's own go on
        afterwards as if nothing had been judged.
        """
        with _own_random_numbers(seed):
            for case in self.make_cases(seed):
                try:
                    output = self.apply(answer, case)
                except NotImplementedError:
                    return Verdict("unanswered", "尚未作答")
                except (Exception, SystemExit) as error:
                    return Verdict("wrong", _describe_crash(error))
                if message := self.objection(case, output):
                    return Verdict("wrong", message)
        return Verdict("passed", "答對了！")

    def objection(self, case: Case, output: Any) -> str | None:
        """What the verifier has against an output; None when it is right."""
        assert self._verify is not None
        try:
            self._verify(copy.deepcopy(case), output)
        except AssertionError as error:
            return str(error) or "結果不對。"
        except Exception as error:
            kind = type(output).__name__
            return f"無法檢查你的答案：回傳的是 {kind}，檢查時發生 {type(error).__name__}：{error}"
        return None


def exercise(
    *, stars: int, hints: Iterable[str], id: str | None = None
) -> Callable[[Callable[P, R]], Exercise[P, R]]:
    """Decorator: make a reference solution an exercise.

    Args:
        stars: difficulty, 1 to 3.
        hints: from a nudge to nearly the answer.
        id: permanent id; by default ``module/lesson/name`` of the file and function. Give the old
            id when a function is renamed, so that learners keep their progress.
    """
    if stars not in (1, 2, 3):
        raise ValueError(f"stars 要是 1、2 或 3，現在是 {stars}。")

    def wrap(reference: Callable[P, R]) -> Exercise[P, R]:
        lesson = reference.__module__.removeprefix("dlbook.exercises.").replace(".", "/")
        name = id or f"{lesson}/{getattr(reference, '__name__', '')}"
        made = Exercise(reference, name, stars, tuple(hints))
        update_wrapper(made, reference, updated=())
        return made

    return wrap


@contextmanager
def _own_random_numbers(seed: int) -> Generator[None, None, None]:
    """Seeded generators inside; outside, the state they had."""
    state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)
            np.random.set_state(numpy_state)


def find(exercise_id: str) -> Exercise[..., Any]:
    """The exercise with this id; CourseError if there is none."""
    try:
        module_name, lesson, _ = exercise_id.split("/")
        module = importlib.import_module(f"dlbook.exercises.{module_name}.{lesson}")
    except (ValueError, ModuleNotFoundError) as error:
        missing = getattr(error, "name", None) or ""
        if missing and not missing.startswith("dlbook.exercises"):
            raise  # something that the exercises themselves need
        raise CourseError(
            f"沒有「{exercise_id}」這個練習。編號的格式是 模組/課程/名稱，dlbook progress 列出全部。"
        ) from None
    known = {item.id: item for item in vars(module).values() if isinstance(item, Exercise)}
    if exercise_id not in known:
        raise CourseError(f"沒有「{exercise_id}」這個練習。這一課有：{'、'.join(known)}。")
    return known[exercise_id]


def check(exercise_id: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    """Judge the learner's answer, say what is wrong with it, and remember the result.

    Returns:
        The answer if it is right, otherwise the reference solution, so that the cells below run.
    """
    item = find(exercise_id)
    if answer is item.reference:  # what `check` itself handed back, when its cell is run again
        verdict = Verdict("unanswered", "現在用的是參考解答；要檢查你的答案，先執行上面的儲存格")
    else:
        verdict = item.judge(answer)
    mark, colour = {
        "passed": ("✓", "#2a9d5c"),
        "wrong": ("✗", "#d1495b"),
        "unanswered": ("○", "#8a8a8a"),
    }[verdict.status]
    text = f"{mark} {item.title}：{verdict.message}"
    if verdict.status == "wrong":
        text += f"\n  卡住了？看提示：dlbook hint {exercise_id}（下面的儲存格先用參考解答）"
    body = html.escape(text).replace("\n", "<br>")
    note = {"exercise": {"id": exercise_id, "status": verdict.status}}
    show_html(
        text, f'<div style="border-left:4px solid {colour};padding-left:8px">{body}</div>', note
    )
    if verdict.status != "unanswered":
        _remember(exercise_id, verdict)
    return answer if verdict.status == "passed" else item.reference


def _remember(exercise_id: str, verdict: Verdict) -> None:
    """Save the result; a learner whose state can't be saved still gets the verdict, and a warning."""
    try:
        progress.record(exercise_id, "passed" if verdict.status == "passed" else "wrong")
    except progress.ProgressError as error:
        print(f"（這次的結果沒有存下來。{error}）")


def _describe_crash(error: BaseException) -> str:
    """The line of the learner's code that failed, and why."""
    what = f"執行時發生 {type(error).__name__}：{error}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_NOT_THE_LEARNERS)]
    return f"{what}（第 {own[-1].lineno} 行「{own[-1].line}」）" if own else what
