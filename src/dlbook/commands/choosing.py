"""Which lessons a command is about."""

from dlbook import curriculum
from dlbook.errors import CourseError


def ready() -> list[str]:
    """The ids of the lessons that can be run."""
    return [lesson.id for lesson in curriculum.load().lessons if lesson.ready]


def find(name: str) -> str:
    """The id of a ready lesson, from ``module/name`` or a name that is not ambiguous.

    Raises:
        CourseError: unknown, ambiguous or still planned.
    """
    lesson = curriculum.find(name)
    if not lesson.ready:
        raise CourseError(f"{lesson.id} 還在規劃中。現在可以跑的課程：{'、'.join(ready())}。")
    return lesson.id


def chosen(lessons: list[str] | None, everything: bool) -> list[str]:
    """The lessons named on the command line, once each, or all that are ready."""
    if everything and lessons:
        raise CourseError("--all 與課程名稱只能選一個。")
    if everything:
        return ready()
    if not lessons:
        raise CourseError("要跑哪一課？例如 dlbook run pytorch_fundamentals，或用 --all 跑全部。")
    return list(dict.fromkeys(map(find, lessons)))
