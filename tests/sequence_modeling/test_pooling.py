"""Pooling: the mask holds, and attentive pooling starts as the mean."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from dlbook.sequence_modeling.attention import padding_mask
from dlbook.sequence_modeling.pooling import MeanPooling, SelfAttentivePooling


@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4), attentive=st.booleans())
def test_padding_has_no_say_and_weights_sum_to_one(lengths, attentive):
    torch.manual_seed(0)
    pool = SelfAttentivePooling(6, 5) if attentive else MeanPooling()
    if isinstance(pool, SelfAttentivePooling):
        torch.nn.init.normal_(pool.second.weight)
    h, seen = torch.randn(len(lengths), 9, 6), padding_mask(torch.tensor(lengths), 9)
    weights = pool.weights(h, seen)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(lengths)))
    assert weights[~seen].eq(0).all()
    alone = torch.cat(
        [
            pool(x[None, :n], torch.ones(1, n, dtype=torch.bool))
            for x, n in zip(h, lengths, strict=True)
        ]
    )
    torch.testing.assert_close(pool(h, seen), alone)


def test_attentive_pooling_starts_as_the_mean_and_learns():
    torch.manual_seed(0)
    pool = SelfAttentivePooling(6, 5)
    h, seen = torch.randn(2, 7, 6), padding_mask(torch.tensor([4, 7]), 7)
    torch.testing.assert_close(pool(h, seen), MeanPooling()(h, seen))
    pool(h, seen).square().sum().backward()
    assert pool.second.weight.grad is not None
    assert pool.second.weight.grad.abs().sum() > 0


def test_is_attention_with_one_learnt_query():
    """softmax(v·tanh(W h)) is additive attention whose query adds a constant (the bias of W)."""
    torch.manual_seed(0)
    pool = SelfAttentivePooling(6, 5)
    torch.nn.init.normal_(pool.second.weight)
    h = torch.randn(3, 4, 6)
    scores = torch.stack(
        [
            pool.second.weight[0] @ torch.tanh(pool.first.weight @ x + pool.first.bias)
            for x in h.flatten(0, 1)
        ]
    ).reshape(3, 4)
    weights = pool.weights(h, torch.ones(3, 4, dtype=torch.bool))
    torch.testing.assert_close(weights, scores.softmax(dim=1))
