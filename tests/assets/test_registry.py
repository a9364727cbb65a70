"""The registry and the commands above it."""

import pytest

from dlbook import assets
from dlbook.assets import Asset, manage


@pytest.mark.parametrize("name", [n for n, a in assets.registry().items() if a.bundle is not None])
def test_a_bundle_has_the_size_and_hash_of_the_registry(name: str) -> None:
    assert assets.is_verified(assets.find(name), thorough=True)


@pytest.mark.parametrize("asset", assets.registry().values(), ids=lambda a: a.name)
def test_the_registry_says_where_it_is_from_and_under_which_licence(asset: Asset) -> None:
    assert asset.tier in assets.TIERS
    assert (asset.tier == "bundle") == (asset.bundle is not None)
    assert all([asset.licence, asset.origin, asset.purpose, asset.sources])
    assert len(asset.sha256) == 64


def test_an_asset_that_cannot_be_had_does_not_keep_the_others_away(monkeypatch):
    asked = []

    def fetch(asset):
        asked.append(asset.name)
        raise assets.AssetError(f"拿不到「{asset.name}」。")

    monkeypatch.setattr(manage, "is_verified", lambda asset: False)
    monkeypatch.setattr(manage, "fetch", fetch)
    with pytest.raises(assets.AssetError, match="拿不到") as caught:
        manage.get([], "small")
    small = [asset.name for asset in assets.registry().values() if asset.tier == "small"]
    assert asked == small
    assert all(name in str(caught.value) for name in small)
