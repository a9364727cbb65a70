"""Attention against PyTorch's own, grouped heads, masks and errors."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from dlbook.sequence_modeling.attention import (
    attention_weights,
    causal_mask,
    padding_mask,
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


@pytest.mark.parametrize(
    "shape", [(5, 7), (1, 7), (2, 1, 1, 7), (2, 1, 5, 7), (1, 6, 5, 7), (2, 6, 5, 7), (2, 6, 5, 1)]
)
@pytest.mark.parametrize("kv_heads", [6, 2])
def test_masks_with_batch_and_heads_equal_torch(shape, kv_heads):
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(1)) < 0.6
    ours, theirs = _qkv(6, kv_heads, keys=7), _qkv(6, kv_heads, keys=7)
    out = scaled_dot_product_attention(*ours, mask)
    reference = F.scaled_dot_product_attention(*theirs, attn_mask=mask, enable_gqa=True)
    torch.testing.assert_close(out, reference, rtol=0, atol=1e-10)
    out.square().sum().backward()
    reference.square().sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-10)


def test_a_query_that_sees_nothing_gives_zeros_and_finite_gradients():
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[2] = False
    q, k, v = _qkv(2, 2)
    weights = attention_weights(q, k, mask)
    assert weights[:, :, 2].eq(0).all()
    assert weights.isfinite().all()
    out = scaled_dot_product_attention(q, k, v, mask)
    reference = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    torch.testing.assert_close(out, reference, rtol=0, atol=1e-10)
    out.square().sum().backward()
    assert all(x.grad.isfinite().all() for x in (q, k, v))
    assert q.grad[:, :, 2].eq(0).all()


@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5), extra=st.integers(0, 3))
def test_padding_mask_marks_the_first_positions(lengths, extra):
    longest = max(lengths) + extra
    mask = padding_mask(torch.tensor(lengths), longest)
    assert mask.tolist() == [[j < n for j in range(longest)] for n in lengths]


def test_padding_is_not_attended_to():
    q, k, v = _qkv(2, 2, queries=5, keys=5, grad=False)
    mask = padding_mask(torch.tensor([3, 5]), 5)[:, None, None]
    out = scaled_dot_product_attention(q, k, v, mask)
    k[0, :, 3:], v[0, :, 3:] = 99.0, -99.0
    torch.testing.assert_close(scaled_dot_product_attention(q, k, v, mask), out)
    alone = scaled_dot_product_attention(q[:1], k[:1, :, :3], v[:1, :, :3])
    torch.testing.assert_close(out[:1], alone)


def test_errors_say_what_is_wrong():
    with pytest.raises(ValueError, match="至少要看得到自己"):
        causal_mask(4, 3)
    q, k, _ = _qkv(4, 3, grad=False)
    with pytest.raises(ValueError, match="4 個 query 頭無法平分給 3 個"):
        attention_weights(q, k)
    with pytest.raises(ValueError, match=r"長度要在 0 到 3 之間，收到 \[2, 4\]"):
        padding_mask(torch.tensor([2, 4]), 3)
    q, k, _ = _qkv(4, 4, grad=False)
    with pytest.raises(TypeError, match="遮罩要是布林"):
        attention_weights(q, k, torch.zeros(5, 5))
    for shape in [(2, 5), (3, 1, 5, 5), (1, 2, 4, 5, 5)]:
        with pytest.raises(ValueError, match="無法廣播"):
            attention_weights(q, k, torch.ones(shape, dtype=torch.bool))
