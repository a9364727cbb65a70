"""Our GPT equals transformers' GPT-2 with its weights: logits and gradients."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from dlbook.sequence_modeling.gpt import GPT, from_gpt2

SHAPE = {"vocab_size": 61, "n_embd": 32, "n_head": 4, "n_layer": 3, "n_positions": 24}


@pytest.fixture(scope="module")
def pair() -> tuple[GPT, GPT2LMHeadModel]:
    torch.manual_seed(0)
    config = GPT2Config(**SHAPE, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    theirs = GPT2LMHeadModel(config)
    with torch.no_grad():  # fresh biases are zero and norms one: shake them, or a mix-up hides
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    ours = GPT(61, 32, 4, 3, 24)
    ours.load_state_dict(from_gpt2(theirs.state_dict()))
    return ours, theirs


def test_logits_and_gradients_equal_gpt2(pair: tuple[GPT, GPT2LMHeadModel]) -> None:
    ours, theirs = pair
    tokens = torch.randint(61, (3, 17))
    mine, yours = ours(tokens), theirs(tokens).logits
    torch.testing.assert_close(mine, yours, atol=1e-4, rtol=1e-4)
    weights = torch.randn_like(mine)
    (mine * weights).sum().backward()
    (yours * weights).sum().backward()
    gradients = from_gpt2({n: p.grad for n, p in theirs.named_parameters()})
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(
            parameter.grad, gradients[name], atol=2e-3, rtol=1e-3, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_it_has_as_many_parameters_as_gpt2(pair: tuple[GPT, GPT2LMHeadModel]) -> None:
    ours, theirs = pair
    assert sum(p.numel() for p in ours.parameters()) == theirs.num_parameters()


def test_initialisation_is_gpt2s() -> None:
    torch.manual_seed(0)
    model = GPT(500, 64, 4, 8, 32)
    layer = model.layers[3]
    assert layer.feed_forward.up.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert layer.feed_forward.down.weight.std().item() == pytest.approx(0.02 / 4, rel=0.05)
    assert layer.attention.o_proj.weight.std().item() == pytest.approx(0.02 / 4, rel=0.1)
    assert layer.attention.q_proj.bias.abs().max() == 0
    assert layer.norm1.weight.eq(1).all()


def test_the_future_is_invisible(pair: tuple[GPT, GPT2LMHeadModel]) -> None:
    ours, _ = pair
    tokens = torch.randint(61, (1, 12))
    changed = tokens.clone()
    changed[:, 7:] = 3
    torch.testing.assert_close(ours(tokens)[:, :7], ours(changed)[:, :7])


def test_too_long_is_an_error(pair: tuple[GPT, GPT2LMHeadModel]) -> None:
    with pytest.raises(ValueError, match="最多 24 個 token，收到 25 個"):
        pair[0](torch.zeros(1, 25, dtype=torch.long))
