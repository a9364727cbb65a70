"""Typed loaders of real data, above :mod:`dlbook.assets`; fixed splits, licence in every docstring."""

from dlbook.datasets.avatar_styles import AVATAR_STYLES
from dlbook.datasets.avatars import Avatars, avatars
from dlbook.datasets.cutouts import CUTOUT_CLASSES, Cutouts, cutouts
from dlbook.datasets.digits import Digits, digits
from dlbook.datasets.emoji import (
    EMOJI_CATEGORIES,
    EMOJI_STYLES,
    Emoji,
    Sprites,
    emoji,
    emoji_sprites,
)
from dlbook.datasets.fashion_mnist import FASHION_CLASSES, FashionMNIST, fashion_mnist
from dlbook.datasets.hanzi import FONT_TITLES, PRINTED_FONTS, RUNNING_FONT, Hanzi, hanzi
from dlbook.datasets.mnist import MNIST, mnist
from dlbook.datasets.package_graph import SECTIONS, PackageGraph, package_graph
from dlbook.datasets.photos import Photo, imagenet_classes, photos
from dlbook.datasets.tabular import CovidCurves, Table, bikeshare, chicago, covid, weather

__all__ = [
    "AVATAR_STYLES",
    "CUTOUT_CLASSES",
    "EMOJI_CATEGORIES",
    "EMOJI_STYLES",
    "FASHION_CLASSES",
    "FONT_TITLES",
    "MNIST",
    "PRINTED_FONTS",
    "RUNNING_FONT",
    "SECTIONS",
    "Avatars",
    "CovidCurves",
    "Cutouts",
    "Digits",
    "Emoji",
    "FashionMNIST",
    "Hanzi",
    "PackageGraph",
    "Photo",
    "Sprites",
    "Table",
    "avatars",
    "bikeshare",
    "chicago",
    "covid",
    "cutouts",
    "digits",
    "emoji",
    "emoji_sprites",
    "fashion_mnist",
    "hanzi",
    "imagenet_classes",
    "mnist",
    "package_graph",
    "photos",
    "weather",
]
