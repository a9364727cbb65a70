"""Every optimiser is torch's, step by step, for 120 steps of a real training in float64."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from dlbook.supervised_learning.optimizers import SGD, Adam, AdamW, RMSProp, UpdateRule, state_bytes

STEPS = 120

PAIRS: dict[str, tuple[Callable, Callable]] = {
    "sgd": (lambda p: SGD(p, 0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "sgd with L2": (
        lambda p: SGD(p, 0.1, weight_decay=0.02),
        lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.02),
    ),
    "momentum": (
        lambda p: SGD(p, 0.05, momentum=0.9, weight_decay=0.01),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.01),
    ),
    "nesterov": (
        lambda p: SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    ),
    "rmsprop": (
        lambda p: RMSProp(p, 0.003, alpha=0.97, weight_decay=0.01),
        lambda p: torch.optim.RMSprop(p, 0.003, alpha=0.97, weight_decay=0.01),
    ),
    "adam": (lambda p: Adam(p, 0.01), lambda p: torch.optim.Adam(p, 0.01)),
    "adam with L2": (
        lambda p: Adam(p, 0.01, betas=(0.8, 0.95), weight_decay=0.1),
        lambda p: torch.optim.Adam(p, 0.01, betas=(0.8, 0.95), weight_decay=0.1),
    ),
    "adamw": (
        lambda p: AdamW(p, 0.01, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1),
    ),
}


def problem() -> tuple[nn.Sequential, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 4)).double()
    return model, torch.randn(64, 12).double(), torch.randint(4, (64,))


def largest_difference(ours: nn.Module, theirs: nn.Module, ours_rule, their_rules) -> float:
    """Train both on the same batches; the largest difference of any parameter at any step."""
    _, x, y = problem()
    worst = 0.0
    for step in range(STEPS):
        batch = torch.randperm(64, generator=torch.Generator().manual_seed(step))[:16]
        for model, rules in ((ours, [ours_rule]), (theirs, their_rules)):
            model.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            for rule in rules:
                rule.step()
        pairs = zip(ours.parameters(), theirs.parameters(), strict=True)
        worst = max(worst, *((p - q).abs().max().item() for p, q in pairs))
    return worst


@pytest.mark.parametrize("name", PAIRS)
def test_every_step_is_torchs(name: str) -> None:
    ours, _, _ = problem()
    theirs = copy.deepcopy(ours)
    make, reference = PAIRS[name]
    start = [p.detach().clone() for p in ours.parameters()]
    rules = make(ours.parameters()), [reference(theirs.parameters())]
    assert largest_difference(ours, theirs, *rules) <= 1e-10
    moved = [(p - q).abs().max().item() for p, q in zip(ours.parameters(), start, strict=True)]
    assert min(moved) > 0.01


@pytest.mark.parametrize(
    ("make", "per_parameter"),
    [
        (lambda p: SGD(p, 0.1), 0),
        (lambda p: SGD(p, 0.1, momentum=0.9), 8),
        (lambda p: RMSProp(p, 0.1), 8),
        (lambda p: AdamW(p, 0.1), 16),
    ],
)
def test_state_bytes_of_float64(make, per_parameter: int) -> None:
    model, x, y = problem()
    rule = make(model.parameters())
    nn.functional.cross_entropy(model(x), y).backward()
    rule.step()
    assert state_bytes(rule) == per_parameter * sum(p.numel() for p in model.parameters())


def test_parameters_without_gradient_stay_and_the_base_has_no_rule() -> None:
    p, frozen = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    SGD([p, frozen], 0.5).step()
    assert p.tolist() == [0.5, 0.5]
    assert frozen.tolist() == [1, 1]
    with pytest.raises(NotImplementedError):
        UpdateRule([p], {"lr": 1.0}).step()


def test_a_checkpoint_of_our_optimiser_continues_exactly() -> None:
    """The state survives state_dict, which is what ``fit`` saves."""
    model, x, y = problem()
    rule = AdamW(model.parameters(), 0.01, weight_decay=0.1)
    other = copy.deepcopy(model)

    def step(m: nn.Module, r: torch.optim.Optimizer) -> None:
        m.zero_grad()
        nn.functional.cross_entropy(m(x), y).backward()
        r.step()

    for _ in range(3):
        step(model, rule)
    other.load_state_dict(model.state_dict())
    resumed = AdamW(other.parameters(), 0.01, weight_decay=0.1)
    resumed.load_state_dict(copy.deepcopy(rule.state_dict()))
    step(model, rule)
    step(other, resumed)
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(p, q) for p, q in pairs)
