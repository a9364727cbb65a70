"""The Fréchet distance equals its formula with scipy's matrix root, and the closed form in 1-D."""

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbook.sequence_modeling.frechet import frechet_distance


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_it_equals_the_formula_with_scipys_root(seed: int, features: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    mix = torch.randn(features, features, generator=draw, dtype=torch.float64)
    a = torch.randn(40, features, generator=draw, dtype=torch.float64) @ mix
    b = 0.5 + torch.randn(30, features, generator=draw, dtype=torch.float64)
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    expected = (a.mean(0) - b.mean(0)).square().sum().item() + np.trace(cov_a + cov_b - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)


def test_one_feature_is_the_closed_form() -> None:
    a, b = torch.tensor([[0.0], [2.0]]), torch.tensor([[5.0], [11.0]])
    spread_a, spread_b = 2**0.5, 18**0.5
    assert frechet_distance(a, b) == pytest.approx((8 - 1) ** 2 + (spread_a - spread_b) ** 2)


def test_fewer_samples_than_features_still_gives_a_number() -> None:
    torch.manual_seed(0)
    assert np.isfinite(frechet_distance(torch.randn(5, 64), torch.randn(6, 64)))


def test_one_sample_is_an_error() -> None:
    with pytest.raises(ValueError, match="至少各要兩筆"):
        frechet_distance(torch.randn(1, 3), torch.randn(9, 3))
