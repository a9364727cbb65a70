"""The first code cell imports what inlined code needs, once, and only that."""

import pytest

SOUNDS = """\
import json
import math
import os.path
from collections import OrderedDict, defaultdict

import numpy as np
from numpy.linalg import norm as length

from dlbook.zoo.animals import LEGS, Cat


def ratio(x):
    local = json = 1
    return math.sqrt(x) + LEGS


def group() -> defaultdict:
    return defaultdict(list), np.zeros(1), length, OrderedDict(), os.path.sep


class Loud(Cat):
    pass
"""

INLINE_RATIO = "from dlbook.zoo.sounds import ratio  # inline"
INLINE_GROUP = "from dlbook.zoo.sounds import group  # inline"


@pytest.fixture(autouse=True)
def modules(course):
    course.module("zoo/animals", "LEGS = 4\n\n\nclass Cat:\n    pass\n")
    course.module("zoo/sounds", SOUNDS)


def test_only_what_is_needed(course):
    assert course.imports(INLINE_RATIO) == "import math\n\nfrom dlbook.zoo.animals import LEGS"


def test_sections_and_merging(course):
    assert course.imports(INLINE_GROUP) == (
        "import os.path\nfrom collections import OrderedDict, defaultdict\n\n"
        "import numpy as np\nfrom numpy.linalg import norm as length"
    )


def test_base_classes_and_decorators_count(course):
    assert course.imports("from dlbook.zoo.sounds import Loud  # inline") == (
        "from dlbook.zoo.animals import Cat"
    )


def test_long_lines_are_broken(course):
    names = [f"a_rather_long_name_{number}" for number in range(6)]
    course.module("zoo/long", "\n".join(f"{name} = 1" for name in names))
    text = f"from dlbook.zoo.long import {', '.join(names)}\n\n\ndef f():\n    return {', '.join(names)}\n"
    course.module("zoo/user", text)
    imports = course.imports("from dlbook.zoo.user import f  # inline")
    assert imports.startswith("from dlbook.zoo.long import (\n    a_rather_long_name_0,\n")


def test_what_the_lesson_imports_before_is_not_hoisted(course):
    cells = ["import math\nfrom dlbook.zoo.animals import LEGS", INLINE_RATIO]
    assert course.imports(*cells) == ""
    assert course.code(*cells)[0] == cells[0]


def test_what_the_lesson_imports_later_moves_up(course):
    cells = [INLINE_RATIO, "import math\nimport json", "# 只有這個\nimport math", "import math"]
    assert course.imports(*cells).startswith("import math\n")
    assert course.code(*cells)[1:] == ["import json", "# 只有這個"]


def test_moving_up_leaves_no_gap(course):
    cells = [INLINE_RATIO, "x = 1\n\nimport math\n\n\ndef f(): ..."]
    assert course.code(*cells)[1] == "x = 1\n\n\ndef f(): ..."


def test_moving_up_keeps_the_other_names(course):
    cells = [INLINE_GROUP, "from collections import Counter, defaultdict as d, defaultdict\nd"]
    assert course.code(*cells)[1] == "from collections import Counter, defaultdict as d\nd"


def test_an_object_inlined_before_its_use_is_not_imported(course):
    inline_legs = "from dlbook.zoo.animals import LEGS  # inline"
    assert course.imports(inline_legs, INLINE_RATIO) == "import math"
    assert "LEGS" in course.imports(INLINE_RATIO, "from dlbook.zoo.animals import Cat  # inline")


def test_an_object_inlined_before_keeps_its_other_name(course):
    course.module(
        "zoo/user", "from dlbook.zoo.animals import LEGS as N\n\n\ndef f():\n    return N\n"
    )
    cells = [
        "from dlbook.zoo.animals import LEGS  # inline",
        "from dlbook.zoo.user import f  # inline",
    ]
    assert course.imports(*cells) == ""
    assert course.code(*cells)[1] == "N = LEGS\n\n\ndef f():\n    return N"


def test_the_guard_explains_a_missing_dlbook(course):
    nb = course.render("x = 1")
    guard = next(cell for cell in nb.cells if cell.cell_type == "code")
    assert guard.metadata["tags"] == ["setup"]
    failing = "raise ModuleNotFoundError"
    with pytest.raises(ModuleNotFoundError, match="make lab"):
        exec(guard.source.replace("import dlbook", failing))


def test_the_guard_stands_for_a_plain_import(course):
    assert course.code("import dlbook\nx = 1") == ["x = 1"]


def test_a_lesson_without_code_has_no_guard(course):
    assert [cell.cell_type for cell in course.render().cells] == ["markdown", "markdown"]
