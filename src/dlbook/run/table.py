"""What a person sees of a run: the live table, and the table of claims at the end."""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from dlbook.claims import Claim
from dlbook.run.execute import Job
from dlbook.run.result import Result

STATUS = {
    "passed": ("通過", "green"),
    "failed": ("未通過", "red"),
    "timeout": ("逾時", "red"),
    "crashed": ("當掉", "red"),
}


def live_table(jobs: Sequence[Job], seconds: float) -> Table:
    """Every job of the run: waiting, at which cell, or finished."""
    table = Table(title=f"執行中：{seconds:.0f} 秒", title_justify="left")
    for name in ("課程", "種子", "狀態", "記憶體"):
        table.add_column(name)
    for job in jobs:
        memory = f"{job.watch.peak_mb:.0f} MB" if job.watch else ""
        table.add_row(job.lesson, str(job.seed), _state(job), memory)
    return table


def _state(job: Job) -> Text:
    if job.result is not None:
        word, style = STATUS[job.result.status]
        return Text(f"{word}（{job.result.seconds:.0f} 秒）", style)
    if job.watch is None:
        return Text("等待", "dim")
    return Text(f"第 {job.cell + 1}／{len(job.notebook.cells)} 格", "cyan")


def one_line(result: Result) -> Text:
    """A finished job in one line, for logs."""
    word, style = STATUS[result.status]
    passed = sum(claim["passed"] for claim in result.claims)
    head = f"{result.lesson} 種子 {result.seed}：{word}，主張 {passed}/{len(result.claims)}"
    return Text(f"{head}，{result.seconds:.0f} 秒，{result.peak_mb:.0f} MB", style)


def print_results(results: Sequence[Result], console: Console) -> None:
    """The claims of every lesson, and what went wrong where something did."""
    for result in results:
        word, style = STATUS[result.status]
        title = f"{result.lesson}（種子 {result.seed}）{word}"
        console.print(Group(Text(""), Text(title, f"bold {style}")))
        if result.claims:
            console.print(_claims(result))
        console.print(f"  {result.seconds:.0f} 秒，記憶體高峰 {result.peak_mb:.0f} MB")
        if result.error:
            console.print(Text(f"  {result.error}", "red"))


def _claims(result: Result) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for name in ("", "主張", "測得", "要求", "等級", "依據"):
        table.add_column(name, overflow="fold")
    for claim in map(Claim.from_dict, result.claims):
        mark = Text("✓", "green") if claim.passed else Text("✗", "red")
        table.add_row(mark, claim.name, claim.measured, claim.bar, claim.level, claim.source)
    return table
