"""Layers against nn.RNN, nn.LSTM and nn.GRU: layers, directions, packed, given state, gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from dlbook.sequence_modeling.recurrent import Recurrent
from dlbook.sequence_modeling.recurrent_cells import STEPS

THEIRS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}


def flat(result) -> list[torch.Tensor]:
    """Output and states as a list of tensors."""
    output, state = result
    output = output.data if isinstance(output, PackedSequence) else output
    return [output, *(state if isinstance(state, tuple) else [state])]


@given(
    kind=st.sampled_from(list(STEPS)),
    layers=st.integers(1, 2),
    bidirectional=st.booleans(),
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    packed=st.booleans(),
    with_state=st.booleans(),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_equals_torch(kind, layers, bidirectional, lengths, packed, with_state, seed) -> None:
    torch.manual_seed(seed)
    ours = Recurrent(kind, 3, 4, layers, bidirectional=bidirectional).double()
    theirs = THEIRS[kind](3, 4, layers, batch_first=True, bidirectional=bidirectional).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(len(lengths), max(lengths), 3, dtype=torch.float64, requires_grad=True)
    state = None
    if with_state:
        shape = (layers * (1 + bidirectional), len(lengths), 4)
        state = torch.randn(shape, dtype=torch.float64)
        state = (state, state.flip(0)) if kind == "LSTM" else state

    def run(layer):
        if not packed:
            return flat(layer(x, state))
        bundle = pack_padded_sequence(x, torch.tensor(lengths), True, enforce_sorted=False)
        return flat(layer(bundle, state))

    results = [run(layer) for layer in (ours, theirs)]
    torch.testing.assert_close(*results, atol=1e-10, rtol=0)
    gradients = [
        torch.autograd.grad(
            sum((i + 1) * t.sin().sum() for i, t in enumerate(result)), [x, *layer.parameters()]
        )
        for result, layer in zip(results, (ours, theirs), strict=True)
    ]
    torch.testing.assert_close(*gradients, atol=1e-10, rtol=0)


def test_packing_ignores_what_is_in_the_padding() -> None:
    torch.manual_seed(0)
    layer = Recurrent("LSTM", 3, 4, bidirectional=True)
    x = torch.randn(2, 5, 3)
    other = x.clone()
    other[1, 2:] = 99.0
    states = [layer(pack_padded_sequence(v, torch.tensor([5, 2]), True))[1] for v in (x, other)]
    torch.testing.assert_close(*states)


def test_unknown_kind() -> None:
    with pytest.raises(ValueError, match="沒有「rnn」"):
        Recurrent("rnn", 2, 3)
