"""Whatever is inlined keeps the order of its module and means the same."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from dlbook.build import Project, render

from .conftest import LESSON, Course

KINDS = (
    "{name} = {value}",
    "# 註解\n{name}: int = {value}",
    "{name}, {name}_twin = {value}, 0",
    "# 上面\ndef make_{name}():\n    return math.floor({value})\n\n\n{name} = make_{name}()",
    "@dataclass\nclass Class_{name}:\n    x: int = {value}\n\n\n{name} = Class_{name}().x",
    "{name} = sum(i for i in [{value}])",
)


@st.composite
def modules(draw):
    """A module of random definitions ``n0``, ``n1``…, and some of their names in random order."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=8))
    parts = [
        kind.format(name=f"n{number}", value=draw(st.integers(0, 99)))
        for number, kind in enumerate(kinds)
    ]
    gaps = [draw(st.sampled_from(["\n", "\n\n", "\n\n\n"])) for _ in parts]
    text = "import math\nfrom dataclasses import dataclass\n\n"
    text += "".join(part + gap for part, gap in zip(parts, gaps, strict=True))
    chosen = draw(st.lists(st.sampled_from(range(len(parts))), min_size=1, unique=True))
    return text, chosen


def helpers(text: str, number: int) -> list[str]:
    return [f"{kind}_n{number}" for kind in ("make", "Class") if f"{kind}_n{number}" in text]


@given(modules(), st.randoms())
def test_inlining_is_faithful(module, rng: random.Random):
    text, chosen = module
    names = [f"n{number}" for number in chosen]
    names += [helper for number in chosen for helper in helpers(text, number)]
    rng.shuffle(names)
    with TemporaryDirectory() as folder:
        course = Course(Project(Path(folder, "課 程")))
        course.module("zoo/animals", text)
        course.lesson(f"from dlbook.zoo.animals import {', '.join(names)}  # inline")
        nb = render(LESSON, course.project)
        assert nb == render(LESSON, course.project)
    expected, found = {}, {}
    exec(text, expected)
    for cell in nb.cells:
        if cell.cell_type == "code":
            exec(cell.source, found)
    assert all(found[f"n{number}"] == expected[f"n{number}"] for number in chosen)
    order = [name for name in found if name in expected and name in names]
    assert order == [name for name in expected if name in order]
