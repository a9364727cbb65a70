"""Viterbi against all paths there are; the HMM against counting by hand."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlbook.supervised_learning.viterbi import (
    HMM,
    PRIOR_POWERS,
    WEIGHTS,
    count_hmm,
    smooth,
    tune,
    viterbi,
)

HALF = torch.tensor([0.5, 0.5]).double().log()
STICKY = HMM(HALF, torch.tensor([[0.95, 0.05], [0.05, 0.95]]).double().log(), HALF)
NOISY = torch.tensor([[0.9, 0.1]] * 4 + [[0.4, 0.6]] + [[0.9, 0.1]] * 4).log()


def score(path, log_start, log_transition, log_emission) -> float:
    total = log_start[path[0]] + log_emission[0, path[0]]
    for t in range(1, len(path)):
        total = total + log_transition[path[t - 1], path[t]] + log_emission[t, path[t]]
    return float(total)


def random_hmm(states: int, frames: int, seed: int) -> tuple:
    rng = torch.Generator().manual_seed(seed)
    sizes = [(states,), (states, states), (frames, states)]
    return tuple(torch.randn(s, generator=rng, dtype=torch.float64) for s in sizes)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 999))
def test_no_path_scores_higher(states: int, frames: int, seed: int) -> None:
    parts = random_hmm(states, frames, seed)
    paths = itertools.product(range(states), repeat=frames)
    best = max(paths, key=lambda path: score(path, *parts))
    found = viterbi(*parts).tolist()
    assert score(found, *parts) == pytest.approx(score(best, *parts))
    assert found == list(best)


def test_impossible_transitions_are_never_taken() -> None:
    _, _, emission = random_hmm(3, 20, 0)
    forward = torch.full((3, 3), -torch.inf).double()
    for i in range(3):
        forward[i, i:] = 0.0
    path = viterbi(torch.zeros(3).double(), forward, emission)
    assert (path.diff() >= 0).all()


@given(st.integers(0, 99))
def test_both_knobs_at_zero_is_the_best_of_each_frame(seed: int) -> None:
    start, transition, emission = random_hmm(4, 12, seed)
    log_p = emission.log_softmax(dim=-1)
    path = smooth(log_p, HMM(start, transition, start), 0.0, 0.0)
    assert torch.equal(path, log_p.argmax(dim=-1))


def test_both_knobs_at_one_is_the_hmm_with_the_priors_divided_out() -> None:
    start, transition, emission = random_hmm(4, 12, 3)
    prior = torch.randn(4).double().log_softmax(dim=0)
    log_p = emission.log_softmax(dim=-1)
    divided = viterbi(start, transition, log_p - prior)
    assert torch.equal(smooth(log_p, HMM(start, transition, prior), 1.0, 1.0), divided)


def test_a_single_frame_that_disagrees_is_overruled() -> None:
    assert NOISY.argmax(dim=1).tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert smooth(NOISY, STICKY, 1.0, 1.0).tolist() == [0] * 9


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    start, transition, emission = random_hmm(4, 15, 5)
    hmm = HMM(start, transition, start)
    weights, powers = torch.tensor([[0.0, 0.4, 1.0], [3.0, 1.0, 0.0]]), torch.rand(2, 3)
    together = smooth(emission, hmm, weights, powers)
    assert together.shape == (2, 3, 15)
    flat = zip(together.flatten(0, 1), weights.flatten(), powers.flatten(), strict=True)
    for path, weight, power in flat:
        assert torch.equal(path, smooth(emission, hmm, weight, power))


def test_the_tuned_knobs_are_the_most_accurate_of_the_grid() -> None:
    truth = torch.zeros(9, dtype=torch.long)
    (weight, power), accuracies = tune([NOISY, NOISY], [truth, truth], STICKY)
    assert accuracies.shape == (len(PRIOR_POWERS), len(WEIGHTS))
    assert accuracies[0, 0].item() == pytest.approx(8 / 9)
    assert accuracies.max() == 1
    assert (smooth(NOISY, STICKY, weight, power) == truth).all()


def test_counts() -> None:
    hmm = count_hmm([torch.tensor([0, 0, 1]), torch.tensor([1, 1])], 2)
    torch.testing.assert_close(hmm.log_start.exp(), torch.tensor([2 / 4, 2 / 4]).double())
    expected = torch.tensor([[2 / 4, 2 / 4], [1 / 3, 2 / 3]]).double()
    torch.testing.assert_close(hmm.log_transition.exp(), expected)
    torch.testing.assert_close(hmm.log_prior.exp(), torch.tensor([3 / 7, 4 / 7]).double())


def test_pairs_are_not_counted_across_sentences() -> None:
    together = count_hmm([torch.tensor([0, 0, 1, 1])], 2).log_transition
    apart = count_hmm([torch.tensor([0, 0]), torch.tensor([1, 1])], 2).log_transition
    assert together[0, 1] > apart[0, 1]


def test_errors_say_what_is_wrong() -> None:
    start, transition, _ = random_hmm(2, 1, 0)
    with pytest.raises(ValueError, match="一框都沒有"):
        viterbi(start, transition, torch.zeros(0, 2))
    with pytest.raises(ValueError, match="不能是負的，現在是 -1"):
        smooth(torch.zeros(3, 2), HMM(start, transition, start), -1, 0)
