"""What is written obeys the form, whatever the model."""

import re

import torch

from dlbook.datasets.poems import Poem
from dlbook.sequence_modeling.poem_corpus import END, UNKNOWN, CharacterVocabulary
from dlbook.sequence_modeling.poem_model import PoemLSTM
from dlbook.sequence_modeling.poem_writing import (
    only_rhymes,
    quatrain_mask,
    rhyme_counts,
    rhyme_partners,
    write_poems,
)

VOCABULARY = CharacterVocabulary("，。？天年前水火山月風花")
MODEL = PoemLSTM(len(VOCABULARY), 8, 16).eval()


def test_a_masked_poem_is_a_quatrain() -> None:
    generator = torch.Generator().manual_seed(0)
    for row in write_poems(MODEL, 20, generator=generator, mask=quatrain_mask(VOCABULARY)):
        text = VOCABULARY.decode(row)
        assert re.fullmatch("([^，。？□]{5}，[^，。？□]{5}。){2}", text)
        assert row[-1] == END


def test_rhymes_are_counted_among_even_verses() -> None:
    poems = [Poem("", "", "山山山山水，山山山山天。山山山山火，山山山山年。")] * 2
    counts = rhyme_counts(poems, VOCABULARY)
    sky, year = VOCABULARY.index["天"], VOCABULARY.index["年"]
    assert counts[sky, year] == counts[year, sky] == 2
    assert counts.sum() == 4


def test_common_ends_that_meet_by_chance_do_not_rhyme() -> None:
    counts = torch.zeros(6, 6, dtype=torch.long)
    for a, b, n in [(0, 1, 90), (2, 3, 90), (0, 2, 10), (4, 5, 3)]:  # 0-2 meet, but rarely
        counts[a, b] = counts[b, a] = n
    partners = rhyme_partners(counts, least=4, times=1.0)
    assert partners.nonzero().tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]
    assert rhyme_partners(counts, least=3, times=1.0)[4, 5]


def test_the_fourth_verse_rhymes_with_the_second() -> None:
    index = VOCABULARY.index
    rhymes = torch.zeros(len(VOCABULARY), len(VOCABULARY), dtype=torch.bool)
    for a in range(len(VOCABULARY)):  # everything rhymes with 年 only
        rhymes[a, index["年"]] = True
    rows = write_poems(
        MODEL, 10, generator=torch.Generator().manual_seed(0), mask=quatrain_mask(VOCABULARY),
        rhymes=rhymes,
    )  # fmt: skip
    assert (rows[:, 22] == index["年"]).all()


def test_no_rhyme_is_no_limit() -> None:
    scores = torch.tensor([[1.0, -torch.inf, 2.0], [1.0, 3.0, 2.0]])
    allowed = torch.tensor([[False, True, False], [True, False, False]])
    limited = only_rhymes(scores, allowed)
    assert torch.equal(limited[0], scores[0])
    assert limited[1].isfinite().tolist() == [True, False, False]


def test_after_the_end_comes_the_end_and_nothing_unknown() -> None:
    rows = write_poems(MODEL, 30, generator=torch.Generator().manual_seed(1), longest=40)
    ended = (rows == END).cumsum(dim=1) > 0
    assert (rows[ended] == END).all()
    assert (rows != UNKNOWN).all()
