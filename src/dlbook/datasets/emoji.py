"""Emoji: five drawings of the same 1,553 things, and little sprites of few colours."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from dlbook.datasets.arrays import arrays

EMOJI_STYLES = ("noto", "twemoji", "openmoji", "fluent-flat", "fluent-3d")
EMOJI_CATEGORIES = (
    "活動",
    "動物與自然",
    "食物",
    "物品",
    "人與身體",
    "表情",
    "符號",
    "旅行與地點",
)


@dataclass(frozen=True)
class _Labels:
    """``names`` are English captions; ``groups`` number what is alike: variants, mirror images.

    ``train``, ``valid`` and ``test`` are positions of emoji; no group is in two parts.
    """

    names: tuple[str, ...]
    categories: Int64[Tensor, "1553"]
    groups: Int64[Tensor, "1553"]
    train: Int64[Tensor, " train"]
    valid: Int64[Tensor, " valid"]
    test: Int64[Tensor, " test"]


@dataclass(frozen=True)
class Emoji(_Labels):
    """``images[style, emoji]``: red, green, blue 0–255 on white, styles as in ``EMOJI_STYLES``."""

    images: UInt8[Tensor, "5 1553 3 32 32"]

    def style(self, name: str) -> UInt8[Tensor, "1553 3 32 32"]:
        """All emoji in one style."""
        return self.images[EMOJI_STYLES.index(name)]


@dataclass(frozen=True)
class Sprites(_Labels):
    """``indices``: numbers of colours 0–63 in ``palette``; 0 is the white of the background."""

    indices: UInt8[Tensor, "1553 20 20"]
    palette: UInt8[Tensor, "64 3"]


def emoji() -> Emoji:
    """1,553 emoji in five styles at 32×32; 8 categories (``EMOJI_CATEGORIES``), 84–319 emoji each.

    About 71 % of the emoji are for training, 9 % for validation, 20 % for testing, by category and
    in whole groups. One emoji is in the same part in all styles.

    Licences, by style: Apache-2.0 (noto, © Google), CC BY 4.0 (twemoji, © Twitter and
    contributors), CC BY-SA 4.0 (openmoji, © OpenMoji), MIT (fluent-*, © Microsoft).
    """
    data = arrays("emoji")
    images = torch.from_numpy(data["images"]).permute(0, 1, 4, 2, 3).contiguous()
    return Emoji(images=images, **_labels(data))


def emoji_sprites() -> Sprites:
    """The same emoji and parts as ``emoji()`` in the style fluent-flat at 20×20, in 64 colours.

    Licence: MIT (© Microsoft, Fluent Emoji).
    """
    data = arrays("emoji-sprites")
    return Sprites(
        indices=torch.from_numpy(data["indices"]),
        palette=torch.from_numpy(data["palette"]),
        **_labels(data),
    )


def _labels(data: dict[str, np.ndarray]) -> dict:
    parts = torch.from_numpy(data["parts"])
    train, valid, test = ((parts == part).nonzero().flatten() for part in range(3))
    return {
        "names": tuple(name.replace("-", " ") for name in data["names"].tolist()),
        "categories": torch.from_numpy(data["category"]).long(),
        "groups": torch.from_numpy(data["group"].astype(np.int64)),
        "train": train,
        "valid": valid,
        "test": test,
    }
