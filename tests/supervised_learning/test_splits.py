"""Splits: no group on both sides, no future in training; the bootstrap is wide where rows are alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng
from sklearn.metrics import root_mean_squared_error

from dlbook.supervised_learning.splits import bootstrap_rmse, k_folds, rmse, walk_forward


@given(st.lists(st.integers(0, 12), min_size=13, max_size=80), st.integers(2, 5))
def test_every_row_is_held_out_once_and_groups_stay_whole(labels, k):
    groups = np.array([*labels, *range(13)])
    seen = []
    for train, valid in k_folds(groups, k, default_rng(0)):
        assert not set(groups[train]) & set(groups[valid])
        assert len(train) + len(valid) == len(groups)
        seen += valid.tolist()
    assert sorted(seen) == list(range(len(groups)))


def test_folds_depend_on_the_seed_only():
    first, again, other = (
        [v.tolist() for _, v in k_folds(np.arange(20), 4, default_rng(seed))] for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("k", [0, 1, 21])
def test_an_impossible_k_is_refused(k):
    with pytest.raises(ValueError, match="k 要在 2 到群組數 20 之間"):
        list(k_folds(np.arange(20), k, default_rng(0)))


def test_walking_forward_never_looks_ahead():
    years = default_rng(0).integers(2001, 2010, 200)
    held_out = []
    for train, valid in walk_forward(years, 2005):
        assert years[train].max() < years[valid].min()
        assert len(set(years[valid])) == 1
        held_out.append(years[valid][0])
    assert held_out == [2005, 2006, 2007, 2008, 2009]


@pytest.mark.parametrize("first", [2001, 2010])
def test_walking_forward_needs_a_past_and_a_future(first):
    with pytest.raises(ValueError, match="之前與之後都要有資料"):
        list(walk_forward(np.arange(2001, 2010), first))


def test_rmse_equals_scikit_learn():
    a, b = default_rng(0).normal(size=(2, 30))
    assert rmse(a, b) == pytest.approx(root_mean_squared_error(b, a))


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = default_rng(0)
    inside = 0
    for _ in range(200):
        low, high = bootstrap_rmse(rng.normal(size=200) ** 2, np.arange(200), rng, repeats=300)
        inside += low <= 1 <= high
    assert 0.88 <= inside / 200 <= 0.99


def test_rows_that_are_alike_make_a_wider_interval():
    rng = default_rng(0)
    days = np.repeat(np.arange(50), 24)
    errors = np.repeat(rng.normal(size=50) ** 2, 24)
    by_day = np.subtract(*bootstrap_rmse(errors, days, rng))
    by_hour = np.subtract(*bootstrap_rmse(errors, np.arange(1200), rng))
    assert by_day / by_hour == pytest.approx(24**0.5, rel=0.15)
