"""Where the lessons stand on the map: each below everything it needs."""

from dataclasses import dataclass
from itertools import takewhile

from dlbook.curriculum import Curriculum

COLUMNS = 6
BOX, GAP = (142, 62), (14, 46)  # width and height of a lesson; between columns and rows
MARGIN = 26


@dataclass(frozen=True)
class Spot:
    """A lesson's box: its left upper corner and its row."""

    x: float
    y: float
    row: int

    @property
    def middle(self) -> float:
        return self.x + BOX[0] / 2


def depths(course: Curriculum) -> dict[str, int]:
    """The length of the longest chain of prerequisites before each lesson."""
    depth: dict[str, int] = {}
    for lesson in course.lessons:  # prerequisites come first in the curriculum
        depth[lesson.id] = 1 + max((depth[need] for need in lesson.prerequisites), default=-1)
    return depth


def rows(course: Curriculum) -> list[list[str]]:
    """Lessons by depth. The trunk, where there is one way only, lies in a row; wide rows are cut."""
    by_depth: dict[int, list[str]] = {}
    for lesson, depth in depths(course).items():
        by_depth.setdefault(depth, []).append(lesson)
    levels = [by_depth[depth] for depth in sorted(by_depth)]
    trunk = [level[0] for level in takewhile(lambda level: len(level) == 1, levels)]
    rest = levels[len(trunk) :]
    return [part for level in [trunk, *rest] if level for part in _cut(level)]


def _cut(level: list[str]) -> list[list[str]]:
    """At most `COLUMNS` in a row, as even as can be."""
    count = -(-len(level) // COLUMNS)
    size = -(-len(level) // count)
    return [level[i : i + size] for i in range(0, len(level), size)]


def place(course: Curriculum) -> dict[str, Spot]:
    """The spot of every lesson; in each row, near what it needs."""
    needs = {lesson.id: lesson.prerequisites for lesson in course.lessons}
    spots: dict[str, Spot] = {}
    for number, row in enumerate(rows(course)):
        if number:
            row = sorted(row, key=lambda name: _pull(needs[name], spots))
        y = MARGIN + number * (BOX[1] + GAP[1])
        for name, x in zip(row, _columns(row, needs, spots, trunk=not number), strict=True):
            spots[name] = Spot(x, y, number)
    return spots


def _columns(
    row: list[str], needs: dict[str, tuple[str, ...]], spots: dict[str, Spot], *, trunk: bool
) -> list[float]:
    """The left edges of a row: as near to what the lessons need as they fit side by side."""
    step = BOX[0] + GAP[0]
    if trunk:
        return [i * step for i in range(len(row))]
    half = BOX[0] / 2
    ends = width() - BOX[0]
    wanted = [min(max(_pull(needs[name], spots) - half, 0), ends) for name in row]
    return _spread(wanted, step, ends)


def _spread(wanted: list[float], step: float, ends: float) -> list[float]:
    """The same order, at least a step apart, inside the map, moved as little as possible."""
    right = list(wanted)
    for i in range(1, len(right)):
        right[i] = max(right[i], right[i - 1] + step)
    right[-1] = min(right[-1], ends)
    for i in range(len(right) - 2, -1, -1):
        right[i] = min(right[i], right[i + 1] - step)
    shift = sum(w - r for w, r in zip(wanted, right, strict=True)) / len(right)
    shift = min(max(shift, -right[0]), ends - right[-1])
    return [round(x + shift, 1) for x in right]


def _pull(needs: tuple[str, ...], spots: dict[str, Spot]) -> float:
    known = [spots[need] for need in needs if need in spots]
    last = max((spot.row for spot in known), default=0)
    near = [spot.middle for spot in known if spot.row == last]
    return sum(near) / len(near) if near else width() / 2


def width() -> float:
    """The map's width."""
    return COLUMNS * BOX[0] + (COLUMNS - 1) * GAP[0]


def height(spots: dict[str, Spot]) -> float:
    """The map's height."""
    return max(spot.y for spot in spots.values()) + BOX[1] + MARGIN
