"""``dlbook progress --html``: one self-contained page; what is done, what is next, how long it took."""

import html
from pathlib import Path

from dlbook import curriculum, progress
from dlbook.commands.learning import exercises_of
from dlbook.curriculum import Lesson
from dlbook.errors import CourseError
from dlbook.exercise import Exercise

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --done: #2a9d5c; --tried: #b7791f; --soft: #8882; }
@media (prefers-color-scheme: dark) { :root { --done: #4cc38a; --tried: #e2b04a; } }
body { font: 16px/1.7 system-ui, "Noto Sans TC", "PingFang TC", "Microsoft JhengHei", sans-serif;
  max-width: 46rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; }
progress { width: 100%; height: .7rem; accent-color: var(--done); }
.next { border-left: 4px solid var(--done); padding: .5rem 1rem; background: var(--soft); }
.lesson { border-top: 1px solid var(--line); }
ul { list-style: none; padding: 0; margin: .2rem 0 1rem; } li { display: flex; gap: .6rem; }
li span:last-child { margin-left: auto; white-space: nowrap; }
.passed { color: var(--done); } .tried { color: var(--tried); } .small { font-size: .85rem; opacity: .8; }
code { font-size: .9em; background: var(--soft); padding: .1em .3em; border-radius: 3px; }
"""


def write(path: Path) -> None:
    """Write the page.

    Raises:
        CourseError: the file can't be written.
    """
    try:
        path.write_text(page(), "utf-8")
    except OSError as error:
        raise CourseError(f"寫不了 {path}（{error.strerror}）。") from None


def page() -> str:
    """The page, from what is remembered on this computer."""
    answers, runs = progress.answers(), progress.runs()
    ready = [lesson for lesson in curriculum.load().lessons if lesson.ready]
    items = {lesson.id: exercises_of(lesson.id) for lesson in ready}
    passed = {id for id, answer in answers.items() if answer.passed_at}
    every = [item for lesson in ready for item in items[lesson.id]]
    done = sum(item.id in passed for item in every)
    tried = sum(lesson.id in runs for lesson in ready)
    parts = [
        "<!doctype html>", '<html lang="zh-Hant-TW"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>我的進度</title><style>{_STYLE}</style></head><body>", "<h1>我的進度</h1>",
        f"<p>練習完成 {done}／{len(every)} 題；跑過 {tried}／{len(ready)} 課。</p>",
        f'<progress value="{done}" max="{len(every)}" aria-label="完成的練習"></progress>',
        _next(every, passed),
    ]  # fmt: skip
    for module in curriculum.load().modules:
        lessons = [lesson for lesson in module.lessons if lesson.ready]
        if lessons:
            parts.append(f"<h2>{_text(module.title)}</h2>")
            parts += [
                _lesson(lesson, items[lesson.id], answers, runs.get(lesson.id))
                for lesson in lessons
            ]
    return "\n".join([*parts, "</body></html>", ""])


def _next(every: list[Exercise], passed: set[str]) -> str:
    following = next((item for item in every if item.id not in passed), None)
    if following is None:
        return '<p class="next">現有的練習全部完成了。</p>'
    lesson = following.id.rpartition("/")[0]
    return (
        f'<p class="next">接下來：{_text(following.title)}（{"★" * following.stars}）<br>'
        f"<code>dlbook lab {lesson}</code></p>"
    )


def _lesson(
    lesson: Lesson,
    items: list[Exercise],
    answers: dict[str, progress.Answer],
    run: progress.LessonRun | None,
) -> str:
    """A lesson: when it was run, and its exercises."""
    if run is None:
        state = f"還沒跑過｜執行約 {lesson.minutes:g} 分鐘"
    else:
        verdict = "主張全部通過" if run.passed_at else "有主張沒有通過"
        state = f"{verdict}｜跑過 {run.count} 次，上次 {run.seconds:.0f} 秒（{_text(run.last_at[:10])}）"
    rows = "\n".join(_exercise(item, answers.get(item.id)) for item in items)
    return (
        f'<section class="lesson"><h3>{_text(lesson.title)}</h3>'
        f'<p class="small">{state}</p><ul>{rows}</ul></section>'
    )


def _exercise(item: Exercise, answer: progress.Answer | None) -> str:
    if answer is None:
        mark, style, state = "○", "", "尚未作答"
    elif answer.passed_at:
        mark, style, state = "✓", "passed", f"{_text(answer.passed_at[:10])} 完成"
    else:
        mark, style, state = "…", "tried", f"試過 {answer.attempts} 次"
    return (
        f'<li class="{style}"><span aria-hidden="true">{mark}</span><span>{_text(item.title)} '
        f'<span class="small">{"★" * item.stars}</span></span><span class="small">{state}</span></li>'
    )


def _text(text: str) -> str:
    return html.escape(text)
