"""Looking inside must not disturb the model, and must see the right thing."""

import pytest
import torch

from dlbook.sequence_modeling.interpretability import (
    ablate_heads,
    attention_maps,
    induction_scores,
    logit_lens,
    residual_stream,
    steer,
    token_losses,
)
from dlbook.sequence_modeling.llama import Llama, LlamaConfig

CONFIG = LlamaConfig(30, 24, 32, 3, 4, 2)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Llama(CONFIG).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def tokens():
    return torch.randint(30, (2, 9), generator=torch.Generator().manual_seed(0))


def test_residual_stream_starts_at_the_embedding_and_ends_at_the_logits(model, tokens):
    stream = residual_stream(model, tokens)
    assert stream.shape == (4, 2, 9, 24)
    torch.testing.assert_close(stream[0], model.embed_tokens(tokens))
    torch.testing.assert_close(logit_lens(model, tokens)[-1], model(tokens))


def test_attention_maps_are_causal_distributions(model, tokens):
    maps = attention_maps(model, tokens)
    assert maps.shape == (3, 2, 4, 9, 9)
    torch.testing.assert_close(maps.sum(-1), torch.ones(3, 2, 4, 9))
    assert maps.triu(1).eq(0).all()


def test_hooks_are_removed(model, tokens):
    before = model(tokens)
    attention_maps(model, tokens)
    with ablate_heads(model, [(0, 1)]), steer(model, 1, torch.ones(24)):
        assert not torch.allclose(model(tokens), before)
    with pytest.raises(RuntimeError, match="boom"), steer(model, 1, torch.ones(24)):
        raise RuntimeError("boom")
    assert torch.equal(model(tokens), before)


def test_a_perfect_induction_head_scores_one():
    period, length = 4, 8
    maps = torch.zeros(1, 1, 2, length, length)
    maps[..., 0] = 1  # head 1 looks at the first token only
    maps[0, 0, 0] = 0
    for query in range(length):
        maps[0, 0, 0, query, max(query - period + 1, 0)] = 1
    scores = induction_scores(maps, period)
    assert scores.shape == (1, 2)
    assert scores[0, 0] == 1
    assert scores[0, 1] == 0


def test_ablating_a_head_is_zeroing_its_columns_of_the_output_matrix(model, tokens):
    with ablate_heads(model, [(1, 2), (1, 3)]):
        ablated = model(tokens)
    weight = model.layers[1].self_attn.o_proj.weight
    kept = weight.clone()
    weight[:, 12:24] = 0
    expected = model(tokens)
    weight.copy_(kept)
    torch.testing.assert_close(ablated, expected)


def test_steering_adds_to_the_stream(model, tokens):
    direction = torch.arange(24.0)
    before = residual_stream(model, tokens)
    with steer(model, 1, direction):
        after = residual_stream(model, tokens)
    torch.testing.assert_close(after[:2], before[:2])
    torch.testing.assert_close(after[2], before[2] + direction)


def test_token_losses_average_to_the_usual_loss(model, tokens):
    losses = token_losses(model, tokens)
    assert losses.shape == (2, 8)
    expected = torch.nn.functional.cross_entropy(
        model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()
    )
    torch.testing.assert_close(losses.mean(), expected)
    shifted = token_losses(model, tokens, positions=torch.arange(9) + 100)
    torch.testing.assert_close(shifted, losses, rtol=1e-3, atol=1e-3)
