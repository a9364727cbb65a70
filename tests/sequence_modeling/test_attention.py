"""Attention against PyTorch's own, grouped heads, masks and errors."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from dlbook.sequence_modeling.attention import (
    attention_weights,
    causal_mask,
    scaled_dot_product_attention,
)


def _qkv(heads, kv_heads, queries=5, keys=5, dim=8, grad=True):
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, heads, queries, dim), (2, kv_heads, keys, dim), (2, kv_heads, keys, dim)]
    return [
        torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=grad) for s in shapes
    ]


@pytest.mark.parametrize("kv_heads", [6, 3, 2, 1])
@pytest.mark.parametrize("causal", [False, True])
def test_forward_and_gradient_equal_torch(kv_heads, causal):
    ours, theirs = _qkv(6, kv_heads), _qkv(6, kv_heads)
    mask = causal_mask(5, 5) if causal else None
    out = scaled_dot_product_attention(*ours, mask)
    reference = F.scaled_dot_product_attention(*theirs, attn_mask=mask, enable_gqa=True)
    torch.testing.assert_close(out, reference, rtol=0, atol=1e-10)
    out.square().sum().backward()
    reference.square().sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-10)


@given(queries=st.integers(1, 6), extra=st.integers(0, 6))
def test_causal_mask_lets_the_last_queries_see_their_past(queries, extra):
    mask = causal_mask(queries, queries + extra)
    for i in range(queries):
        assert mask[i].tolist() == [j <= i + extra for j in range(queries + extra)]


def test_weights_sum_to_one_over_the_keys_and_hide_the_future():
    q, k, _ = _qkv(4, 2, queries=3, keys=7, grad=False)
    weights = attention_weights(q, k, causal_mask(3, 7))
    assert weights.shape == (2, 4, 3, 7)
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights.sum(-1)))
    assert weights.masked_select(~causal_mask(3, 7)).eq(0).all()


def test_errors_say_what_is_wrong():
    with pytest.raises(ValueError, match="至少要看得到自己"):
        causal_mask(4, 3)
    q, k, _ = _qkv(4, 3, grad=False)
    with pytest.raises(ValueError, match="4 個 query 頭無法平分給 3 個"):
        attention_weights(q, k)
