"""Muon is torch's, step by step; the iteration pulls singular values to one."""

import copy

import pytest
import torch
from torch import nn

from dlbook.supervised_learning.muon import Muon, muon_groups, orthogonalize


def problem() -> tuple[nn.Sequential, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 4)).double()
    return model, torch.randn(64, 12).double(), torch.randint(4, (64,))


def test_muon_is_torchs_with_adamw_for_the_rest() -> None:
    ours, x, y = problem()
    theirs = copy.deepcopy(ours)
    matrices, others = [theirs[0].weight], [theirs[0].bias, *theirs[2].parameters()]
    groups = muon_groups(ours, lr=0.02, adam_lr=0.01, weight_decay=0.1)
    reference = [
        torch.optim.Muon(matrices, 0.02, weight_decay=0.1),
        torch.optim.AdamW(others, 0.01, weight_decay=0.1),
    ]
    rules = {ours: [Muon(groups, 0.02)], theirs: reference}
    for step in range(120):
        batch = torch.randperm(64, generator=torch.Generator().manual_seed(step))[:16]
        for model in (ours, theirs):
            model.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            for rule in rules[model]:
                rule.step()
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(p, q, atol=1e-10, rtol=0)


@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8)])
def test_orthogonalize_pulls_singular_values_to_one_and_keeps_directions(shape) -> None:
    torch.manual_seed(1)
    g = torch.randn(*shape, dtype=torch.float64)
    out = orthogonalize(g, dtype=torch.float64)
    assert out.shape == g.shape
    s = torch.linalg.svdvals(out)
    assert s.min() > 0.3
    assert s.max() < 1.3
    u, _, vt = torch.linalg.svd(g, full_matrices=False)
    assert ((u.T @ out @ vt.T) - torch.diag(torch.diag(u.T @ out @ vt.T))).abs().max() < 1e-8


def test_orthogonalize_survives_zero() -> None:
    assert orthogonalize(torch.zeros(3, 5)).abs().max() == 0


def test_muon_refuses_what_is_not_a_matrix() -> None:
    with pytest.raises(ValueError, match="只能用在矩陣"):
        Muon([nn.Parameter(torch.zeros(3))], 0.02)
