"""Augmentations keep shape and range, and labels are mixed by what is really in the picture."""

import numpy as np
import pytest
import torch

from dlbook.computer_vision import augmentation as aug

SHAPE = (16, 1, 28, 28)


@pytest.fixture
def x() -> torch.Tensor:
    torch.manual_seed(0)
    np.random.seed(0)
    return torch.rand(SHAPE)


@pytest.mark.parametrize(
    "view",
    [aug.random_flip, aug.random_crop, aug.weak_augment, aug.cutout, aug.rand_augment, aug.strong_augment],
)  # fmt: skip
def test_shape_range_and_seed(view, x: torch.Tensor) -> None:
    before = x.clone()
    torch.manual_seed(1)
    y = view(x)
    assert y.shape == SHAPE
    assert y.min() >= 0
    assert y.max() <= 1 + 1e-6
    assert torch.equal(x, before), "the input must stay as it was"
    torch.manual_seed(1)
    assert torch.equal(view(x), y)
    assert not torch.equal(y, x)


@pytest.mark.parametrize("name", list(aug.OPERATIONS))
def test_every_operation_keeps_the_range_and_does_something(name: str, x: torch.Tensor) -> None:
    y = aug.OPERATIONS[name](x, 1.0)
    assert y.shape == x.shape
    assert y.min() >= 0
    assert y.max() <= 1 + 1e-6
    assert torch.equal(y, x) == (name == "不變")


def test_about_half_are_flipped(x: torch.Tensor) -> None:
    x = torch.rand(1, 1, 2, 2).expand(4_000, -1, -1, -1)
    flipped = (aug.random_flip(x) != x).flatten(1).any(dim=1).float().mean()
    assert 0.45 < flipped < 0.55


def test_a_crop_is_a_shift(x: torch.Tensor) -> None:
    one = torch.zeros(200, 1, 9, 9)
    one[:, :, 4, 4] = 1
    seen = {tuple(p.nonzero()[0, 1:].tolist()) for p in aug.random_crop(one, 1)}
    assert seen == {(r, c) for r in (3, 4, 5) for c in (3, 4, 5)}


def test_cutout_cuts_a_square(x: torch.Tensor) -> None:
    changed = (aug.cutout(torch.zeros(300, 1, 28, 28), 6) == 0.5).flatten(1).sum(dim=1)
    assert changed.max() == 36
    assert changed.min() >= 9


def test_cutmix_labels_are_the_area(x: torch.Tensor) -> None:
    target = torch.eye(16)
    pixels = torch.arange(16.0)[:, None, None, None].expand(SHAPE)  # picture k is all k
    for _ in range(20):
        mixed, label = aug.cutmix(pixels, target)
        torch.testing.assert_close(label.sum(dim=1), torch.ones(16))
        for k in range(16):
            share = (mixed[k] == k).float().mean()
            torch.testing.assert_close(label[k, k], share, atol=1e-6, rtol=0)


def test_tta_is_the_same_for_a_picture_and_its_mirror(x: torch.Tensor) -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    a, b = aug.predict_tta(model, x), aug.predict_tta(model, x.flip(3))
    torch.testing.assert_close(a, b)
    torch.testing.assert_close(a.sum(dim=1), torch.ones(16))
