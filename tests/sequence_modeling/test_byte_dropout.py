"""ByteDropout does what nn.Dropout does, with probabilities in 256ths."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dlbook.sequence_modeling.byte_dropout import ByteDropout, random_bytes, use_byte_dropout
from dlbook.sequence_modeling.transformer import Transformer


@given(
    st.floats(0, 0.99),
    st.lists(st.integers(0, 5), max_size=3),
    st.sampled_from([torch.float32, torch.bfloat16, torch.float64]),
)
def test_an_element_is_dropped_or_scaled(p: float, shape: list[int], dtype: torch.dtype) -> None:
    dropout = ByteDropout(p)
    found = dropout(torch.ones(shape, dtype=dtype))
    kept = torch.tensor(256 / (256 - dropout.dropped), dtype=dtype)
    assert found.shape == tuple(shape)
    assert found.dtype == dtype
    assert ((found == 0) | (found == kept)).all()


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_as_many_are_dropped_as_by_dropout_and_the_mean_stays(p: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(1_000, 1_000)
    ours, theirs = ByteDropout(p)(x), nn.Dropout(p)(x)
    dropped = [(found == 0).float().mean().item() for found in (ours, theirs)]
    assert dropped[0] == pytest.approx(dropped[1], abs=1 / 256)
    assert ours.mean().item() == pytest.approx(1, abs=0.01)
    # Neighbours, which share a 64-bit number, are independent.
    zero = (ours == 0).float()
    assert (zero[:, 1:] * zero[:, :-1]).mean().item() == pytest.approx(dropped[0] ** 2, abs=0.003)


def test_every_byte_is_as_common() -> None:
    torch.manual_seed(0)
    counts = torch.bincount(random_bytes(2_560_000, torch.device("cpu")).long(), minlength=256)
    assert counts.min() > 9_600
    assert counts.max() < 10_400
    assert len(random_bytes(13, torch.device("cpu"))) == 13


def test_the_gradient_flows_through_what_was_kept() -> None:
    torch.manual_seed(0)
    x = torch.randn(50, requires_grad=True)
    found = ByteDropout(0.5)(x)
    found.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, (found != 0) * 2.0)


def test_nothing_happens_in_eval() -> None:
    x = torch.randn(5)
    assert ByteDropout(0.5).eval()(x) is x


def test_every_dropout_of_a_model_is_replaced_and_its_answers_stay() -> None:
    torch.manual_seed(0)
    model = Transformer(20, 8, 2, 16, 1, dropout=0.3).eval()
    source, target = torch.randint(3, 20, (2, 5)), torch.randint(3, 20, (2, 4))
    before = model(source, target)
    use_byte_dropout(model)
    assert not any(isinstance(module, nn.Dropout) for module in model.modules())
    assert sum(isinstance(module, ByteDropout) for module in model.modules()) > 5
    assert torch.equal(model(source, target), before)
    assert not torch.equal(model.train()(source, target), before)


@pytest.mark.parametrize("p", [-0.1, 1.0, 2.0])
def test_a_wrong_probability_is_named(p: float) -> None:
    with pytest.raises(ValueError, match="機率要在 0 與 1 之間"):
        ByteDropout(p)
