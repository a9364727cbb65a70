"""The arguments of ``dlbook progress``."""

from pathlib import Path
from typing import Annotated

import typer


def progress(
    html: Annotated[Path | None, typer.Option(help="寫成網頁。")] = None,
    export: Annotated[Path | None, typer.Option(help="存成 JSON，可以帶到別的電腦。")] = None,
    load: Annotated[
        Path | None, typer.Option("--import", help="併入另一台電腦存的 JSON；原有的不會少。")
    ] = None,
) -> None:
    """你做完了哪些練習，接下來可以做什麼。"""
    from dlbook import progress_file
    from dlbook.commands import learning, progress_page

    if load is not None:
        print(f"併入 {load}：{progress_file.read(load)} 題。")
    if export is not None:
        print(f"寫入 {export}：{progress_file.write(export)} 題。")
    if html is not None:
        progress_page.write(html)
        print(f"網頁在 {html}")
    if load is export is html is None:
        learning.print_progress()
