"""Reading GGUF: small models, written here, come back with Hugging Face's names and order."""

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlbook.pretrained.gguf import _unpermute, read_gguf

from .tiny import (
    BIAS,
    HEADS,
    KV_HEADS,
    OUTPUT,
    TENSORS,
    WIDTH,
    WORDS,
    describe,
    finish,
    half,
    permute,
    write_model,
)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_unpermute_undoes_what_the_converter_did(heads: int, pairs: int, columns: int) -> None:
    weight = np.arange(heads * 2 * pairs * columns).reshape(-1, columns)
    stored = torch.from_numpy(permute(weight, heads))
    assert (_unpermute(stored, heads).numpy() == weight).all()


@pytest.mark.parametrize(
    ("architecture", "pre", "tensors"),
    [("llama", "smollm", TENSORS), ("qwen2", "qwen2", TENSORS | BIAS)],
)
def test_a_model_comes_back_with_hugging_faces_names_numbers_and_config(
    tmp_path: Path, architecture: str, pre: str, tensors: dict
) -> None:
    written = write_model(tmp_path / "tiny.gguf", architecture, pre, tensors)
    config, state, tokenizer, template = read_gguf(tmp_path / "tiny.gguf")
    assert state.keys() == written.keys()
    for name, array in written.items():
        np.testing.assert_array_equal(state[name].float(), array)
    assert config == {
        "model_type": architecture,
        "vocab_size": WORDS,
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": 8,
        "rope_theta": 10_000.0,
        "rms_norm_eps": 1e-5,
        "bos_token_id": 3,
        "eos_token_id": 3,
        "tie_word_embeddings": True,
    }
    assert tokenizer.encode("abb<|end|>a").tokens == ["ab", "b", "<|end|>", "a"]
    assert tokenizer.get_vocab_size() == 4  # the padding of the matrix is no token
    assert template == ""


def test_one_matrix_that_was_quantised_twice_is_tied_again_by_its_finer_copy(
    tmp_path: Path,
) -> None:
    matrix = half(np.random.default_rng(0).normal(size=(WORDS, WIDTH)))
    kinds = gguf.GGMLQuantizationType
    writer = gguf.GGUFWriter(tmp_path / "twins.gguf", "qwen2")
    describe(writer, "qwen2")
    for name, kind in (("token_embd.weight", kinds.Q5_0), ("output.weight", kinds.Q8_0)):
        writer.add_tensor(name, gguf.quantize(matrix, kind), raw_dtype=kind)
    finish(writer)
    config, state, _, _ = read_gguf(tmp_path / "twins.gguf")
    assert list(state) == ["model.embed_tokens.weight"]
    assert config["tie_word_embeddings"]
    off = np.abs(state["model.embed_tokens.weight"].float().numpy() - matrix).max()
    coarse = gguf.dequantize(gguf.quantize(matrix, kinds.Q5_0), kinds.Q5_0)
    assert off < 0.3 * np.abs(coarse - matrix).max()


def test_an_output_layer_of_its_own_stays(tmp_path: Path) -> None:
    written = write_model(tmp_path / "untied.gguf", "qwen2", "qwen2", TENSORS | OUTPUT)
    config, state, _, _ = read_gguf(tmp_path / "untied.gguf")
    assert not config["tie_word_embeddings"]
    np.testing.assert_array_equal(state["lm_head.weight"].float(), written["lm_head.weight"])


def test_what_it_cannot_read_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.gguf", pre="other")
    with pytest.raises(ValueError, match="不支援的斷詞前處理 'other'（只支援 smollm 與 qwen2）"):
        read_gguf(tmp_path / "tiny.gguf")
    write_model(tmp_path / "mamba.gguf", "mamba")
    with pytest.raises(ValueError, match="不支援的架構 'mamba'（只支援 llama 與 qwen2）"):
        read_gguf(tmp_path / "mamba.gguf")
