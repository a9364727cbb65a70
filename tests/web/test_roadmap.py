"""The map stands every lesson below what it needs, and both maps have everything."""

import json
import re
from itertools import combinations

import pytest

from dlbook import curriculum
from dlbook.web import layout, roadmap

COURSE = curriculum.load()
SPOTS = layout.place(COURSE)


@pytest.mark.parametrize("lesson", COURSE.lessons, ids=lambda lesson: lesson.name)
def test_a_lesson_stands_after_what_it_needs(lesson) -> None:
    here = SPOTS[lesson.id]
    for need in lesson.prerequisites:
        there = SPOTS[need]
        assert there.row < here.row or (there.row == here.row and there.x < here.x)


def test_no_two_boxes_touch_and_all_are_on_the_map() -> None:
    width, height = layout.BOX
    for one, other in combinations(SPOTS.values(), 2):
        assert one.row != other.row or abs(one.x - other.x) >= width + layout.GAP[0] - 0.2
    assert all(0 <= spot.x <= layout.width() - width + 0.1 for spot in SPOTS.values())
    assert all(0 <= spot.y <= layout.height(SPOTS) - height for spot in SPOTS.values())


def test_both_maps_have_every_lesson_and_every_need() -> None:
    needs = sum(len(lesson.prerequisites) for lesson in COURSE.lessons)
    for drawing in (roadmap.wide_map(COURSE), roadmap.narrow_map(COURSE)):
        assert len(re.findall("data-id=", drawing)) == len(COURSE.lessons)
        assert len(re.findall("data-from=", drawing)) == needs
        assert len(re.findall('href="', drawing)) == sum(x.ready for x in COURSE.lessons)


@pytest.mark.parametrize("lesson", COURSE.lessons, ids=lambda lesson: lesson.name)
def test_a_title_fits_its_box(lesson) -> None:
    lines = roadmap.wrapped(lesson.short, 9.2)
    assert len(lines) <= 2
    assert "".join(lines).replace(" ", "") == lesson.short.replace(" ", "")
    assert max(map(roadmap.measure, lines)) <= 9.6


def test_the_script_has_the_course() -> None:
    data = json.loads(roadmap.lesson_data(COURSE).removeprefix("window.DL_COURSE = ").rstrip(";\n"))
    assert [lesson["id"] for lesson in data["lessons"]] == [x.id for x in COURSE.lessons]
    assert [path["id"] for path in data["paths"]] == [x.id for x in COURSE.paths]
