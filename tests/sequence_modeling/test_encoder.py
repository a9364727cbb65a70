"""Encoder layer against nn.TransformerEncoderLayer, forward and gradient."""

import pytest
import torch
from torch import nn

from dlbook.sequence_modeling.attention import padding_mask
from dlbook.sequence_modeling.encoder import EncoderLayer, FeedForward

from .copying import copy_into


def layers(norm_first: bool, activation: str) -> tuple[EncoderLayer, nn.TransformerEncoderLayer]:
    """Ours and PyTorch's with the same weights, float64, no dropout."""
    torch.manual_seed(0)
    modules: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU}
    ours = EncoderLayer(12, 3, 20, 0.0, norm_first, modules[activation]).double()
    theirs = nn.TransformerEncoderLayer(
        12, 3, 20, 0.0, activation, batch_first=True, norm_first=norm_first
    ).double()
    copy_into(theirs.self_attn, ours.attention)
    pairs = [
        (theirs.linear1, ours.feed_forward.up),
        (theirs.linear2, ours.feed_forward.down),
        (theirs.norm1, ours.norm1),
        (theirs.norm2, ours.norm2),
    ]
    for their, our in pairs:
        their.load_state_dict(our.state_dict())
    return ours, theirs


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("padded", [True, False])
def test_equals_torch_forward_and_gradient(norm_first, activation, padded):
    ours, theirs = layers(norm_first, activation)
    a = torch.randn(2, 5, 12).double().requires_grad_()
    b = a.detach().clone().requires_grad_()
    seen = padding_mask(torch.tensor([3, 5]), 5) if padded else None
    out = ours(a, None if seen is None else seen[:, None, None])
    reference = theirs(b, src_key_padding_mask=None if seen is None else ~seen)
    torch.testing.assert_close(out, reference, rtol=0, atol=1e-10)
    out.pow(3).sum().backward()
    reference.pow(3).sum().backward()
    assert a.grad is not None
    assert b.grad is not None
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-10, atol=1e-9)
    for name in ("weight", "bias"):
        mine = getattr(ours.feed_forward.up, name).grad
        torch.testing.assert_close(mine, getattr(theirs.linear1, name).grad, rtol=1e-10, atol=1e-9)
    torch.testing.assert_close(
        ours.attention.o_proj.weight.grad, theirs.self_attn.out_proj.weight.grad,
        rtol=1e-10, atol=1e-9,
    )  # fmt: skip


def test_feed_forward_treats_positions_alike():
    torch.manual_seed(0)
    layer, x = FeedForward(6, 10, 0.0), torch.randn(2, 4, 6)
    torch.testing.assert_close(layer(x)[1, 2], layer(x[1, 2]))


def test_padding_does_not_change_the_real_positions():
    torch.manual_seed(0)
    layer, x = EncoderLayer(12, 3, 20).eval(), torch.randn(1, 5, 12)
    padded = torch.cat([x, torch.full((1, 3, 12), 50.0)], dim=1)
    mask = padding_mask(torch.tensor([5]), 8)[:, None, None]
    torch.testing.assert_close(layer(padded, mask)[:, :5], layer(x), rtol=1e-5, atol=1e-5)
