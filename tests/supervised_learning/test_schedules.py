"""Schedules are torch's at every step; the range test finds where the loss blows up."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim import lr_scheduler as reference

from dlbook.foundations.loaders import TensorLoader
from dlbook.supervised_learning import schedules

STEPS = 150


def rates(make, lr: float = 0.4) -> list[float]:
    """The learning rate used at every step under a scheduler."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr)
    scheduler = make(optimizer)
    used = []
    for _ in range(STEPS):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return used


def sequence(optimizer):
    warm = reference.LinearLR(optimizer, 1 / 20, 1.0, 19)
    down = reference.CosineAnnealingLR(optimizer, STEPS - 20, 0.4 * 0.1)
    return reference.SequentialLR(optimizer, [warm, down], [20])


PAIRS = {
    "warm-up": (
        lambda s: schedules.linear_warmup(s, 30),
        lambda o: reference.LinearLR(o, 1 / 30, 1.0, 29),
    ),
    "cosine": (
        lambda s: schedules.cosine(s, STEPS, 0.05),
        lambda o: reference.CosineAnnealingLR(o, STEPS, 0.4 * 0.05),
    ),
    "warm-up and cosine": (lambda s: schedules.warmup_cosine(s, STEPS, 20, 0.1), sequence),
}


@pytest.mark.parametrize("name", PAIRS)
def test_every_rate_is_torchs(name: str) -> None:
    factor, theirs = PAIRS[name]
    ours = rates(lambda o: schedules.follow(o, factor))
    assert ours == pytest.approx(rates(theirs), abs=1e-12)


@pytest.mark.parametrize("rise", [0.1, 0.3, 0.5])
def test_one_cycle_is_torchs(rise: float) -> None:
    ours = [0.4 * schedules.one_cycle(s, STEPS, rise) for s in range(STEPS)]
    theirs = rates(lambda o: reference.OneCycleLR(o, 0.4, total_steps=STEPS + 1, pct_start=rise))
    whole = rates(
        lambda o: reference.OneCycleLR(o, 0.4, total_steps=STEPS + 1, pct_start=rise), 0.1
    )
    assert theirs == whole  # OneCycleLR sets the rate itself
    longer = [0.4 * schedules.one_cycle(s, STEPS + 1, rise) for s in range(STEPS)]
    assert longer == pytest.approx(theirs, abs=1e-12)
    assert max(ours) == pytest.approx(0.4, rel=1e-3)


@given(st.integers(2, 500), st.integers(0, 100), st.floats(0, 0.5))
def test_warmup_cosine_stays_between_zero_and_one(total: int, warmup: int, lowest: float) -> None:
    warmup = min(warmup, total - 1)
    factors = [schedules.warmup_cosine(s, total, warmup, lowest) for s in range(total)]
    assert all(0 < f <= 1 for f in factors)
    assert factors[warmup] == 1.0
    down = factors[warmup:]
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(down))


def test_the_range_test_grows_geometrically_and_stops_where_the_loss_explodes() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(256, 5), torch.randint(3, (256,))
    model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    rates, losses = schedules.lr_range_test(
        model, TensorLoader(x, y, 32), optimizer, lowest=1e-4, highest=1e4, steps=200
    )
    assert len(rates) == len(losses) < 200
    assert rates[1] / rates[0] == pytest.approx(rates[-1] / rates[-2])
    assert not losses[-1] < 4 * min(losses)


def test_the_range_test_ends_at_the_highest_rate() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(64, 5), torch.randint(3, (64,))
    model = nn.Linear(5, 3)
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    loader = TensorLoader(x, y, 32)
    rates, _ = schedules.lr_range_test(
        model, loader, optimizer, lowest=1e-4, highest=1e-1, steps=25
    )
    assert (rates[0], rates[-1]) == pytest.approx((1e-4, 1e-1))
