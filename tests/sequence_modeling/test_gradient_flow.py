"""Norms of Jacobians against autograd through the whole sequence; radius and bias are as asked."""

import pytest
import torch

from dlbook.sequence_modeling.gradient_flow import (
    chrono_init,
    jacobian_norms,
    set_forget_bias,
    set_spectral_radius,
)
from dlbook.sequence_modeling.recurrent_cells import STEPS, RecurrentCell


@pytest.mark.parametrize("kind", STEPS)
def test_norms_equal_autograd_through_the_sequence(kind: str) -> None:
    torch.manual_seed(0)
    cell = RecurrentCell(kind, 2, 3).double()
    x = torch.randn(6, 2, dtype=torch.float64)
    norms = jacobian_norms(cell, x)
    for lag in range(6):
        state = torch.cat(cell.start(x[:1]), dim=1)[0]
        for now in x[: 6 - lag]:
            state = torch.cat(cell(now[None], tuple(state[None].split(3, dim=1))), dim=1)[0]

        def rest(s, lag=lag):
            for now in x[6 - lag :]:
                s = torch.cat(cell(now[None], tuple(s[None].split(3, dim=1))), dim=1)[0]
            return s

        jacobian = torch.autograd.functional.jacobian(rest, state.detach())
        expected = torch.linalg.matrix_norm(jacobian, ord=2)
        torch.testing.assert_close(norms[lag], expected, atol=1e-10, rtol=0)


def test_spectral_radius() -> None:
    matrix = set_spectral_radius(torch.randn(8, 8, dtype=torch.float64), 1.3)
    assert torch.linalg.eigvals(matrix).abs().max().item() == pytest.approx(1.3)


def test_forget_bias_sets_only_the_forget_gate() -> None:
    layer = torch.nn.LSTM(2, 4)
    before = layer.bias_ih_l0.detach().clone()
    set_forget_bias(layer, 3.0)
    assert layer.bias_ih_l0[4:8].tolist() == [3.0] * 4
    assert layer.bias_hh_l0[4:8].tolist() == [0.0] * 4
    assert torch.equal(layer.bias_ih_l0[8:], before[8:])
    assert torch.equal(layer.bias_ih_l0[:4], before[:4])


def test_chrono_spreads_the_time_constants() -> None:
    torch.manual_seed(0)
    layer = torch.nn.LSTM(2, 200)
    chrono_init(layer, 100)
    forget = layer.bias_ih_l0[200:400]
    assert torch.equal(layer.bias_ih_l0[:200], -forget)
    assert 1 <= forget.exp().min() < 5 < 90 < forget.exp().max() <= 99
    assert layer.bias_hh_l0.abs().sum() == layer.bias_ih_l0[400:].abs().sum() == 0
