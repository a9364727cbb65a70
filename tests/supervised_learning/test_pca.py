"""PCA equals scikit-learn's up to the sign of each direction."""

import numpy as np
import pytest
from numpy.random import default_rng
from sklearn.decomposition import PCA as Reference

from dlbook.supervised_learning.pca import PCA

RNG = default_rng(0)
TRAIN = RNG.normal(size=(80, 6)) @ RNG.normal(size=(6, 6)) + 4
TEST = RNG.normal(size=(10, 6))


@pytest.mark.parametrize("k", [1, 3, 6])
def test_equals_scikit_learn(k):
    ours, theirs = PCA.fit(TRAIN, k), Reference(k, svd_solver="full").fit(TRAIN)
    np.testing.assert_allclose(ours.variances, theirs.explained_variance_, rtol=1e-10)
    np.testing.assert_allclose(np.abs(ours(TEST)), np.abs(theirs.transform(TEST)), atol=1e-10)
    np.testing.assert_allclose(ours.directions.T @ ours.directions, np.eye(k), atol=1e-12)


def test_all_directions_lose_nothing():
    pca = PCA.fit(TRAIN, 6)
    np.testing.assert_allclose(pca(TEST) @ pca.directions.T + pca.mean, TEST, atol=1e-12)


@pytest.mark.parametrize("k", [0, 7])
def test_an_impossible_k_is_refused(k):
    with pytest.raises(ValueError, match="k 要在 1 到 6 之間"):
        PCA.fit(TRAIN, k)
