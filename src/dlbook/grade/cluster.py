"""``dlbook grade --engine ray``: the same grading, spread over a Ray cluster.

Notebooks are read here (which runs nothing of theirs); the nodes need the course installed, no shared
disk. Without ``RAY_ADDRESS`` a cluster of this computer alone is started.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from dlbook.errors import CourseError
from dlbook.grade import answers, sandbox
from dlbook.grade.score import Score
from dlbook.grade.worker import Worker


def with_ray(
    notebooks: list[tuple[str, Any]], jobs: int, arguments: tuple[sandbox.Limits, int, bool]
) -> Iterator[tuple[int, Score]]:
    """Grade with ``jobs`` actors of one CPU each; scores with their number, as they come.

    Raises:
        CourseError: Ray is not installed.
    """
    try:
        ray: Any = import_module("ray")  # optional: type checkers need not find it
    except ImportError:
        raise CourseError('叢集批改要用 Ray：pip install -e ".[cluster]"。') from None
    address = os.environ.get("RAY_ADDRESS")
    ray.init(
        address=address,
        num_cpus=None if address else jobs,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
    )
    try:
        # An actor that dies is started again; a notebook that kills one twice gets a reason.
        grader = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=1)(Worker)
        idle = [grader.remote(*arguments) for _ in range(jobs)]
        busy: dict[Any, tuple[Any, int]] = {}
        waiting = list(enumerate(notebooks))[::-1]
        while waiting or busy:
            while waiting and idle:
                i, (student, path) = waiting.pop()
                try:
                    submission = answers.read(path, student)
                except answers.Unreadable as error:
                    yield i, Score(student, str(path), reason=str(error))
                    continue
                actor = idle.pop()
                busy[actor.grade.remote(submission, str(path))] = (actor, i)
            if not busy:
                continue
            [finished], _ = ray.wait(list(busy))
            actor, i = busy.pop(finished)
            idle.append(actor)
            yield i, _result(ray, finished, *notebooks[i])
    finally:
        ray.shutdown()


def _result(ray: Any, finished: Any, student: str, path: Any) -> Score:
    try:
        return ray.get(finished)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, answers.Unreadable):
            return Score(student, str(path), reason=str(error.cause))
        raise
    except ray.exceptions.RayActorError:
        return Score(student, str(path), reason="批改這一份的行程意外結束了。")
