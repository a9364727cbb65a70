"""Reading bundles of text: an asset's .xz file as lines, rows or records."""

import json
import lzma
from typing import Any

from dlbook import assets


def lines(asset: str) -> list[str]:
    """The lines of the .xz file named ``asset`` in the registry."""
    return lzma.decompress(assets.path(asset).read_bytes()).decode("utf-8").splitlines()


def rows(asset: str) -> list[list[str]]:
    """Tab-separated values, a list a line."""
    return [line.split("\t") for line in lines(asset)]


def records(asset: str) -> list[dict[str, Any]]:
    """A JSON object a line."""
    return [json.loads(line) for line in lines(asset)]
