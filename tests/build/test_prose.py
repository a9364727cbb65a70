"""Line breaks between Chinese characters disappear; those that mean something stay."""

import pytest

from dlbook.build.prose import unwrap


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("前一行\n後一行", "前一行後一行"),
        ("句子結束。\n下一句", "句子結束。下一句"),
        ("句子結束。\n**重點**", "句子結束。**重點**"),
        ("句子結束。\nPyTorch 也是", "句子結束。PyTorch 也是"),
        ("- 一項很長\n  的說明", "- 一項很長的說明"),
    ],
)
def test_joined(text, expected):
    assert unwrap(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "中文\nEnglish",
        "English\n中文",
        "一段\n\n另一段",
        "如下：\n- 第一項\n- 第二項",
        "如下：\n1. 第一項\n2. 第二項",
        "## 標題\n內文",
        "| 甲 | 乙 |\n| --- | --- |\n| 一 | 二 |",
        "```python\n# 中文\n# 中文\n中文\n中文\n```",
        "$$\n\\text{甲\n乙}\n$$",
        "如下：\n$$x$$",
        "$$\\text{甲\n乙}$$",
        "<details><summary>答案</summary>\n內文",
        "硬換行  \n下一行",
    ],
)
def test_left_alone(text):
    assert unwrap(text) == text


def test_text_after_a_one_line_formula_is_joined_again():
    assert unwrap("$$x$$\n前\n後") == "$$x$$\n前後"
    assert unwrap("$$\nx\n$$\n\n前\n後") == "$$\nx\n$$\n\n前後"
