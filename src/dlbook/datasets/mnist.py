"""MNIST handwritten digits, read from the original idx files."""

import gzip
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from dlbook import assets

_UINT8 = 0x08  # idx's code of the element type


@dataclass(frozen=True)
class MNIST:
    """The official split. Images are grey values 0–255, white digit on black."""

    train_images: UInt8[Tensor, "60000 28 28"]
    train_labels: Int64[Tensor, "60000"]
    test_images: UInt8[Tensor, "10000 28 28"]
    test_labels: Int64[Tensor, "10000"]


def mnist() -> MNIST:
    """60,000 training and 10,000 test digits by different writers; mean .1307, std .3081 of 0–1.

    Licence: CC BY-SA 3.0. LeCun, Bottou, Bengio, Haffner, Proc. IEEE 86(11), 1998.
    """
    return MNIST(
        train_images=torch.from_numpy(_read_idx("mnist-train-images")),
        train_labels=torch.from_numpy(_read_idx("mnist-train-labels")).long(),
        test_images=torch.from_numpy(_read_idx("mnist-test-images")),
        test_labels=torch.from_numpy(_read_idx("mnist-test-labels")).long(),
    )


def _read_idx(asset: str) -> np.ndarray:
    """An idx file: two zero bytes, element type, number of dimensions, big-endian sizes, data."""
    with gzip.open(assets.path(asset)) as file:
        content = file.read()
    if content[:3] != bytes([0, 0, _UINT8]):
        raise ValueError(f"資產「{asset}」不是 uint8 的 idx 檔（開頭是 {content[:4].hex()}）。")
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", count=dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()
