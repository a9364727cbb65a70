"""One process that grades: the lessons' hidden cases, a server that runs answers, and the verdicts."""

import os
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from dlbook import curriculum
from dlbook.build.source import Source
from dlbook.errors import CourseError
from dlbook.exercise import Exercise
from dlbook.grade import answers, codec, package, sandbox
from dlbook.grade.procedures import Procedure, procedures
from dlbook.grade.score import Mark, Score
from dlbook.grade.server import Job, Reply
from dlbook.paths import PACKAGE


@dataclass(frozen=True)
class Task:
    """An exercise with its hidden cases, and the program that applies an answer to one."""

    item: Exercise
    name: str
    cases: list[Any]
    procedure: Procedure
    modules: list[str]


class Worker:
    """One process of the pool: a server of its own, and the exercises with their cases."""

    def __init__(self, limits: sandbox.Limits, seed: int, isolated: bool) -> None:
        self.limits, self.seed, self.isolated = limits, seed, isolated
        self.folder = tempfile.TemporaryDirectory(prefix="dlbook-package-")
        os.chmod(self.folder.name, 0o755)
        self.lessons: dict[str, list[Task]] = {}
        self.server = self._serve()

    def _serve(self) -> subprocess.Popen[bytes]:
        path = Path(self.folder.name)
        if not (path / "dlbook").exists():
            package.copy_without_exercises(path)
        environment = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
        ) | {
            "PYTHONPATH": str(path),
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
        }  # none of the teacher's
        server = subprocess.Popen(
            [sys.executable, "-c", "from dlbook.grade.server import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=path,
            start_new_session=True,  # Ctrl-C is for the grader
        )
        assert server.stdout is not None
        if server.stdout.readline() != b"ready\n":
            raise CourseError("批改用的行程沒有啟動；錯誤訊息在上面。")
        return server

    def tasks(self, lesson: str) -> list[Task]:
        """The exercises of a lesson, made once."""
        if lesson not in self.lessons:
            if lesson not in {known.id for known in curriculum.load().lessons if known.ready}:
                raise answers.Unreadable(f"沒有「{lesson[:80]}」這一課。")
            dotted = f"dlbook.exercises.{lesson.replace('/', '.')}"
            module = import_module(dotted)
            source = Source.load(Path(str(module.__file__)), lesson, dotted)
            programs = procedures(source)
            modules = answers.modules(lesson)
            self.lessons[lesson] = [
                Task(item, name, item.make_cases(self.seed), programs[name], modules)
                for name, item in vars(module).items()
                if isinstance(item, Exercise)
            ]
            for task in self.lessons[lesson]:
                task.item.reference = _remembered(task.item.reference)
        return self.lessons[lesson]

    def score(self, student: str, path: Path) -> Score:
        """One notebook, whatever is in it.

        Raises:
            CourseError: the sandbox can't be entered, for no fault of the learner's.
        """
        try:
            return self.grade(answers.read(path, student), str(path))
        except answers.Unreadable as error:
            return Score(student, str(path), reason=str(error))
        except CourseError:
            raise
        except Exception as error:  # a fault of ours must not cost the others their scores
            traceback.print_exc()
            reason = f"批改程式自己出錯（{type(error).__name__}：{error}），這一份要人工看。"
            return Score(student, str(path), reason=reason, failed=True)

    def grade(self, submission: answers.Submission, file: str) -> Score:
        """What was read from one notebook.

        Raises:
            Unreadable: there is no such lesson.
        """
        marks = []
        for task in self.tasks(submission.lesson):
            answer = submission.answers.get(task.item.id)
            if answer is None:
                verdict = ("unanswered", "筆記本裡沒有這一題的儲存格。")
            else:
                job = Job(
                    f"{submission.definitions}\n{task.procedure.names}", answer, task.name,
                    task.procedure.run, task.cases,
                    self.seed, task.modules, package.hidden_folders(), self.needed(), self.limits, self.isolated,
                )  # fmt: skip
                verdict = self.judge(task, self.ask(job))
            marks.append(Mark(task.item.id, task.item.stars, *verdict))
        return Score(submission.student, file, submission.lesson, marks)

    def needed(self) -> list[Path]:
        """What the shut-in process must be able to read."""
        return [Path(sys.base_prefix), Path(sys.prefix), Path(self.folder.name), PACKAGE]

    def ask(self, job: Job) -> Reply:
        """Send a job, a second time if the server died or the sandbox failed.

        Raises:
            CourseError: the sandbox failed twice.
        """
        body = pickle.dumps(job)
        reply = Reply()
        for _ in range(2):
            try:
                reply = self._send(body)
            except (OSError, struct.error):
                self.server.kill()
                self.server = self._serve()
                reply = Reply(failure="批改用的行程意外結束，這一題沒有跑完。")
                continue
            if not reply.broken:
                return reply
        if reply.broken:
            raise CourseError(f"學生的程式關不起來（{reply.failure}），批改停止了。")
        return reply

    def _send(self, body: bytes) -> Reply:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(struct.pack("<Q", len(body)) + body)
        self.server.stdin.flush()
        broken, failure, data = struct.unpack("<?QQ", self.server.stdout.read(17))
        reason = self.server.stdout.read(failure).decode()
        return Reply(self.server.stdout.read(data), reason, broken)

    def judge(self, task: Task, reply: Reply) -> tuple[str, str]:
        """Status and reason of one answer."""
        if reply.failure:
            return "wrong", reply.failure
        try:
            with _time_limit(self.limits.wall):
                return self._judge(task, codec.loads(reply.data))
        except codec.Damaged as error:
            return "wrong", str(error)
        except TooLong:
            return "wrong", "檢查你的答案花了太久：回傳的東西大概不是題目要的。"

    def _judge(self, task: Task, results: Any) -> tuple[str, str]:
        if results == [["unanswered", ""]]:
            return "unanswered", ""
        if not _well_formed(results, len(task.cases)):
            return "wrong", "收到的結果格式不對。"
        for case, (kind, value) in zip(task.cases, results, strict=False):
            if kind == "error":
                return "wrong", value
            if objection := task.item.objection(case, value):
                return "wrong", objection
        return "passed", ""


def _well_formed(results: Any, cases: int) -> bool:
    """Whether this is what ``run_answer`` returns: outputs for all cases, or errors among them."""
    if not isinstance(results, list) or not results:
        return False
    for entry in results:
        if not isinstance(entry, list) or len(entry) != 2 or entry[0] not in ("output", "error"):
            return False
        if entry[0] == "error" and not isinstance(entry[1], str):
            return False
    return len(results) == cases or results[-1][0] == "error"


def _remembered(reference: Callable[..., Any]) -> Callable[..., Any]:
    """The reference, which many verifiers run for every learner on the same cases: once is enough."""
    known: dict[bytes, Any] = {}

    def remembered(*args: Any, **kwargs: Any) -> Any:
        try:
            key = codec.dumps((args, kwargs))
        except codec.NotPlain:
            return reference(*args, **kwargs)
        if key not in known:
            known[key] = reference(*args, **kwargs)
        return deepcopy(known[key])

    return remembered


class TooLong(BaseException):
    """Not an Exception: what is being timed may catch those."""


@contextmanager
def _time_limit(seconds: float) -> Generator[None, None, None]:
    """TooLong when the block takes longer. For the main thread of a process."""

    def stop(number: int, frame: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
