"""Make the bundled emoji: five drawings of 1,553 emoji at 32 pixels, and sprites at 20 pixels.

    mkdir packages && cd packages
    for name in noto@1.2.9 twemoji@1.2.5 openmoji@1.2.29 fluent-emoji-flat@1.2.6 \\
        fluent-emoji@1.2.7; do npm pack @iconify-json/$name; done
    python tools/make_emoji.py packages

Needs ``pip install resvg-py==0.5.0``, which draws SVG.
"""

import argparse
import io
import json
import re
import tarfile
from pathlib import Path

import numpy as np
import resvg_py
from bundling import DATA, find_package, record, write_npz
from PIL import Image

OUTPUT = DATA / "emoji"
STYLES = {
    "noto": "noto-1",
    "twemoji": "twemoji-1",
    "openmoji": "openmoji-1",
    "fluent-flat": "fluent-emoji-flat-1",
    "fluent-3d": "fluent-emoji-1",
}
SPRITE_STYLE = "fluent-flat"
SIZE, SPRITE_SIZE = 32, 20
SPRITE_COLOURS = 64
SHARES = {"train": 0.7, "valid": 0.1, "test": 0.2}
SEED = 0
ALIKE = 6.0  # mean difference of two drawings, of 255, below which they count as one
PEOPLE = re.compile(r"^(man|woman|men|women|person|people|mx|mrs|old|older|boy|girl|child)(-|$)")
VARIANTS = re.compile(r"-(facing-right|left|right|up|down|left-right|up-down)$|-oclock$|-thirty$")

Icons = dict[str, dict]


def read(package: Path, member: str) -> dict:
    """A JSON file of the package."""
    with tarfile.open(package) as archive:
        stream = archive.extractfile(f"package/{member}")
        if stream is None:
            raise SystemExit(f"{package} has no {member}")
        return json.load(stream)


def draw(icons: dict, name: str, size: int) -> Image.Image:
    """One icon on white."""
    icon = icons["icons"][name]
    width = icon.get("width", icons.get("width", 16))
    height = icon.get("height", icons.get("height", 16))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{size}" height="{size}" viewBox="{box}">{icon["body"]}</svg>'
    )
    drawing = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA")
    page = Image.new("RGBA", drawing.size, "white")
    return Image.alpha_composite(page, drawing).convert("RGB")


def render(icons: dict, names: list[str], size: int) -> np.ndarray:
    """All emoji in one style, [emoji, size, size, 3]."""
    return np.stack([np.asarray(draw(icons, name, size)) for name in names])


def base_name(name: str) -> str:
    """What variants of one emoji share: ``woman-running-facing-right`` gives ``running``."""
    bare = VARIANTS.sub("", name)
    return PEOPLE.sub("", bare) or "person"


def groups(names: list[str], drawings: np.ndarray) -> np.ndarray:
    """A number for every emoji; variants, mirror images and near copies have the same one."""
    number = list(range(len(names)))

    def root(position: int) -> int:
        while number[position] != position:
            position = number[position]
        return position

    first_of: dict[str, int] = {}
    flat = drawings.reshape(len(names), -1).astype(np.float32)
    mirrored = drawings[:, :, ::-1].reshape(len(names), -1).astype(np.float32)
    for position, name in enumerate(names):
        same = [first_of.setdefault(base_name(name), position)]
        for others in (flat, mirrored):
            difference = np.abs(others[:position] - flat[position]).mean(1)
            same += np.flatnonzero(difference < ALIKE).tolist()
        for other in same:
            number[root(other)] = root(position)
    return np.unique([root(position) for position in range(len(names))], return_inverse=True)[1]


def split(group: np.ndarray, category: np.ndarray) -> np.ndarray:
    """0, 1 or 2 for every emoji (training, validation, testing), whole groups, by category."""
    generator = np.random.default_rng(SEED)
    parts = np.zeros(len(group), np.uint8)
    shares = np.cumsum(list(SHARES.values()))
    for label in np.unique(category):
        members = np.unique(group[category == label])
        order = generator.permutation(members)
        position = (np.arange(len(order)) + 0.5) / len(order)
        for number, part in zip(order, np.searchsorted(shares, position), strict=True):
            parts[group == number] = part
    return parts


def quantise(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices into one palette for all sprites; colour 0 is the white of the background."""
    ink = images[(images != 255).any(3)]
    sample = Image.fromarray(ink[None].astype(np.uint8))
    coarse = sample.quantize(SPRITE_COLOURS - 1, Image.Quantize.MEDIANCUT, kmeans=10)
    colours = np.array(coarse.getpalette(), np.uint8).reshape(-1, 3)[: SPRITE_COLOURS - 1]
    palette = np.vstack([[255, 255, 255], colours]).astype(np.uint8)
    pixels = images.reshape(-1, 3).astype(np.int32)
    distances = [((pixels - colour) ** 2).sum(1) for colour in palette.astype(np.int32)]
    return np.argmin(distances, 0).astype(np.uint8).reshape(images.shape[:3]), palette


def main() -> None:
    """Write the bundles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    folder = parser.parse_args().packages
    packages = {s: find_package(folder, f"iconify-json-{stem}") for s, stem in STYLES.items()}
    icons = {style: read(package, "icons.json") for style, package in packages.items()}
    kinds = read(packages["noto"], "metadata.json")["categories"]
    category_of = {name: kind for kind in kinds if kind != "Flags" for name in kinds[kind]}
    names = sorted(set(category_of).intersection(*(set(i["icons"]) for i in icons.values())))
    categories = sorted(set(category_of.values()))
    category = np.array([categories.index(category_of[name]) for name in names], np.uint8)
    images = np.stack([render(style, names, SIZE) for style in icons.values()])
    group = groups(names, images[list(STYLES).index(SPRITE_STYLE)])
    shared = {
        "names": np.array(names),
        "category": category,
        "categories": np.array(categories),
        "group": group.astype(np.uint16),
        "parts": split(group, category),
    }
    write_npz(OUTPUT / "emoji.npz", images=images, styles=np.array(list(STYLES)), **shared)
    indices, palette = quantise(render(icons[SPRITE_STYLE], names, SPRITE_SIZE))
    write_npz(OUTPUT / "sprites.npz", indices=indices, palette=palette, **shared)
    record(OUTPUT, __file__, packages.values(), ["pillow", "resvg-py"])


if __name__ == "__main__":
    main()
