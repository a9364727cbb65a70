"""The first training: it learns, and its seed decides everything."""

import torch

from dlbook import datasets
from dlbook.foundations.first_training import train_digits

DATA = datasets.mnist()
IMAGES = DATA.train_images.flatten(1).float() / 255


def weights(seed: int, steps: int = 20) -> torch.Tensor:
    network = train_digits(IMAGES, DATA.train_labels, seed=seed, steps=steps)
    return torch.cat([parameter.flatten() for parameter in network.parameters()])


def test_it_reads_digits_it_has_not_seen() -> None:
    network = train_digits(IMAGES, DATA.train_labels, seed=0, steps=300)
    predicted = network(DATA.test_images.flatten(1).float() / 255).argmax(dim=1)
    assert (predicted == DATA.test_labels).float().mean() > 0.92


def test_a_seed_gives_the_same_weights_bit_by_bit_whatever_was_drawn_before() -> None:
    first = weights(3)
    torch.rand(17)
    assert torch.equal(weights(3), first)
    assert (weights(4) != first).float().mean() > 0.99
