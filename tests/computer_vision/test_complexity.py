"""Multiply–adds by hand; channels last changes how weights lie in memory and nothing else."""

import torch
from torch import nn

from dlbook.computer_vision.complexity import channels_last, count_macs, count_parameters


def test_macs_and_parameters_by_hand() -> None:
    model = nn.Sequential(
        nn.Conv2d(4, 6, 3, padding=1, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 25, 7)
    )
    assert count_macs(model, (4, 5, 5)) == 6 * 25 * (2 * 9) + 6 * 25 * 7
    assert count_parameters(model) == 6 * 2 * 9 + 6 + 6 * 25 * 7 + 7
    assert model.training
    assert not any(layer._forward_hooks for layer in model)


def test_channels_last_keeps_every_number() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6)), torch.randn(2, 4, 8, 8)
    before = model(x)
    assert channels_last(model) is model
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(model(x), before)
