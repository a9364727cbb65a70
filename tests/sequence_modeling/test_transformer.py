"""The encoder–decoder equals nn.Transformer; a cache changes nothing; padding is invisible."""

import pytest
import torch
from torch import Tensor, nn

from dlbook.sequence_modeling.transformer import Transformer

VOCAB, DIM, HEADS, HIDDEN, LAYERS = 50, 32, 4, 64, 2


def copy_attention(ours: nn.Module, theirs: nn.MultiheadAttention) -> None:
    weights = [ours.q_proj.weight, ours.k_proj.weight, ours.v_proj.weight]
    biases = [ours.q_proj.bias, ours.k_proj.bias, ours.v_proj.bias]
    theirs.in_proj_weight.copy_(torch.cat(weights))
    theirs.in_proj_bias.copy_(torch.cat(biases))
    theirs.out_proj.load_state_dict(ours.o_proj.state_dict())


@torch.no_grad()
def library(model: Transformer) -> nn.Transformer:
    """torch's own with the same weights (pre-norm, no dropout)."""
    theirs = nn.Transformer(
        DIM, HEADS, LAYERS, LAYERS, HIDDEN, dropout=0.0, batch_first=True, norm_first=True
    )
    for ours, layer in zip(model.encoder, theirs.encoder.layers, strict=True):
        copy_attention(ours.attention, layer.self_attn)
        names = {"feed_forward.up": "linear1", "feed_forward.down": "linear2"}
        copy_parts(ours, layer, names | {n: n for n in ("norm1", "norm2")})
    for ours, layer in zip(model.decoder, theirs.decoder.layers, strict=True):
        copy_attention(ours.self_attention, layer.self_attn)
        copy_attention(ours.cross_attention, layer.multihead_attn)
        copy_parts(ours, layer, names | {n: n for n in ("norm1", "norm2", "norm3")})
    theirs.encoder.norm.load_state_dict(model.encoder_norm.state_dict())
    theirs.decoder.norm.load_state_dict(model.decoder_norm.state_dict())
    return theirs


def copy_parts(ours: nn.Module, theirs: nn.Module, names: dict[str, str]) -> None:
    for mine, yours in names.items():
        theirs.get_submodule(yours).load_state_dict(ours.get_submodule(mine).state_dict())


@pytest.fixture
def model() -> Transformer:
    torch.manual_seed(0)
    model = Transformer(VOCAB, DIM, HEADS, HIDDEN, LAYERS, dropout=0.0, max_length=20)
    for norm in (m for m in model.modules() if isinstance(m, nn.LayerNorm)):
        nn.init.normal_(norm.weight, 1, 0.3)
        nn.init.normal_(norm.bias, 0, 0.3)
    return model


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    source, target = torch.randint(3, VOCAB, (3, 9)), torch.randint(3, VOCAB, (3, 7))
    source[0, 6:], source[2, 4:], target[1, 5:] = 0, 0, 0
    return source, target


def run_library(
    theirs: nn.Transformer, model: Transformer, source: Tensor, target: Tensor
) -> Tensor:
    hidden = theirs(
        model.embed(source),
        model.embed(target),
        tgt_mask=nn.Transformer.generate_square_subsequent_mask(target.shape[1]).isinf(),
        src_key_padding_mask=source == 0,
        memory_key_padding_mask=source == 0,
    )
    return hidden @ model.embedding.weight.T


def test_logits_and_gradients_equal_torch(model: Transformer, batch: tuple[Tensor, Tensor]) -> None:
    theirs = library(model)
    weights = torch.randn(3, 7, VOCAB)
    results = []
    for logits in (model(*batch), run_library(theirs, model, *batch)):
        model.zero_grad()
        (logits * weights).sum().backward()
        results.append((logits.detach(), model.embedding.weight.grad.clone()))
    torch.testing.assert_close(results[0][0], results[1][0], atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(results[0][1], results[1][1], atol=1e-3, rtol=1e-3)
    model.zero_grad()
    (model(*batch) * weights).sum().backward()
    for ours, layer in zip(model.decoder, theirs.decoder.layers, strict=True):
        torch.testing.assert_close(
            ours.cross_attention.o_proj.weight.grad,
            layer.multihead_attn.out_proj.weight.grad,
            atol=1e-3,
            rtol=1e-3,
        )
    for ours, layer in zip(model.encoder, theirs.encoder.layers, strict=True):
        torch.testing.assert_close(
            ours.feed_forward.up.weight.grad, layer.linear1.weight.grad, atol=1e-3, rtol=1e-3
        )


def test_writing_token_by_token_equals_writing_at_once(
    model: Transformer, batch: tuple[Tensor, Tensor]
) -> None:
    source, target = batch
    at_once = model(source, target)
    memory = model.encode(source)
    steps = [model.decode(target[:, i : i + 1], memory) for i in range(target.shape[1])]
    torch.testing.assert_close(torch.cat(steps, 1), at_once, atol=1e-5, rtol=1e-4)
    rows = torch.tensor([2, 0, 0])
    memory = model.encode(source)
    model.decode(target[:, :3], memory)
    moved = model.decode(target[rows, 3:], memory.select(rows))
    torch.testing.assert_close(moved, at_once[rows, 3:], atol=1e-5, rtol=1e-4)


def test_padding_and_the_future_are_invisible(
    model: Transformer, batch: tuple[Tensor, Tensor]
) -> None:
    source, target = batch
    alone = model(source[2:, :4], target[2:])
    torch.testing.assert_close(model(source, target)[2:], alone, atol=1e-5, rtol=1e-4)
    changed = target.clone()
    changed[:, 4:] = 7
    torch.testing.assert_close(model(source, changed)[:, :4], model(source, target)[:, :4])
    assert not torch.allclose(model(source, changed)[:, 4:], model(source, target)[:, 4:])


def test_too_long_a_sentence_is_an_error(model: Transformer) -> None:
    with pytest.raises(ValueError, match="最多 20 個 token"):
        model.encode(torch.ones(1, 21, dtype=torch.long))
