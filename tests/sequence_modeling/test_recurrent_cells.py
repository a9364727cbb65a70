"""Cells against torch's, forward and gradient."""

import pytest
import torch
from torch import nn

from dlbook.sequence_modeling.recurrent_cells import STEPS, RecurrentCell

THEIRS = {"RNN": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}


@pytest.mark.parametrize("kind", STEPS)
def test_equals_torch_forward_and_gradient(kind: str) -> None:
    torch.manual_seed(0)
    ours, theirs = RecurrentCell(kind, 3, 5).double(), THEIRS[kind](3, 5).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(4, 3, dtype=torch.float64)
    start = tuple(torch.randn(4, 5, dtype=torch.float64) for _ in range(ours.states))
    for state in (None, start):
        mine = ours(x, state)
        given = state if state is None or kind == "LSTM" else state[0]
        reference = theirs(x, given)
        reference = reference if kind == "LSTM" else (reference,)
        torch.testing.assert_close(mine, tuple(reference), atol=1e-10, rtol=0)
        gradients = [
            torch.autograd.grad(sum(s.square().sum() for s in out), cell.parameters())
            for out, cell in ((mine, ours), (reference, theirs))
        ]
        torch.testing.assert_close(*gradients, atol=1e-10, rtol=0)


def test_a_saturated_update_gate_keeps_the_state() -> None:
    cell = RecurrentCell("GRU", 2, 3)
    with torch.no_grad():
        cell.bias_ih[3:6] = 100.0
    h = torch.randn(4, 3)
    torch.testing.assert_close(cell(torch.randn(4, 2), (h,))[0], h)


def test_unknown_kind() -> None:
    with pytest.raises(ValueError, match="沒有「CNN」"):
        RecurrentCell("CNN", 2, 3)
