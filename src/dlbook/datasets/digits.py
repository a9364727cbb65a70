"""The 8×8 handwritten digits that ship with scikit-learn."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

# The images stand in blocks by writer, and every block opens with 0, 1, … 9, 0, 1, … 9; the split
# falls on the start of a block, so that no writer is in both parts.
FIRST_TEST_IMAGE = 1287


@dataclass(frozen=True)
class Digits:
    """Split between writers. Images hold 0–16: the inked pixels of a 4×4 cell; white on black."""

    train_images: UInt8[Tensor, "1287 8 8"]
    train_labels: Int64[Tensor, "1287"]
    test_images: UInt8[Tensor, "510 8 8"]
    test_labels: Int64[Tensor, "510"]


def digits() -> Digits:
    """1,287 training and 510 test digits, by different writers; 10 classes, 47–131 images each.

    Licence: CC BY 4.0. Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998, doi:10.24432/C50P49 (its test part, as in scikit-learn).
    """
    from sklearn.datasets import load_digits  # takes a second to import

    bunch = load_digits()
    images = torch.from_numpy(np.asarray(bunch.images).astype(np.uint8))
    labels = torch.from_numpy(np.asarray(bunch.target)).long()
    return Digits(
        train_images=images[:FIRST_TEST_IMAGE],
        train_labels=labels[:FIRST_TEST_IMAGE],
        test_images=images[FIRST_TEST_IMAGE:],
        test_labels=labels[FIRST_TEST_IMAGE:],
    )
