"""Pixels in reading order, or in the order given."""

import torch

from dlbook.sequence_modeling.pixel_sequences import pixel_sequence


def test_reading_order_and_permutation() -> None:
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[0, :4, 4:8] = 255
    sequence = pixel_sequence(image)
    assert sequence.shape == (1, 49, 1)
    assert sequence[0, :, 0].argmax() == 1
    assert sequence.sum() == 1
    order = torch.randperm(49, generator=torch.Generator().manual_seed(0))
    assert pixel_sequence(image, order=order)[0, :, 0].argmax() == (order == 1).nonzero().item()
