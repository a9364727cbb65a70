"""Pooling is torch's, forward and gradient; the receptive field computed is the one measured."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from dlbook.computer_vision.pooling import avg_pool2d, influence, max_pool2d, receptive_field


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(4, 8))
def test_max_pool_forward_and_gradient(kernel: int, stride: int, padding: int, size: int) -> None:
    padding = min(padding, kernel // 2)
    torch.manual_seed(0)
    x = torch.randn(2, 3, size, size + 1, dtype=torch.float64, requires_grad=True)
    ours, theirs = max_pool2d(x, kernel, stride, padding), F.max_pool2d(x, kernel, stride, padding)
    torch.testing.assert_close(ours, theirs, atol=0, rtol=0)
    grad = torch.randn_like(theirs)
    a, b = (torch.autograd.grad(y, x, grad)[0] for y in (ours, theirs))
    torch.testing.assert_close(a, b, atol=1e-12, rtol=0)


def test_ties_go_to_one_of_them() -> None:
    x = torch.zeros(1, 1, 2, 2, requires_grad=True)
    max_pool2d(x, 2).sum().backward()
    assert x.grad is not None
    assert sorted(x.grad.flatten().tolist()) == [0, 0, 0, 1]


@given(st.integers(1, 3), st.integers(4, 8))
def test_avg_pool(kernel: int, size: int) -> None:
    x = torch.randn(2, 3, size, size, dtype=torch.float64)
    torch.testing.assert_close(avg_pool2d(x, kernel), F.avg_pool2d(x, kernel))


def test_receptive_field_of_known_stacks() -> None:
    assert receptive_field([(3, 1), (3, 1)]) == [(3, 1), (5, 1)]
    assert receptive_field([(3, 2), (3, 1)]) == [(3, 2), (7, 2)]


@pytest.mark.parametrize(
    "layers", [[(3, 1), (3, 1), (3, 1)], [(3, 2), (3, 1), (3, 2)], [(5, 1), (2, 2), (3, 1)]]
)
def test_only_what_is_in_the_receptive_field_has_influence(layers) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(*(nn.Conv2d(1, 1, k, s) for k, s in layers)).double()
    for layer in net:
        layer.weight.data.abs_()
    seen = influence(net, torch.randn(1, 1, 31, 31, dtype=torch.float64)) > 0
    size, _ = receptive_field(layers)[-1]
    assert int(seen.any(dim=0).sum()) == int(seen.any(dim=1).sum()) == size
