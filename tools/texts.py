"""What the scripts that make text bundles share: members of archives, lines in an .xz file."""

import json
import lzma
import random
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HAN = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Literal and position bits suit three-byte characters better than the preset's own.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "pb": 0}]


def han_only(text: str) -> str:
    """The Han characters of ``text``."""
    return re.sub(f"[^{HAN}]", "", text)


def random_parts(names: Iterable[str], shares: dict[str, float], seed: int) -> dict[str, str]:
    """The part of each name: ``shares`` of them, drawn at random; the rest is "train"."""
    order = sorted(names)
    random.Random(seed).shuffle(order)
    parts = dict.fromkeys(order, "train")
    start = 0
    for part, share in shares.items():
        end = start + round(share * len(order))
        parts |= dict.fromkeys(order[start:end], part)
        start = end
    return parts


def read_members(archive: Path, pattern: str) -> dict[str, bytes]:
    """The files of a tar archive whose path matches ``pattern`` in full."""
    with tarfile.open(archive) as tar:
        members = [m for m in tar if m.isfile() and re.fullmatch(pattern, m.name)]
        streams = {m.name: tar.extractfile(m) for m in members}
        return {name: stream.read() for name, stream in streams.items() if stream is not None}


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Lines of UTF-8 text, compressed by xz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(lzma.compress(content, filters=FILTERS))


def write_rows(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """Rows of tab-separated values, compressed by xz."""
    write_lines(path, ("\t".join(map(str, row)) for row in rows))


def write_records(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """A JSON object a line, compressed by xz."""
    write_lines(path, (json.dumps(record, ensure_ascii=False) for record in records))
