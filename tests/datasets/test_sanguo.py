"""三國演義: 120 chapters, its opening words, and names that a converter spoils."""

import re

import pytest

from dlbook import datasets
from dlbook.datasets import Sanguo
from dlbook.traditional import simplified_characters


@pytest.fixture(scope="module")
def sanguo() -> Sanguo:
    return datasets.sanguo()


@pytest.fixture(scope="module")
def text(sanguo: Sanguo) -> str:
    return "\n".join(f"{chapter.title}\n{chapter.text}" for chapter in sanguo.chapters)


def test_counts_and_parts(sanguo: Sanguo) -> None:
    assert [chapter.number for chapter in sanguo.chapters] == list(range(1, 121))
    assert [len(part) for part in (sanguo.train, sanguo.valid, sanguo.test)] == [96, 12, 12]
    assert {chapter.number for chapter in sanguo.test} == set(range(10, 121, 10))
    assert all(len(chapter.title.split()) == 2 for chapter in sanguo.chapters)
    assert all(len(chapter.text) > 2_500 for chapter in sanguo.chapters)


def test_number_of_characters(text: str) -> None:
    assert 480_000 < len(re.findall("[\u3400-\u9fff]", text)) < 490_000


def test_opening_words(sanguo: Sanguo) -> None:
    first = sanguo.chapters[0]
    assert first.title == "宴桃園豪傑三結義 斬黃巾英雄首立功"
    story = next(paragraph for paragraph in first.paragraphs if paragraph.startswith("話說"))
    assert story.startswith("話說天下大勢，分久必合，合久必分。")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("于禁", "於禁"),
        ("于吉", "於吉"),
        ("凌統", "淩統"),
        ("范疆", "範疆"),
        ("淳于瓊", "淳於瓊"),
        ("伏后", "伏後"),
        ("劉辟", "劉闢"),
        ("兵法云：", "兵法雲："),
        ("割髮", "割發"),
        ("干戈", "幹戈"),
        ("出征", "出徵"),
        ("於是", "于是"),
        ("雲長", "云長"),
        ("并州", "併州"),
    ],
)
def test_conversion_errors_are_mended(text: str, right: str, wrong: str) -> None:
    assert right in text
    assert wrong not in text


def test_names_are_as_frequent_as_in_the_source(text: str) -> None:
    counts = {"郭嘉": 33, "荀彧": 55, "夏侯惇": 115, "于禁": 90, "張郃": 183, "鍾會": 62}
    assert {name: text.count(name) for name in counts} == counts


def test_nothing_simplified_and_no_markup_is_left(text: str) -> None:
    assert simplified_characters(text) == set("苹跖")  # 食野之苹, 盜跖: right as they are
    assert not re.search(r"[A-Za-z0-9¶\t?“”‘’【】□\[\]]", text)
