"""Features of the bicycles: no target among them, no statistics of other rows."""

import pandas as pd
import pytest

from dlbook import datasets
from dlbook.supervised_learning.bike_features import (
    as_numbers,
    calendar,
    circular,
    with_interactions,
)

DATA = datasets.bikeshare()
ALL = [as_numbers, calendar, with_interactions, circular]


@pytest.mark.parametrize("featurize", ALL)
def test_a_row_is_described_by_itself_and_never_by_the_target(featurize):
    table = featurize(DATA.test)
    alone = featurize(DATA.test[100:101])
    pd.testing.assert_frame_equal(table[100:101], alone)
    spoiled = DATA.test.assign(bikers=0, casual=0, registered=0)
    pd.testing.assert_frame_equal(table, featurize(spoiled))
    assert list(table.columns) == list(featurize(DATA.train).columns)
    assert table.notna().all(axis=None)
    assert not table.columns.duplicated().any()


def test_each_hour_month_and_weekday_is_marked_once():
    table = calendar(DATA.train)
    for names in ([f"{h} 點" for h in range(24)], [f"{m} 月" for m in range(1, 13)]):
        assert (table[names].sum(axis=1) == 1).all()
    assert (table.filter(like="星期").sum(axis=1) == 1).all()
    first = table[DATA.train["day"] <= 31]
    assert (first["1 月"] == 1).all()


def test_interactions_are_products():
    table = with_interactions(DATA.train)
    assert (table["8 點×上班日"] == table["8 點"] * table["workingday"]).all()


def test_midnight_is_next_to_eleven():
    table = circular(DATA.train)[["小時 sin", "小時 cos"]].to_numpy()
    hours = DATA.train["hr"].to_numpy()
    midnight, eleven, noon = (table[hours == h][0] for h in (0, 23, 12))
    assert ((midnight - eleven) ** 2).sum() < 0.1
    assert ((midnight - noon) ** 2).sum() == pytest.approx(4)
