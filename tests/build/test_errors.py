"""Each mistake an author can make is named with its file, its line and what to do."""

import pytest

from dlbook.build import BuildError, build, render

from .conftest import LESSON

PATH = f"lessons/{LESSON}.py"
EXERCISES = f"src/dlbook/exercises/{LESSON}.py"


@pytest.fixture(autouse=True)
def modules(course):
    course.module("zoo/__init__", "")
    course.module("zoo/other", "")
    course.module(
        "zoo/animals", "from dlbook.zoo.far import Fish\n\nLEGS = 4\n\n\ndef cat():\n    ...\n"
    )


def problems_of(course, *cells):
    with pytest.raises(BuildError) as caught:
        course.render(*cells)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("from dlbook.zoo.animals import LEG  # inline", "沒有定義 LEG。是不是 LEGS？"),
        (
            "from dlbook.zoo.animals import xyz  # inline",
            "src/dlbook/zoo/animals.py 沒有定義 xyz。",
        ),
        ("from dlbook.zoo.animals import Fish  # inline", "只是匯入它：請從 dlbook.zoo.far 匯入。"),
        ("from dlbook.zoo.animals import *  # inline", "不能用 *"),
        ("from dlbook.zoo import other  # inline", "請寫 from dlbook.zoo.other import …"),
        ("from dlbook.zoo.lost import cat  # inline", "找不到模組 dlbook.zoo.lost。"),
        (
            "import dlbook.zoo.animals  # inline",
            "`# inline` 要放在自成一行的 `from dlbook.… import …` 後面",
        ),
        ("from math import pi  # inline", "要放在自成一行的"),
        ("from dlbook.zoo.animals import cat; cat()  # inline", "要放在自成一行的"),
        ("if 1:\n    from dlbook.zoo.animals import cat  # inline", "要放在自成一行的"),
        (
            "from dlbook.zoo.animals import cat  # exercise",
            "`from dlbook.exercises.… import …` 後面",
        ),
        ("x = (1  # inline\n)", "要放在自成一行的"),
        ("# inline", "要放在自成一行的"),
    ],
)
def test_marks(course, statement, message):
    [problem] = problems_of(course, f"x = 1\n{statement}")
    line = 9 if statement.startswith("if") else 8
    assert problem.startswith(f"{PATH}:{line}：")
    assert message in problem


def test_object_inlined_twice(course):
    marked = "from dlbook.zoo.animals import cat  # inline"
    [problem] = problems_of(course, marked, marked)
    assert problem.startswith(f"{PATH}:10：cat（dlbook.zoo.animals）")
    assert "第 7 行已展開" in problem


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("@exercise(stars=1, hints=[])\ndef f():\n    return 1\n", 2, "f 沒有 docstring"),
        ('@exercise(stars=1, hints=[])\ndef f(): "題目"\n', 2, "f 的 docstring 要自成一行"),
        ('@exercise(stars=1, hints=[1 + x])\ndef f():\n    "題目"\n', 1, "不能是運算式"),
        ('def f():\n    "題目"\n', 1, "f 沒有 @exercise"),
        ("f = 1\n", 1, "要是函式或類別"),
    ],
)
def test_exercises(course, code, line, message):
    course.exercises(code)
    [problem] = problems_of(
        course, f"from dlbook.exercises.{LESSON.replace('/', '.')} import f  # exercise"
    )
    assert problem.startswith(f"{EXERCISES}:{line}：")
    assert message in problem


def test_exercise_with_an_alias(course):
    course.exercises('@exercise(stars=1, hints=[])\ndef f():\n    "題目"\n')
    [problem] = problems_of(course, "from dlbook.exercises.zoo.cats import f as g  # exercise")
    assert problem.startswith(f"{PATH}:7：")
    assert "不用 as" in problem


def test_one_name_for_two_things(course):
    course.module("zoo/user", "from math import pi as tau\n\n\ndef f():\n    return tau\n")
    [problem] = problems_of(
        course, "from dlbook.zoo.user import f  # inline", "from math import tau"
    )
    assert problem.startswith(
        f"{PATH}:7：tau 有兩個意思：展開的程式要的 `from math import pi as tau`，和 `from math import tau`。"
    )


def test_submodules_share_a_name(course):
    course.module("zoo/user", "import os.path\n\n\ndef f():\n    return os.path\n")
    assert (
        course.imports("from dlbook.zoo.user import f  # inline", "import os") == "import os.path"
    )


def test_future_annotations(course):
    course.module("zoo/user", "from __future__ import annotations\n\n\ndef f(): ...\n")
    [problem] = problems_of(course, "from dlbook.zoo.user import f  # inline")
    assert problem.startswith("src/dlbook/zoo/user.py:1：")


def test_markdown_without_r(course):
    path = course.lesson("x = 1")
    path.write_text(path.read_text("utf-8").replace('r"""', '"""'), "utf-8")
    with pytest.raises(BuildError) as caught:
        render(LESSON, course.project)
    assert [problem.line for problem in caught.value.problems] == [1, 9]
    assert 'r"""…"""' in str(caught.value)


def test_comment_style_markdown(course):
    course.write(PATH, "# %% [markdown]\n# # 標題\n")
    with pytest.raises(BuildError, match='r"""…"""'):
        render(LESSON, course.project)


def test_text_before_the_first_cell(course):
    course.write(PATH, "import math\n\n# %%\nx = 1\n")
    with pytest.raises(BuildError, match="第一個 `# %%` 之前"):
        render(LESSON, course.project)


@pytest.mark.parametrize("code", ["x = (\n", "def f():\n\n# %%\n    return 1\n"])
def test_syntax_errors(course, code):
    course.write(PATH, f"# %%\n{code}")
    with pytest.raises(BuildError, match=rf"{PATH}:\d：Python 語法錯誤"):
        render(LESSON, course.project)


def test_syntax_error_in_a_module(course):
    course.module("zoo/broken", "x = 1\ny = )\n")
    [problem] = problems_of(course, "from dlbook.zoo.broken import x  # inline")
    assert problem.startswith("src/dlbook/zoo/broken.py:2：Python 語法錯誤")


def test_file_that_is_not_utf8(course):
    path = course.lesson("x = 1")
    path.write_bytes("# 貓".encode("big5"))
    with pytest.raises(BuildError, match="讀不了這個檔案"):
        render(LESSON, course.project)


def test_misspelt_lesson(course):
    course.lesson("x = 1")
    with pytest.raises(BuildError, match="是不是 zoo/cats？"):
        render("zoo/cat", course.project)


def test_all_problems_are_told_at_once(course):
    path = course.lesson("from dlbook.zoo.animals import a, b  # inline", "import os  # inline")
    path.write_text(path.read_text("utf-8").replace("## 直覺", ""), "utf-8")
    with pytest.raises(BuildError) as caught:
        build([LESSON, "zoo/dogs"], project=course.project)
    assert len(caught.value.problems) == 5
    assert not course.project.notebook_path(LESSON).exists()
