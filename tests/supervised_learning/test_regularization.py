"""Dropout and clipping are torch's; mixup and shifts keep what they must."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dlbook.supervised_learning.regularization import Dropout, clip_gradients, mixup, one_hot, shift

SEEDS = st.integers(0, 2**31 - 1)


def test_dropout_is_torchs_with_the_same_random_numbers() -> None:
    x = torch.randn(200, 300, dtype=torch.float64)
    results = []
    for layer in (Dropout(0.3), nn.Dropout(0.3)):
        torch.manual_seed(5)
        leaf = x.clone().requires_grad_()
        out = layer(leaf)
        out.sum().backward()
        results.append((out.detach(), leaf.grad))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)


def test_dropout_statistics_and_evaluation() -> None:
    torch.manual_seed(0)
    layer, x = Dropout(0.4), torch.ones(400, 500)
    out = layer(x)
    assert (out == 0).double().mean().item() == pytest.approx(0.4, abs=0.005)
    assert out.mean().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


@pytest.mark.parametrize("max_norm", [0.01, 1.0, 1e6])
def test_clipping_is_torchs(max_norm: float) -> None:
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(3, 4).double()), nn.Parameter(torch.randn(5).double())]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    for p, q in zip(ours, theirs, strict=True):
        p.grad = torch.randn_like(p)
        q.grad = p.grad.clone()
    norms = clip_gradients(ours, max_norm), nn.utils.clip_grad_norm_(theirs, max_norm)
    torch.testing.assert_close(*norms)
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p.grad, q.grad, atol=1e-12, rtol=0)


def test_mixup_mixes_images_and_labels_alike() -> None:
    torch.manual_seed(0)
    y = torch.randint(10, (50,))
    target = one_hot(y)
    x = torch.cat([target, torch.randn(50, 4)], dim=1)  # the label is part of the input
    mixed, labels = mixup(x, target, 0.5)
    torch.testing.assert_close(mixed[:, :10], labels)
    torch.testing.assert_close(labels.sum(1), torch.ones(50))
    assert (labels.max(1).values < 1).any()
    torch.testing.assert_close(mixed.mean(0), x.mean(0))  # every image is used once as the other


@given(SEEDS, st.integers(0, 3))
def test_a_shift_moves_the_whole_image_by_one_offset(seed: int, most: int) -> None:
    x = torch.zeros(6, 28, 28)
    x[:, 10, 12], x[:, 11, 15] = 1.0, 2.0
    moved = shift(x.flatten(1), most, torch.Generator().manual_seed(seed)).reshape(6, 28, 28)
    for image in moved:
        (r1, c1), (r2, c2) = (image == 1).nonzero()[0], (image == 2).nonzero()[0]
        assert (r2 - r1, c2 - c1) == (1, 3)
        assert max(abs(r1 - 10), abs(c1 - 12)) <= most
        assert image.sum() == 3


def test_a_shift_fills_with_background_and_reaches_every_offset() -> None:
    x = torch.full((2_000, 784), -0.4)
    x[:, 14 * 28 + 14] = 3.0
    torch.manual_seed(0)
    moved = shift(x, 1)
    assert torch.equal(moved.sort(dim=1).values, x.sort(dim=1).values)
    assert len(moved.argmax(1).unique()) == 9
