"""Entropy, KL and naive Bayes against scipy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from sklearn.naive_bayes import BernoulliNB

from dlbook.foundations.probability import NaiveBayes, cross_entropy, entropy, gaussian_kl, kl


@given(st.integers(2, 9), st.integers(0, 999))
def test_they_are_scipys(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k))
    assert entropy(p) == pytest.approx(stats.entropy(p))
    assert kl(p, q) == pytest.approx(stats.entropy(p, q), abs=1e-12)
    assert cross_entropy(p, q) == pytest.approx(entropy(p) + stats.entropy(p, q))
    assert kl(p, q) >= 0


def test_zeros() -> None:
    p, q = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    assert entropy(p) == 0
    assert kl(p, q) == pytest.approx(np.log(2))
    assert kl(q, p) == np.inf


@pytest.mark.parametrize("pair", [(0, 1, 0, 1), (0, 1, 1, 2), (-1, 0.5, 0.3, 1.7)])
def test_the_gaussian_formula_is_the_integral(pair: tuple[float, ...]) -> None:
    p, q = stats.norm(pair[0], pair[1]), stats.norm(pair[2], pair[3])
    value, _ = integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -15, 15)
    assert gaussian_kl(*pair) == pytest.approx(value, abs=1e-7)


def test_naive_bayes_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 2, (300, 12)), rng.integers(0, 4, 300)
    mine, theirs = NaiveBayes(x, y, 4), BernoulliNB(alpha=1).fit(x, y)
    np.testing.assert_allclose(mine.log_joint(x), theirs.predict_joint_log_proba(x))
