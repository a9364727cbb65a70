"""Photographs to look at with a pretrained network, and the names of ImageNet's classes."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from dlbook import assets


@dataclass(frozen=True)
class Photo:
    """One photograph; red, green, blue 0–255."""

    name: str
    title: str
    image: UInt8[Tensor, "3 height width"]
    licence: str
    author: str


# Every licence as the packages state it, photograph by photograph.
_ABOUT = {
    "astronaut": ("太空人 Eileen Collins", "Public domain", "NASA"),
    "brick": ("磚牆（灰階）", "CC0-1.0", "CC0Textures"),
    "camera": ("攝影師（灰階）", "CC0-1.0", "Lav Varshney"),
    "chelsea": ("貓咪 Chelsea", "CC0-1.0", "Stéfan van der Walt"),
    "china": ("北京的宮殿", "CC-BY-2.0", "danielbuechele（Flickr）"),
    "clock_motion": ("晃動的時鐘（灰階）", "Public domain", "Stéfan van der Walt"),
    "coffee": ("咖啡", "CC0-1.0", "Rachel Michetti"),
    "coins": ("龐貝的希臘錢幣（灰階）", "No known copyright restrictions", "Brooklyn Museum"),
    "flower": ("大理花", "CC-BY-2.0", "vultilion（Flickr）"),
    "grass": ("草地（灰階）", "CC0-1.0", "linolafett（DeviantArt）"),
    "gravel": ("碎石（灰階）", "CC0-1.0", "CC0Textures"),
    "hubble_deep_field": ("哈伯極深空", "Public domain", "NASA"),
    "ihc": ("結腸組織染色", "No known copyright restrictions", "CMMI"),
    "retina": ("視網膜", "CC0-1.0", "Mikael Häggström"),
    "rocket": ("獵鷹九號火箭", "Public domain", "SpaceX"),
}


def photos() -> dict[str, Photo]:
    """15 photographs by name, at most 320 pixels long; grey ones have three equal channels.

    They came with scikit-image 0.26.0 and scikit-learn 1.9.1 and were made smaller here. Licences
    differ: see ``Photo.licence`` and ``data/LICENSES/photos.txt``.
    """
    with zipfile.ZipFile(assets.path("photos")) as archive:
        return {
            name: Photo(name, title, _decode(archive.read(f"{name}.jpg")), licence, author)
            for name, (title, licence, author) in _ABOUT.items()
        }


def imagenet_classes() -> list[str]:
    """The 1,000 class names of ImageNet-1k in the order of the classes, as WordNet has them.

    Several names of one class are separated by commas: ``"tench, Tinca tinca"``. Two pairs of
    classes share a first name (crane, maillot).

    Licence: Apache-2.0 (timm 1.0.31); names from WordNet. Russakovsky et al., arXiv:1409.0575.
    """
    lines = assets.path("imagenet-classes").read_text("utf-8").splitlines()
    return [line.split("\t")[1] for line in lines]


def _decode(content: bytes) -> Tensor:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        pixels = np.array(image.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
