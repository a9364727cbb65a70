"""Vocabulary, batches, and bits per character."""

import math

import pytest
import torch

from dlbook.datasets.poems import Poem
from dlbook.sequence_modeling.poem_corpus import (
    END,
    IGNORE_TARGET,
    UNKNOWN,
    CharacterVocabulary,
    PoemLoader,
    bits_per_char,
    next_character_loss,
    pad_batch,
)

VOCABULARY = CharacterVocabulary("，。山水月", 6)


def test_a_poem_there_and_back() -> None:
    ids = VOCABULARY.encode_poem(Poem("", "", "山水，月。"))
    assert len(VOCABULARY) == 6  # 月 is beyond the size
    assert ids.tolist() == [END, 4, 5, 2, UNKNOWN, 3, END]
    assert VOCABULARY.decode(ids) == "山水，□。"


def test_targets_are_the_inputs_one_step_later() -> None:
    x, y = pad_batch([torch.tensor([0, 4, 5, 0]), torch.tensor([0, 3, 0])])
    assert x.tolist() == [[0, 4, 5], [0, 3, 0]]
    assert y.tolist() == [[4, 5, 0], [3, 0, IGNORE_TARGET]]


def test_every_character_is_a_target_once() -> None:
    torch.manual_seed(0)
    poems = [torch.arange(1, n + 1) + 1000 * n for n in (3, 9, 17, 30)]
    loader = PoemLoader(poems, 2, longest=8)
    seen = torch.cat([y[y != IGNORE_TARGET] for _, y in loader]).sort().values
    assert torch.equal(seen, torch.cat([p[1:] for p in poems]).sort().values)
    assert all(len(p) <= 9 for p in loader.pieces)
    loader.limit = 1
    assert len(loader) == len(list(loader)) == 1


def test_bits_of_a_uniform_model() -> None:
    poems = [torch.tensor([0, 4, 5, 0]), torch.tensor([0, 3, 0])]
    assert bits_per_char(lambda x: torch.zeros(*x.shape, 8), poems, batch_size=1) == pytest.approx(
        3
    )


def test_bits_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    table = torch.randn(8, 8)
    poems = [torch.randint(8, (n,)) for n in (3, 9, 5, 2)]
    bits = [bits_per_char(lambda x: table[x], poems, batch_size=b) for b in (1, 4)]
    assert bits[0] == pytest.approx(bits[1], abs=1e-6)
    x, y = pad_batch(poems)
    assert float(next_character_loss(table[x], y)) / math.log(2) == pytest.approx(bits[0], abs=1e-5)
