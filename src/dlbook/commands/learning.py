"""``dlbook hint``, ``dlbook solution`` and ``dlbook progress``."""

import inspect
import textwrap
from importlib import import_module

from rich.console import Console
from rich.table import Table

from dlbook import curriculum, exercise, progress
from dlbook.errors import CourseError
from dlbook.exercise import Exercise


def exercises_of(lesson: str) -> list[Exercise]:
    """The exercises of a lesson, in the order of the file."""
    module = import_module(f"dlbook.exercises.{lesson.replace('/', '.')}")
    return [item for item in vars(module).values() if isinstance(item, Exercise)]


def hint(exercise_id: str, number: int = 0) -> str:
    """One hint of an exercise; ``number`` 0 is the next that has not been seen."""
    item = exercise.find(exercise_id)
    if number > len(item.hints):
        raise CourseError(f"「{exercise_id}」只有 {len(item.hints)} 個提示。")
    chosen = number or min(progress.hints_seen(exercise_id) + 1, len(item.hints))
    progress.see_hint(exercise_id, chosen)
    more = chosen < len(item.hints)
    tail = (
        "再執行一次看下一個提示。" if more else f"提示看完了；解答：dlbook solution {exercise_id}"
    )
    return f"{item.title}\n提示 {chosen}／{len(item.hints)}：{item.hints[chosen - 1]}\n{tail}"


def solution(exercise_id: str) -> str:
    """The source of the reference solution, without its decorator."""
    lines = textwrap.dedent(inspect.getsource(exercise.find(exercise_id).reference)).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(("def ", "class ")))
    return "\n".join(lines[first:])


def print_progress() -> None:
    """Every exercise of the ready lessons: passed, tried, or still open; and what comes next."""
    console, answers = Console(), progress.answers()
    table = Table(show_edge=False, pad_edge=False)
    for name in ("練習", "難度", "狀態"):
        table.add_column(name, overflow="fold")
    following, passed, total = None, 0, 0
    for lesson in curriculum.load().lessons:
        for item in exercises_of(lesson.id) if lesson.ready else []:
            answer = answers.get(item.id)
            done = answer is not None and answer.passed_at is not None
            passed, total = passed + done, total + 1
            following = following or (None if done else item)
            name = f"{item.title}\n[dim]{item.id}[/dim]"
            table.add_row(name, "★" * item.stars, _state(answer))
    console.print(table)
    console.print(f"完成 {passed}／{total} 題。")
    if following is not None:
        lesson = following.id.rpartition("/")[0]
        console.print(f"接下來：{following.title}（dlbook lab {lesson}）")


def _state(answer: progress.Answer | None) -> str:
    if answer is None:
        return "[dim]尚未作答[/dim]"
    if answer.passed_at is not None:
        return f"[green]✓ 完成[/green]（{answer.passed_at[:10]}）"
    return f"[yellow]試過 {answer.attempts} 次[/yellow]"
