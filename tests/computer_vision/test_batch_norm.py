"""Step by step equal to nn.BatchNorm2d: output, gradients, running statistics, evaluation."""

import pytest
import torch
from torch import nn

from dlbook.computer_vision.batch_norm import BatchNorm2d


def test_three_steps_and_evaluation_are_torchs() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm2d(3).double(), nn.BatchNorm2d(3).double()
    theirs.weight.data.uniform_(0.5, 2)
    theirs.bias.data.normal_()
    ours.load_state_dict(theirs.state_dict())
    for _ in range(3):
        x = torch.randn(4, 3, 5, 6, dtype=torch.float64) * 3 + 1
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        y, z = ours(a), theirs(b)
        torch.testing.assert_close(y, z, atol=1e-10, rtol=0)
        grad = torch.randn_like(y)
        y.backward(grad)
        z.backward(grad)
        torch.testing.assert_close(a.grad, b.grad, atol=1e-10, rtol=0)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, atol=1e-9, rtol=0)
    x = torch.randn(1, 3, 5, 6, dtype=torch.float64)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), atol=1e-10, rtol=0)


def test_one_value_a_channel_cannot_be_normalised() -> None:
    with pytest.raises(ValueError, match=r"model.eval\(\)"):
        BatchNorm2d(2)(torch.zeros(1, 2, 1, 1))
