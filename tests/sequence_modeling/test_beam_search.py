"""Beam search: exhaustive search on tiny cases, greedy at beam 1, batches that don't mix."""

import itertools
from typing import Self

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dlbook.sequence_modeling.beam_search import beam_search, length_penalty

VOCAB, BOS, EOS = 4, 0, 1


class TableWriter:
    """The log probability of the next token depends on the whole prefix, at random."""

    def __init__(self, seeds: list[int], prefixes: list[tuple[int, ...]] | None = None) -> None:
        self.seeds = seeds
        self.prefixes = prefixes or [()] * len(seeds)

    def next(self, row: int) -> Tensor:
        key = hash((self.seeds[row], *self.prefixes[row])) % 2**31
        return (
            torch.randn(VOCAB, generator=torch.Generator().manual_seed(key)).mul(2).log_softmax(0)
        )

    def step(self, tokens: Tensor) -> Tensor:
        self.prefixes = [(*p, t) for p, t in zip(self.prefixes, tokens.tolist(), strict=True)]
        return torch.stack([self.next(row) for row in range(len(self.seeds))])

    def select(self, rows: Tensor) -> Self:
        picked = rows.tolist()
        return type(self)([self.seeds[i] for i in picked], [self.prefixes[i] for i in picked])


def score(seed: int, tokens: tuple[int, ...], alpha: float) -> float:
    """One sentence, token by token, without any search."""
    writer, total = TableWriter([seed]), 0.0
    for last, token in itertools.pairwise((BOS, *tokens, EOS)):
        total += float(writer.step(torch.tensor([last]))[0, token])
    return total / length_penalty(len(tokens) + 1, alpha)


def exhaustive(seed: int, max_length: int, alpha: float) -> tuple[tuple[int, ...], float]:
    """The best of all sentences that end within max_length tokens, eos included."""
    others = [token for token in range(VOCAB) if token != EOS]
    every = [s for n in range(max_length) for s in itertools.product(others, repeat=n)]
    best = max(every, key=lambda tokens: score(seed, tokens, alpha))
    return best, score(seed, best, alpha)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.6, 1.0, 2.0]))
def test_a_wide_beam_is_exhaustive_search(seed: int, alpha: float) -> None:
    [found] = beam_search(
        TableWriter([seed]), 1, beam=60, max_length=4, bos=BOS, eos=EOS, alpha=alpha
    )
    tokens, best = exhaustive(seed, 4, alpha)
    assert found[0].tokens == tokens
    assert found[0].score == pytest.approx(best, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_beam_one_is_greedy(seed: int) -> None:
    [[found]] = beam_search(TableWriter([seed]), 1, beam=1, max_length=8, bos=BOS, eos=EOS)
    writer, last, greedy = TableWriter([seed]), BOS, []
    for _ in range(8):
        last = int(writer.step(torch.tensor([last]))[0].argmax())
        if last == EOS:
            break
        greedy.append(last)
    assert list(found.tokens) == greedy


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=5), st.integers(1, 4))
def test_sentences_of_a_batch_do_not_touch_each_other(seeds: list[int], beam: int) -> None:
    options = {"beam": beam, "max_length": 6, "bos": BOS, "eos": EOS}
    together = beam_search(TableWriter(seeds), len(seeds), **options)
    for seed, found in zip(seeds, together, strict=True):
        [alone] = beam_search(TableWriter([seed]), 1, **options)
        assert [h.tokens for h in found] == [h.tokens for h in alone]
        scores = [h.score for h in found]
        assert scores == sorted(scores, reverse=True)
        assert len(found) <= beam
        if len(found[0].tokens) < 6:  # finished: its score is that of the sentence itself
            assert scores[0] == pytest.approx(score(seed, found[0].tokens, 1.0), abs=1e-5)


class NeverEnds(TableWriter):
    def next(self, row: int) -> Tensor:
        return super().next(row).index_fill(0, torch.tensor([EOS]), -torch.inf)


def test_what_never_ends_is_handed_over_unfinished() -> None:
    [[found]] = beam_search(NeverEnds([3]), 1, beam=2, max_length=5, bos=BOS, eos=EOS)
    assert len(found.tokens) == 5
    assert EOS not in found.tokens


def test_the_length_penalty_of_the_paper() -> None:
    assert length_penalty(1, 0.7) == 1.0
    assert length_penalty(7, 1.0) == 2.0
    assert length_penalty(50, 0.0) == 1.0


@pytest.mark.parametrize("options", [{"beam": 0, "max_length": 3}, {"beam": 2, "max_length": 0}])
def test_nothing_to_search_is_an_error(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="至少要 1"):
        beam_search(TableWriter([1]), 1, bos=BOS, eos=EOS, **options)
