"""FashionMNIST: photographs of clothes in MNIST's format, a balanced third of the training set."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from dlbook.datasets.arrays import arrays

FASHION_CLASSES = (
    "T 恤",
    "長褲",
    "套頭衫",
    "洋裝",
    "外套",
    "涼鞋",
    "襯衫",
    "運動鞋",
    "包包",
    "短靴",
)


@dataclass(frozen=True)
class FashionMNIST:
    """Images are grey values 0–255, clothes on black; ``train_positions`` in the official set."""

    train_images: UInt8[Tensor, "20000 28 28"]
    train_labels: Int64[Tensor, "20000"]
    train_positions: Int64[Tensor, "20000"]
    test_images: UInt8[Tensor, "10000 28 28"]
    test_labels: Int64[Tensor, "10000"]
    classes: tuple[str, ...] = FASHION_CLASSES


def fashion_mnist() -> FashionMNIST:
    """20,000 training images (2,000 a class, drawn once with seed 0) and the 10,000 test images.

    The official training set has 60,000; mean .2860, std .3530 of 0–1, which the part keeps
    within .002. Every class has 1,000 test images.

    Licence: MIT (© 2017 Zalando SE). Xiao, Rasul, Vollgraf, arXiv:1708.07747.
    """
    data = arrays("fashion-mnist")
    return FashionMNIST(
        train_images=torch.from_numpy(data["train_images"]),
        train_labels=torch.from_numpy(data["train_labels"]).long(),
        train_positions=torch.from_numpy(data["train_positions"]).long(),
        test_images=torch.from_numpy(data["test_images"]),
        test_labels=torch.from_numpy(data["test_labels"]).long(),
    )
