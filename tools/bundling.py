"""What the scripts that make bundles share: packages opened, arrays written, provenance recorded.

The same inputs give the same bytes: archives are written in a fixed order without times.
"""

import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "src/dlbook/data"


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unpack_debian(package: Path, folder: Path) -> Path:
    """The files of a .deb, without running its scripts."""
    target = folder / package.name.split("_")[0]
    subprocess.run(["dpkg", "-x", str(package), str(target)], check=True)
    return target


def find_package(folder: Path, prefix: str) -> Path:
    """The one file in ``folder`` whose name starts with ``prefix``."""
    found = sorted(folder.glob(f"{prefix}*"))
    if len(found) != 1:
        raise SystemExit(f"{folder}: expected one file named {prefix}*, found {len(found)}")
    return found[0]


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    """An .npz compressed by LZMA, which ``np.load`` reads like any other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_LZMA)


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    """A zip of files that are compressed already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def record(
    folder: Path, script: str, inputs: Iterable[Path], libraries: Iterable[str] = ()
) -> None:
    """Write PROVENANCE.json beside the bundle's files, and print what a registry entry needs."""
    outputs = sorted(p for p in folder.iterdir() if p.is_file() and p.name != "PROVENANCE.json")
    provenance = {
        "script": f"tools/{Path(script).name}",
        "libraries": {name: version(name) for name in ("numpy", *libraries)},
        "inputs": {path.name: sha256_of(path) for path in sorted(inputs)},
        "outputs": {path.name: sha256_of(path) for path in outputs},
    }
    text = json.dumps(provenance, ensure_ascii=False, indent=1) + "\n"
    (folder / "PROVENANCE.json").write_text(text, "utf-8")
    for path in outputs:
        print(f"{sha256_of(path)}  {path.stat().st_size:>11,}  {path.relative_to(DATA)}")
