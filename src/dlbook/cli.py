"""The ``dlbook`` command. Every error is one readable paragraph and exit code 2.

Imports that take time (torch, nbclient, IPython) happen inside the commands that need them, so that
``dlbook --help`` answers at once.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from dlbook.commands import choosing, learner, teaching
from dlbook.errors import CourseError

if TYPE_CHECKING:
    from rich.console import Console

    from dlbook.run import Result

app = typer.Typer(
    help="繁體中文深度學習課程：38 課，離線可跑、結果可驗、練習自動批改。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
assets_app = typer.Typer(help="資料、模型與字型：列出、下載、驗證。", no_args_is_help=True)
app.add_typer(assets_app, name="assets")

Lessons = Annotated[list[str] | None, typer.Argument(help="課程：module/name，或不會混淆的 name。")]
Json = Annotated[bool, typer.Option("--json", help="輸出 JSON。")]


@app.callback()
def common() -> None:
    """Options of all commands: none so far."""


@app.command("list")
def list_lessons(as_json: Json = False) -> None:
    """列出所有課程與狀態。"""
    from dlbook.commands import listing

    listing.print_json() if as_json else listing.print_table(_console())


@app.command()
def doctor(as_json: Json = False) -> None:
    """檢查這台電腦能不能跑課程，並說明怎麼修。"""
    from dlbook.commands import doctor

    report = doctor.examine()
    if as_json:
        print(json.dumps([item.to_dict() for item in report], ensure_ascii=False, indent=1))
    else:
        doctor.print_report(report, _console())
    if any(item.status == "bad" for item in report):
        raise typer.Exit(1)


@app.command()
def run(
    lessons: Lessons = None,
    everything: Annotated[bool, typer.Option("--all", help="所有已完成的課程。")] = False,
    jobs: Annotated[int, typer.Option(min=0, help="同時跑幾課；0 表示每個核心一課。")] = 0,
    profile: Annotated[str, typer.Option(help="quick 或 full。")] = "quick",
    seeds: Annotated[str, typer.Option(help="亂數種子，用逗號分開。")] = "0",
    record: Annotated[bool, typer.Option("--record", help="把主張寫入 records/。")] = False,
    write: Annotated[bool, typer.Option("--write", help="把執行結果寫入 notebooks/。")] = False,
    report: Annotated[Path | None, typer.Option(help="把結果寫成 JSON 檔。")] = None,
    timeout: Annotated[float | None, typer.Option(min=1, help="每課最多幾秒。")] = None,
    memory: Annotated[float, typer.Option(min=100, help="每課最多幾 MB 記憶體。")] = 8000.0,
) -> None:
    """執行課程，驗證它的每一項主張；有任何一項未通過就以 1 結束。"""
    from dlbook.run import Options, runner
    from dlbook.run.table import print_results

    names = choosing.chosen(lessons, everything)
    options = Options(profile, _seeds(seeds), jobs, timeout, memory)
    if report is not None:
        runner.write_report([], report)  # an unwritable path is found before the work is done
    folder = _run_folder()
    console = _console()
    results = runner.run_lessons(names, options, folder, console)
    print_results(results, console)
    if report is not None:
        runner.write_report(results, report)
    failed = any(result.status != "passed" for result in results)
    if write or record:
        _keep(names, results, profile, folder, write=write, record=record)
    _say_where(names, folder)
    raise typer.Exit(1 if failed else 0)


@app.command()
def build(
    lessons: Lessons = None,
    check: Annotated[bool, typer.Option("--check", help="只檢查，不寫檔。")] = False,
    force: Annotated[bool, typer.Option("--force", help="覆蓋手動改過的筆記本。")] = False,
) -> None:
    """由 lessons/ 產生 notebooks/；--check 檢查筆記本與紀錄是不是最新的。"""
    from dlbook.commands import building

    names = choosing.chosen(lessons, not lessons)
    problems = building.check(names) if check else building.build(names, force=force)
    for line in problems:
        print(line)
    if check and not problems:
        print(f"{len(names)} 課的筆記本與紀錄都是最新的。")
    raise typer.Exit(1 if problems else 0)


@app.command()
def lab(
    lesson: Annotated[str | None, typer.Argument(help="要開啟的課程。")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="重新複製（舊的會備份）。")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="不開瀏覽器。")] = False,
) -> None:
    """在 JupyterLab 裡作答；筆記本複製到 work/，永遠不會未經詢問就覆蓋你的答案。"""
    from dlbook.commands import workspace

    names = [choosing.find(lesson)] if lesson else choosing.ready()
    if reset and lesson is None:
        raise CourseError("--reset 要指定一課，例如 dlbook lab pytorch_fundamentals --reset。")
    if reset:
        typer.confirm(f"要重新複製 {names[0]} 嗎？你現在的版本會備份。", abort=True)
    for name in names:
        print(workspace.prepare(name, reset=reset))
    workspace.prepare_index()
    raise typer.Exit(workspace.open_lab(names[0] if lesson else "index", browser=not no_browser))


@app.command()
def book(
    serve: Annotated[bool, typer.Option("--serve", help="建好之後在本機開一個伺服器。")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 表示任選一個。")] = 8000,
) -> None:
    """建立網頁書（book/_build/html）；--serve 接著在本機開給瀏覽器看。"""
    from dlbook.commands import book

    first_page = book.build()
    print(f"網頁書在 {first_page}")
    if serve:
        server = book.serve(first_page, port)
        print(f"開啟 http://127.0.0.1:{server.server_port}/ ，按 Ctrl-C 結束。", flush=True)
        server.serve_forever()


@app.command()
def hint(
    exercise: Annotated[str, typer.Argument(help="練習編號：模組/課程/名稱。")],
    number: Annotated[int, typer.Argument(min=0, help="第幾個提示；0 表示下一個沒看過的。")] = 0,
) -> None:
    """看一個練習的提示，一次一個。"""
    from dlbook.commands import learning

    print(learning.hint(exercise, number))


@app.command()
def solution(exercise: Annotated[str, typer.Argument(help="練習編號。")]) -> None:
    """看一個練習的參考解答。"""
    from dlbook.commands import learning

    print(learning.solution(exercise))


app.command()(learner.progress)
app.command()(teaching.grade)
app.command()(teaching.release)


@assets_app.command("list")
def assets_list(as_json: Json = False) -> None:
    """列出所有資產：大小、授權、在不在這台電腦上。"""
    from dlbook.assets import manage

    manage.print_json() if as_json else manage.print_table(_console())


@assets_app.command("get")
def assets_get(
    names: Annotated[list[str] | None, typer.Argument(help="資產名稱。")] = None,
    tier: Annotated[str | None, typer.Option(help="一整組：small、llm、speech 或 all。")] = None,
) -> None:
    """下載資產並驗證 sha256。"""
    from dlbook.assets import manage

    manage.get(names or [], tier)


@assets_app.command("verify")
def assets_verify() -> None:
    """重新計算每個已在本機的資產的 sha256。"""
    from dlbook.assets import manage

    damaged = manage.verify(_console())
    raise typer.Exit(1 if damaged else 0)


def main() -> None:
    """Entry point: whatever is wrong becomes a paragraph on stderr and exit code 2."""
    try:
        code = app(prog_name="dlbook", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except CourseError as error:
        print(f"dlbook：{error}", file=sys.stderr)
        sys.exit(130 if type(error).__name__ == "Interrupted" else 2)
    except TyperException as error:
        from dlbook.commands import usage

        if text := usage.explain(error):
            print(text, file=sys.stderr)
        sys.exit(error.exit_code)
    except typer.Abort:
        print("已取消。", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _console() -> "Console":
    from rich.console import Console

    return Console()


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise CourseError(f"看不懂 --seeds {text!r}；請用逗號分開，例如 --seeds 0,1,2。") from None


def _run_folder() -> Path:
    """A folder of its own for every run, so that two runs of one lesson don't meet."""
    from dlbook.paths import checkout

    return checkout() / ".runs" / f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}"


def _keep(
    names: list[str],
    results: "list[Result]",
    profile: str,
    folder: Path,
    *,
    write: bool,
    record: bool,
) -> None:
    """Write passed lessons' notebooks and records into the repository."""
    from dlbook.commands import building

    for name in names:
        mine = [result for result in results if result.lesson == name]
        if write and mine[0].status == "passed":
            building.keep_notebook(name, folder / f"{name}-seed{mine[0].seed}.ipynb")
        if record:
            building.keep_record(name, mine, profile)


def _say_where(names: list[str], folder: Path) -> None:
    print(f"\n執行過的筆記本在 {folder}")
    print(
        f"想動手改、做練習：dlbook lab {names[0]}"
        if len(names) == 1
        else "想動手改、做練習：dlbook lab"
    )


if __name__ == "__main__":
    main()
