"""SVD and PCA against numpy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from dlbook.foundations.linear_algebra import low_rank, pca, psnr, stored_share, svd_by_eigen


@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 99))
def test_svd_rebuilds_the_matrix_and_has_numpys_values(m: int, n: int, seed: int) -> None:
    a = np.random.default_rng(seed).normal(size=(m, n))
    u, s, vt = svd_by_eigen(a)
    np.testing.assert_allclose((u * s) @ vt, a, atol=1e-7)
    np.testing.assert_allclose(s, np.linalg.svd(a, compute_uv=False)[: len(s)], rtol=1e-6)
    np.testing.assert_allclose(u.T @ u, np.eye(len(s)), atol=1e-6)


@given(st.integers(1, 5), st.integers(0, 99))
def test_no_other_matrix_of_that_rank_is_closer(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(6, 8))
    best = np.linalg.norm(a - low_rank(a, k))
    other = rng.normal(size=(6, k)) @ rng.normal(size=(k, 8))
    nearby = low_rank(a, k) + 1e-3 * low_rank(other, k)
    assert best <= np.linalg.norm(a - other)
    assert best <= np.linalg.norm(a - low_rank(nearby, k)) + 1e-12
    assert np.linalg.matrix_rank(low_rank(a, k)) == k


def test_low_rank_refuses_an_impossible_rank() -> None:
    for k in (0, 4):
        with pytest.raises(ValueError, match=f"秩要在 1 到 3 之間，現在是 {k}"):
            low_rank(np.zeros((3, 5)), k)


def test_storage_and_psnr() -> None:
    assert stored_share(100, 100, 10) == pytest.approx(0.201)
    assert psnr(np.zeros(4), np.full(4, 255.0)) == pytest.approx(0)
    assert psnr(np.zeros(4), np.full(4, 25.5)) == pytest.approx(20)


@pytest.mark.parametrize("seed", range(5))
def test_pca_is_scikit_learns(seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(40, 7)) @ np.diag(np.arange(1, 8))
    mean, directions, variance = pca(x, 4)
    theirs = PCA(4, svd_solver="full").fit(x)
    np.testing.assert_allclose(mean, theirs.mean_)
    np.testing.assert_allclose(variance, theirs.explained_variance_)
    signs = np.sign((directions * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(directions * signs[:, None], theirs.components_, atol=1e-10)
