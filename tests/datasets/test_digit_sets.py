"""MNIST, FashionMNIST and the digits of scikit-learn."""

import pytest
import torch

from dlbook import datasets


@pytest.fixture(scope="module")
def fashion() -> datasets.FashionMNIST:
    return datasets.fashion_mnist()


def test_mnist_has_the_known_statistics() -> None:
    mnist = datasets.mnist()
    pixels = mnist.train_images.float() / 255
    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.test_images.shape == (10_000, 28, 28)
    assert pixels.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert pixels.std().item() == pytest.approx(0.3081, abs=1e-4)
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.train_labels.bincount()[0] == 5923


def test_fashion_mnist_has_counts_types_and_balance(fashion: datasets.FashionMNIST) -> None:
    assert fashion.train_images.shape == (20_000, 28, 28)
    assert fashion.test_images.shape == (10_000, 28, 28)
    assert fashion.train_images.dtype == fashion.test_images.dtype == torch.uint8
    assert fashion.train_labels.bincount().tolist() == [2000] * 10
    assert fashion.test_labels.bincount().tolist() == [1000] * 10


def test_fashion_mnist_keeps_the_statistics_of_the_whole(fashion: datasets.FashionMNIST) -> None:
    pixels = fashion.train_images.float() / 255
    assert pixels.mean().item() == pytest.approx(0.2860, abs=0.003)
    assert pixels.std().item() == pytest.approx(0.3530, abs=0.003)


def test_fashion_mnist_draws_every_image_once(fashion: datasets.FashionMNIST) -> None:
    positions = fashion.train_positions
    assert positions.unique().numel() == 20_000
    assert positions.min() >= 0
    assert positions.max() < 60_000


def test_fashion_trousers_have_a_gap_between_the_legs(fashion: datasets.FashionMNIST) -> None:
    trousers = fashion.train_images[fashion.train_labels == 1].float()
    mean = trousers.mean(0)
    assert mean[24, 14] < 0.8 * mean[24, 10:18].max()
    assert fashion.classes[1] == "長褲"


def test_digits_are_split_between_writers() -> None:
    digits = datasets.digits()
    assert digits.train_images.shape == (1287, 8, 8)
    assert digits.test_images.shape == (510, 8, 8)
    assert digits.train_images.dtype == torch.uint8
    assert digits.train_images.max() == 16
    assert len(digits.train_labels) == 1287
    assert digits.test_labels[:20].tolist() == [*range(10), *range(10)], "a writer starts here"
    assert digits.test_labels.bincount().min() >= 47


def test_loading_twice_gives_the_same(fashion: datasets.FashionMNIST) -> None:
    again = datasets.fashion_mnist()
    assert torch.equal(again.train_images, fashion.train_images)
    assert torch.equal(again.train_labels, fashion.train_labels)
