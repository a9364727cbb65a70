"""``# exercise`` becomes a prompt, a stub and its check."""

from textwrap import dedent

import pytest

MASK = '''\
import math

import torch
from dlbook.exercise import exercise
from jaxtyping import Bool
from torch import Tensor

SIZE = 3


class Helper:
    pass


@exercise(stars=2, hints=["想想三角形", "用 `tril`"])
# 作者的註解
def causal_mask(
    length: int,  # 幾個字
    helper: Helper,
) -> Bool[Tensor, "length length"]:
    """因果遮罩。

    第 $i$ 列看得到前 $i$ 個。

        縮排的例子
    """
    # 解答
    return torch.ones(length, length).tril() * math.pi


@causal_mask.cases
def _(rng):
    return [(SIZE,)]


@exercise(stars=3, hints=[], id="zoo/cats/old_name")
@torch.no_grad()
class Norm(torch.nn.Module):
    r"""正規化層

    除以 $\\sigma$。
    """

    eps: float = 1e-5

    def __init__(self, width: int) -> None:
        # 解答
        super().__init__()

    @property
    def width(self) -> int:
        """寬度。"""
        return 1

    def forward(self, x): return x

    def _secret(self):
        return 2
'''


@pytest.fixture(autouse=True)
def exercises(course):
    course.exercises(MASK)


MARKED = "from dlbook.exercises.zoo.cats import causal_mask  # exercise"


def cells_of(course, *cells):
    """The cells between the title and the headings, without the first code cell."""
    found = course.render(*cells).cells[1:-1]
    return [cell for cell in found if cell.metadata.get("tags") != ["setup"]]


def test_prompt(course):
    prompt, _, _ = cells_of(course, MARKED)
    assert prompt.cell_type == "markdown"
    assert prompt.source == dedent("""\
        ### 練習 ★★：因果遮罩

        第 $i$ 列看得到前 $i$ 個。

            縮排的例子

        <details><summary>提示 1</summary>

        想想三角形

        </details>

        <details><summary>提示 2</summary>

        用 `tril`

        </details>

        看解答：在終端機執行 `dlbook solution zoo/cats/causal_mask`""")


def test_stub(course):
    _, stub, _ = cells_of(course, MARKED)
    assert stub.metadata == {"tags": ["exercise"], "dlbook": {"exercise": "zoo/cats/causal_mask"}}
    assert stub.source == dedent('''\
        def causal_mask(
            length: int,  # 幾個字
            helper: Helper,
        ) -> Bool[Tensor, "length length"]:
            """因果遮罩。

            第 $i$ 列看得到前 $i$ 個。

                縮排的例子
            """
            raise NotImplementedError''')


def test_check(course):
    check = cells_of(course, MARKED)[2]
    assert check.metadata == {"tags": ["check"]}
    assert check.source == 'causal_mask = check("zoo/cats/causal_mask", causal_mask)'


def test_imports_of_the_stub_only(course):
    assert course.imports(MARKED) == (
        "from jaxtyping import Bool\nfrom torch import Tensor\n\n"
        "from dlbook.exercise import check\nfrom dlbook.exercises.zoo.cats import Helper"
    )


def test_class_keeps_fields_and_public_methods(course):
    _, stub, check = cells_of(course, "from dlbook.exercises.zoo.cats import Norm  # exercise")
    assert check.source == 'Norm = check("zoo/cats/old_name", Norm)'
    assert stub.source == dedent('''\
        @torch.no_grad()
        class Norm(torch.nn.Module):
            r"""正規化層

            除以 $\\sigma$。
            """

            eps: float = 1e-5

            def __init__(self, width: int) -> None:
                raise NotImplementedError

            @property
            def width(self) -> int:
                """寬度。"""
                raise NotImplementedError

            def forward(self, x):
                raise NotImplementedError''')


def test_the_cell_is_split_around_the_exercises(course):
    found = cells_of(
        course,
        """
        before = 1
        from dlbook.exercises.zoo.cats import Norm, causal_mask  # exercise

        after = 2
        """,
    )
    sources = [cell.source.partition("\n")[0] for cell in found]
    assert sources == [
        "before = 1",
        "### 練習 ★★：因果遮罩",
        "def causal_mask(",
        'causal_mask = check("zoo/cats/causal_mask", causal_mask)',
        "### 練習 ★★★：正規化層",
        "@torch.no_grad()",
        'Norm = check("zoo/cats/old_name", Norm)',
        "after = 2",
    ]


def test_an_exercise_that_a_later_one_uses_is_not_imported(course):
    course.exercises("""
        from dlbook.exercise import exercise

        @exercise(stars=1, hints=[])
        class Cat:
            \"\"\"貓\"\"\"

        @exercise(stars=1, hints=[])
        def pet(cat: Cat):
            \"\"\"摸\"\"\"
            return 1
        """)
    marked = "from dlbook.exercises.zoo.cats import Cat, pet  # exercise"
    assert course.imports(marked) == "from dlbook.exercise import check"
