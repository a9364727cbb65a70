"""Make the bundled graph of Debian packages out of Debian's package index.

    apt-get update                              # on Debian 12, bookworm
    apt-helper=/usr/lib/apt/apt-helper
    $apt-helper cat-file /var/lib/apt/lists/*_bookworm_main_binary-amd64_Packages* > Packages
    python tools/make_package_graph.py Packages

The index moves with Debian's point releases; PROVENANCE.json has the hash of the one used.
"""

import argparse
import re
from collections import Counter
from pathlib import Path

import numpy as np
from bundling import DATA, record, write_npz

from dlbook.datasets import SECTIONS

OUTPUT = DATA / "package_graph"
AUXILIARY = re.compile(r"-(data|doc|dev|dbg|common|l10n|plugins?)$")
SHARED_BY = range(2, 401)  # a dependency of so many labelled packages is a node, too
TRAIN_A_CLASS, VALID_A_CLASS = 20, 30
TRAIN, VALID, TEST, UNUSED = range(4)
SEED = 0

Package = dict[str, str]


def read_index(path: Path) -> dict[str, Package]:
    """All packages by name; the fields needed, continuation lines left out."""
    packages: dict[str, Package] = {}
    for paragraph in path.read_text("utf-8").split("\n\n"):
        lines = [line for line in paragraph.splitlines() if not line.startswith(" ")]
        fields = dict(line.split(": ", 1) for line in lines if ": " in line)
        if "Package" in fields:
            packages.setdefault(fields["Package"], fields)
    return packages


def dependencies(package: Package) -> set[str]:
    """Names of the packages it needs or recommends; of alternatives, all."""
    text = ",".join(package.get(field, "") for field in ("Depends", "Pre-Depends", "Recommends"))
    return {re.split(r"[ (:\[]", part.strip())[0] for part in re.split("[,|]", text)} - {""}


def source_of(package: Package) -> str:
    """The source package it is built from."""
    return package.get("Source", package["Package"]).split(" ")[0]


def split(labels: np.ndarray, sources: list[str]) -> np.ndarray:
    """The part of every node. A source gives to one part only, and one node to training."""
    order = np.random.default_rng(SEED).permutation(np.flatnonzero(labels >= 0))
    parts = np.full(len(labels), UNUSED, np.uint8)
    taken: set[str] = set()
    for part, wanted in ((TRAIN, TRAIN_A_CLASS), (VALID, VALID_A_CLASS)):
        counts: Counter[int] = Counter()
        for node in order:
            if counts[labels[node]] < wanted and sources[node] not in taken:
                parts[node] = part
                counts[labels[node]] += 1
                taken.add(sources[node])
    for node in order:
        if parts[node] == UNUSED and sources[node] not in taken:
            parts[node] = TEST
    return parts


def main() -> None:
    """Write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    index = parser.parse_args().index
    packages = read_index(index)
    labelled = {
        name: SECTIONS.index(package["Section"])
        for name, package in packages.items()
        if package.get("Section") in SECTIONS and not AUXILIARY.search(name)
    }
    needed = Counter(other for name in labelled for other in dependencies(packages[name]))
    shared = {name for name, count in needed.items() if count in SHARED_BY and name in packages}
    names = sorted(set(labelled) | shared)
    number = {name: position for position, name in enumerate(names)}
    edges = sorted(
        (number[name], number[other])
        for name in names
        for other in dependencies(packages[name])
        if other in number and needed[other] <= SHARED_BY[-1] and other != name
    )
    labels = np.array([labelled.get(name, -1) for name in names], np.int8)
    sources = [source_of(packages[name]) for name in names]
    write_npz(
        OUTPUT / "package_graph.npz",
        edges=np.array(edges, np.uint16),
        labels=labels,
        parts=split(labels, sources),
        sources=np.unique(sources, return_inverse=True)[1].astype(np.uint16),
        names=np.array(list(map(str.encode, names))),
        descriptions=np.array([packages[name].get("Description", "").encode() for name in names]),
    )
    record(OUTPUT, __file__, [index])


if __name__ == "__main__":
    main()
