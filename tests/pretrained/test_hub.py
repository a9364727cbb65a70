"""Models from the hub, against a folder that stands in for it."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM

from dlbook import pretrained
from dlbook.assets import AssetError, find
from dlbook.errors import CourseError

ASSET = "qwen-coder-instruct-gguf"
SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
TEMPLATE = "{{ messages[0].content }}"


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The large relative of an asset, as its hub repository would be, but tiny."""
    monkeypatch.setenv("DLBOOK_HUB", str(tmp_path))
    model = find(ASSET).model
    assert model is not None
    folder = tmp_path / model.full
    config = LlamaConfig(vocab_size=3, num_hidden_layers=2, tie_word_embeddings=True, **SIZES)
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder, max_shard_size="3KB")
    Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, "?")).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    return folder


def test_config_weights_tokenizer_and_template_are_read(repository: Path) -> None:
    model = pretrained.from_hub(ASSET)
    assert len(list(repository.glob("*.safetensors"))) > 1  # in several files
    ours = LlamaForCausalLM(LlamaConfig(**model.config))
    missing, unexpected = ours.load_state_dict(model.state, strict=False)
    assert (missing, unexpected) == (["lm_head.weight"], [])  # tied: appears once
    ours.tie_weights()
    theirs = LlamaForCausalLM.from_pretrained(repository)
    tokens = torch.tensor([[*model.tokenizer.encode("a").ids, 1, 2]])
    assert torch.equal(ours.eval()(tokens).logits, theirs.eval()(tokens).logits)
    assert model.chat_template == TEMPLATE


def test_the_template_may_be_a_file_and_numbers_may_be_short(repository: Path) -> None:
    (repository / "chat_template.jinja").write_text("newer")
    model = pretrained.from_hub(ASSET, dtype=torch.bfloat16)
    assert model.chat_template == "newer"
    assert {tensor.dtype for tensor in model.state.values()} == {torch.bfloat16}


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_refused(repository: Path, file: str) -> None:
    (repository / file).unlink()
    with pytest.raises(CourseError, match=f"裡沒有 {file}。請把模型庫的整個資料夾複製過來"):
        pretrained.from_hub(ASSET)


def test_without_the_hub_it_says_how_to_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLBOOK_HUB", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CourseError, match=r"拿不到（.*再以環境變數 DLBOOK_HUB 指定"):
        pretrained.from_hub(ASSET, full=False)


def test_an_asset_without_a_relative_says_so() -> None:
    with pytest.raises(AssetError, match="沒有記載「photos」的 full 設定檔用的模型"):
        pretrained.from_hub("photos")
