"""Make the bundled help pages of LibreOffice and their translation pairs, English and zh-TW.

    mkdir packages && cd packages
    apt-get download libreoffice-help-en-us libreoffice-help-zh-tw libreoffice-l10n-zh-tw
    cd .. && python tools/make_help_pages.py packages

The same page has the same blocks in both languages; what is not translated yet is the same text
in both. Security updates move the packages: PROVENANCE.json has the hashes of the ones used.
"""

import argparse
import gettext
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from pathlib import Path

from bundling import DATA, find_package, record, unpack_debian
from texts import han_only, random_parts, write_records, write_rows

OUTPUT = DATA / "help_pages"
HELP = "usr/share/libreoffice/help/{}/text"
MESSAGES = "usr/lib/libreoffice/program/resource/zh_TW/LC_MESSAGES"
PARTS = {"valid": 0.06, "test": 0.12}  # share of the pages
SEED = 0

BLOCKS = re.compile("p|h[1-6]|li|td|th|div|title|summary|br")
VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
SKIPPED = re.compile("script|style|nav|header|footer|aside|noscript|pre|button|form")
MARKUP = re.compile(r"[<>{}|\\~%$=]|&\w+;|https?:|\w\(\)|_\w|--|\.(?:xml|html|dll|so)\b")
HAN_SHARE = 0.3  # of a Chinese block's characters; less is code or a list of names
LENGTH_RATIO = (0.2, 1.4)  # Han characters for a letter of English
BOILERPLATE = frozenset(["若要使用此指令..."])
MIN_HAN = 30  # of a page worth searching


@dataclass(frozen=True)
class Page:
    """A page in both languages: blocks in order, the first of them its title."""

    name: str
    english: list[str]
    chinese: list[str]


@dataclass(frozen=True)
class ChinesePage:
    """A page as it is written to the bundle."""

    page: str
    part: str
    title: str
    paragraphs: list[str]


class BlockReader(HTMLParser):
    """The text of a page, a string for each block that is shown on every system."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.current = ""
        self.hidden = 0  # depth of elements inside the outermost one that is not shown

    def flush(self) -> None:
        """End the block."""
        if text := re.sub(r"\s+", " ", self.current).strip():
            self.blocks.append(text)
        self.current = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Hide what is for the Mac or belongs to the frame around the page."""
        if BLOCKS.fullmatch(tag):
            self.flush()
        unwanted = SKIPPED.fullmatch(tag) or dict(attrs).get("class") == "MAC"
        if not VOID.fullmatch(tag) and (self.hidden or unwanted):
            self.hidden += 1

    def handle_endtag(self, tag: str) -> None:
        """A block ends with its element."""
        if BLOCKS.fullmatch(tag):
            self.flush()
        if not VOID.fullmatch(tag) and self.hidden:
            self.hidden -= 1

    def handle_data(self, data: str) -> None:
        """Collect text."""
        if not self.hidden:
            self.current += data


def blocks(file: Path) -> list[str]:
    """The blocks of a page."""
    reader = BlockReader()
    reader.feed(file.read_text("utf-8"))
    reader.flush()
    return reader.blocks


def read_pages(english: Path, chinese: Path) -> list[Page]:
    """Pages with equally many blocks in both languages, without a title repeated as a heading."""
    pages = []
    for file in sorted(english.rglob("*.html")):
        name = file.relative_to(english).with_suffix("").as_posix()
        other = chinese / file.relative_to(english)
        if not other.is_file():
            continue
        ours, theirs = blocks(file), blocks(other)
        if len(ours) != len(theirs) or not ours:
            print(f"left out, blocks differ: {name}")
            continue
        if len(ours) > 1 and ours[0] == ours[1]:
            del ours[0], theirs[0]
        pages.append(Page(name, ours, theirs))
    return pages


def tidy(text: str) -> str:
    """No space at the ends, none between Han characters and full-width punctuation."""
    wide = r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]"
    return re.sub(f"(?<={wide}) +(?={wide})", "", text.strip())


def is_pair(english: str, chinese: str) -> bool:
    """A translation: plain text, really Chinese, of a believable length."""
    han = len(han_only(chinese))
    letters = len(re.findall("[A-Za-z]", english))
    if MARKUP.search(english) or MARKUP.search(chinese) or han < 2 or letters < 3:
        return False
    ratio = han / letters
    return han >= HAN_SHARE * len(chinese.replace(" ", "")) and (
        LENGTH_RATIO[0] < ratio < LENGTH_RATIO[1]
    )


def key(text: str) -> str:
    """What makes two sentences the same: their letters."""
    return re.sub(r"[\W\d_]", "", text).casefold()


def pairs_of_pages(pages: list[Page], parts: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """Part, page, English, Chinese. A sentence of two parts stays in training only."""
    seen: dict[str, str] = {}
    translated: set[str] = set()
    for part in ("train", "valid", "test"):
        for page in pages:
            if parts[page.name] != part:
                continue
            for english, chinese in zip(page.english, page.chinese, strict=True):
                target = tidy(chinese)
                if not is_pair(english, target):
                    continue
                keys = {key(english), key(target)}
                elsewhere = any(seen.get(k, part) != part for k in keys)
                if elsewhere or key(english) in translated:
                    continue
                translated.add(key(english))
                seen |= dict.fromkeys(keys, part)
                yield part, page.name, english, target


def interface_pairs(folder: Path, held_out: set[str]) -> Iterator[tuple[str, str]]:
    """Menus and messages of the program; none that testing or validation has."""
    seen: set[str] = set()
    for file in sorted(folder.rglob("*.mo")):
        with file.open("rb") as stream:
            catalogue = vars(gettext.GNUTranslations(stream))["_catalog"]
        for message, translation in catalogue.items():
            if not isinstance(message, str) or not translation:
                continue
            english = re.sub(r"[_~](?=\w)", "", message.split("\x04")[-1])
            chinese = tidy(re.sub(r"\([_~]\w\)|[_~](?=\w)", "", translation))
            if "\n" in english or not is_pair(english, chinese):
                continue
            keys = {key(english), key(chinese)}
            if key(english) not in seen and not keys & held_out:
                seen.add(key(english))
                yield english, chinese


def chinese_page(page: Page, part: str) -> ChinesePage:
    """Title and paragraphs that are in Chinese, each once."""
    title, *paragraphs = [tidy(text) for text in page.chinese]
    unwanted = BOILERPLATE | {title}
    shown = [text for text in dict.fromkeys(paragraphs) if han_only(text) and text not in unwanted]
    return ChinesePage(page.name, part, title, shown)


def main() -> None:
    """Write pages, pairs, and pairs from the program's interface."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    folder = parser.parse_args().packages
    names = ("libreoffice-help-en-us", "libreoffice-help-zh-tw", "libreoffice-l10n-zh-tw")
    debs = [find_package(folder, f"{name}_") for name in names]
    with tempfile.TemporaryDirectory() as temporary:
        english, chinese, interface = (unpack_debian(deb, Path(temporary)) for deb in debs)
        pages = read_pages(english / HELP.format("en-US"), chinese / HELP.format("zh-TW"))
        parts = random_parts((page.name for page in pages), PARTS, SEED)
        pairs = list(pairs_of_pages(pages, parts))
        held_out = {key(t) for part, _, *texts in pairs if part != "train" for t in texts}
        messages = list(interface_pairs(interface / MESSAGES, held_out))
    shown = [chinese_page(page, parts[page.name]) for page in pages]
    useful = [page for page in shown if len(han_only("".join(page.paragraphs))) >= MIN_HAN]
    write_records(OUTPUT / "pages.jsonl.xz", map(asdict, useful))
    write_rows(OUTPUT / "pairs.tsv.xz", pairs)
    write_rows(OUTPUT / "interface.tsv.xz", messages)
    print(f"{len(useful):,} pages, {len(pairs):,} pairs, {len(messages):,} of the interface")
    record(OUTPUT, __file__, debs)


if __name__ == "__main__":
    main()
