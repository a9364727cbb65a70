"""Gradients are autograd's; noise falls as one over the batch size."""

import pytest
import torch
from torch import nn

from dlbook.supervised_learning.gradient_noise import flat_gradient, gradient_noise


def setting() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return nn.Linear(6, 3).double(), torch.randn(300, 6).double(), torch.randint(3, (300,))


def test_the_flat_gradient_is_backwards() -> None:
    model, x, y = setting()
    nn.functional.cross_entropy(model(x), y).backward()
    expected = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    torch.testing.assert_close(flat_gradient(model, x, y), expected)


def test_noise_falls_as_one_over_the_batch_size() -> None:
    model, x, y = setting()
    generator = torch.Generator().manual_seed(0)
    small, large = (gradient_noise(model, x, y, b, 400, generator) for b in (4, 64))
    assert small / large == pytest.approx(16, rel=0.25)
