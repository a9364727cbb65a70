"""Softmax, cross-entropy and label smoothing are PyTorch's, forward and gradient."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from dlbook.supervised_learning.softmax import cross_entropy, log_softmax, soft_targets


def sample(batch: int, classes: int, seed: int, scale: float = 3.0) -> tuple:
    rng = torch.Generator().manual_seed(seed)
    z = scale * torch.randn(batch, classes, generator=rng, dtype=torch.float64)
    return z.requires_grad_(), torch.randint(classes, (batch,), generator=rng)


@given(
    st.integers(1, 8), st.integers(1, 6), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(0, 99)
)
def test_equals_torch_forward_and_gradient(batch, classes, smoothing, seed) -> None:
    z, targets = sample(batch, classes, seed)
    ours = cross_entropy(z, targets, smoothing)
    theirs = F.cross_entropy(z, targets, label_smoothing=smoothing)
    torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)
    reference = torch.autograd.grad(theirs, z)[0]
    by_autograd = torch.autograd.grad(ours, z)[0]
    torch.testing.assert_close(by_autograd, reference, atol=1e-10, rtol=0)


def test_huge_scores_do_not_overflow() -> None:
    z = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    assert cross_entropy(z, torch.tensor([1])).item() == 1e4
    torch.testing.assert_close(log_softmax(z), F.log_softmax(z, dim=-1))


@given(st.floats(-50, 50), st.integers(0, 99))
def test_adding_a_number_to_all_scores_changes_nothing(shift: float, seed: int) -> None:
    z, _ = sample(4, 5, seed)
    torch.testing.assert_close(log_softmax(z + shift), log_softmax(z), atol=1e-9, rtol=0)
    torch.testing.assert_close(log_softmax(z).exp().sum(dim=-1), torch.ones(4).double())


def test_the_smallest_smoothed_loss_is_the_entropy_of_the_targets() -> None:
    q = soft_targets(torch.tensor([2]), 5, 0.1)
    entropy = -(q * q.log()).sum()
    torch.testing.assert_close(cross_entropy(q.log(), torch.tensor([2]), 0.1), entropy)
    z = q.log().requires_grad_()
    gradient = torch.autograd.grad(cross_entropy(z, torch.tensor([2]), 0.1), z)[0]
    assert gradient.abs().max() < 1e-12


def test_targets_are_distributions() -> None:
    q = soft_targets(torch.tensor([0, 3]), 4, 0.2)
    assert q.tolist() == [
        pytest.approx([0.85, 0.05, 0.05, 0.05]),
        pytest.approx([0.05, 0.05, 0.05, 0.85]),
    ]


@pytest.mark.parametrize("smoothing", [-0.1, 1.1])
def test_impossible_smoothing_is_refused(smoothing: float) -> None:
    with pytest.raises(ValueError, match=f"0 到 1 之間，現在是 {smoothing}"):
        soft_targets(torch.tensor([0]), 3, smoothing)
