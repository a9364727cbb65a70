"""Hub identifiers, and a folder that stands in for the hub."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from dlbook import assets
from dlbook.assets import Asset, AssetError, hub
from dlbook.assets.asset import Model

from .conftest import make_asset, register

FULL = "owner/large-model"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Asset:
    monkeypatch.delenv("DLBOOK_HUB", raising=False)
    known = {"hub": "owner/model", "model": Model(parameters=1, ram_mb=1, full=FULL)}
    return register(monkeypatch, make_asset(**known))


def test_without_a_stand_in_the_identifier_is_the_hubs(model: Asset) -> None:
    assert hub.identifier("weights") == "owner/model"
    assert hub.identifier("weights", full=True) == FULL


def test_transformers_loads_from_the_stand_in(model: Asset, monkeypatch, tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
    tiny = LlamaForCausalLM(LlamaConfig(vocab_size=32, num_hidden_layers=1, **sizes))
    tiny.save_pretrained(tmp_path / FULL)
    monkeypatch.setenv("DLBOOK_HUB", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    loaded = AutoModelForCausalLM.from_pretrained(hub.identifier("weights", full=True))
    tokens = torch.arange(8)[None]
    assert torch.equal(loaded(tokens).logits, tiny.eval()(tokens).logits)


def test_a_stand_in_without_the_repository_says_what_to_copy(model, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DLBOOK_HUB", str(tmp_path))
    with pytest.raises(AssetError, match=f"請把模型庫的 {FULL} 整個複製到那裡"):
        hub.identifier("weights", full=True)


@pytest.mark.parametrize(
    ("full", "message"), [(True, " full 設定檔用的模型"), (False, "模型庫的識別字")]
)
def test_an_asset_without_an_identifier_says_so(monkeypatch, full: bool, message: str) -> None:
    register(monkeypatch, make_asset())
    with pytest.raises(AssetError, match=f"沒有記載「weights」的{message}"):
        hub.identifier("weights", full=full)


def test_every_identifier_on_record_has_an_owner_and_a_name() -> None:
    for asset in assets.registry().values():
        for name in (asset.hub, asset.model.full if asset.model else ""):
            assert name == "" or name.count("/") == 1
