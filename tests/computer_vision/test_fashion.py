"""The data's three parts are disjoint; the training loop repeats itself and can stop early."""

import pytest
import torch

from dlbook.computer_vision.augmentation import cutmix, weak_augment
from dlbook.computer_vision.cnn_models import lenet
from dlbook.computer_vision.fashion import (
    ViewLoader,
    accuracy,
    class_scores,
    digit_images,
    fashion_data,
    train_images,
)
from dlbook.foundations.loaders import TensorLoader


@pytest.fixture(scope="module")
def data():
    return fashion_data()


def test_parts_are_disjoint_and_scaled(data) -> None:
    assert (len(data.train_x), len(data.valid_x), len(data.test_x)) == (18_000, 2_000, 10_000)
    assert data.train_x.min() == 0
    assert data.train_x.max() == 1
    keys = [
        set(map(bytes, (255 * x).byte().flatten(1).numpy())) for x in (data.train_x, data.valid_x)
    ]
    assert len(keys[0] & keys[1]) <= 2  # the official set has a few doubles
    digits = digit_images()
    assert (len(digits.train_x), len(digits.valid_x)) == (55_000, 5_000)


def test_view_and_mix_are_applied(data) -> None:
    loader = TensorLoader(data.train_x[:64], data.train_y[:64], 32)
    x, target = next(iter(ViewLoader(loader, weak_augment, cutmix)))
    assert x.shape == (32, 1, 28, 28)
    torch.testing.assert_close(target.sum(dim=1), torch.ones(32))
    assert len(ViewLoader(loader)) == 2


def test_training_repeats_and_only_is_its_beginning(data) -> None:
    x, y = data.train_x[:256], data.train_y[:256]
    runs = [
        train_images(lenet, x, y, seed=3, epochs=3, view=weak_augment, only=s)[1].step_loss
        for s in (None, 2)
    ]
    assert runs[1] == runs[0][:2]


def test_accuracy_of_certain_scores(data) -> None:
    y = data.valid_y[:50]
    scores = torch.eye(10)[y]
    assert accuracy(scores, y) == 1
    assert class_scores(lenet().eval(), data.valid_x[:7], 3).shape == (7, 10)
