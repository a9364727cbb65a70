"""Make the book's font for formulas: Latin Modern Math cut down to what lessons write.

    apt-get download fonts-lmodern           # Debian bookworm, version 2.005-1
    python tools/make_math_font.py fonts-lmodern_*.deb

Browsers lay out MathML by the tables of an OpenType math font, and few systems have one. Needs
``pip install -e ".[tools]"`` and dpkg. The same package gives the same bytes.
"""

import sys
import tempfile
from pathlib import Path

from bundling import unpack_debian
from fontTools import subset
from fontTools.ttLib import TTFont

from dlbook import paths

OUTPUT = paths.checkout() / "book" / "static" / "fonts" / "dl-math.woff"
FAMILY = "DL Math"  # a name of its own, as the licence asks of a changed font
MEMBER = "usr/share/texmf/fonts/opentype/public/lm-math/latinmodern-math.otf"
RANGES = (
    (0x20, 0x7F), (0xA0, 0xB8), (0xD7, 0xD8), (0xF7, 0xF8), (0x391, 0x3F7),  # Latin, Greek
    (0x2010, 0x2017), (0x2020, 0x2027), (0x2032, 0x2035), (0x2061, 0x2065),
    (0x210A, 0x2136), (0x2190, 0x21A7), (0x21D0, 0x21D6),  # letters like ℝ and ℓ, arrows
    (0x2200, 0x2230), (0x2240, 0x229A), (0x22A4, 0x22A6), (0x22C0, 0x22C6), (0x22EE, 0x22F2),
    (0x2308, 0x230C), (0x23B4, 0x23B6), (0x23DC, 0x23E0), (0x27E8, 0x27EC), (0x2A00, 0x2A03),
    (0x1D400, 0x1D468), (0x1D49C, 0x1D4D0), (0x1D538, 0x1D56C), (0x1D6E2, 0x1D71C),
)  # fmt: skip


def make(source: Path) -> TTFont:
    """The subset with its MATH table, renamed."""
    font = TTFont(source, recalcTimestamp=False)
    options = subset.Options(layout_features=["ssty", "dtls"], name_IDs=[0, 1, 2, 4, 6, 13, 14])
    options.hinting = False
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for low, high in RANGES for code in range(low, high)])
    subsetter.subset(font)
    for entry in font["name"].names:
        if entry.nameID in (1, 4):
            entry.string = FAMILY
        elif entry.nameID == 6:
            entry.string = FAMILY.replace(" ", "")
    font.flavor = "woff"
    return font


def main() -> None:
    """Write the font."""
    with tempfile.TemporaryDirectory() as folder:
        font = make(unpack_debian(Path(sys.argv[1]), Path(folder)) / MEMBER)
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        font.save(OUTPUT)
    print(f"{OUTPUT.name}: {OUTPUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
