"""``dlbook list``."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from dlbook import curriculum

STATUS = {"ready": "可以學", "planned": "規劃中"}


def print_json() -> None:
    """Every lesson as an object with ``lesson``, ``title``, ``status``, ``minutes``, …"""
    entries = []
    for lesson in curriculum.load().lessons:
        entry = asdict(lesson)
        entries.append({"lesson": entry.pop("id"), "module": lesson.module, **entry})
    print(json.dumps(entries, ensure_ascii=False, indent=1))


def print_table(console: Console) -> None:
    """The lessons by module."""
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("課程", no_wrap=True)  # the names are typed from here: never cut one short
    table.add_column("標題", overflow="fold")
    table.add_column("狀態", no_wrap=True)
    table.add_column("分鐘", no_wrap=True, justify="right")
    for module in curriculum.load().modules:
        table.add_row(f"[bold]{module.title}[/bold]")
        for lesson in module.lessons:
            style = "" if lesson.ready else "dim"
            minutes = f"{lesson.minutes:g}"
            table.add_row(lesson.id, lesson.title, STATUS[lesson.status], minutes, style=style)
    console.print(table)
