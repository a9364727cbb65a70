"""Write the generated parts of README.md from the curriculum.

    python tools/readme.py            rewrite README.md
    python tools/readme.py --check    exit 1 and show the difference if it is out of date

A part stands between `<!-- begin:NAME -->` and `<!-- end:NAME -->`; everything else is written by hand.
"""

import re
import sys
from collections.abc import Callable, Iterable
from difflib import unified_diff
from pathlib import Path

from dlbook import curriculum
from dlbook.curriculum import Curriculum, LearningPath, Lesson, Module, Paper

README = Path(__file__).resolve().parent.parent / "README.md"
VRAM_TIERS = (2, 4, 8, 16, 24)


def main(arguments: list[str]) -> int:
    """Rewrite or check README.md; the exit code."""
    new = fill(README.read_text(encoding="utf-8"), curriculum.load())
    return write_or_check(README, new, "tools/readme.py", arguments)


def write_or_check(target: Path, new: str, script: str, arguments: list[str]) -> int:
    """Write a generated file, or with ``--check`` show how it differs; the exit code."""
    old = target.read_text(encoding="utf-8") if target.exists() else ""
    if arguments == ["--check"]:
        names = (target.name, f"{target.name}（重新產生後）")
        diff = unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="", n=1)
        if old != new:
            print(f"{target.name} 不是最新的；請執行 python {script}。")
            print("\n".join(diff))
        return int(old != new)
    if arguments:
        sys.exit(f"不認得的參數：{' '.join(arguments)}。用法：python {script} [--check]")
    target.write_text(new, encoding="utf-8", newline="\n")
    return 0


def fill(text: str, course: Curriculum) -> str:
    """The text with every marked part generated anew; a missing marker raises ValueError."""
    for name, render in PARTS.items():
        pattern = re.compile(rf"(<!-- begin:{name} -->\n).*?(<!-- end:{name} -->)", re.DOTALL)
        body = render(course)
        text, count = pattern.subn(lambda m, body=body: f"{m[1]}\n{body}\n\n{m[2]}", text)
        if count != 1:
            raise ValueError(
                f"README.md 裡的標記 begin:{name}／end:{name} 應恰有一對，找到 {count} 對。"
            )
    return text


def status(course: Curriculum) -> str:
    """How many lessons there are and which can be taken today."""
    ready = [lesson for lesson in course.lessons if lesson.ready]
    total = len(course.lessons)
    items = [
        f"- {_link(lesson, lesson.title)}：{lesson.summary}{_not_yet(lesson, course)}"
        for lesson in ready
    ]
    return "\n".join(
        [
            f"課程共 {total} 課、{len(course.modules)} 個模組。"
            f"**今天可以上的有 {len(ready)} 課，其餘 {total - len(ready)} 課還在規劃中：**",
            "",
            *items,
        ]
    )


def _not_yet(lesson: Lesson, course: Curriculum) -> str:
    """Which prerequisites of a ready lesson can't be taken yet."""
    needs = [course.find(need) for need in lesson.prerequisites]
    names = "、".join(f"「{need.short}」" for need in needs if not need.ready)
    return f"先備的{names}還在規劃中，已有同等的基礎就可以直接開始。" if names else ""


def roadmap(course: Curriculum) -> str:
    """A Mermaid graph of the modules, an arrow where a lesson needs one of another module."""
    node = {module.id: f"m{number}" for number, module in enumerate(course.modules, 1)}
    ready = {module.id: sum(x.ready for x in module.lessons) for module in course.modules}
    lines = ["```mermaid", "graph TD"]
    for number, module in enumerate(course.modules, 1):
        open_now = f"，可上 {ready[module.id]} 課" if ready[module.id] else ""
        label = f"{number}　{module.title}<br/>{len(module.lessons)} 課{open_now}"
        lines.append(f'  {node[module.id]}["{label}"]')
    lines += [f"  {node[before]} --> {node[after]}" for before, after in _module_arrows(course)]
    if any(ready.values()):
        lines.append("  classDef ready fill:#0b7285,stroke:#0b7285,color:#ffffff")
        lines.append(f"  class {','.join(node[m] for m in node if ready[m])} ready")
    return "\n".join([*lines, "```"])


def _module_arrows(course: Curriculum) -> list[tuple[str, str]]:
    """Which module needs which, without the arrows that follow from others."""
    needs: dict[str, set[str]] = {module.id: set() for module in course.modules}
    for lesson in course.lessons:
        others = {need.partition("/")[0] for need in lesson.prerequisites}
        needs[lesson.module] |= others - {lesson.module}
    above: dict[str, set[str]] = {}
    for module in needs:  # in teaching order, so that what a module needs is already known
        above[module] = needs[module].union(*(above[other] for other in needs[module]))
    return [
        (before, after)
        for after, direct in needs.items()
        for before in needs
        if before in direct and not any(before in above[other] for other in direct)
    ]


def modules(course: Curriculum) -> str:
    """One table for each module."""
    return "\n\n".join(_module_table(n, module) for n, module in enumerate(course.modules, 1))


def _module_table(number: int, module: Module) -> str:
    rows = [
        (
            f"{_link(lesson, lesson.title)}<br/>`{lesson.name}`",
            "；".join(lesson.topics),
            "、".join(homework.code for homework in lesson.homework) or "—",
            f"≤ {lesson.minutes:g}",
            f"{lesson.vram_gb:g} GB{_mark(lesson)}",
            "可以上" if lesson.ready else "規劃中",
        )
        for lesson in module.lessons
    ]
    head = ("課", "主題", "作業", "分鐘", "VRAM", "狀態")
    return f"### {number}　{module.title} · `{module.id}`\n\n{module.line}\n\n{table(head, rows)}"


def paths(course: Curriculum) -> str:
    """The learning paths, week by week."""
    return "\n\n".join(_path(path, course) for path in course.paths)


def _path(path: LearningPath, course: Curriculum) -> str:
    titles = {other.id: other.title for other in course.paths}
    before = "、".join(titles[other] for other in path.assumes)
    line = path.line + (f"先走完{before}，或已有同等的基礎。" if before else "")
    rows = [
        (str(number), week.goal, "、".join(_link(course.find(name)) for name in week.lessons))
        for number, week in enumerate(path.week, 1)
    ]
    return f"### {path.title}（{path.weeks}）\n\n{line}\n\n{table(('週', '目標', '課'), rows)}"


def vram(course: Curriculum) -> str:
    """Which lessons fit a GPU of each size, at the full profile."""
    rows, floor = [], 0
    for size in VRAM_TIERS:
        fits = [lesson for lesson in course.lessons if floor < lesson.vram_gb <= size]
        if fits:
            names = "、".join(f"{lesson.short}{_mark(lesson)}" for lesson in fits)
            rows.append((f"{size} GB", str(len(fits)), names))
        floor = size
    return table(("GPU 記憶體", "課數", "full 設定放得下的課"), rows)


def homework(course: Curriculum) -> str:
    """What each homework really is, and what the lesson adds or replaces."""
    rows = [
        (
            lesson.short,
            "<br/>".join(f"**{work.code}**　{work.about}" for work in lesson.homework) or "—",
            lesson.added or "—",
        )
        for lesson in course.lessons
    ]
    return table(("課", "作業其實是什麼", "本課加了或換了什麼"), rows)


def references(course: Curriculum) -> str:
    """The three courses and the core papers."""
    courses = [(f"[{c.title}]({c.url})", c.teacher, c.line) for c in course.courses]
    papers = [(paper.area, paper.title, _place(paper)) for paper in course.papers]
    return "\n\n".join(
        [
            "### 三門課程",
            table(("課程", "教師", "內容"), courses),
            "### 核心論文",
            table(("主題", "論文", "出處"), papers),
        ]
    )


def _link(lesson: Lesson, label: str = "") -> str:
    """The lesson's label, leading to its notebook when it is ready."""
    label = label or lesson.short
    return f"[{label}](notebooks/{lesson.id}.ipynb)" if lesson.ready else label


def _mark(lesson: Lesson) -> str:
    return "" if lesson.full_verified else " †"


def _place(paper: Paper) -> str:
    return f"[arXiv:{paper.arxiv}]({paper.url})" if paper.url else paper.where


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *([cell.replace("|", r"\|") for cell in r] for r in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PARTS: dict[str, Callable[[Curriculum], str]] = {
    "status": status,
    "roadmap": roadmap,
    "modules": modules,
    "paths": paths,
    "vram": vram,
    "homework": homework,
    "references": references,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
