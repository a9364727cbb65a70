"""The HW1 loader, on stand-ins of its format."""

import numpy as np
import pandas as pd
import pytest
from numpy.random import default_rng

from dlbook.supervised_learning.homework1 import EARLIER_TARGETS, read_homework1, write_stand_in


@pytest.fixture
def files(tmp_path):
    for name, rows, test in [("train", 2_700, False), ("test", 893, True)]:
        write_stand_in(tmp_path / f"{name}.csv", rows, default_rng(0), test=test)
    return tmp_path


def test_the_two_files(files):
    train, test = read_homework1(files / "train.csv"), read_homework1(files / "test.csv")
    assert train.x.shape == (2_700, 93)
    assert test.x.shape == (893, 93)
    assert train.y is not None
    assert train.y.shape == (2_700,)
    assert test.y is None
    assert train.names == test.names
    assert (train.x[:, :40].sum(axis=1) == 1).all()


def test_the_earlier_targets_are_at_57_and_75(files):
    train = read_homework1(files / "train.csv")
    assert EARLIER_TARGETS == (57, 75)
    assert [train.names[i] for i in EARLIER_TARGETS] == ["tested_positive", "tested_positive.1"]


def test_the_target_is_the_last_column(files):
    table = pd.read_csv(files / "train.csv")
    np.testing.assert_array_equal(read_homework1(files / "train.csv").y, table.iloc[:, -1])


def test_a_real_header_that_repeats_its_names_is_read(files):
    lines = (files / "train.csv").read_text().splitlines()
    lines[0] = lines[0].replace(".1", "").replace(".2", "")
    (files / "again.csv").write_text("\n".join(lines))
    assert read_homework1(files / "again.csv").x.shape == (2_700, 93)


def spoil(files, change):
    table = pd.read_csv(files / "train.csv").astype(object)
    change(table).to_csv(files / "spoiled.csv", index=False)
    return files / "spoiled.csv"


def test_a_missing_column_is_reported(files):
    path = spoil(files, lambda table: table.iloc[:, :-3])
    with pytest.raises(ValueError, match="除了 id 有 91 欄；HW1 的訓練檔要有 94 欄"):
        read_homework1(path)


def test_a_hole_is_reported_with_its_place(files):
    def change(table):
        table.iloc[4, 60] = "?"
        return table

    with pytest.raises(ValueError, match=r"第 5 筆的「survey_1\.1」不是數字"):
        read_homework1(spoil(files, change))


def test_columns_in_another_order_are_reported(files):
    path = spoil(files, lambda table: table[["id", *table.columns[:0:-1]]])
    with pytest.raises(ValueError, match="前 40 欄應該是州的 0/1"):
        read_homework1(path)
