"""Packing wastes nothing; accumulated gradients are the large batch's; recomputing changes nothing."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlbook.sequence_modeling.gpt import GPT
from dlbook.sequence_modeling.poem_corpus import next_character_loss
from dlbook.sequence_modeling.pretraining import accumulate_gradients, pack, recompute_layers


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 7))
def test_rows_are_the_stream_and_targets_are_one_ahead(lengths: list[int], length: int) -> None:
    stream = torch.arange(sum(lengths))
    documents = stream.split(lengths)
    if sum(lengths) - 1 < length:
        with pytest.raises(ValueError, match="裝不滿"):
            pack(documents, length)
        return
    x, y = pack(documents, length)
    assert torch.equal(x.flatten(), stream[: x.numel()])
    assert torch.equal(y, x + 1)
    assert len(stream) - 1 - x.numel() < length


def model_and_batch() -> tuple[GPT, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return GPT(40, 16, 2, 3, 10), torch.randint(40, (12, 10)), torch.randint(40, (12, 10))


@pytest.mark.parametrize("pieces", [1, 2, 3, 12])
def test_accumulated_gradients_equal_the_large_batch(pieces: int) -> None:
    model, x, y = model_and_batch()
    loss = next_character_loss(model(x), y)
    loss.backward()
    whole = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    assert accumulate_gradients(model, next_character_loss, x, y, pieces) == pytest.approx(
        loss.item(), rel=1e-5
    )
    for parameter, gradient in zip(model.parameters(), whole, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-6, rtol=1e-4)


def test_uneven_pieces_are_an_error() -> None:
    model, x, y = model_and_batch()
    with pytest.raises(ValueError, match="12 列無法平分成 5 份"):
        accumulate_gradients(model, next_character_loss, x, y, 5)


def test_recomputing_gives_the_same_loss_and_gradients_and_keeps_less() -> None:
    model, x, y = model_and_batch()
    twin = recompute_layers(copy.deepcopy(model))
    kept: dict[str, int] = {}
    for name, each in (("plain", model), ("recomputed", twin)):
        saved = 0

        def pack_hook(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal saved
            saved += tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack_hook, lambda tensor: tensor):
            loss = next_character_loss(each(x), y)
        kept[name] = saved
        loss.backward()
    assert kept["recomputed"] < 0.5 * kept["plain"]
    for mine, yours in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, yours.grad)
