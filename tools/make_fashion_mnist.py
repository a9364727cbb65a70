"""Make the bundled part of FashionMNIST out of the Debian package ``dataset-fashion-mnist``.

    apt-get download dataset-fashion-mnist      # bookworm, 0.0~git20200523.55506a9-1
    python tools/make_fashion_mnist.py dataset-fashion-mnist_*.deb

Keeps 2,000 training images of each class, drawn with a fixed seed, and the whole test set.
"""

import argparse
import gzip
import tempfile
from pathlib import Path

import numpy as np
from bundling import DATA, record, unpack_debian, write_npz

OUTPUT = DATA / "fashion_mnist"
MEMBERS = "usr/share/datasets/fashion-mnist"
PER_CLASS = 2_000
SEED = 0


def read_idx(path: Path, header: int) -> np.ndarray:
    """The bytes after an idx header."""
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of ``train`` or ``t10k``."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    return images, read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 8)


def balanced(labels: np.ndarray) -> np.ndarray:
    """Sorted positions of PER_CLASS images of every class."""
    generator = np.random.default_rng(SEED)
    classes = [generator.permutation(np.flatnonzero(labels == label)) for label in range(10)]
    return np.sort(np.concatenate([positions[:PER_CLASS] for positions in classes]))


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("deb", type=Path)
    deb = parser.parse_args().deb
    with tempfile.TemporaryDirectory() as folder:
        source = unpack_debian(deb, Path(folder)) / MEMBERS
        images, labels = read_part(source, "train")
        test_images, test_labels = read_part(source, "t10k")
    kept = balanced(labels)
    write_npz(
        OUTPUT / "fashion_mnist.npz",
        train_images=images[kept],
        train_labels=labels[kept],
        train_positions=kept.astype(np.int32),
        test_images=test_images,
        test_labels=test_labels,
    )
    record(OUTPUT, __file__, [deb])


if __name__ == "__main__":
    main()
