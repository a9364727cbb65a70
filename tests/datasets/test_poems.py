"""The Tang poems: counts, authors kept apart, nothing twice, and three poems everybody knows."""

import re
from collections import Counter, defaultdict

import pytest

from dlbook import datasets
from dlbook.datasets import Poem, Poems


@pytest.fixture(scope="module")
def poems() -> Poems:
    return datasets.poems()


def everything(poems: Poems) -> tuple[Poem, ...]:
    return (*poems.train, *poems.valid, *poems.test)


def test_counts(poems: Poems) -> None:
    assert [len(part) for part in (poems.train, poems.valid, poems.test)] == [41_209, 2_369, 2_607]
    assert len({poem.author for poem in everything(poems)}) == 2_346


def test_no_author_is_in_two_parts(poems: Poems) -> None:
    train, valid, test = (
        {poem.author for poem in part} for part in (poems.train, poems.valid, poems.test)
    )
    assert not train & valid
    assert not train & test
    assert not valid & test


def test_no_poem_shares_half_its_verses_with_training(poems: Poems) -> None:
    with_verse: dict[str, list[int]] = defaultdict(list)
    for position, poem in enumerate(poems.train):
        for verse in set(poem.verses):
            with_verse[verse].append(position)
    for poem in (*poems.valid, *poems.test):
        verses = set(poem.verses)
        shared = Counter(other for verse in verses for other in with_verse.get(verse, ()))
        for other, count in shared.items():
            assert count < 0.5 * min(len(verses), len(set(poems.train[other].verses)))
    texts = Counter(re.sub(r"\W", "", poem.text) for poem in everything(poems))
    assert max(texts.values()) == 1


def test_only_characters_and_punctuation(poems: Poems) -> None:
    plain = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff，。？！：；、]+")
    assert all(plain.fullmatch(poem.text) for poem in everything(poems))
    assert not any(re.search("[（）\\[\\]□]", poem.title) for poem in everything(poems))


@pytest.mark.parametrize(
    ("author", "title", "text"),
    [
        ("李白", "靜夜思", "床前看月光，疑是地上霜。舉頭望山月，低頭思故鄉。"),
        ("王之渙", "登鸛雀樓", "白日依山盡，黃河入海流。欲窮千里目，更上一層樓。"),
        ("孟浩然", "春曉", "春眠不覺曉，處處聞啼鳥。夜來風雨聲，花落知多少。"),
    ],
)
def test_famous_poems(poems: Poems, author: str, title: str, text: str) -> None:
    found = [p.text for p in everything(poems) if (p.author, p.title) == (author, title)]
    assert found == [text]
    assert datasets.poem_form(text) == "五言絕句"


def test_share_of_forms(poems: Poems) -> None:
    counts = Counter(poem.form for poem in everything(poems))
    shares = {form: counts[form] / counts.total() for form in datasets.POEM_FORMS}
    assert shares["五言律詩"] == pytest.approx(0.293, abs=0.001)
    assert shares["七言絕句"] == pytest.approx(0.208, abs=0.001)
    assert shares["其他"] == pytest.approx(0.269, abs=0.001)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("千山鳥飛絕，萬逕人蹤滅。孤舟蓑笠翁，獨釣寒江雪。", "五言絕句"),
        ("千山鳥飛絕，萬逕人蹤滅。孤舟蓑笠翁，獨釣寒江。", "其他"),
        ("千山鳥飛絕，萬逕人蹤滅。", "其他"),
        ("月落烏啼霜滿天，江楓漁父對愁眠。姑蘇城外寒山寺，夜半鐘聲到客船", "七言絕句"),
        ("一二三四五，" * 8, "五言律詩"),
        ("", "其他"),
    ],
)
def test_form_is_told_by_shape(text: str, form: str) -> None:
    assert datasets.poem_form(text) == form


def test_vocabulary_is_of_the_training_part(poems: Poems) -> None:
    assert poems.vocabulary[:2] in ("，。", "。，")
    assert set(poems.vocabulary) == set("".join(poem.text for poem in poems.train))
    assert "不" in poems.vocabulary[:5]
