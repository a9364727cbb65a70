"""Forward selection: its shortcut equals refitting, and it finds the columns that matter."""

import numpy as np
import pytest
from numpy.random import default_rng
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.linear_model import Ridge

from dlbook.supervised_learning.selection import forward_selection, moments, squared_error
from dlbook.supervised_learning.splits import k_folds

RNG = default_rng(0)
X = RNG.normal(size=(150, 7)) + 2
Y = X[:, 4] * 3 - X[:, 1] + 0.5 * X[:, 6] + RNG.normal(size=150)
FOLDS = list(k_folds(np.arange(150), 5, default_rng(1)))


@pytest.mark.parametrize("columns", [[], [3], [4, 1], [0, 1, 2, 3, 4, 5, 6]])
def test_the_shortcut_equals_refitting(columns):
    train, valid = FOLDS[0]
    ours = squared_error(moments(X[train], Y[train]), moments(X[valid], Y[valid]), columns)
    if columns:
        model = Ridge(alpha=1.0).fit(X[train][:, columns], Y[train])
        expected = np.sum((model.predict(X[valid][:, columns]) - Y[valid]) ** 2)
    else:
        expected = np.sum((Y[train].mean() - Y[valid]) ** 2)
    assert ours == pytest.approx(expected, rel=1e-9)


def test_it_chooses_as_scikit_learn_does():
    chosen, scores = forward_selection(X, Y, FOLDS, 3)
    reference = SequentialFeatureSelector(
        Ridge(alpha=1.0), n_features_to_select=3, cv=FOLDS, scoring="neg_mean_squared_error"
    ).fit(X, Y)
    assert sorted(chosen) == reference.get_support(indices=True).tolist()
    assert chosen == [4, 1, 6]
    assert scores == sorted(scores, reverse=True)


def test_too_many():
    with pytest.raises(ValueError, match="只有 7 欄，選不出 8 欄"):
        forward_selection(X, Y, FOLDS, 8)
