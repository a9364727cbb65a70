"""LibreOffice's help: pairs without markup, parts that share no page and no sentence."""

import re

import pytest

from dlbook import datasets
from dlbook.datasets import HelpPage, HelpPair, HelpPairs

MARKUP = re.compile(r"[<>{}|\\~]|&\w+;|https?:")


@pytest.fixture(scope="module")
def pairs() -> HelpPairs:
    return datasets.help_pairs()


@pytest.fixture(scope="module")
def pages() -> tuple[HelpPage, ...]:
    return datasets.help_pages()


def letters(text: str) -> str:
    return re.sub(r"[\W\d_]", "", text).casefold()


def sentences(pairs: tuple[HelpPair, ...]) -> set[str]:
    return {letters(text) for pair in pairs for text in (pair.english, pair.chinese)}


def test_counts(pairs: HelpPairs) -> None:
    assert (len(pairs.train), len(pairs.valid), len(pairs.test)) == (12_709, 1_037, 1_219)
    assert len(pairs.interface) == 13_496
    short = pairs.sentences()
    assert (len(short.train), len(short.valid), len(short.test)) == (8_945, 815, 967)
    assert all(4 <= pair.words <= 40 for pair in (*short.train, *short.test, *short.interface))


def test_parts_share_no_page(pairs: HelpPairs) -> None:
    train, valid, test = ({p.page for p in part} for part in (pairs.train, pairs.valid, pairs.test))
    assert not train & valid
    assert not train & test
    assert not valid & test


def test_parts_share_no_sentence(pairs: HelpPairs) -> None:
    train, valid, test = map(sentences, (pairs.train, pairs.valid, pairs.test))
    assert not train & valid
    assert not train & test
    assert not valid & test
    assert not sentences(pairs.interface) & (valid | test)


def test_an_english_text_occurs_once(pairs: HelpPairs) -> None:
    english = [letters(p.english) for p in (*pairs.train, *pairs.valid, *pairs.test)]
    assert len(english) == len(set(english))


def test_no_markup_and_believable_lengths(pairs: HelpPairs) -> None:
    everything = (*pairs.train, *pairs.valid, *pairs.test, *pairs.interface)
    assert not any(MARKUP.search(pair.english + pair.chinese) for pair in everything)
    assert not any("CommandCtrl" in pair.chinese for pair in everything)
    english = sum(pair.words for pair in pairs.train)
    han = sum(len(re.findall("[\u4e00-\u9fff]", pair.chinese)) for pair in pairs.train)
    assert 1.3 < han / english < 1.7


def test_a_known_pair(pairs: HelpPairs) -> None:
    translations = {p.english: p.chinese for p in (*pairs.train, *pairs.valid, *pairs.test)}
    english = "Click in your document where you want to insert the index."
    assert translations[english] == "在文件中您要插入索引的位置按一下。"


def test_pages_are_in_chinese(pages: tuple[HelpPage, ...]) -> None:
    assert len(pages) == 1_781
    assert len({page.name for page in pages}) == 1_781
    modules = {"swriter", "scalc", "simpress", "sdraw", "smath", "schart", "sbasic", "shared"}
    assert modules <= {page.module for page in pages}
    for page in pages:
        assert len(re.findall("[\u4e00-\u9fff]", "".join(page.paragraphs))) >= 30
        assert len(page.paragraphs) == len(set(page.paragraphs))


def test_a_page_answers_a_question(pages: tuple[HelpPage, ...]) -> None:
    page = next(page for page in pages if page.name == "swriter/01/04130100")
    assert page.title == "以鍵盤變更外框、物件的大小並且移動"
    assert "若要一次移動一個像素，請按住 Alt，然後按箭頭鍵。" in page.text
