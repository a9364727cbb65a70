"""The curriculum: every module, lesson and learning path, read from ``curriculum.toml`` and checked."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_origin

from dlbook.curriculum_records import (
    Course,
    Curriculum,
    Homework,
    LearningPath,
    Lesson,
    Module,
    Paper,
    UnknownLesson,
    Week,
)
from dlbook.errors import CourseError

__all__ = [
    "Course",
    "Curriculum",
    "CurriculumError",
    "Homework",
    "LearningPath",
    "Lesson",
    "Module",
    "Paper",
    "UnknownLesson",
    "Week",
    "find",
    "load",
    "parse",
]

SOURCE = Path(__file__).with_name("curriculum.toml")
STATUSES = ("ready", "planned")

_LESSON_ID = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*")
_HOMEWORK = re.compile(r"(\w+) HW\d+(-\d)?")
_ARXIV = re.compile(r"\d{4}\.\d{4,5}")
_OWNED = re.compile(r"dlbook(\.\w+)+:\w+")

Record = TypeVar("Record", Course, Homework, LearningPath, Lesson, Module, Paper, Week)


class CurriculumError(CourseError):
    """The curriculum contradicts itself; the message lists every fault."""


@cache
def load(source: Path = SOURCE) -> Curriculum:
    """The curriculum, read once and checked; raises `CurriculumError`."""
    return parse(source.read_text(encoding="utf-8"))


def find(name: str) -> Lesson:
    """`Curriculum.find` on the course's own curriculum."""
    return load().find(name)


def parse(text: str) -> Curriculum:
    """A checked curriculum from TOML text; raises `CurriculumError`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CurriculumError(f"curriculum.toml 不是正確的 TOML：{error}。") from None
    curriculum = Curriculum(
        courses=tuple(_record(Course, table) for table in tables.get("course", [])),
        modules=tuple(_module(table) for table in tables.get("module", [])),
        paths=tuple(_record(LearningPath, table, week=Week) for table in tables.get("path", [])),
        papers=tuple(_record(Paper, table) for table in tables.get("paper", [])),
    )
    faults = list(_faults(curriculum))
    if faults:
        raise CurriculumError("curriculum.toml 有問題：\n" + "\n".join(f"- {f}" for f in faults))
    return curriculum


def _module(table: dict[str, Any]) -> Module:
    lessons = tuple(
        _record(Lesson, lesson, homework=Homework, papers=Paper)
        for lesson in table.get("lesson", [])
    )
    head = {key: value for key, value in table.items() if key != "lesson"}
    return _record(Module, head | {"lessons": lessons})


def _record(kind: type[Record], table: dict[str, Any], **nested: Any) -> Record:
    """A dataclass from a TOML table: arrays become tuples, the nested tables records."""
    if not isinstance(table, dict):
        raise CurriculumError(f"curriculum.toml 裡的 {table!r} 應寫成表格 {{ … }}。")
    label = next((table[k] for k in ("id", "title", "code") if k in table), kind.__name__)
    of = {field.name: field for field in fields(kind)}
    lists = {name for name, field in of.items() if get_origin(field.type) is tuple}
    values: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in table.items()
    }
    faults = {
        "缺少欄位": {name for name, field in of.items() if field.default is MISSING}
        - values.keys(),
        "有不認得的欄位": values.keys() - of.keys(),
        "應為陣列的欄位不是陣列": {
            k for k in lists & values.keys() if type(values[k]) is not tuple
        },
    }
    for fault, names in faults.items():
        if names:
            raise CurriculumError(
                f"curriculum.toml 的「{label}」{fault}：{'、'.join(sorted(names))}。"
            )
    for key, inner in nested.items():
        values[key] = tuple(_record(inner, entry) for entry in values[key])
    return kind(**values)


def _faults(curriculum: Curriculum) -> Iterator[str]:
    yield from _duplicates(curriculum)
    courses = {course.id for course in curriculum.courses}
    for module in curriculum.modules:
        for lesson in module.lessons:
            yield from _lesson_faults(lesson, module, courses)
    for paper in curriculum.papers:
        yield from _paper_faults(paper, "核心論文")
    yield from _prerequisite_faults(curriculum)
    for path in curriculum.paths:
        yield from _path_faults(path, curriculum)


def _duplicates(curriculum: Curriculum) -> Iterator[str]:
    ids = {
        "模組": [module.id for module in curriculum.modules],
        "課": [lesson.id for lesson in curriculum.lessons],
        "學習路線": [path.id for path in curriculum.paths],
        "課程來源": [course.id for course in curriculum.courses],
        "物件": [owned for lesson in curriculum.lessons for owned in lesson.owns],
    }
    for kind, names in ids.items():
        yield from (f"{kind}「{n}」出現了 {k} 次。" for n, k in Counter(names).items() if k > 1)


def _lesson_faults(lesson: Lesson, module: Module, courses: set[str]) -> Iterator[str]:
    if not _LESSON_ID.fullmatch(lesson.id) or lesson.module != module.id:
        yield f"課「{lesson.id}」寫在模組「{module.id}」裡，編號應為「{module.id}/課名」。"
    if lesson.status not in STATUSES:
        yield f"{lesson.id} 的 status 是「{lesson.status}」，只能是 {'、'.join(STATUSES)}。"
    for field in ("minutes", "gpu_minutes", "vram_gb"):
        value = getattr(lesson, field)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            yield f"{lesson.id} 的 {field} 是 {value!r}，應為正數。"
    for homework in lesson.homework:
        match = _HOMEWORK.fullmatch(homework.code)
        if not match or match[1] not in courses:
            yield f"{lesson.id} 的作業「{homework.code}」看不懂，應像「2021 HW1」。"
    for owned in lesson.owns:
        if not _OWNED.fullmatch(owned):
            yield f"{lesson.id} 的 owns「{owned}」看不懂，應像「dlbook.模組.概念:物件」。"
    for paper in lesson.papers:
        yield from _paper_faults(paper, lesson.id)


def _paper_faults(paper: Paper, owner: str) -> Iterator[str]:
    if paper.arxiv and not _ARXIV.fullmatch(paper.arxiv):
        yield f"{owner} 的論文「{paper.title}」的 arXiv 編號「{paper.arxiv}」格式不對。"
    if not paper.arxiv and not paper.where:
        yield f"{owner} 的論文「{paper.title}」沒有寫出處（arxiv 或 where）。"


def _prerequisite_faults(curriculum: Curriculum) -> Iterator[str]:
    order = {lesson.id: index for index, lesson in enumerate(curriculum.lessons)}
    graph = {lesson.id: lesson.prerequisites for lesson in curriculum.lessons}
    for lesson, needs in graph.items():
        for need in needs:
            if need not in order:
                yield f"{lesson} 的先備課「{need}」不存在。"
            elif loop := _way(graph, need, lesson):
                yield f"{lesson} 的先備課繞成一圈：{' → '.join([lesson, *loop])}。"
            elif order[need] > order[lesson]:
                yield f"{lesson} 的先備課 {need} 排在它後面；先備課要排在前面。"


def _way(graph: dict[str, tuple[str, ...]], start: str, goal: str) -> list[str]:
    """The lessons from ``start`` to ``goal`` along prerequisites, or nothing."""
    routes, seen = [[start]], {start}
    while routes:
        route = routes.pop()
        if route[-1] == goal:
            return route
        ahead = [need for need in graph.get(route[-1], ()) if need not in seen]
        seen.update(ahead)
        routes.extend([*route, need] for need in ahead)
    return []


def _path_faults(path: LearningPath, curriculum: Curriculum) -> Iterator[str]:
    lessons = {lesson.id: lesson for lesson in curriculum.lessons}
    earlier = {other.id: other for other in curriculum.paths}
    known: set[str] = set()
    for other in path.assumes:
        if other not in earlier:
            yield f"路線「{path.id}」要先走的路線「{other}」不存在。"
        else:
            known.update(earlier[other].lessons)
    for name in path.lessons:
        if name not in lessons:
            yield f"路線「{path.id}」裡的「{name}」不存在。"
            continue
        for need in lessons[name].prerequisites:
            if need not in known:
                yield f"路線「{path.id}」排到 {name} 時還沒上過它的先備課 {need}。"
        known.add(name)
