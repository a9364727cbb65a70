"""Make the bundled photo cut-outs out of the Debian package ``tuxpaint-stamps-default``.

    apt-get download tuxpaint-stamps-default    # bookworm, 2022.06.04-1
    python tools/make_cutouts.py tuxpaint-stamps-default_*.deb

``cutouts.csv`` beside this script is the cleaned list: photographs only (each was looked at: no
drawing, cartoon, silhouette or washed-out picture), and none for which the package's changelog
names a licence of its own other than CC BY-SA 3.0 or a source without one (GFDL, CC BY 2.5, CC
BY-SA 2.5, sxc.hu, "from Wikipedia").
"""

import argparse
import csv
import re
import tempfile
from pathlib import Path

import numpy as np
from bundling import DATA, record, unpack_debian, write_npz
from PIL import Image

OUTPUT = DATA / "cutouts"
STAMPS = "usr/share/tuxpaint/stamps"
LIST = Path(__file__).with_name("cutouts.csv")
SIZE = 128
MARGIN = 4
TRAINING_SHARE = 0.6
SEED = 0


def draw(path: Path) -> np.ndarray:
    """The photograph on white, its visible part in the middle and filling the square."""
    with Image.open(path) as image:
        picture = image.convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda a: 255 * (a > 16)).getbbox())
    scale = (SIZE - 2 * MARGIN) / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    page = Image.new("RGBA", (SIZE, SIZE), "white")
    page.alpha_composite(picture, ((SIZE - size[0]) // 2, (SIZE - size[1]) // 2))
    return np.asarray(page.convert("RGB"))


def group_name(kind: str, name: str) -> str:
    """What pictures of one thing share: ``gnu-baby`` and ``gnu-sitting`` give ``gnu``."""
    return f"{kind}/{name if name.startswith('flower') else re.split('[-_]', name)[0]}"


def split(kinds: list[str], groups: np.ndarray) -> np.ndarray:
    """0 for training, 1 for testing; whole groups, the same share of every class."""
    generator = np.random.default_rng(SEED)
    parts = np.zeros(len(kinds), np.uint8)
    for kind in sorted(set(kinds)):
        mine = np.array([k == kind for k in kinds])
        for group in generator.permutation(np.unique(groups[mine])):
            if parts[mine].sum() < round((1 - TRAINING_SHARE) * mine.sum()):
                parts[groups == group] = 1
    return parts


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("deb", type=Path)
    deb = parser.parse_args().deb
    with LIST.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.reader(file))
    kinds = [kind for kind, _ in rows]
    names = [Path(stamp).stem for _, stamp in rows]
    with tempfile.TemporaryDirectory() as folder:
        stamps = unpack_debian(deb, Path(folder)) / STAMPS
        images = np.stack([draw(stamps / stamp) for _, stamp in rows])
    pairs = zip(kinds, names, strict=True)
    groups = np.unique([group_name(*pair) for pair in pairs], return_inverse=True)[1]
    classes, labels = np.unique(kinds, return_inverse=True)
    write_npz(
        OUTPUT / "cutouts.npz",
        images=images,
        labels=labels.astype(np.uint8),
        classes=classes,
        names=np.array(names),
        groups=groups.astype(np.uint8),
        parts=split(kinds, groups),
    )
    record(OUTPUT, __file__, [deb, LIST], ["pillow"])


if __name__ == "__main__":
    main()
