"""Reliability against scikit-learn, temperature against SciPy, and what calibration means."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from dlbook.supervised_learning.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from dlbook.supervised_learning.softmax import cross_entropy


def overconfident(seed: int, count: int = 4_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores whose labels are drawn from softmax(z), and then z doubled."""
    rng = torch.Generator().manual_seed(seed)
    z = 2 * torch.randn(count, 5, generator=rng, dtype=torch.float64)
    targets = z.softmax(dim=-1).multinomial(1, generator=rng).flatten()
    return 2 * z, targets


@pytest.mark.parametrize("bins", [5, 15])
def test_bins_are_scikit_learns(bins: int) -> None:
    z, targets = overconfident(0)
    log_p = z.log_softmax(dim=-1)
    confidence, accuracy, share = reliability(log_p, targets, bins)
    top = log_p.exp().max(dim=-1)
    correct = (top.indices == targets).numpy()
    fraction, mean = calibration_curve(correct, top.values.numpy(), n_bins=bins)
    used = share > 0
    np.testing.assert_allclose(accuracy[used].numpy(), fraction)
    np.testing.assert_allclose(confidence[used].numpy(), mean)
    assert share.sum().item() == pytest.approx(1)


def test_one_bin_is_the_gap_between_confidence_and_accuracy() -> None:
    z, targets = overconfident(1)
    top = z.softmax(dim=-1).max(dim=-1)
    gap = top.values.mean() - (top.indices == targets).double().mean()
    ece = expected_calibration_error(z.log_softmax(dim=-1), targets, bins=1)
    assert ece == pytest.approx(gap.item())


@given(st.integers(0, 50), st.integers(1, 20))
def test_ece_lies_between_zero_and_one(seed: int, bins: int) -> None:
    z, targets = overconfident(seed, 50)
    assert 0 <= expected_calibration_error(z.log_softmax(dim=-1), targets, bins) <= 1


def test_certain_and_right_is_perfect_and_certain_and_wrong_is_the_worst() -> None:
    certain = torch.tensor([[0.0, -1e9], [0.0, -1e9]])
    assert expected_calibration_error(certain, torch.tensor([0, 0])) == 0
    assert expected_calibration_error(certain, torch.tensor([1, 1])) == 1


@pytest.mark.parametrize("seed", range(3))
def test_temperature_is_scipys_minimum_and_undoes_the_doubling(seed: int) -> None:
    z, targets = overconfident(seed)
    reference = minimize_scalar(
        lambda t: cross_entropy(z / t, targets).item(), bounds=(0.1, 10), method="bounded",
        options={"xatol": 1e-8},
    )  # fmt: skip
    temperature = fit_temperature(z, targets)
    assert temperature == pytest.approx(reference.x, abs=1e-4)
    assert temperature == pytest.approx(2, abs=0.15)
    before = expected_calibration_error(z.log_softmax(dim=-1), targets)
    after = expected_calibration_error((z / temperature).log_softmax(dim=-1), targets)
    assert after < before / 2


def test_temperature_moves_no_answer() -> None:
    z, targets = overconfident(0)
    assert torch.equal((z / fit_temperature(z, targets)).argmax(dim=-1), z.argmax(dim=-1))


def test_no_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="bins 要至少是 1，現在是 0"):
        reliability(torch.zeros(1, 2), torch.tensor([0]), bins=0)
