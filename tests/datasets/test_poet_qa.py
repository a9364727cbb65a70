"""Questions about poets: every answer is in its place, no poet in two parts, 李白 is right."""

import re
from collections import Counter

import pytest

from dlbook import datasets
from dlbook.datasets import PoetQA, Question


@pytest.fixture(scope="module")
def qa() -> PoetQA:
    return datasets.poet_qa()


def everything(qa: PoetQA) -> tuple[Question, ...]:
    return (*qa.train, *qa.valid, *qa.test)


def test_counts(qa: PoetQA) -> None:
    assert [len(part) for part in (qa.train, qa.valid, qa.test)] == [1_970, 404, 405]
    assert len({item.id for item in everything(qa)}) == 2_779
    kinds = Counter(item.kind for item in everything(qa))
    assert len(kinds) == 14
    assert kinds.most_common(1)[0][1] < 0.25 * 2_779


def test_the_answer_is_in_its_place_and_the_poet_in_the_question(qa: PoetQA) -> None:
    for item in everything(qa):
        assert item.context[item.start : item.start + len(item.answer)] == item.answer
        assert item.answer
        assert item.poet in item.question
        assert item.context.startswith(item.poet)


def test_no_poet_and_no_context_is_in_two_parts(qa: PoetQA) -> None:
    for field in ("poet", "context"):
        train, valid, test = (
            {getattr(item, field) for item in part} for part in (qa.train, qa.valid, qa.test)
        )
        assert not train & valid
        assert not train & test
        assert not valid & test


def test_nothing_modern(qa: PoetQA) -> None:
    modern = re.compile("補詩|全唐詩|據《|[（）0-9]")
    assert not any(modern.search(item.context) for item in everything(qa))


@pytest.mark.parametrize(
    ("identity", "answer"),
    [
        ("李白-字", "太白"),
        ("杜甫-字", "子美"),
        ("白行簡-兄", "白居易"),
        ("韓滉-字", "太沖"),
        ("柳宗元-享年", "四十七"),
        ("褚遂良-父", "亮"),
        ("皎然-姓", "謝"),
        ("盧仝-號", "玉川子"),
        ("崔顥-進士", "開元十一年"),
    ],
)
def test_known_answers(qa: PoetQA, identity: str, answer: str) -> None:
    answers = {item.id: item.answer for item in everything(qa)}
    assert answers[identity] == answer


def test_most_answers_cannot_be_guessed_from_the_kind(qa: PoetQA) -> None:
    """The commonest training answer of each kind is a poor guess on the test part."""
    common: dict[str, Counter[str]] = {}
    for item in qa.train:
        common.setdefault(item.kind, Counter())[item.answer] += 1
    hits = [common[item.kind].most_common(1)[0][0] == item.answer for item in qa.test]
    assert sum(hits) / len(hits) < 0.15
