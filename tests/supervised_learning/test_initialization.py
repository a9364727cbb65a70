"""The standard deviations are torch's; the signal keeps its size where the theory says so."""

import math

import pytest
import torch
from torch import nn

from dlbook.supervised_learning.initialization import (
    ACTIVATIONS,
    dead_share,
    he_std,
    set_weights,
    signal_through_depth,
    xavier_std,
)


@pytest.mark.parametrize(("fan_in", "fan_out"), [(784, 256), (20, 900)])
def test_standard_deviations_are_torchs(fan_in: int, fan_out: int) -> None:
    torch.manual_seed(0)
    weight = torch.empty(fan_out, fan_in)
    assert nn.init.kaiming_normal_(weight).std().item() == pytest.approx(he_std(fan_in), rel=0.02)
    std = nn.init.xavier_normal_(weight).std().item()
    assert std == pytest.approx(xavier_std(fan_in, fan_out), rel=0.02)


@pytest.mark.parametrize(("name", "std"), [("ReLU", he_std(400)), ("線性", xavier_std(400, 400))])
def test_the_right_scale_keeps_the_signal_forward_and_backward(name: str, std: float) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(100, 400, generator=generator, dtype=torch.float64)
    forward, backward = signal_through_depth(x, 20, std, ACTIVATIONS[name], generator)
    assert len(forward) == len(backward) == 20
    scale = 1 / math.sqrt(2) if name == "ReLU" else 1  # half of a ReLU's output is zero
    assert forward[-1] == pytest.approx(scale, rel=0.4) or forward[-1] == pytest.approx(1, rel=0.4)
    assert backward[0] == pytest.approx(1, rel=0.5)


def test_half_the_scale_halves_the_signal_in_every_layer() -> None:
    x = torch.randn(50, 300, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    runs = [
        signal_through_depth(x, 6, s, torch.relu, torch.Generator().manual_seed(1))[0]
        for s in (0.08, 0.04)
    ]
    for depth, (a, b) in enumerate(zip(*runs, strict=True), 1):
        assert a / b == pytest.approx(2**depth)


def test_set_weights_gets_both_fans_and_dead_units_are_counted() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(300, 500), nn.ReLU(), nn.Linear(500, 4))
    set_weights(model, lambda fan_in, fan_out: fan_in / 1_000 + fan_out / 10_000)
    assert model[0].weight.std().item() == pytest.approx(0.35, rel=0.02)
    assert model[2].weight.std().item() == pytest.approx(0.5004, rel=0.05)
    assert model[0].bias.abs().max() == 0
    x = torch.randn(64, 300)
    assert dead_share(model, x) == 0
    with torch.no_grad():
        model[0].bias[:125] = -1e6
    assert dead_share(model, x) == 0.25
