"""Pretrained weights: Hugging Face's names and numbers, converted once and shared."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from dlbook import assets, paths, pretrained
from dlbook.errors import CourseError

ASSET = "smollm2-135m-instruct-gguf"
pytestmark = pytest.mark.skipif(
    not assets.is_verified(assets.find(ASSET)), reason=f"dlbook assets get {ASSET}"
)


@pytest.fixture(scope="module")
def model() -> pretrained.Pretrained:
    return pretrained.smollm2()


def test_config_and_weights_agree_with_each_other(model) -> None:
    config, state = model.config, model.state
    width, layers = config["hidden_size"], config["num_hidden_layers"]
    assert (width, layers, config["vocab_size"]) == (576, 30, 49152)
    assert state["model.embed_tokens.weight"].shape == (49152, width)
    assert "lm_head.weight" not in state
    assert config["tie_word_embeddings"]
    assert {f"model.layers.{i}.self_attn.q_proj.weight" for i in range(layers)} <= set(state)
    assert len(state) == 2 + 9 * layers
    assert sum(tensor.numel() for tensor in state.values()) == 134_515_008
    assert all(
        tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in state.values()
    )


def test_the_tokenizer_gives_back_any_text_and_keeps_special_tokens_whole(model) -> None:
    text = "The year 2024, 深度學習!\n\tprint(x)"
    tokens = model.tokenizer.encode(text)
    assert model.tokenizer.decode(tokens.ids, skip_special_tokens=False) == text
    assert [t for t in tokens.tokens if t.isdigit()] == ["2", "0", "2", "4"]
    assert model.tokenizer.encode("<|im_start|>").ids == [model.config["bos_token_id"]]
    assert "<|im_start|>" in model.chat_template


def test_each_caller_gets_weights_of_its_own(model) -> None:
    name = "model.norm.weight"
    before = model.state[name].clone()
    other = pretrained.smollm2()
    other.state[name].zero_()
    assert torch.equal(model.state[name], before)


def test_a_conversion_that_was_interrupted_is_done_again(monkeypatch, tmp_path: Path) -> None:
    source = assets.path(ASSET)
    monkeypatch.setenv("DLBOOK_CACHE", str(tmp_path))
    (tmp_path / "assets").mkdir()
    for file in source.parent.glob(f"{source.name}*"):
        shutil.copy2(file, tmp_path / "assets")
    folder = tmp_path / "converted" / source.name
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"half")
    (folder / "config.json.part").write_text("{")
    assert len(pretrained.smollm2().state) == 272
    assert json.loads((folder / "config.json").read_text("utf-8"))["config"]["hidden_size"] == 576
    assert sorted(p.name for p in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]


def test_a_cache_that_cannot_hold_the_conversion_is_named(monkeypatch, tmp_path: Path) -> None:
    source = assets.path(ASSET)
    monkeypatch.setattr(assets, "path", lambda name: source)
    (tmp_path / "converted").write_text("a file where a folder should be")
    monkeypatch.setattr(paths, "cache_dir", lambda: tmp_path)
    with pytest.raises(CourseError, match=r"無法寫入快取資料夾 .*DLBOOK_CACHE"):
        pretrained.smollm2()
    assert os.listdir(tmp_path) == ["converted"]
