"""A circular convolution moves with its input; a stride only at its multiples; a linear layer never."""

import torch
from torch import nn

from dlbook.computer_vision.equivariance import shift_gap

torch.manual_seed(0)
X = torch.randn(2, 3, 16, 16)


def test_a_circular_convolution_is_equivariant() -> None:
    layer = nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")
    assert shift_gap(layer, X, 5) < 1e-6


def test_zero_padding_breaks_it_at_the_edge_only() -> None:
    layer = nn.Conv2d(3, 4, 3, padding=1)
    assert shift_gap(layer, X, 2) > 0.01
    assert shift_gap(layer, X, 2, margin=3) < 1e-6


def test_a_stride_keeps_its_multiples_only() -> None:
    layer = nn.Conv2d(3, 4, 3, stride=2, padding=1, padding_mode="circular")
    assert shift_gap(layer, X, 2, stride=2) < 1e-6
    assert shift_gap(layer, X, 1, stride=2) > 0.5


def test_a_position_dependent_layer_is_not() -> None:
    mask = torch.randn(16, 16)
    assert shift_gap(lambda x: x * mask, X, 1) > 0.5
