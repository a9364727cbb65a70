"""Equal error rate against scikit-learn's ROC, and its properties."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from dlbook.sequence_modeling.verification import equal_error_rate, error_rates, trial_scores


@given(
    scores=st.lists(st.integers(-5, 5), min_size=4, max_size=40),
    seed=st.integers(0, 99),
)
def test_error_rates_equal_scikit_learn(scores, seed):
    same = torch.rand(len(scores), generator=torch.Generator().manual_seed(seed)) < 0.5
    same[0], same[1] = True, False
    values = torch.tensor(scores).double()
    _, accept, reject = error_rates(values, same)
    false_positive, true_positive, _ = roc_curve(same, values, drop_intermediate=False)
    np.testing.assert_allclose(accept, false_positive, atol=1e-12)
    np.testing.assert_allclose(reject, 1 - true_positive, atol=1e-12)
    crossing = np.interp(0.0, false_positive + true_positive - 1, false_positive)
    assert 0 <= equal_error_rate(values, same) <= 1
    assert equal_error_rate(values, same) == pytest.approx(crossing, abs=1e-9)


def test_perfect_random_and_backwards():
    same = torch.tensor([True] * 10 + [False] * 10)
    assert equal_error_rate(same.double(), same) == 0
    assert equal_error_rate(1 - same.double(), same) == 1
    assert equal_error_rate(torch.zeros(20), same) == pytest.approx(0.5)
    noise = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    answers = torch.rand(20_000, generator=torch.Generator().manual_seed(1)) < 0.5
    assert equal_error_rate(noise, answers) == pytest.approx(0.5, abs=0.02)


def test_trial_scores_are_cosines():
    e = torch.tensor([[1.0, 0.0], [3.0, 3.0], [0.0, -2.0]])
    scores = trial_scores(e, torch.tensor([[0, 1], [0, 2], [1, 2]]))
    torch.testing.assert_close(scores, torch.tensor([0.5**0.5, 0.0, -(0.5**0.5)]))


def test_one_kind_of_pair_is_refused():
    with pytest.raises(ValueError, match="才量得出兩種錯誤"):
        equal_error_rate(torch.rand(3), torch.ones(3, dtype=torch.bool))
