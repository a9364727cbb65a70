"""Photographs of things cut out on white: few enough that a pretrained network pays off."""

from dataclasses import dataclass

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from dlbook.datasets.arrays import arrays

CUTOUT_CLASSES = (
    "水生動物",
    "鳥",
    "花",
    "水果與堅果",
    "有蹄動物",
    "其他哺乳動物",
    "用具",
    "蔬菜與菇",
    "交通工具",
)


@dataclass(frozen=True)
class Cutouts:
    """``images``: red, green, blue 0–255 on white. ``groups`` number what shows the same thing.

    ``train`` and ``test`` are positions of images; no group is in both parts.
    """

    images: UInt8[Tensor, "215 3 128 128"]
    labels: Int64[Tensor, "215"]
    names: tuple[str, ...]
    groups: Int64[Tensor, "215"]
    train: Int64[Tensor, " train"]
    test: Int64[Tensor, " test"]


def cutouts() -> Cutouts:
    """215 photographs in 9 classes (``CUTOUT_CLASSES``), 15–33 each; 60 % for training.

    The split is by thing: all apples are in one part, all gnus in one.

    Licence: GPL-2.0-or-later (Tux Paint Stamps, © Bill Kendrick and contributors); five of the
    flowers CC BY-SA 3.0. Who made what: ``data/LICENSES/cutouts.txt``.
    """
    data = arrays("cutouts")
    parts = torch.from_numpy(data["parts"])
    return Cutouts(
        images=torch.from_numpy(data["images"]).permute(0, 3, 1, 2).contiguous(),
        labels=torch.from_numpy(data["labels"]).long(),
        names=tuple(data["names"].tolist()),
        groups=torch.from_numpy(data["groups"]).long(),
        train=(parts == 0).nonzero().flatten(),
        test=(parts == 1).nonzero().flatten(),
    )
