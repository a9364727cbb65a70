"""Kneser-Ney against a slow one written with dictionaries; it is a distribution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbook.sequence_modeling.ngram import KneserNey

SEQUENCES = st.lists(
    st.lists(st.integers(0, 5), min_size=2, max_size=12).map(np.array), min_size=1, max_size=6
)


def slow(sequences, vocabulary, order, context, word):
    """Probability of ``word`` after ``context``, straight from the definition."""
    padded = [[int(s[0])] * (order - 2) + s.tolist() for s in sequences]
    padded = [p[1:] if order == 1 else p for p in padded]
    highest: dict[tuple, int] = {}
    for p in padded:
        for i in range(len(p) - order + 1):
            gram = tuple(p[i : i + order])
            highest[gram] = highest.get(gram, 0) + 1
    counts = {order: highest}
    for k in range(order - 1, 0, -1):
        counts[k] = {}
        for gram in counts[k + 1]:
            counts[k][gram[1:]] = counts[k].get(gram[1:], 0) + 1
    p = 1 / vocabulary
    for k in range(1, order + 1):
        n = [max(sum(c == j for c in counts[k].values()), 1) for j in range(1, 5)]
        y = n[0] / (n[0] + 2 * n[1])
        discount = [min(max(j - (j + 1) * y * n[j] / n[j - 1], 0.1), 0.95 * j) for j in (1, 2, 3)]
        past = tuple(context[len(context) - k + 1 :])
        here = {g[-1]: c for g, c in counts[k].items() if g[:-1] == past}
        if not here:
            continue
        total = sum(here.values())
        freed = sum(discount[min(c, 3) - 1] for c in here.values())
        c = here.get(word, 0)
        p = (max(c - discount[min(c, 3) - 1], 0) if c else 0) / total + freed / total * p
    return p


@given(sequences=SEQUENCES, order=st.integers(1, 4), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_equals_the_definition(sequences, order, seed) -> None:
    model = KneserNey(sequences, 7, order)
    context = np.random.default_rng(seed).integers(0, 7, size=4).tolist()
    ours = model.next_probabilities(context)
    theirs = [slow(sequences, 7, order, context, w) for w in range(7)]
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert ours.sum() == pytest.approx(1)


def test_bits_count_every_character_but_the_first() -> None:
    sequences = [np.array([0, 1, 2, 0]), np.array([0, 2, 0])]
    model = KneserNey(sequences, 4, 3)
    by_hand = []
    for s in sequences:
        for i in range(1, len(s)):
            by_hand.append(-np.log2(model.next_probabilities(s[:i].tolist())[s[i]]))
    assert model.bits_per_char(sequences) == pytest.approx(np.mean(by_hand))


def test_a_longer_context_helps_on_text_that_repeats() -> None:
    text = [np.array([0, *([1, 2, 1, 3] * 8), 0])]
    bits = [KneserNey(text, 4, n).bits_per_char(text) for n in (1, 2, 3)]
    assert bits[0] > bits[1] > bits[2]


def test_errors() -> None:
    with pytest.raises(ValueError, match="階數至少是 1"):
        KneserNey([np.array([0, 1])], 2, 0)
    with pytest.raises(ValueError, match="前文至少要一個字"):
        KneserNey([np.array([0, 1])], 2, 2).next_probabilities([])
