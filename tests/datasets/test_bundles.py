"""Every bundled file: its hash, its provenance, and a licence text."""

import json
import re
from pathlib import Path

import pytest

from dlbook import assets, paths

BUNDLES = [asset for asset in assets.registry().values() if asset.bundle is not None]
PROVENANCES = sorted(paths.DATA.glob("*/PROVENANCE.json"))


@pytest.mark.parametrize("asset", BUNDLES, ids=lambda asset: asset.name)
def test_content_has_the_hash_of_the_registry(asset: assets.Asset) -> None:
    assert assets.is_verified(asset, thorough=True)


@pytest.mark.parametrize("asset", BUNDLES, ids=lambda asset: asset.name)
def test_every_licence_is_beside_the_data(asset: assets.Asset) -> None:
    folder = paths.DATA / "LICENSES"
    for licence in re.split(r" AND | OR ", asset.licence):
        assert (folder / f"{licence}.txt").is_file(), f"LICENSES/{licence}.txt"


@pytest.mark.parametrize("file", PROVENANCES, ids=lambda file: file.parent.name)
def test_provenance_names_script_inputs_and_outputs(file: Path) -> None:
    provenance = json.loads(file.read_text("utf-8"))
    outputs = {p.name for p in file.parent.iterdir() if p != file}
    hashes = {asset.bundle: asset.sha256 for asset in BUNDLES}
    assert provenance["inputs"]
    assert set(provenance["outputs"]) == outputs
    for name, digest in provenance["outputs"].items():
        assert hashes[file.parent / name] == digest
    if paths.REPO is not None:
        assert (paths.REPO / provenance["script"]).is_file()


def test_bundles_stay_within_their_budget() -> None:
    assert sum(asset.size for asset in BUNDLES) <= 60e6
