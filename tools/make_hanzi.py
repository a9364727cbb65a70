"""Make the bundled hanzi glyphs: 1,000 common characters in 12 typefaces at 28 pixels.

    mkdir packages && cd packages
    apt-get download fonts-noto-cjk fonts-arphic-uming fonts-arphic-ukai fonts-cwtex-ming \\
        fonts-cwtex-yen fonts-cwtex-fs fonts-cwtex-kai fonts-lxgw-wenkai fonts-seto \\
        fonts-kouzan-mouhitsu               # Debian bookworm
    pip download --no-deps --no-binary :all: jieba==0.42.1
    python tools/make_hanzi.py packages

Which characters are common is counted in jieba's word list (a text file, taken out of the
package), converted to Traditional characters by ``pip install opencc==1.4.2``.
"""

import argparse
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from bundling import DATA, find_package, record, unpack_debian, write_npz
from opencc import OpenCC
from PIL import Image, ImageDraw, ImageFont

OUTPUT = DATA / "hanzi"
FONTS = {  # name: package, file, face in the collection
    "noto-sans": ("fonts-noto-cjk", "opentype/noto/NotoSansCJK-Regular.ttc", 3),
    "noto-serif": ("fonts-noto-cjk", "opentype/noto/NotoSerifCJK-Regular.ttc", 3),
    "uming": ("fonts-arphic-uming", "truetype/arphic/uming.ttc", 2),
    "cwtex-ming": ("fonts-cwtex-ming", "truetype/cwtex/cwming.ttf", 0),
    "cwtex-yen": ("fonts-cwtex-yen", "truetype/cwtex/cwyen.ttf", 0),
    "cwtex-fs": ("fonts-cwtex-fs", "truetype/cwtex/cwfs.ttf", 0),
    "ukai": ("fonts-arphic-ukai", "truetype/arphic/ukai.ttc", 2),
    "cwtex-kai": ("fonts-cwtex-kai", "truetype/cwtex/cwkai.ttf", 0),
    "wenkai": ("fonts-lxgw-wenkai", "truetype/lxgw-wenkai/LXGWWenKai-Regular.ttf", 0),
    "seto": ("fonts-seto", "truetype/seto/setofont.ttf", 0),
    "kouzan": ("fonts-kouzan-mouhitsu", "truetype/kouzan-mouhitsu/kouzan-mouhitsu.ttf", 0),
    "gyosho": ("fonts-kouzan-mouhitsu", "truetype/kouzan-mouhitsu/kouzan-mouhitsu-gyosho.ttf", 0),
}
CHARACTERS = 1_000
PARTS = (700, 100, 200)  # characters for training, validation and testing
SEED = 0
SIZE = 28
SCALE = 4  # drawn this much larger, then averaged
TYPICAL_EXTENT = 23  # pixels: the longer side of a typical glyph's ink, equal in all typefaces
GREY_STEP = 17  # 16 grey levels: 0, 17, … 255


def big5_level_1() -> set[str]:
    """The 5,401 characters in common use in Taiwan."""
    codes = [
        bytes([lead, trail])
        for lead in range(0xA4, 0xC7)
        for trail in [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    ]
    return {text for code in codes if (text := code.decode("big5", "ignore")) >= "一"}


def by_frequency(sdist: Path) -> list[str]:
    """Characters in common use, the most frequent first."""
    with tarfile.open(sdist) as archive:
        member = archive.extractfile("jieba-0.42.1/jieba/dict.txt")
        if member is None:
            raise SystemExit(f"{sdist} has no dict.txt")
        lines = [line.rsplit(" ", 2) for line in member.read().decode().splitlines()]
    words = OpenCC("s2tw").convert("\n".join(word for word, _, _ in lines)).split("\n")
    counts: Counter[str] = Counter()
    for word, (_, frequency, _) in zip(words, lines, strict=True):
        for character in word:
            counts[character] += int(frequency)
    common = big5_level_1() & set(counts)
    return sorted(common, key=lambda character: (-counts[character], character))


def ink(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    """The character, cut to its ink; one empty pixel when it has none."""
    side = 3 * round(font.size)
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text((font.size, font.size), character, font=font, fill=255)
    return canvas.crop(canvas.getbbox() or (0, 0, 1, 1))


def draw(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    """The character, its ink in the middle of 28×28 pixels."""
    side = SIZE * SCALE
    glyph = ink(font, character)
    canvas = Image.new("L", (side, side))
    canvas.paste(glyph, ((side - glyph.width) // 2, (side - glyph.height) // 2))
    return canvas.resize((SIZE, SIZE), Image.Resampling.BOX)


def typical_extent(font: ImageFont.FreeTypeFont, characters: list[str]) -> float:
    """Median of the longer side of the ink."""
    return float(np.median([max(ink(font, character).size) for character in characters]))


def render(file: Path, face: int, characters: list[str]) -> np.ndarray:
    """All characters in one typeface, [characters, 28, 28]."""
    first = ImageFont.truetype(str(file), 100, index=face)
    points = 100 * TYPICAL_EXTENT * SCALE / typical_extent(first, characters[:200])
    font = ImageFont.truetype(str(file), points, index=face)
    glyphs = np.stack([np.asarray(draw(font, character)) for character in characters])
    levels = np.round(glyphs / GREY_STEP)
    return (levels * GREY_STEP).astype(np.uint8)


def drawn_properly(glyphs: np.ndarray) -> np.ndarray:
    """Which glyphs have ink, and ink of their own: a box for "missing" is the same every time."""
    flat = glyphs.reshape(len(glyphs), -1)
    seen = Counter(row.tobytes() for row in flat)
    return np.array([row.max() > 0 and seen[row.tobytes()] == 1 for row in flat])


def parts() -> np.ndarray:
    """0, 1 or 2 for every character: training, validation, testing."""
    return np.random.default_rng(SEED).permutation(np.repeat([0, 1, 2], PARTS)).astype(np.uint8)


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    folder = parser.parse_args().packages
    jieba = find_package(folder, "jieba-")
    debs = {package: find_package(folder, f"{package}_") for package, _, _ in FONTS.values()}
    candidates = by_frequency(jieba)[: 2 * CHARACTERS]
    with tempfile.TemporaryDirectory() as temporary:
        roots = {name: unpack_debian(deb, Path(temporary)) for name, deb in debs.items()}
        images = np.stack(
            [
                render(roots[package] / "usr/share/fonts" / file, face, candidates)
                for package, file, face in FONTS.values()
            ]
        )
    proper = np.all([drawn_properly(glyphs) for glyphs in images], axis=0)
    kept = np.flatnonzero(proper)[:CHARACTERS]
    write_npz(
        OUTPUT / "hanzi.npz",
        images=images[:, kept],
        characters=np.array([candidates[position] for position in kept]),
        fonts=np.array(list(FONTS)),
        parts=parts(),
    )
    record(OUTPUT, __file__, [jieba, *debs.values()], ["pillow", "opencc"])


if __name__ == "__main__":
    main()
