"""Hessians are PyTorch's; saddles are found; the steps of gradient descent follow κ."""

import itertools
import math

import pytest
import torch

from dlbook.foundations import critical_points as cp

X = torch.linspace(-1, 1, 40, dtype=torch.float64)
LOSS, SIZE = cp.small_net_loss(X, torch.sinc(5 * X), hidden=4)


def start(seed: int) -> torch.Tensor:
    return torch.randn(SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("seed", range(5))
def test_gradient_and_hessian_are_torchs(seed: int) -> None:
    p = start(seed)
    gradient, hessian = cp.gradient_and_hessian(LOSS, p)
    torch.testing.assert_close(gradient, torch.autograd.functional.jacobian(LOSS, p))
    torch.testing.assert_close(hessian, torch.autograd.functional.hessian(LOSS, p))


def test_minimum_ratio_counts_positive_eigenvalues() -> None:
    diagonal = torch.diag(torch.tensor([3.0, 1e-12, -1.0, 2.0]))
    assert cp.minimum_ratio(diagonal) == 0.5
    assert cp.minimum_ratio(torch.eye(3)) == 1.0


def test_a_saddle_is_found_where_descent_would_not_stop() -> None:
    def saddle(p: torch.Tensor) -> torch.Tensor:
        return p[0] ** 2 - p[1] ** 2

    p = cp.find_critical_point(saddle, torch.tensor([1.0, 2.0], dtype=torch.float64))
    torch.testing.assert_close(p, torch.zeros_like(p), atol=1e-8, rtol=0)
    assert cp.minimum_ratio(cp.gradient_and_hessian(saddle, p)[1]) == 0.5


def test_the_gradient_never_grows_on_the_way_to_a_critical_point() -> None:
    p = start(1)
    before = cp.gradient_and_hessian(LOSS, p)[0].norm()
    after = cp.gradient_and_hessian(LOSS, cp.find_critical_point(LOSS, p, steps=20))[0].norm()
    assert after < before


def test_descent_goes_down() -> None:
    path = cp.descend(LOSS, start(0), lr=0.05, steps=50)
    losses = [LOSS(p).item() for p in path]
    assert len(path) == 51
    assert all(b < a for a, b in itertools.pairwise(losses))


@pytest.mark.parametrize("kappa", [2.0, 30.0, 400.0])
def test_steps_follow_the_condition_number(kappa: float) -> None:
    eigenvalues = torch.tensor([1.0, kappa], dtype=torch.float64)
    theory = math.log(1e6) / math.log((kappa + 1) / (kappa - 1))
    assert cp.quadratic_steps(eigenvalues) == pytest.approx(theory, rel=0.1)
