"""From notebooks to scores, several at once on this computer or on a cluster."""

import secrets
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from dlbook.errors import CourseError
from dlbook.grade import sandbox
from dlbook.grade.score import Score
from dlbook.grade.worker import Worker

Notebooks = list[tuple[str, Path]]  # whose, where


def find(paths: Iterable[Path]) -> list[tuple[str, Path]]:
    """Notebooks with their student: the folder below the given one, or the name of the file.

    Raises:
        CourseError: a path that isn't there, or no notebook at all.
    """
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
            for notebook in inside:
                first = notebook.relative_to(path).parts[0]
                found.append((first if first != notebook.name else notebook.stem, notebook))
        elif path.is_file():
            found.append((path.stem, path))
        else:
            raise CourseError(f"找不到 {path}。")
    if not found:
        raise CourseError("裡面沒有筆記本（.ipynb）。")
    return found


def grade(
    notebooks: Notebooks,
    *,
    jobs: int = 1,
    limits: sandbox.Limits | None = None,
    seed: int | None = None,
    isolated: bool = True,
    engine: str = "local",
    done: Callable[[Score], None] = lambda score: None,
) -> list[Score]:
    """Grade notebooks, several at once; the scores in the order of the notebooks.

    Args:
        jobs: how many at once.
        limits: what an answer may use.
        seed: of the hidden cases; drawn anew for every call when left out.
        isolated: False runs answers without namespaces: they can then read this disk.
        engine: ``local`` or ``ray``.
        done: told of every score as it comes.

    Raises:
        CourseError: this computer can't isolate answers; the engine is unknown or not installed.
    """
    if isolated and (reason := sandbox.missing()):
        raise CourseError(
            f"這台電腦不能把學生的程式關起來（{reason}）。請在 Linux 上執行；"
            "在容器裡要加 --privileged。若學生的程式信得過，可以加 --no-isolation。"
        )
    arguments = (limits or sandbox.Limits(), draw_seed() if seed is None else seed, isolated)
    scores: dict[int, Score] = {}
    for i, score in _engine(engine)(notebooks, jobs, arguments):
        scores[i] = score
        done(score)
    return [scores[i] for i in sorted(scores)]


def draw_seed() -> int:
    """A seed that nobody could have known."""
    return secrets.randbelow(2**31)


Arguments = tuple[sandbox.Limits, int, bool]
Engine = Callable[[Notebooks, int, Arguments], Iterator[tuple[int, Score]]]


def _engine(name: str) -> Engine:
    if name == "local":
        return _on_this_computer
    if name == "ray":
        from dlbook.grade.cluster import with_ray

        return with_ray
    raise CourseError(f"沒有「{name}」這種引擎；可以是 local 或 ray。")


def _on_this_computer(
    notebooks: Notebooks, jobs: int, arguments: Arguments
) -> Iterator[tuple[int, Score]]:
    """A pool of processes. When one dies, the rest is graded one by one, to see which notebook did it."""
    left = dict(enumerate(notebooks))
    at_once = jobs
    while left:
        with _pool(at_once, arguments) as pool:
            futures: dict[Future[Score], int] = {
                pool.submit(_score, *pair): i for i, pair in left.items()
            }
            for future in as_completed(futures):
                if isinstance(future.exception(), BrokenProcessPool):
                    continue
                score = future.result()
                del left[futures[future]]
                yield futures[future], score
        if left and at_once == 1:
            first = min(left)
            student, path = left.pop(first)
            yield first, Score(student, str(path), reason="批改這一份的行程意外結束了。")
            at_once = jobs
        else:
            at_once = 1


@contextmanager
def _pool(jobs: int, arguments: Arguments) -> Generator[ProcessPoolExecutor, None, None]:
    """Workers that have started. An interruption doesn't wait for what they are at."""
    context = get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=arguments)
    try:
        _check_that_it_starts(pool)
        yield pool
    except BaseException:
        workers = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.terminate()
        raise
    pool.shutdown()


def _check_that_it_starts(pool: ProcessPoolExecutor) -> None:
    try:
        pool.submit(_started).result()
    except BrokenProcessPool:
        raise CourseError("批改用的行程沒有啟動；錯誤訊息在上面。") from None


_worker: Worker | None = None


def _start(limits: sandbox.Limits, seed: int, isolated: bool) -> None:
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    torch.set_num_threads(1)
    global _worker
    _worker = Worker(limits, seed, isolated)


def _started() -> bool:
    return _worker is not None


def _score(student: str, path: Path) -> Score:
    assert _worker is not None
    return _worker.score(student, path)
