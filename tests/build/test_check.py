"""The fixed headings, and ruff on the notebook."""

import pytest

from dlbook.build import BuildError, build

from .conftest import LESSON

PATH = f"lessons/{LESSON}.py"


def change(course, old, new):
    path = course.lesson("x = 1")
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def problems_of(course):
    with pytest.raises(BuildError) as caught:
        build([LESSON], project=course.project)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("## 直覺\n", "", "1：缺少標題：## 直覺。"),
        ("## 直覺\n", "```\n## 直覺\n```\n", "1：缺少標題：## 直覺。"),
        ("## 直覺\n", "## 直覺\n## 插曲\n", "14：二級標題是固定的，「插曲」請改用 ###。"),
        ("## 直覺\n", "# 直覺\n\n## 直覺\n", "13：只能有一個一級標題，「直覺」請改用 ###。"),
        ("## 直覺\n", "## 直覺\n\n## 直覺\n", "15：標題的順序不對：「直覺」不該在「直覺」之後。"),
        ("# 貓", "貓", "1：第一格要是文字，並以 `# 標題` 開頭。"),
    ],
)
def test_headings(course, old, new, expected):
    change(course, old, new)
    assert problems_of(course) == [f"{PATH}:{expected}"]


def test_headings_in_the_wrong_order(course):
    change(course, "## 直覺\n\n## 原理", "## 原理\n\n## 直覺")
    assert problems_of(course) == [f"{PATH}:15：標題的順序不對：「直覺」不該在「原理」之後。"]


def test_third_level_and_code_are_free(course):
    change(course, "## 直覺", "## 直覺\n### 插曲\n```\n# 註解\n```\n")
    assert build([LESSON], project=course.project)[0].written


def test_helper_that_was_not_inlined(course):
    course.module(
        "zoo/animals", "def paw():\n    return 1\n\n\ndef cat():\n    return paw(), paw()\n"
    )
    course.lesson("x = 1", "from dlbook.zoo.animals import cat  # inline")
    assert problems_of(course) == [
        f"{PATH}:10：筆記本第 4 格第 2 行：用到 paw，但筆記本裡沒有它。"
        "在前面加上 `from dlbook.zoo.animals import paw  # inline`，或不加標記只匯入。"
    ]


def test_name_from_nowhere(course):
    course.lesson("print(paw)")
    assert "用到 paw" in problems_of(course)[0]


def test_repeated_definition(course):
    course.lesson("def paw(): ...", "def paw(): ...\npaw()")
    assert problems_of(course) == [
        f"{PATH}:10：筆記本第 4 格第 1 行：paw 定義了兩次，前一次還沒用到。留下一個。"
    ]


def test_ruff_missing(course, monkeypatch):
    course.lesson("x = 1")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    assert "找不到 ruff" in problems_of(course)[0]
