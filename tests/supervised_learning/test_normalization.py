"""BatchNorm and LayerNorm: outputs, gradients and running statistics are torch's for 120 steps."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dlbook.supervised_learning.normalization import BatchNorm, LayerNorm

SEEDS = st.integers(0, 2**31 - 1)


def affine(ours: nn.Module, theirs: nn.Module) -> None:
    """Give both the same random scale and offset."""
    for name in ("weight", "bias"):
        value = torch.randn(getattr(ours, name).shape, dtype=torch.float64)
        for module in (ours, theirs):
            with torch.no_grad():
                getattr(module, name).copy_(value)


def compare(ours: nn.Module, theirs: nn.Module, x: torch.Tensor, weight: torch.Tensor) -> float:
    """The largest difference of outputs and of the gradients of input, scale and offset."""
    results = []
    for module in (ours, theirs):
        leaf = x.clone().requires_grad_()
        out = module(leaf)
        (out * weight).sum().backward()
        results.append([out.detach(), leaf.grad, module.weight.grad, module.bias.grad])
        module.zero_grad()
    return max((a - b).abs().max().item() for a, b in zip(*results, strict=True))


def test_batchnorm_is_torchs_for_120_steps_and_in_evaluation() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm(6).double(), nn.BatchNorm1d(6).double()
    affine(ours, theirs)
    for step in range(120):
        x = torch.randn(5 + step % 3, 6, dtype=torch.float64) * 3 + 7
        assert compare(ours, theirs, x, torch.randn_like(x)) <= 1e-10
        torch.testing.assert_close(ours.mean, theirs.running_mean, atol=1e-12, rtol=0)
        torch.testing.assert_close(ours.var, theirs.running_var, atol=1e-12, rtol=0)
    ours.eval(), theirs.eval()
    x = torch.randn(4, 6, dtype=torch.float64)
    assert compare(ours, theirs, x, torch.randn_like(x)) <= 1e-10


def test_batchnorm_refuses_a_batch_of_one_in_training_only() -> None:
    layer = BatchNorm(3)
    with pytest.raises(ValueError, match="至少要兩筆"):
        layer(torch.zeros(1, 3))
    assert layer.eval()(torch.zeros(1, 3)).shape == (1, 3)


@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 6)])
def test_layernorm_is_torchs(shape) -> None:
    torch.manual_seed(0)
    ours, theirs = LayerNorm(6).double(), nn.LayerNorm(6).double()
    affine(ours, theirs)
    for _ in range(100):
        x = torch.randn(*shape, dtype=torch.float64) * 2 - 1
        assert compare(ours, theirs, x, torch.randn_like(x)) <= 1e-10


@given(SEEDS)
def test_batchnorm_does_not_see_the_scale_of_what_comes_in(seed: int) -> None:
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    layer = BatchNorm(4, eps=0.0).double()
    torch.testing.assert_close(layer(x), layer(50 * x - 3))
    out = layer(x)
    torch.testing.assert_close(out.mean(0), torch.zeros(4, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(out.var(0, correction=0), torch.ones(4, dtype=torch.float64))


@given(SEEDS)
def test_layernorm_treats_every_row_alone(seed: int) -> None:
    x = torch.randn(8, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    layer = LayerNorm(5).double()
    torch.testing.assert_close(layer(x)[:3], layer(x[:3]))
