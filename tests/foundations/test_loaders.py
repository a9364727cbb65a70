"""TensorLoader: every sample once, pairs kept, reproducible, clear errors."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlbook.foundations.loaders import TensorLoader


@given(st.integers(1, 40), st.integers(1, 50), st.booleans())
def test_every_sample_comes_once_with_its_label(count, batch_size, shuffle):
    x = torch.arange(count).float().reshape(-1, 1)
    loader = TensorLoader(x, torch.arange(count) * 10, batch_size, shuffle=shuffle)
    batches = list(loader)
    assert len(batches) == len(loader)
    seen = torch.cat([xs for xs, _ in batches]).flatten()
    assert sorted(seen.tolist()) == list(range(count))
    assert all(torch.equal(xs.flatten() * 10, ys.float()) for xs, ys in batches)
    assert all(len(xs) == batch_size for xs, _ in batches[:-1])


def test_order_follows_the_global_seed_and_changes_with_the_epoch():
    loader = TensorLoader(torch.arange(50.0), torch.arange(50), 50)
    torch.manual_seed(3)
    first, second = (next(iter(loader))[1].tolist() for _ in range(2))
    torch.manual_seed(3)
    assert next(iter(loader))[1].tolist() == first
    assert first != second


def test_without_shuffle_the_order_is_kept():
    loader = TensorLoader(torch.arange(7.0), torch.arange(7), 3, shuffle=False)
    assert [y.tolist() for _, y in loader] == [[0, 1, 2], [3, 4, 5], [6]]


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="x 有 3 筆，y 有 2 筆"):
        TensorLoader(torch.zeros(3), torch.zeros(2).long(), 1)


def test_batch_size_below_one_is_refused():
    with pytest.raises(ValueError, match="至少是 1"):
        TensorLoader(torch.zeros(3), torch.zeros(3).long(), 0)
