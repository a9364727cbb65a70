"""``dlbook grade`` and ``dlbook release``, for teachers."""

import math
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlbook.errors import CourseError

if TYPE_CHECKING:
    from rich.console import Console

    from dlbook.grade.score import Score


def grade(
    notebooks: Annotated[list[Path], typer.Argument(help="筆記本，或裝著筆記本的資料夾。")],
    out: Annotated[Path | None, typer.Option(help="每份筆記本的成績（CSV）。")] = None,
    details: Annotated[Path | None, typer.Option(help="每一題的結果與原因（CSV）。")] = None,
    roster: Annotated[
        Path | None, typer.Option(help="學生名單（CSV，有 id 或 學號 一欄）。")
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="同時改幾份；0 表示每個核心一份。")] = 0,
    timeout: Annotated[float, typer.Option(min=0.1, help="每一題最多幾秒。")] = 40.0,
    seed: Annotated[int | None, typer.Option(min=0, help="測資的種子；不給就抽一個。")] = None,
    engine: Annotated[str, typer.Option(help="local，或用叢集的 ray。")] = "local",
    no_isolation: Annotated[
        bool, typer.Option("--no-isolation", help="不隔離學生的程式（它讀得到你的磁碟）。")
    ] = False,
) -> None:
    """批改學生的筆記本：在隔離的行程裡，用學生沒看過的測資。"""
    if sys.platform != "linux":
        raise CourseError("批改要靠 Linux 核心的隔離功能；請在 Linux、WSL 2 或容器裡執行。")
    from rich.console import Console
    from rich.progress import Progress

    from dlbook.grade import grading, report, sandbox
    from dlbook.grade.score import Score

    ids = report.read_roster(roster) if roster else None
    found = grading.find(notebooks)
    for path in filter(None, (out, details)):
        report.check_writable(path)
    seed = grading.draw_seed() if seed is None else seed
    limits = sandbox.Limits(cpu=math.ceil(timeout), wall=timeout)
    console = Console()
    graded: list[Score] = []
    try:
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("批改", total=len(found))

            def done(score: Score) -> None:
                graded.append(score)
                progress.advance(bar)

            scores = grading.grade(
                found,
                jobs=min(jobs or len(os.sched_getaffinity(0)), len(found)),
                limits=limits,
                seed=seed,
                isolated=not no_isolation,
                engine=engine,
                done=done,
            )
    except BaseException:  # interrupted, or the sandbox broke: keep what there is
        if graded and (out or details):
            _write(graded, out, details)
            print(f"中途停止；已經改好的 {len(graded)} 份寫下來了。", file=sys.stderr)
        raise
    scores = scores if ids is None else report.with_roster(scores, ids)
    _write(scores, out, details)
    _print(scores, console)
    _say_what_is_double(scores)
    print(f"測資的種子是 {seed}；同樣的種子會得到同樣的測資。")
    if failed := [score.file for score in scores if score.failed]:
        print(f"批改程式自己出錯，要人工看：{'、'.join(failed)}", file=sys.stderr)
        raise typer.Exit(1)


def release(
    lesson: Annotated[str, typer.Argument(help="課程：module/name，或不會混淆的 name。")],
    to: Annotated[Path, typer.Option(help="寫到哪個資料夾。")],
    no_hints: Annotated[bool, typer.Option("--no-hints", help="不附提示。")] = False,
    force: Annotated[bool, typer.Option("--force", help="覆蓋已經在那裡的檔案。")] = False,
) -> None:
    """產生發給學生的筆記本：沒有輸出與解答，附 nbgrader 的標記。"""
    from dlbook.commands import choosing
    from dlbook.grade.release import release as write

    print(f"寫入 {write(choosing.find(lesson), to, hints=not no_hints, force=force)}")


def _write(scores: "list[Score]", out: Path | None, details: Path | None) -> None:
    from dlbook.grade import report

    if out:
        report.write_scores(scores, out)
    if details:
        report.write_details(scores, details)


def _say_what_is_double(scores: "list[Score]") -> None:
    """Two notebooks of one student and lesson, which a table of scores would count twice."""
    counts = Counter((score.student, score.lesson) for score in scores if score.lesson)
    if double := [f"{student}（{lesson}）" for (student, lesson), n in counts.items() if n > 1]:
        print(f"交了不只一份，每一份都列出來了：{'、'.join(double)}")


def _print(scores: "list[Score]", console: "Console") -> None:
    """One line a notebook; a single notebook exercise by exercise."""
    from rich.markup import escape
    from rich.table import Table

    from dlbook.grade.report import STATUS

    table = Table(show_edge=False, pad_edge=False)
    if len(scores) == 1 and scores[0].marks:
        for name in ("練習", "難度", "結果", "原因"):
            table.add_column(name, overflow="fold")
        for mark in scores[0].marks:
            table.add_row(mark.exercise, "★" * mark.stars, STATUS[mark.status], escape(mark.reason))
    else:
        for name in ("學生", "課程", "分數", "通過", "說明"):
            table.add_column(name, overflow="fold")
        for s in scores:
            passed = f"{sum(m.status == 'passed' for m in s.marks)}／{len(s.marks)}"
            table.add_row(escape(s.student), s.lesson, f"{s.points:.0f}", passed, escape(s.reason))
    console.print(table)
    if scores:
        mean = sum(score.points for score in scores) / len(scores)
        console.print(f"{len(scores)} 份，平均 {mean:.1f} 分。")
