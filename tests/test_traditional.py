"""Conversion to Traditional Chinese, and the search for what is Simplified."""

import subprocess
import sys

import pytest

from dlbook.traditional import simplified_characters, to_traditional


@pytest.mark.parametrize(
    ("simplified", "traditional"),
    [
        ("软件里的内存", "軟體裡的記憶體"),
        ("头发很长，出发吧", "頭髮很長，出發吧"),
        ("皇后在后面", "皇后在後面"),
        ("深度学习 GPU 100%", "深度學習 GPU 100%"),
    ],
)
def test_words_of_taiwan(simplified: str, traditional: str) -> None:
    assert to_traditional(simplified) == traditional


def test_the_converter_errs_as_the_docstring_says() -> None:
    assert to_traditional("差于禁为将") == "差於禁為將"
    assert to_traditional("割发代首") != "割髮代首"


def test_simplified_characters_are_found() -> None:
    assert simplified_characters("这个模型学习很快") == set("这个学习")
    assert simplified_characters("听说坏了") == set("听说坏")


def test_correct_taiwanese_text_passes_though_conversion_changes_it() -> None:
    text = "損失函數在台北的皇后與里長後面，秘密只占一半；周先生姓于，吃麵，群峰"
    assert simplified_characters(text) == set()
    assert to_traditional(text) != text


def test_opencc_is_imported_only_when_needed() -> None:
    code = "import sys, dlbook.traditional; assert 'opencc' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
