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
from dlbook.datasets.help_pairs import HelpPage, HelpPair, HelpPairs, help_pages, help_pairs
from dlbook.datasets.mnist import MNIST, mnist
from dlbook.datasets.package_graph import SECTIONS, PackageGraph, package_graph
from dlbook.datasets.phonemes import PHONE_CLASSES, PHONES, Phonemes, phonemes
from dlbook.datasets.photos import Photo, imagenet_classes, photos
from dlbook.datasets.poems import POEM_FORMS, Poem, Poems, poem_form, poems
from dlbook.datasets.poet_qa import PoetQA, Question, poet_qa
from dlbook.datasets.reviews import REVIEW_CLASSES, Review, Reviews, reviews
from dlbook.datasets.sanguo import Chapter, Sanguo, sanguo
from dlbook.datasets.speakers import SPEECH_SOURCES, Speakers, speakers
from dlbook.datasets.tabular import CovidCurves, Table, bikeshare, chicago, covid, weather

__all__ = [
    "AVATAR_STYLES",
    "CUTOUT_CLASSES",
    "EMOJI_CATEGORIES",
    "EMOJI_STYLES",
    "FASHION_CLASSES",
    "FONT_TITLES",
    "MNIST",
    "PHONES",
    "PHONE_CLASSES",
    "POEM_FORMS",
    "PRINTED_FONTS",
    "REVIEW_CLASSES",
    "RUNNING_FONT",
    "SECTIONS",
    "SPEECH_SOURCES",
    "Avatars",
    "Chapter",
    "CovidCurves",
    "Cutouts",
    "Digits",
    "Emoji",
    "FashionMNIST",
    "Hanzi",
    "HelpPage",
    "HelpPair",
    "HelpPairs",
    "PackageGraph",
    "Phonemes",
    "Photo",
    "Poem",
    "Poems",
    "PoetQA",
    "Question",
    "Review",
    "Reviews",
    "Sanguo",
    "Speakers",
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
    "help_pages",
    "help_pairs",
    "imagenet_classes",
    "mnist",
    "package_graph",
    "phonemes",
    "photos",
    "poem_form",
    "poems",
    "poet_qa",
    "reviews",
    "sanguo",
    "speakers",
    "weather",
]
