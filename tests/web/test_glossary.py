"""The glossary: what its entries say, and where a lesson's text leads to one."""

from collections import Counter
from pathlib import Path

import pytest

from dlbook.errors import CourseError
from dlbook.web import glossary
from dlbook.web.site import Site

SITE = Site.here()
TERMS = glossary.read_terms(SITE.root, SITE.course)
CNN, ATTENTION, TRANSFORMER = (
    "computer_vision/cnn_fundamentals",
    "sequence_modeling/attention_mechanism",
    "sequence_modeling/transformer",
)
FUNDAMENTALS, INTERNALS, RNN, REGRESSION = (
    "foundations/pytorch_fundamentals",
    "sequence_modeling/transformer_internals",
    "sequence_modeling/rnn_lstm",
    "supervised_learning/regression",
)


def linked(lesson: str, text: str) -> list[str]:
    """The terms that a text of a lesson leads to."""
    pieces = list(glossary.Finder(TERMS, lesson).pieces(text))
    assert "".join(p if isinstance(p, str) else p.zh for p in pieces) == text
    return [piece.zh for piece in pieces if not isinstance(piece, str)]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.zh)
def test_a_term_is_taught_where_the_glossary_says(term: glossary.Term) -> None:
    lesson = SITE.course.find(term.lesson)
    assert term.line.endswith("。")
    assert term.line.count("。") == 1
    assert not term.only_in or lesson.id in term.only_in
    if lesson.ready:
        assert term.zh in linked(lesson.id, SITE.notebooks[lesson.id].prose)


def test_every_lesson_has_terms() -> None:
    count = Counter(term.lesson for term in TERMS)
    assert not [lesson.id for lesson in SITE.ready if count[lesson.id] < 3]


@pytest.mark.parametrize(
    ("lesson", "text", "terms"),
    [
        (INTERNALS, "這條從底貫穿到頂的白板叫殘差流，殘差流的形狀，殘差", ["殘差流"]),
        (CNN, "殘差區塊（arXiv:1512.03385）。普通的殘差區塊是「寬 → 窄 → 寬」", []),
        (CNN, "這就是 VGG（arXiv:1409.1556）的主張。", []),
        (CNN, "本課的主張與量測結果：", ["主張"]),
        (INTERNALS, "很多頭把注意力都堆在第一個字上", ["注意力"]),
        (ATTENTION, "多頭注意力的參數量與頭數無關。那為什麼不乾脆用很多很多頭？", ["多頭注意力"]),
        (FUNDAMENTALS, "太久沒進步就提早停止（early stopping）", []),
        (ATTENTION, "不同的錄音來源，來源還是會洩漏", []),
        (RNN, "先做「每個位置都准用漢字」的遮罩", []),
        (REGRESSION, "早停是提早停止", ["早停"]),
        (REGRESSION, "提早停止，就是早停", ["早停"]),
        (REGRESSION, "殘差與洩漏", ["殘差", "洩漏"]),
        (RNN, "時間上的反向傳播，再講反向傳播", ["時間上的反向傳播", "反向傳播"]),
        (REGRESSION, "隨機梯度下降與梯度下降", ["隨機梯度下降", "梯度下降"]),
        (TRANSFORMER, "log_softmax、softmax、Softmax-2", ["softmax"]),
        (TRANSFORMER, "beam search 與beam search", ["beam search"]),
    ],
)
def test_a_word_leads_to_its_meaning(lesson: str, text: str, terms: list[str]) -> None:
    assert linked(lesson, text) == terms


def test_a_term_twice_is_refused(tmp_path: Path) -> None:
    entry = (
        '[[term]]\nzh = "甲"\nen = "a"\nline = "x。"\nlesson = "foundations/environment_setup"\n'
    )
    (tmp_path / "book").mkdir()
    (tmp_path / glossary.SOURCE).write_text(entry * 2, "utf-8")
    with pytest.raises(CourseError, match="重複"):
        glossary.read_terms(tmp_path, SITE.course)
