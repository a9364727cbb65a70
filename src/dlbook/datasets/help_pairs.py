"""LibreOffice's help in English and Traditional Chinese: translation, and pages to search."""

from dataclasses import dataclass, replace

from dlbook.datasets.lines import records, rows


@dataclass(frozen=True)
class HelpPair:
    """The same text in two languages; ``page`` is empty for texts of the program's interface."""

    english: str
    chinese: str
    page: str = ""

    @property
    def words(self) -> int:
        """English words."""
        return len(self.english.split())


@dataclass(frozen=True)
class HelpPairs:
    """Pairs in three parts, and ``interface``: menus and messages, more to train on."""

    train: tuple[HelpPair, ...]
    valid: tuple[HelpPair, ...]
    test: tuple[HelpPair, ...]
    interface: tuple[HelpPair, ...]

    def sentences(self, fewest: int = 4, most: int = 40) -> "HelpPairs":
        """Only pairs of so many English words: no labels, no long paragraphs."""
        parts = {
            name: tuple(pair for pair in pairs if fewest <= pair.words <= most)
            for name, pairs in vars(self).items()
        }
        return replace(self, **parts)


@dataclass(frozen=True)
class HelpPage:
    """``name`` such as "swriter/01/04130100"; ``paragraphs`` holds only what is in Chinese."""

    name: str
    title: str
    paragraphs: tuple[str, ...]

    @property
    def module(self) -> str:
        """swriter, scalc, simpress, …; "shared" for all programs."""
        return self.name.split("/", 1)[0]

    @property
    def text(self) -> str:
        """Title and paragraphs, one a line."""
        return "\n".join((self.title, *self.paragraphs))


def help_pairs() -> HelpPairs:
    """14,965 pairs, English and zh-TW, of the help, and 13,496 of the interface.

    Split by page: 12,709 for training, 1,037 for validation, 1,219 for testing. No page is in two
    parts, nor a sentence of either language (digits, case and punctuation apart), the interface
    included; sentences that differ in a word remain. An English text occurs once. ``sentences()``
    keeps 4–40 words: 8,945, 815 and 967, and 6,304 of the interface. Blocks are paired by their
    place on the page, so a few translations are out of date or wrong.

    Licence: MPL-2.0, © LibreOffice contributors (Debian packages libreoffice-help-en-us,
    libreoffice-help-zh-tw, libreoffice-l10n-zh-tw).
    """
    parts: dict[str, list[HelpPair]] = {"train": [], "valid": [], "test": []}
    for part, page, english, chinese in rows("help-pairs"):
        parts[part].append(HelpPair(english, chinese, page))
    interface = tuple(HelpPair(english, chinese) for english, chinese in rows("help-interface"))
    return HelpPairs(
        train=tuple(parts["train"]),
        valid=tuple(parts["valid"]),
        test=tuple(parts["test"]),
        interface=interface,
    )


def help_pages() -> tuple[HelpPage, ...]:
    """1,781 pages in Chinese, 570 thousand characters: a knowledge base to search.

    Not split: it is searched, not learned. Pages with less than 30 Han characters of text are left
    out; titles and paragraphs that nobody has translated yet are missing or in English.

    Licence: as :func:`help_pairs`.
    """
    return tuple(
        HelpPage(page["page"], page["title"], tuple(page["paragraphs"]))
        for page in records("help-pages")
    )
