"""Standardising: statistics of the training rows, whatever else comes."""

import numpy as np
from numpy.random import default_rng
from sklearn.preprocessing import StandardScaler

from dlbook.supervised_learning.standardize import Standardizer

RNG = default_rng(0)
TRAIN, TEST = RNG.normal(5, 3, (50, 4)), RNG.normal(9, 1, (20, 4))


def test_equals_scikit_learn():
    ours, theirs = Standardizer.fit(TRAIN), StandardScaler().fit(TRAIN)
    np.testing.assert_allclose(ours(TRAIN), theirs.transform(TRAIN), atol=1e-12)
    np.testing.assert_allclose(ours(TEST), theirs.transform(TEST), atol=1e-12)


def test_the_test_rows_do_not_matter():
    scale = Standardizer.fit(TRAIN)
    np.testing.assert_array_equal(scale(TEST)[:1], scale(TEST[:1]))
    assert abs(scale(TEST).mean()) > 0.5  # they are not centred on themselves


def test_a_constant_column_becomes_zero():
    train = np.hstack([TRAIN, np.full((50, 1), 7.0)])
    assert not Standardizer.fit(train)(train)[:, -1].any()
