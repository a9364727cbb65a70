"""Emoji in five styles and the sprites: counts, groups kept together, colours that are right."""

import pytest
import torch

from dlbook import datasets

Labelled = datasets.Emoji | datasets.Sprites


@pytest.fixture(scope="module")
def emoji() -> datasets.Emoji:
    return datasets.emoji()


@pytest.fixture(scope="module")
def sprites() -> datasets.Sprites:
    return datasets.emoji_sprites()


def test_counts_and_types(emoji: datasets.Emoji) -> None:
    assert emoji.images.shape == (5, 1553, 3, 32, 32)
    assert emoji.images.dtype == torch.uint8
    assert len(set(emoji.names)) == 1553
    assert emoji.categories.bincount().tolist() == [84, 156, 130, 262, 319, 165, 219, 218]
    assert len(datasets.EMOJI_CATEGORIES) == 8


def test_no_group_is_in_two_parts(emoji: datasets.Emoji) -> None:
    parts = [emoji.train, emoji.valid, emoji.test]
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(1553))
    groups = [set(emoji.groups[part].tolist()) for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups))
    for part, share in zip(parts, (0.7, 0.1, 0.2), strict=True):
        assert len(part) == pytest.approx(share * 1553, rel=0.1)
        assert emoji.categories[part].bincount(minlength=8).min() > 0


def test_variants_are_one_group(emoji: datasets.Emoji) -> None:
    place = {name: position for position, name in enumerate(emoji.names)}
    runners = ["man running", "woman running", "person running facing right"]
    assert len({emoji.groups[place[name]].item() for name in runners}) == 1
    assert emoji.groups[place["red apple"]] != emoji.groups[place["banana"]]


def test_a_red_apple_is_red_and_a_green_heart_green(emoji: datasets.Emoji) -> None:
    for name, colour in (("red apple", 0), ("green heart", 1), ("blue circle", 2)):
        centre = emoji.images[:, emoji.names.index(name), :, 8:24, 8:24].float().mean((2, 3))
        assert (centre.argmax(1) == colour).all()


def test_styles_differ_and_corners_are_white(emoji: datasets.Emoji) -> None:
    for style in datasets.EMOJI_STYLES:
        corners = emoji.style(style)[:, :, 0, 0].float()
        assert corners.median() == 255
    flat, line = emoji.style("fluent-flat").float(), emoji.style("openmoji").float()
    assert (flat - line).abs().mean() > 20


def test_sprites_are_indices_into_a_palette(sprites: datasets.Sprites) -> None:
    assert sprites.indices.shape == (1553, 20, 20)
    assert sprites.indices.unique().tolist() == list(range(64))
    assert sprites.palette[0].tolist() == [255, 255, 255]
    assert 0.4 < (sprites.indices == 0).float().mean() < 0.55


def test_sprites_have_the_parts_of_the_emoji(
    emoji: datasets.Emoji, sprites: datasets.Sprites
) -> None:
    assert sprites.names == emoji.names
    assert torch.equal(sprites.test, emoji.test)
    small = sprites.palette[sprites.indices.long()].float().mean((1, 2))
    large = emoji.style("fluent-flat").float().mean((2, 3))
    assert (small - large).abs().mean() < 6
