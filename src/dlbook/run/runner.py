"""Run many lessons: so many at a time, with a live table, ended cleanly by Ctrl-C."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from rich.console import Console
from rich.live import Live

from dlbook import curriculum
from dlbook.build import render
from dlbook.errors import CourseError
from dlbook.run.execute import Job, execute
from dlbook.run.result import Result
from dlbook.run.table import live_table, one_line

DEFAULT_TIMEOUT = 900.0  # seconds; the budget of a lesson is 120 (180 with a language model)
DEFAULT_MEMORY_MB = 8000.0


class Interrupted(CourseError):
    """Ctrl-C or SIGTERM ended the run; no kernel is left."""


@dataclass(frozen=True)
class Options:
    """How to run. ``jobs`` lessons at a time share the cores; ``timeout`` in seconds a lesson."""

    profile: str = "quick"
    seeds: tuple[int, ...] = (0,)
    jobs: int = 0
    timeout: float | None = None
    memory_mb: float = DEFAULT_MEMORY_MB

    def __post_init__(self) -> None:
        if self.profile not in ("quick", "full"):
            raise CourseError(f"沒有「{self.profile}」這個設定檔。--profile 只能是 quick 或 full。")
        if not self.seeds or not all(0 <= seed < 2**32 for seed in self.seeds):
            raise CourseError(
                "--seeds 要是用逗號分開的整數，各在 0 到 2**32 − 1 之間，例如 0,1,2。"
            )

    @property
    def workers(self) -> int:
        """How many lessons run at once."""
        return self.jobs if self.jobs > 0 else max(1, psutil.cpu_count() or 1)

    @property
    def limit(self) -> float | None:
        """Seconds a lesson may take; ``full`` has no limit unless one is given."""
        return self.timeout or (DEFAULT_TIMEOUT if self.profile == "quick" else None)


def run_lessons(
    lessons: Sequence[str], options: Options, folder: Path, console: Console
) -> list[Result]:
    """Execute each lesson with each seed; the executed notebooks are left in ``folder``.

    Args:
        lessons: names ``module/lesson``.
        options: profile, seeds, jobs, limits.
        folder: where ``<lesson>-seed<seed>.ipynb`` go, whatever came of them.
        console: where the table is drawn.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; all kernels are gone when it is raised.
    """
    _prepare(folder)
    jobs = [
        _job(lesson, seed, options) for lesson in _longest_first(lessons) for seed in options.seeds
    ]
    asyncio.run(_run_all(jobs, options.workers, folder, console))
    order = {lesson: i for i, lesson in enumerate(lessons)}
    results = [job.result for job in jobs if job.result is not None]
    return sorted(results, key=lambda r: (order[r.lesson], r.seed))


def _job(lesson: str, seed: int, options: Options) -> Job:
    threads = (
        1 if options.profile == "quick" else max(1, (psutil.cpu_count() or 1) // options.workers)
    )
    return Job(
        lesson, render(lesson), seed, options.profile, threads, options.limit, options.memory_mb
    )


def _longest_first(lessons: Sequence[str]) -> list[str]:
    minutes = {lesson.id: lesson.minutes for lesson in curriculum.load().lessons}
    return sorted(lessons, key=lambda name: -minutes.get(name, 0))


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(
            f"無法建立 {folder}（{error.strerror}）。請確認資料夾可以寫入。"
        ) from error


async def _run_all(jobs: list[Job], workers: int, folder: Path, console: Console) -> None:
    gate = asyncio.Semaphore(workers)
    start = time.monotonic()
    stopping = asyncio.Event()

    def stop() -> None:
        stopping.set()
        for job in jobs:
            if job.watch is not None and job.result is None:
                job.watch.end("interrupted")

    with _signals(stop), Live(console=console, auto_refresh=False, transient=True) as live:

        def tick() -> None:
            if console.is_terminal:
                live.update(live_table(jobs, time.monotonic() - start), refresh=True)

        async def work(job: Job) -> None:
            async with gate:
                if stopping.is_set():
                    return
                job.result = await execute(job, tick)
                _save(job, folder)
                if not console.is_terminal:
                    console.print(one_line(job.result), soft_wrap=True, highlight=False)

        await asyncio.gather(*(work(job) for job in jobs))
    if stopping.is_set():
        raise Interrupted("已中斷；所有核心都已結束。")


def _save(job: Job, folder: Path) -> None:
    target = folder / f"{job.lesson}-seed{job.seed}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(job.notebook, target)


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Generator[None, None, None]:
    """Ctrl-C and SIGTERM call ``stop`` instead of tearing the event loop apart."""
    loop = asyncio.get_running_loop()
    names = (signal.SIGINT, signal.SIGTERM)
    if os.name == "nt":  # no loop.add_signal_handler there
        before = [signal.signal(s, lambda *_: loop.call_soon_threadsafe(stop)) for s in names]
    else:
        before = [loop.add_signal_handler(s, stop) for s in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            if os.name == "nt":
                signal.signal(name, handler)
            else:
                loop.remove_signal_handler(name)


def write_report(results: Sequence[Result], path: Path) -> None:
    """The results as JSON, for machines."""
    content = json.dumps([r.to_dict() for r in results], ensure_ascii=False, indent=1)
    try:
        path.write_text(content + "\n", "utf-8")
    except OSError as error:
        raise CourseError(f"無法寫入報告 {path}（{error.strerror}）。") from error
