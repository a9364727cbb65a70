"""IBM Model 1 finds the dictionary in toy pairs; the memory copies what it knows."""

import pytest

from dlbook.sequence_modeling.tokenizer import BPETokenizer
from dlbook.sequence_modeling.word_alignment import (
    DictionaryTranslator,
    TranslationMemory,
    english_words,
    ibm_model1,
)

TOY = [
    (["the", "house"], [1, 2]),
    (["the", "book"], [1, 3]),
    (["a", "book"], [4, 3]),
]


def test_words_are_lower_case_without_spaces() -> None:
    assert english_words("Click OK, then F5.") == ["click", "ok", ",", "then", "f", "5", "."]


def test_probabilities_sum_to_one_and_find_the_dictionary() -> None:
    table = ibm_model1(TOY, rounds=30)
    for word, options in table.items():
        assert sum(options.values()) == pytest.approx(1), word
    best = {word: max(options, key=options.__getitem__) for word, options in table.items()}
    assert (best["the"], best["house"], best["book"], best["a"]) == (1, 2, 3, 4)


def test_the_first_round_is_counting_by_hand() -> None:
    """One round from uniform: each token's vote is split evenly over the words and NULL."""
    table = ibm_model1([(["x"], [7, 8]), (["x", "y"], [7])], rounds=1)
    assert table["x"][7] == pytest.approx((1 / 2 + 1 / 3) / (1 / 2 + 1 / 2 + 1 / 3))
    assert table["y"] == {7: 1.0}


def test_dictionary_and_memory_translate() -> None:
    pairs = [("open file", "開啟檔案"), ("open window", "開啟視窗"), ("close file", "關閉檔案")] * 3
    tokenizer = BPETokenizer.train([text for pair in pairs for text in pair], 300)
    dictionary = DictionaryTranslator(pairs, tokenizer)
    assert dictionary.translate("zebra") == "zebra"
    memory = TranslationMemory(pairs)
    assert memory.translate(["close the file", "open window"]) == ["關閉檔案", "開啟視窗"]
