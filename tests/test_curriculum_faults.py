"""What is wrong with a curriculum is said, in words, all at once."""

import re

import pytest

from dlbook import curriculum
from dlbook.curriculum import CurriculumError, UnknownLesson

HEAD = """
[[course]]
id = "2021"
title = "ML"
teacher = "李"
url = "https://example.org"
line = "課"
"""
LESSON = """
[[module.lesson]]
id = "{module}/{name}"
title = "題"
summary = "句。"
topics = ["甲"]
homework = [{{ code = "2021 HW1", about = "作業" }}]
prerequisites = {needs}
minutes = 1
gpu_minutes = 1
vram_gb = 1
papers = [{{ title = "文", arxiv = "1706.03762" }}]
owns = ["dlbook.m.c:f_{name}"]
status = "planned"
"""
PATH = """
[[path]]
id = "p"
title = "路"
weeks = "1 週"
line = "走"
assumes = []
week = [{ goal = "學", lessons = ["m/a", "m/b"] }]
"""


def lesson_table(name: str, *needs: str, module: str = "m") -> str:
    return LESSON.format(name=name, module=module, needs=list(needs))


MODULE = '[[module]]\nid = "m"\ntitle = "模"\nline = "句"\n'
VALID = HEAD + MODULE + lesson_table("a") + lesson_table("b", "m/a") + PATH


def test_the_small_curriculum_is_valid() -> None:
    course = curriculum.parse(VALID)
    assert [lesson.id for lesson in course.lessons] == ["m/a", "m/b"]
    assert course.paths[0].lessons == ("m/a", "m/b")


def test_an_ambiguous_name_lists_the_candidates() -> None:
    other = MODULE.replace('"m"', '"n"') + lesson_table("a", module="n").replace("f_a", "g")
    with pytest.raises(UnknownLesson, match="有好幾課都叫「a」：m/a、n/a。請寫全名"):
        curriculum.parse(VALID + other).find("a")


def replaced(old: str, new: str, count: int = 1) -> str:
    assert old in VALID
    return VALID.replace(old, new, count)


FAULTS = {
    "not TOML": ("[[module", "不是正確的 TOML"),
    "unknown prerequisite": (replaced("['m/a']", "['m/zzz']"), "m/b 的先備課「m/zzz」不存在"),
    "cycle": (replaced("[]", "['m/b']"), "m/a 的先備課繞成一圈：m/a → m/b → m/a"),
    "itself": (replaced("[]", "['m/a']"), "m/a 的先備課繞成一圈：m/a → m/a"),
    "later": (
        HEAD + MODULE + lesson_table("a", "m/b") + lesson_table("b"),
        "m/a 的先備課 m/b 排在它後面",
    ),
    "lesson twice": (
        VALID + MODULE.replace('"m"', '"n"') + lesson_table("a"),
        "課「m/a」出現了 2 次",
    ),
    "module twice": (VALID + MODULE + lesson_table("c"), "模組「m」出現了 2 次"),
    "path twice": (VALID + PATH, "學習路線「p」出現了 2 次"),
    "course twice": (VALID + HEAD, "課程來源「2021」出現了 2 次"),
    "owned twice": (replaced("f_b", "f_a"), "物件「dlbook.m.c:f_a」出現了 2 次"),
    "wrong module": (replaced('"m/a"', '"x/a"'), "課「x/a」寫在模組「m」裡，編號應為「m/課名」"),
    "bad id": (replaced('"m/a"', '"m/A 課"'), "編號應為「m/課名」"),
    "bad status": (replaced('"planned"', '"done"'), "status 是「done」，只能是 ready、planned"),
    "no minutes": (replaced("minutes = 1", "minutes = 0"), "m/a 的 minutes 是 0，應為正數"),
    "text for a number": (replaced("vram_gb = 1", 'vram_gb = "8"'), "vram_gb 是 '8'，應為正數"),
    "true for a number": (replaced("gpu_minutes = 1", "gpu_minutes = true"), "應為正數"),
    "homework": (replaced("2021 HW1", "2021 HW"), "作業「2021 HW」看不懂"),
    "course of the homework": (replaced("2021 HW1", "2030 HW1"), "作業「2030 HW1」看不懂"),
    "owned": (replaced("dlbook.m.c:f_a", "m.c.f"), "owns「m.c.f」看不懂"),
    "arXiv": (replaced("1706.03762", "1706-3762"), "arXiv 編號「1706-3762」格式不對"),
    "nowhere": (replaced(', arxiv = "1706.03762"', ""), "m/a 的論文「文」沒有寫出處"),
    "core paper": (VALID + '[[paper]]\ntitle = "文"\n', "核心論文 的論文「文」沒有寫出處"),
    "missing field": (replaced('title = "題"\n', ""), "「m/a」缺少欄位：title"),
    "unknown field": (replaced('title = "題"', 'title = "題"\nvram = 2'), "有不認得的欄位：vram"),
    "no array": (replaced('topics = ["甲"]', 'topics = "甲"'), "不是陣列：topics"),
    "no table": (replaced('[{ title = "文", arxiv = "1706.03762" }]', '["文"]'), "'文' 應寫成表格"),
    "path: unknown lesson": (replaced('"m/a", "m/b"]', '"m/a", "m/q"]'), "「m/q」不存在"),
    "path: too early": (
        replaced('"m/a", "m/b"]', '"m/b", "m/a"]'),
        "路線「p」排到 m/b 時還沒上過它的先備課 m/a",
    ),
    "path: unknown path": (replaced("assumes = []", 'assumes = ["q"]'), "路線「q」不存在"),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_named(text: str, message: str) -> None:
    with pytest.raises(CurriculumError, match=re.escape(message)):
        curriculum.parse(text)


def test_all_faults_are_told_at_once() -> None:
    text = replaced('"planned"', '"done"').replace("1706.03762", "x")
    with pytest.raises(CurriculumError) as caught:
        curriculum.parse(text)
    assert str(caught.value).count("\n- ") == 3
