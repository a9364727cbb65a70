"""The warp is torch's affine_grid and grid_sample, with its gradient, and does what its names say."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from dlbook.computer_vision.affine import affine_matrix, random_affine, sample_bilinear, warp


def matrix(degrees=0.0, scale=1.0, shear=0.0, right=0.0, down=0.0) -> torch.Tensor:
    return affine_matrix(*(torch.tensor([v]) for v in (degrees, scale, shear, right, down)))


@given(st.lists(st.floats(-1.5, 1.5), min_size=6, max_size=6), st.integers(3, 8), st.integers(3, 8))
def test_any_matrix_gives_what_torch_gives(numbers, height: int, width: int) -> None:
    theta = torch.tensor(numbers, dtype=torch.float64).reshape(1, 2, 3)
    x = torch.randn(1, 2, height, width, dtype=torch.float64, requires_grad=True)
    ours = warp(x, theta)
    grid = F.affine_grid(theta, [1, 2, height, width], align_corners=False)
    theirs = F.grid_sample(x, grid, align_corners=False)
    torch.testing.assert_close(ours, theirs, atol=1e-8, rtol=0)
    grad = torch.randn_like(ours)
    a, b = (torch.autograd.grad(y, x, grad)[0] for y in (ours, theirs))
    torch.testing.assert_close(a, b, atol=1e-8, rtol=0)


def test_nothing_changes_nothing() -> None:
    x = torch.rand(1, 1, 6, 6)
    torch.testing.assert_close(warp(x, matrix()), x)


def test_a_quarter_turn_is_anticlockwise() -> None:
    x = torch.rand(1, 1, 7, 7)
    torch.testing.assert_close(warp(x, matrix(degrees=90)), x.rot90(1, (2, 3)), atol=1e-5, rtol=0)


def test_right_and_down_move_by_half_a_picture_times_the_number() -> None:
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, 3, 2] = 1
    moved = warp(x, matrix(right=0.5, down=0.25))  # two pixels right, one down
    assert moved[0, 0, 4, 4] == pytest.approx(1, abs=1e-5)
    assert moved.sum() == pytest.approx(1, abs=1e-5)


def test_scale_enlarges() -> None:
    x = F.pad(torch.ones(1, 1, 4, 4), [6] * 4)
    assert warp(x, matrix(scale=2)).sum() == pytest.approx(4 * x.sum().item(), rel=0.05)


def test_what_lies_outside_is_the_fill() -> None:
    x = torch.ones(1, 1, 4, 4)
    grid = torch.full((1, 1, 1, 2), 5.0)
    assert sample_bilinear(x, grid, fill=-3.0).item() == -3


def test_random_affine_differs_by_picture_and_repeats_by_seed() -> None:
    x = torch.rand(1, 1, 9, 9).expand(4, -1, -1, -1)
    torch.manual_seed(0)
    first = random_affine(x)
    torch.manual_seed(0)
    assert torch.equal(random_affine(x), first)
    assert not torch.equal(first[0], first[1])
