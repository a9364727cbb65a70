"""The exponent that was put in comes out again."""

import numpy as np
import pytest

from dlbook.sequence_modeling.scaling_law import fit_power_law


def test_an_exact_power_law_is_found() -> None:
    sizes = [1e4, 1e5, 1e6]
    law = fit_power_law(sizes, [5 * n**-0.07 for n in sizes])
    assert (law.a, law.b, law.r2) == pytest.approx((5, 0.07, 1))
    assert law(1e7) == pytest.approx(5 * 1e7**-0.07)


def test_noise_lowers_the_r2() -> None:
    sizes = np.logspace(3, 6, 8)
    noise = np.exp(0.2 * np.random.default_rng(0).normal(size=8))
    assert fit_power_law(list(sizes), list(4 * sizes**-0.1 * noise)).r2 < 0.95


@pytest.mark.parametrize(("sizes", "losses"), [([1, 2], [3, 2]), ([1, 2, 3], [1, 0, 1])])
def test_too_little_to_fit_is_an_error(sizes: list[float], losses: list[float]) -> None:
    with pytest.raises(ValueError, match="至少三個點"):
        fit_power_law(sizes, losses)
