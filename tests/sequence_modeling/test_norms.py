"""RMSNorm against torch.nn.RMSNorm and Hugging Face, forward and gradient."""

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from dlbook.sequence_modeling.norms import RMSNorm


def _run(norm, x, weight):
    x = x.clone().requires_grad_()
    with torch.no_grad():
        norm.weight.copy_(weight)
    y = norm(x)
    y.pow(3).sum().backward()
    return y, x.grad, norm.weight.grad


@pytest.mark.parametrize("eps", [1e-6, 1e-2])
def test_equals_torch(eps):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, 16, generator=generator, dtype=torch.float64)
    weight = torch.randn(16, generator=generator, dtype=torch.float64)
    ours = _run(RMSNorm(16, eps).double(), x, weight)
    theirs = _run(torch.nn.RMSNorm(16, eps).double(), x, weight)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_equals_hugging_face():
    x, weight = torch.randn(3, 4, 16), torch.randn(16)
    ours, theirs = _run(RMSNorm(16, 1e-5), x, weight), _run(LlamaRMSNorm(16, 1e-5), x, weight)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_does_not_subtract_the_mean():
    constant = torch.full((1, 8), 3.0)
    torch.testing.assert_close(RMSNorm(8, 0.0)(constant), torch.ones(1, 8))
