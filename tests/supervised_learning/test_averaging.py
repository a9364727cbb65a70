"""EMA and SWA are torch's; refreshed statistics are torch's ``update_bn``."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import (
    AveragedModel,
    get_ema_multi_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)

from dlbook.supervised_learning.averaging import WeightAverage, refresh_batchnorm
from dlbook.supervised_learning.normalization import BatchNorm


@pytest.mark.parametrize("decay", [0.9, None])
def test_averages_are_torchs_for_100_updates(decay: float | None) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), BatchNorm(4)).double()
    function = get_swa_multi_avg_fn() if decay is None else get_ema_multi_avg_fn(decay)
    theirs = AveragedModel(model, multi_avg_fn=function, use_buffers=True)
    ours = WeightAverage(model, decay)
    tolerance = 1e-12 if decay else 1e-6  # torch rounds SWA's 1/n to float32
    for _ in range(100):
        with torch.no_grad():
            for p in model.parameters():
                p.add_(torch.randn_like(p))
        model(torch.randn(5, 3).double())
        ours.update(model)
        theirs.update_parameters(model)
        reference = dict(theirs.module.named_parameters())
        for name, p in ours.model.named_parameters():
            torch.testing.assert_close(p, reference[name], atol=tolerance, rtol=0)
    torch.testing.assert_close(ours.model[1].mean, theirs.module[1].mean, atol=tolerance, rtol=0)


def test_swa_is_the_mean() -> None:
    layer = nn.Linear(1, 1)
    values = [1.0, 2.0, 6.0]
    average = WeightAverage(layer)
    for value in values:
        nn.init.constant_(layer.weight, value)
        average.update(layer)
    assert average.model.weight.item() == pytest.approx(3)


@pytest.mark.parametrize("kind", [BatchNorm, nn.BatchNorm1d])
def test_refreshed_statistics_are_torchs(kind) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), kind(4)).double()
    theirs = nn.Sequential(copy.deepcopy(model[0]), nn.BatchNorm1d(4).double())
    batches = [torch.randn(6, 3).double() for _ in range(7)]
    refresh_batchnorm(model, [model[1]], batches)
    update_bn(batches, theirs)
    ours = [b for b in model[1].buffers() if b.ndim]
    expected = [theirs[1].running_mean, theirs[1].running_var]
    for mine, reference in zip(ours, expected, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-12, rtol=0)
    assert not model.training
    assert model[1].momentum == 0.1
