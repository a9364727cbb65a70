"""Measurements that two numbers of one run can be compared by."""

import time

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlbook.measure import PairedTimes, paired_times, peak_memory_mb

seconds = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=9)


def test_the_two_procedures_take_turns_and_the_warm_up_is_not_counted() -> None:
    calls: list[str] = []
    times = paired_times(lambda: calls.append("a"), lambda: calls.append("b"), pairs=3, warmup=2)
    assert calls == ["a", "b"] * 5
    assert len(times.a) == len(times.b) == 3


def test_the_ratio_says_how_many_times_slower_a_is() -> None:
    times = paired_times(lambda: time.sleep(0.03), lambda: time.sleep(0.01), pairs=3)
    assert 1.5 < times.ratio < 4.5


@given(seconds)
def test_the_ratio_lies_within_the_spread_and_of_equal_times_is_one(a: list[float]) -> None:
    low, high = PairedTimes(a, a[::-1]).spread
    assert low <= PairedTimes(a, a[::-1]).ratio <= high
    assert PairedTimes(a, a).ratio == 1


def test_peak_memory_remembers_what_has_been_freed() -> None:
    before = peak_memory_mb()
    block = np.ones(30_000_000)  # 240 MB
    del block
    if not psutil.LINUX:
        pytest.skip("only Linux keeps a peak that psutil does not")
    assert peak_memory_mb() >= max(before, 240)


def test_peak_memory_of_a_process_that_is_gone_is_an_error_of_psutil() -> None:
    with pytest.raises(psutil.NoSuchProcess):
        peak_memory_mb(2**22 + 1)
