"""The scalar engine's gradients are PyTorch's."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlbook.foundations.scalar_graph import Value

NUMBERS = st.floats(-2, 2)


def expression(a, b, c):
    d = a * b + c
    return (d.tanh() * d + (a * c).exp()) * d


@given(NUMBERS, NUMBERS, NUMBERS)
def test_value_and_gradients_are_torchs(a: float, b: float, c: float) -> None:
    mine = [Value(x) for x in (a, b, c)]
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (a, b, c)]
    ours, reference = expression(*mine), expression(*theirs)
    ours.backward()
    reference.backward()
    assert ours.data == pytest.approx(reference.item(), abs=1e-12, rel=1e-12)
    for m, t in zip(mine, theirs, strict=True):
        assert m.grad == pytest.approx(t.grad.item(), abs=1e-9, rel=1e-9)


def test_a_number_used_twice_gets_both_gradients() -> None:
    x = Value(3.0)
    (x * x).backward()
    assert x.grad == 6.0
