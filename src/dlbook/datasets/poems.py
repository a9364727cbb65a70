"""Poems of the Tang dynasty: character language models, and a form that code can check."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from dlbook.datasets.lines import rows

POEM_FORMS = ("五言絕句", "七言絕句", "五言律詩", "七言律詩", "其他")
_FORM_OF_SHAPE = {(4, 5): 0, (4, 7): 1, (8, 5): 2, (8, 7): 3}  # verses, characters in each
_PUNCTUATION = re.compile("[，。？！：；、]")


def poem_form(text: str) -> str:
    """Which of ``POEM_FORMS``, by the number and length of the verses alone.

    Tones and rhyme are not looked at: 靜夜思, strictly an older form, counts as a 五言絕句.
    """
    verses = [verse for verse in _PUNCTUATION.split(text.strip()) if verse]
    lengths = {len(verse) for verse in verses}
    shape = (len(verses), lengths.pop()) if len(lengths) == 1 else (0, 0)
    return POEM_FORMS[_FORM_OF_SHAPE.get(shape, -1)]


@dataclass(frozen=True)
class Poem:
    """``text``: verses with their punctuation, 「白日依山盡，黃河入海流。…」."""

    author: str
    title: str
    text: str

    @property
    def verses(self) -> list[str]:
        """The verses without punctuation."""
        return [verse for verse in _PUNCTUATION.split(self.text) if verse]

    @property
    def form(self) -> str:
        """Which of ``POEM_FORMS``."""
        return poem_form(self.text)


@dataclass(frozen=True)
class Poems:
    """Poems in three parts; no author is in two."""

    train: tuple[Poem, ...]
    valid: tuple[Poem, ...]
    test: tuple[Poem, ...]

    @cached_property
    def vocabulary(self) -> str:
        """Every character of the training part, the most frequent first."""
        counts = Counter("".join(poem.text for poem in self.train))
        return "".join(sorted(counts, key=lambda character: (-counts[character], character)))


def poems() -> Poems:
    """46,185 poems by 2,346 authors out of the 全唐詩 of 1705: 2.4 million characters.

    73 % have the shape of one of the four regulated forms. Split by author: 41,209 poems for
    training, 2,369 for validation, 2,607 for testing. Authors of more than 1 % of the poems, and
    those without a name, are in training. Left out: poems with a lost character, fragments, and
    poems that share half their verses with another one, often ascribed to two authors (the one of
    whom more is known keeps it). Variants are as Taiwan's standard has them (床, 為, 群).

    Licence: the poems are in the public domain; the collection is MIT (npm chinese-poetry 2.0.1,
    © 2016 JackeyGao).
    """
    parts: dict[str, list[Poem]] = {"train": [], "valid": [], "test": []}
    for part, author, title, text in rows("poems"):
        parts[part].append(Poem(author, title, text))
    return Poems(**{part: tuple(found) for part, found in parts.items()})
