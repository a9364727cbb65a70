"""Every data set, weight file and font by name: found, fetched once, verified by its sha256.

``path(name)`` answers with a local file whose content has the sha256 of the registry, or raises
:class:`AssetError` saying which command helps. Nothing half-written is ever served: a fetch goes
to a temporary file, is hashed, and is renamed only when the hash is right. What had arrived when a
fetch was interrupted is used by the next one.
"""

import hashlib
import os
import shutil
import tomllib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from dlbook.assets import sources
from dlbook.assets.asset import TIERS, Asset, AssetError
from dlbook.assets.errors import SourceError
from dlbook.assets.watch import bytes_in, progress_bar

__all__ = [
    "TIERS",
    "Asset",
    "AssetError",
    "fetch",
    "find",
    "is_verified",
    "path",
    "readable_size",
    "registry",
    "sha256_of",
]

REGISTRY = Path(__file__).with_name("registry.toml")


@cache
def registry() -> dict[str, Asset]:
    """All assets by name."""
    entries: dict[str, dict[str, Any]] = tomllib.loads(REGISTRY.read_text("utf-8"))
    return {name: Asset.from_entry(name, entry) for name, entry in entries.items()}


def find(name: str) -> Asset:
    """The registry entry; AssetError if there is none of that name."""
    try:
        return registry()[name]
    except KeyError:
        known = "、".join(registry())
        raise AssetError(f"沒有名為「{name}」的資產。現有：{known}。") from None


def path(name: str) -> Path:
    """A verified local file of asset ``name``, fetched first if need be."""
    asset = find(name)
    if is_verified(asset):
        return asset.local
    return fetch(asset)


def is_verified(asset: Asset, *, thorough: bool = False) -> bool:
    """Is the local file there with the right content?

    A hash takes a while on large files, so a file that was verified before and has not been
    touched since (same size and time) is trusted, unless ``thorough``.
    """
    file = asset.local
    if not os.path.isfile(file) or file.stat().st_size != asset.size:
        return False
    stamp = _Stamp(file)
    if not thorough and (asset.bundle is not None or stamp.is_current()):
        return True
    if sha256_of(file) != asset.sha256:
        return False
    if asset.bundle is None:
        stamp.write()
    return True


def fetch(asset: Asset, say: Callable[[str], None] = print) -> Path:
    """Get the asset from the first source that has it; one process at a time."""
    if asset.bundle is not None:
        raise AssetError(
            f"隨套件附上的「{asset.name}」（{asset.local}）遺失或內容不符。"
            "請用 git checkout 還原，或重新安裝 dlbook。"
        )
    target = asset.local
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(target.name + ".lock")):
            if is_verified(asset):  # somebody else got it while we waited
                return target
            if target.exists():
                say(f"快取中的「{asset.name}」內容不符，重新下載。")
            _fetch_from_sources(asset, target, say)
    except OSError as error:
        raise AssetError(
            f"無法寫入快取資料夾 {target.parent}（{error.strerror or error}）。"
            "請確認磁碟空間與權限，或以環境變數 DLBOOK_CACHE 指定別的資料夾。"
        ) from error
    return target


def _fetch_from_sources(asset: Asset, target: Path, say: Callable[[str], None]) -> None:
    part = target.with_name(target.name + ".part")  # ours, as we hold the lock
    work = target.with_name(target.name + ".download")  # outlives an interruption
    _require_space(asset, work)
    reasons = []
    for source in asset.sources:
        where = sources.describe(source)
        say(f"下載「{asset.name}」（{readable_size(asset.size)}，{asset.licence}；{where}）…")
        try:
            with progress_bar(work, asset.size):
                digest = sources.copy(source, part, work)
            if digest == asset.sha256:
                os.replace(part, target)
                _Stamp(target).write()
                shutil.rmtree(work, ignore_errors=True)
                return
            reasons.append(f"{where}：內容的 sha256 不符")
            shutil.rmtree(work, ignore_errors=True)  # nothing of it can be trusted
        except SourceError as error:
            reasons.append(f"{where}：{error}")
        finally:
            part.unlink(missing_ok=True)
            if not bytes_in(work):
                shutil.rmtree(work, ignore_errors=True)
    raise AssetError(
        f"拿不到「{asset.name}」。{'；'.join(reasons)}。"
        f"請確認網路連線後執行 dlbook assets get {asset.name}。"
    )


def _require_space(asset: Asset, work: Path) -> None:
    """A wheel and what is taken out of it exist side by side for a moment."""
    copies = 2 if any(source["kind"] == "pypi" for source in asset.sources) else 1
    needed = copies * asset.size - bytes_in(work)
    free = shutil.disk_usage(work.parent).free
    if free < needed:
        raise AssetError(
            f"下載「{asset.name}」需要 {readable_size(needed)} 的磁碟空間，{work.parent} 只剩 {readable_size(free)}。"
            "請清出空間，或以環境變數 DLBOOK_CACHE 指定別的資料夾，"
            f"再執行 dlbook assets get {asset.name}。"
        )


def readable_size(size: int) -> str:
    """A size for people."""
    if size < 1e5:
        return f"{size / 1e3:.0f} KB"
    return f"{size / 1e6:.0f} MB" if size >= 1e7 else f"{size / 1e6:.1f} MB"


def sha256_of(file: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _Stamp:
    """Remembers that a file was verified, as long as its size and time do not change."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.stamp = file.with_name(file.name + ".verified")

    def _signature(self) -> str:
        status = self.file.stat()
        return f"{status.st_size} {status.st_mtime_ns}"

    def is_current(self) -> bool:
        return self.stamp.is_file() and self.stamp.read_bytes() == self._signature().encode()

    def write(self) -> None:
        with suppress(OSError):  # in a read-only cache every use verifies anew
            self.stamp.write_text(self._signature(), "utf-8")
