"""Sinusoidal positions: the paper's formula, and what makes it useful."""

import math

import pytest
import torch

from dlbook.sequence_modeling.positions import sinusoidal_positions


def test_is_the_formula_of_the_paper():
    table = sinusoidal_positions(9, 6)
    assert table.shape == (9, 6)
    for p in range(9):
        for i in range(3):
            angle = p / 10_000 ** (2 * i / 6)
            assert table[p, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[p, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_the_product_of_two_positions_depends_on_their_distance_only():
    table = sinusoidal_positions(40, 16)
    products = table @ table.T
    for offset in (0, 1, 7):
        diagonal = products.diagonal(offset)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=0, atol=1e-4)


def test_a_shift_is_one_fixed_rotation():
    """Going 3 positions on is the same linear map everywhere (what the paper chose sines for)."""
    table = sinusoidal_positions(60, 8).double()
    shift = torch.linalg.lstsq(table[:40], table[3:43]).solution
    torch.testing.assert_close(table[40:57] @ shift, table[43:60], rtol=0, atol=1e-4)


def test_odd_width_is_refused():
    with pytest.raises(ValueError, match="維度必須是偶數，收到 5"):
        sinusoidal_positions(3, 5)
