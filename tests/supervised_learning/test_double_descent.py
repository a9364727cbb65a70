"""Flipped labels are wrong labels; least squares is numpy's; the peak is where it should be."""

import numpy as np
import pytest
import torch

from dlbook.supervised_learning.double_descent import (
    flip_labels,
    random_features,
    shortest_solution,
)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_flipped_labels_are_wrong(share: float) -> None:
    y = torch.randint(10, (500,), generator=generator())
    flipped = flip_labels(y, share, generator())
    assert (flipped != y).double().mean().item() == pytest.approx(share)
    assert flipped.min() >= 0
    assert flipped.max() <= 9


@pytest.mark.parametrize("count", [5, 20, 60])
def test_the_shortest_solution_is_numpys(count: int) -> None:
    torch.manual_seed(0)
    a, b = torch.randn(20, count).double(), torch.randn(20, 3).double()
    expected = np.linalg.lstsq(a.numpy(), b.numpy())[0]
    np.testing.assert_allclose(shortest_solution(a, b, 0.0), expected, atol=1e-9)


@pytest.mark.parametrize("count", [5, 60])
def test_ridge_is_the_same_from_both_sides(count: int) -> None:
    torch.manual_seed(0)
    a, b = torch.randn(20, count).double(), torch.randn(20, 3).double()
    w = shortest_solution(a, b, 0.7)
    torch.testing.assert_close(a.T @ (a @ w - b) + 0.7 * w, torch.zeros_like(w), atol=1e-9, rtol=0)


def test_the_worst_width_is_the_number_of_examples() -> None:
    torch.manual_seed(0)
    x, w = torch.randn(300, 8), torch.randn(8, 1).double()
    y = x.double() @ w + 0.5 * torch.randn(300, 1).double()
    errors = {}
    for count in (10, 60, 600):
        features = random_features(x, count, generator())
        solution = shortest_solution(features[:60], y[:60], 0.0)
        errors[count] = (features[60:] @ solution - y[60:]).square().mean().item()
    assert errors[60] > 3 * max(errors[10], errors[600])
