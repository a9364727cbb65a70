"""The hanzi glyphs: ink everywhere, characters kept apart, and 一 is one stroke."""

import pytest
import torch
from torch import Tensor

from dlbook import datasets


@pytest.fixture(scope="module")
def hanzi() -> datasets.Hanzi:
    return datasets.hanzi()


def ink_box(glyph: Tensor) -> tuple[int, int]:
    """Height and width of the ink."""
    rows, columns = (glyph > 64).nonzero(as_tuple=True)
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


def test_counts_types_and_names(hanzi: datasets.Hanzi) -> None:
    assert hanzi.images.shape == (12, 1000, 28, 28)
    assert hanzi.images.dtype == torch.uint8
    assert len(set(hanzi.characters)) == 1000
    assert set(hanzi.fonts) == set(datasets.FONT_TITLES)
    assert hanzi.images.unique().numel() == 16


def test_every_glyph_has_ink_of_its_own(hanzi: datasets.Hanzi) -> None:
    assert (hanzi.images.flatten(2).amax(2) > 100).all()
    for glyphs in hanzi.images:
        assert len({glyph.numpy().tobytes() for glyph in glyphs}) == 1000


def test_no_character_is_in_two_parts(hanzi: datasets.Hanzi) -> None:
    positions = torch.cat([hanzi.train, hanzi.valid, hanzi.test])
    assert (len(hanzi.train), len(hanzi.valid), len(hanzi.test)) == (700, 100, 200)
    assert torch.equal(positions.sort().values, torch.arange(1000))


def test_one_is_a_flat_stroke_and_is_the_most_frequent(hanzi: datasets.Hanzi) -> None:
    assert hanzi.characters[0] == "一"
    for glyph in hanzi.images[:, 0]:
        height, width = ink_box(glyph)
        assert width >= 2.5 * height
        assert width > 14


def test_typefaces_are_equally_large(hanzi: datasets.Hanzi) -> None:
    for glyphs in hanzi.images:
        sides = torch.tensor([max(ink_box(glyph)) for glyph in glyphs[:100]])
        assert 20 <= sides.median() <= 25


def test_the_brush_differs_more_than_another_print(hanzi: datasets.Hanzi) -> None:
    serif, ming, running = hanzi.font("noto-serif", "cwtex-ming", datasets.RUNNING_FONT).float()
    assert (serif - running).abs().mean() > 1.2 * (serif - ming).abs().mean()
    assert datasets.RUNNING_FONT not in datasets.PRINTED_FONTS
