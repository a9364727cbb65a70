"""BPE: the tokenizers library's merges and ids; every text comes back."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from dlbook.datasets.help_pairs import help_pairs
from dlbook.sequence_modeling.tokenizer import BYTES, PIECES, BPETokenizer, learn_merges, merge


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [text for pair in help_pairs().train[:1500] for text in (pair.english, pair.chinese)]


@pytest.fixture(scope="module")
def ours(texts: list[str]) -> BPETokenizer:
    return BPETokenizer.train(texts, 2000)


def library() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    return tokenizer


@pytest.fixture(scope="module")
def theirs(texts: list[str]) -> Tokenizer:
    tokenizer = library()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        min_frequency=2,
        special_tokens=list(BPETokenizer.SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def test_bytes_are_numbered_once_each_in_gpt2s_order() -> None:
    assert sorted(BYTES) == list(range(256))
    assert [*map(chr, BYTES[:3])] == ["!", '"', "#"]
    assert BYTES.index(0) == 188  # GPT-2 calls the zero byte Ā, its 189th token


def test_training_learns_the_librarys_vocabulary(ours: BPETokenizer, theirs: Tokenizer) -> None:
    visible = {byte: chr(byte) for byte in BYTES[:188]}
    visible |= {byte: chr(256 + i) for i, byte in enumerate(BYTES[188:])}
    shown = ["".join(visible[b] for b in text) for text in ours.text[3:]]
    vocabulary = theirs.get_vocab()
    assert [vocabulary[text] for text in shown] == list(range(3, 2000))


def test_encoding_equals_the_library(ours: BPETokenizer, theirs: Tokenizer) -> None:
    for pair in help_pairs().test[:300]:
        for text in (pair.english, pair.chinese):
            assert ours.encode(text) == theirs.encode(text).ids


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_survives_and_equals_the_library(
    ours: BPETokenizer, theirs: Tokenizer, text: str
) -> None:
    assert ours.decode(ours.encode(text)) == text
    assert ours.encode(text) == theirs.encode(text).ids


def test_merges_are_the_most_frequent_pairs_counted_by_hand() -> None:
    pieces = Counter({b"low": 5, b"lower": 2, b"newest": 6, b"widest": 3})
    e, s, t = (BYTES.index(ord(c)) for c in "est")
    assert learn_merges(pieces, 2) == [(e, s), (256, t)]
    assert learn_merges(Counter({b"ab": 1}), 5) == []  # seen once: not worth a token


def test_merging_goes_from_left_to_right() -> None:
    assert merge([1, 1, 1, 2], (1, 1), 9) == [9, 1, 2]


def test_specials_are_not_printed_and_cut_characters_show(ours: BPETokenizer) -> None:
    assert ours.decode([ours.bos, *ours.encode("檔案"), ours.eos, ours.pad]) == "檔案"
    assert ours.decode([3 + BYTES.index(0xE6)]) == "�"
    assert len(ours) == 2000


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="至少要 259 個"):
        BPETokenizer.train(["a"], 100)
    with pytest.raises(ValueError, match="還不存在的 token"):
        BPETokenizer([(3, 900)])
