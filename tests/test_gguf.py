"""Reading GGUF: a small Llama, written here, comes back with Hugging Face's names and order."""

from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlbook.pretrained.gguf import _unpermute, read_gguf

HEADS, KV_HEADS, WIDTH = 4, 2, 16


def write_model(path: Path, pre: str = "smollm") -> dict[str, np.ndarray]:
    """One layer of a tiny Llama; the tensors by Hugging Face's names, unpermuted."""
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_vocab_size(4)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(32)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_context_length(8)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_bos_token_id(3)
    writer.add_eos_token_id(3)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(["a", "b", "ab", "<|end|>"])
    writer.add_token_merges(["a b"])
    writer.add_token_types([1, 1, 1, 3])
    tensors = {
        "model.embed_tokens.weight": ("token_embd.weight", (4, WIDTH)),
        "model.norm.weight": ("output_norm.weight", (WIDTH,)),
        "model.layers.0.self_attn.q_proj.weight": ("blk.0.attn_q.weight", (WIDTH, WIDTH)),
        "model.layers.0.self_attn.k_proj.weight": ("blk.0.attn_k.weight", (8, WIDTH)),
        "model.layers.0.mlp.down_proj.weight": ("blk.0.ffn_down.weight", (WIDTH, 32)),
    }
    state = {}
    for name, (short, shape) in tensors.items():
        state[name] = rng.normal(size=shape).astype(np.float32)
        heads = {"attn_q": HEADS, "attn_k": KV_HEADS}.get(short.split(".")[-2])
        stored = permute(state[name], heads) if heads else state[name]
        writer.add_tensor(short, stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return state


def permute(weight: np.ndarray, heads: int) -> np.ndarray:
    """What llama.cpp's converter does to the weights that RoPE rotates."""
    rows = weight.shape[0]
    halves = weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_unpermute_undoes_what_the_converter_did(heads: int, pairs: int, columns: int) -> None:
    weight = np.arange(heads * 2 * pairs * columns).reshape(-1, columns)
    assert (_unpermute(permute(weight, heads), heads) == weight).all()


def test_a_model_comes_back_with_hugging_faces_names_numbers_and_config(tmp_path: Path) -> None:
    written = write_model(tmp_path / "tiny.gguf")
    config, state, tokenizer, template = read_gguf(tmp_path / "tiny.gguf")
    assert state.keys() == written.keys()
    for name, tensor in written.items():
        np.testing.assert_array_equal(state[name], tensor)
    assert config == {
        "vocab_size": 4,
        "hidden_size": WIDTH,
        "intermediate_size": 32,
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
    assert template == ""


def test_an_unknown_pre_tokenizer_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.gguf", pre="other")
    with pytest.raises(ValueError, match="不支援的斷詞前處理 'other'（只支援 smollm）"):
        read_gguf(tmp_path / "tiny.gguf")
