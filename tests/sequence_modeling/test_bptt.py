"""The hand-written backward pass against autograd, whole and truncated."""

import pytest
import torch

from dlbook.sequence_modeling.bptt import rnn_backward, rnn_forward


def problem():
    generator = torch.Generator().manual_seed(0)
    shapes = {"x": (3, 9, 2), "h0": (3, 4), "w_x": (4, 2), "w_h": (4, 4), "b": (4,)}
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
        for name, shape in shapes.items()
    }


def test_forward_equals_torch() -> None:
    p = problem()
    rnn = torch.nn.RNN(2, 4, batch_first=True).double()
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(p["w_x"])
        rnn.weight_hh_l0.copy_(p["w_h"])
        rnn.bias_ih_l0.copy_(p["b"])
        rnn.bias_hh_l0.zero_()
    theirs, _ = rnn(p["x"], p["h0"][None])
    torch.testing.assert_close(rnn_forward(**p)[:, 1:], theirs, atol=1e-10, rtol=0)


@pytest.mark.parametrize("chunk", [None, 1, 3, 4, 9])
def test_backward_equals_autograd(chunk: int | None) -> None:
    p = problem()
    weights = [p[name] for name in ("w_x", "w_h", "b")]
    states, start = [p["h0"][:, None]], p["h0"]
    for piece in p["x"].split(chunk or 9, dim=1):
        states.append(rnn_forward(piece, start, *weights)[:, 1:])
        start = states[-1][:, -1].detach() if chunk else states[-1][:, -1]
    h = torch.cat(states, dim=1)
    loss = (h[:, 1:].sin() * torch.arange(1, 10)[:, None]).sum()
    names = list(p)
    expected = dict(zip(names, torch.autograd.grad(loss, list(p.values())), strict=True))
    with torch.no_grad():
        direct = h[:, 1:].cos() * torch.arange(1, 10)[:, None]
        ours = rnn_backward(p["x"], h, direct, p["w_x"], p["w_h"], chunk=chunk)
    for name in names:
        if name == "h0" and chunk == 9:
            continue
        torch.testing.assert_close(ours[name], expected[name], atol=1e-10, rtol=0)
