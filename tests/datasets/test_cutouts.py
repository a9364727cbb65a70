"""Photo cut-outs: counts, white corners, and no thing in both parts."""

import pytest
import torch

from dlbook import datasets


@pytest.fixture(scope="module")
def cutouts() -> datasets.Cutouts:
    return datasets.cutouts()


def test_counts_and_types(cutouts: datasets.Cutouts) -> None:
    assert cutouts.images.shape == (215, 3, 128, 128)
    assert cutouts.images.dtype == torch.uint8
    assert len(cutouts.names) == 215
    assert cutouts.labels.bincount().tolist() == [16, 30, 24, 21, 33, 28, 27, 21, 15]
    assert len(datasets.CUTOUT_CLASSES) == 9


def test_they_stand_on_white_and_fill_the_square(cutouts: datasets.Cutouts) -> None:
    assert (cutouts.images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    ink = (cutouts.images < 240).any(1)
    extent = torch.maximum(ink.any(1).sum(1), ink.any(2).sum(1))
    assert extent.min() > 90


def test_no_thing_is_in_both_parts(cutouts: datasets.Cutouts) -> None:
    assert torch.equal(torch.cat([cutouts.train, cutouts.test]).sort().values, torch.arange(215))
    train, test = (set(cutouts.groups[part].tolist()) for part in (cutouts.train, cutouts.test))
    assert not train & test
    gnus = [cutouts.groups[i].item() for i, name in enumerate(cutouts.names) if "gnu" in name]
    assert len(gnus) == 4
    assert len(set(gnus)) == 1


def test_every_class_is_in_both_parts(cutouts: datasets.Cutouts) -> None:
    assert 0.55 < len(cutouts.train) / 215 < 0.65
    for part in (cutouts.train, cutouts.test):
        assert cutouts.labels[part].bincount(minlength=9).min() >= 6


def test_no_picture_is_there_twice(cutouts: datasets.Cutouts) -> None:
    for images in (cutouts.images, cutouts.images.flip(3)):
        small = images[:, :, ::4, ::4].flatten(1).float()
        distances = torch.cdist(small, cutouts.images[:, :, ::4, ::4].flatten(1).float(), p=1)
        distances.fill_diagonal_(torch.inf)
        assert distances.min() / small.shape[1] > 8


def test_a_tomato_is_red(cutouts: datasets.Cutouts) -> None:
    position = cutouts.names.index("tomato")
    red, green, _ = cutouts.images[position, :, 50:80, 50:80].float().mean((1, 2))
    assert red > 2 * green
    assert datasets.CUTOUT_CLASSES[int(cutouts.labels[position])] == "蔬菜與菇"
