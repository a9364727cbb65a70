"""Make the bundled CJK font: Noto Sans CJK TC cut down to what Traditional Chinese labels need.

    apt-get download fonts-noto-cjk          # Debian bookworm, version 1:20220127+repack1-1
    python tools/make_font.py fonts-noto-cjk_*.deb

Needs ``pip install -e ".[tools]"`` and dpkg. The same package gives the same bytes.
"""

import argparse
import tempfile
from pathlib import Path

from bundling import DATA, record, unpack_debian
from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

OUTPUT = DATA / "fonts/DLBookSansTC.otf"
FAMILY = "DLBook Sans TC"  # a name of its own, so that an installed Noto can't shadow it
BEYOND_LEVEL_1 = (
    "臺裡嗎啟群峰線痺麵污粧磷嚐熵饋鶩菇"  # used by the course, not among Big5's common characters
)
MEMBER = "usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"


def wanted_characters() -> set[int]:
    """ASCII, Latin-1, Greek, punctuation, arrows, mathematics, and Big5 level 1 (5,401 characters)."""
    ranges = [(0x20, 0x7F), (0xA0, 0x100), (0x391, 0x3CA), (0x2010, 0x2060), (0x2070, 0x20A0)]
    ranges += [(0x2190, 0x2200), (0x2200, 0x22FF), (0x2460, 0x2480), (0x2500, 0x2600)]
    ranges += [(0x25A0, 0x2610), (0x2713, 0x2718), (0x3000, 0x3030), (0x3105, 0x312A)]
    ranges += [(0xFF01, 0xFF5F)]
    characters = {code for low, high in ranges for code in range(low, high)}
    for lead in range(0xA4, 0xC7):
        for trail in [*range(0x40, 0x7F), *range(0xA1, 0xFF)]:
            text = bytes([lead, trail]).decode("big5", "ignore")
            characters.update(map(ord, text))
    return characters | set(map(ord, BEYOND_LEVEL_1))


def make(collection: Path) -> TTFont:
    """The subset of the Traditional Chinese face, renamed."""
    faces = TTCollection(str(collection)).fonts
    font = next(f for f in faces if f["name"].getDebugName(1) == "Noto Sans CJK TC")
    font.recalcTimestamp = False
    options = subset.Options(layout_features=[], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    options.hinting = False
    options.desubroutinize = False
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted_characters())
    subsetter.subset(font)
    for entry in font["name"].names:
        if entry.nameID in (1, 3, 4, 16):
            entry.string = FAMILY
        elif entry.nameID == 6:
            entry.string = FAMILY.replace(" ", "")
    return font


def main() -> None:
    """Write the font and its provenance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("deb", type=Path)
    deb = parser.parse_args().deb
    with tempfile.TemporaryDirectory() as folder:
        font = make(unpack_debian(deb, Path(folder)) / MEMBER)
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        font.save(OUTPUT)
    record(OUTPUT.parent, __file__, [deb], ["fonttools"])


if __name__ == "__main__":
    main()
