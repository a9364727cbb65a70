"""``# inline`` brings the source of what is named, and nothing else."""

from textwrap import dedent

import pytest

ANIMALS = '''\
"""動物。"""

import math
from dataclasses import dataclass

import numpy as np
from numpy import (
    cos,
    sin,
)

# 腳的數目
LEGS = 4
EARS: int = 2
SMALL, LARGE = 1, 10


def unused():
    return np.zeros(3)


# 面積：
# 圓的面積
def area(radius: float) -> float:  # 平方公尺
    """圓的面積。"""
    return math.pi * radius**2


@dataclass(
    frozen=True,
)
class Cat:
    """貓。"""

    name: str

    def wave(self):
        return sin(1.0)
'''


@pytest.fixture(autouse=True)
def animals(course):
    course.module("zoo/animals", ANIMALS)


def test_function_with_the_comments_above_it(course):
    [cell] = course.code("from dlbook.zoo.animals import area  # inline")
    assert cell == dedent('''\
        # 面積：
        # 圓的面積
        def area(radius: float) -> float:  # 平方公尺
            """圓的面積。"""
            return math.pi * radius**2''')


def test_decorated_class(course):
    [cell] = course.code("from dlbook.zoo.animals import Cat  # inline")
    assert cell.startswith("@dataclass(\n    frozen=True,\n)\nclass Cat:")
    assert cell.endswith("return sin(1.0)")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LEGS", "# 腳的數目\nLEGS = 4"),
        ("EARS", "EARS: int = 2"),
        ("LARGE", "SMALL, LARGE = 1, 10"),
        ("LARGE, SMALL", "SMALL, LARGE = 1, 10"),
    ],
)
def test_constants(course, name, expected):
    assert course.code(f"from dlbook.zoo.animals import {name}  # inline") == [expected]


def test_module_order_and_spacing(course):
    [cell] = course.code("from dlbook.zoo.animals import Cat, EARS, LEGS, area  # inline")
    assert cell.startswith("# 腳的數目\nLEGS = 4\nEARS: int = 2\n\n\n# 面積：\n")
    assert cell.index("def area") < cell.index("\n\n\n@dataclass(\n")


@pytest.mark.parametrize(
    "statement",
    [
        "from dlbook.zoo.animals import (\n    LEGS,\n    EARS,\n)  # inline",
        "from dlbook.zoo.animals import (  # inline\n    LEGS,\n    EARS,\n)",
        "from dlbook.zoo.animals import LEGS, EARS  #inline",
        "from dlbook.zoo.animals import LEGS, EARS  # inline  # noqa: I001",
    ],
)
def test_where_the_mark_may_stand(course, statement):
    assert course.code(statement) == ["# 腳的數目\nLEGS = 4\nEARS: int = 2"]


def test_alias(course):
    [cell] = course.code("from dlbook.zoo.animals import EARS as ears, LEGS as LEGS  # inline")
    assert cell == "# 腳的數目\nLEGS = 4\nEARS: int = 2\n\n\nears = EARS"


def test_code_around_the_mark_survives(course):
    [cell] = course.code("""
        first = 1  # 一

        # 說明
        from dlbook.zoo.animals import EARS  # inline
        # 之後
        second = "# inline"
        """)
    expected = '''\
        first = 1  # 一

        # 說明
        EARS: int = 2


        # 之後
        second = "# inline"'''
    assert cell == dedent(expected)


def test_prose_that_mentions_a_mark_is_no_mark(course):
    assert course.code("# inline 的意思是展開\nx = 1  # exercise the net") == [
        "# inline 的意思是展開\nx = 1  # exercise the net"
    ]


def test_a_file_of_the_core_and_a_package_may_be_the_source(course):
    course.module("training", "def fit():\n    return 1\n")
    course.module("zoo/__init__", "from .animals import LEGS\n\n\ndef legs():\n    return LEGS\n")
    cells = course.code(
        "from dlbook.training import fit  # inline", "from dlbook.zoo import legs  # inline"
    )
    assert cells == ["def fit():\n    return 1", "def legs():\n    return LEGS"]
    assert course.imports("from dlbook.zoo import legs  # inline") == (
        "from dlbook.zoo.animals import LEGS"
    )


def test_odd_line_breaks_are_text(course):
    course.module("zoo/odd", 'A = "\u2028 \x0c"\nB = 1\n')
    assert course.code("from dlbook.zoo.odd import B  # inline") == ["B = 1"]


def test_inlined_code_runs(course):
    names = {}
    for cell in course.render(
        "from dlbook.zoo.animals import area, Cat, LARGE  # inline", "result = area(2), Cat('咪')"
    ).cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    area, cat = names["result"]
    assert area == pytest.approx(12.566, abs=1e-3)
    assert cat.name == "咪"
