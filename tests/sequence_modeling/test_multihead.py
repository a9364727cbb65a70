"""Multi-head attention against nn.MultiheadAttention, forward and gradient."""

import pytest
import torch
from torch import nn

from dlbook.sequence_modeling.attention import causal_mask, padding_mask
from dlbook.sequence_modeling.multihead import MultiHeadAttention

from .copying import copy_into


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["none", "causal", "padding", "cross"])
def test_equals_torch_forward_and_gradient(kind, bias):
    torch.manual_seed(0)
    ours = MultiHeadAttention(12, 3, bias=bias).double()
    theirs = nn.MultiheadAttention(12, 3, bias=bias, batch_first=True).double()
    copy_into(theirs, ours)
    keys = 7 if kind == "cross" else 5
    query, memory = torch.randn(2, 5, 12).double(), torch.randn(2, keys, 12).double()
    key = memory if kind == "cross" else query
    seen = padding_mask(torch.tensor([3, 5]), 5)
    mask = {"causal": causal_mask(5, 5), "padding": seen[:, None, None]}.get(kind)
    options = {
        "causal": {"attn_mask": ~causal_mask(5, 5)},
        "padding": {"key_padding_mask": ~seen},
    }.get(kind, {})
    a = [x.clone().requires_grad_() for x in (query, key, key)]
    b = [x.clone().requires_grad_() for x in (query, key, key)]
    out = ours(*a, mask)
    reference, weights = theirs(*b, average_attn_weights=False, **options)
    torch.testing.assert_close(out, reference, rtol=0, atol=1e-10)
    out.square().sum().backward()
    reference.square().sum().backward()
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(x.grad, y.grad, rtol=0, atol=1e-10)
    gradients = [p.weight.grad for p in (ours.q_proj, ours.k_proj, ours.v_proj)]
    joined = torch.cat([g for g in gradients if g is not None])
    torch.testing.assert_close(joined, theirs.in_proj_weight.grad, rtol=0, atol=1e-10)
    torch.testing.assert_close(
        ours.o_proj.weight.grad, theirs.out_proj.weight.grad, rtol=0, atol=1e-10
    )
    seen_weights = []
    ours.pattern.register_forward_hook(lambda _m, _in, output: seen_weights.append(output))
    ours(*a, mask)
    torch.testing.assert_close(seen_weights[0], weights, rtol=0, atol=1e-10)


def test_dropout_only_in_training():
    torch.manual_seed(0)
    layer, x = MultiHeadAttention(8, 2, dropout=0.5), torch.randn(1, 6, 8)
    assert not torch.equal(layer(x, x, x), layer(x, x, x))
    layer.eval()
    torch.testing.assert_close(layer(x, x, x), layer(x, x, x))


def test_permuting_the_keys_changes_nothing_and_the_queries_are_equivariant():
    torch.manual_seed(0)
    layer, x = MultiHeadAttention(8, 2).double(), torch.randn(1, 6, 8).double()
    order = torch.randperm(6)
    torch.testing.assert_close(layer(x, x[:, order], x[:, order]), layer(x, x, x))
    shuffled = x[:, order]
    torch.testing.assert_close(layer(shuffled, shuffled, shuffled), layer(x, x, x)[:, order])


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="寬度 10 無法平分給 3 個頭"):
        MultiHeadAttention(10, 3)
