"""Read a Llama or a Qwen2 out of a GGUF file: Hugging Face's config, state dict and tokenizer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFReader, ReaderTensor, dequantize
from tokenizers import Tokenizer

from dlbook.pretrained import gguf_tokenizer

Field = Callable[..., Any]

_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_ROWS = 1 << 13  # dequantised at a time: a vocabulary's matrix never exists in float32 as a whole
_SAME = 0.01  # two quantisations of one matrix differ by less than this part of its variance


def read_gguf(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor], Tokenizer, str]:
    """Config (Hugging Face's keys), state dict in bfloat16, tokenizer, chat template."""
    reader = GGUFReader(path)

    def field(name: str, default: Any = None) -> Any:
        entry = reader.get_field(name)
        return default if entry is None else entry.contents()

    architecture = field("general.architecture")
    if architecture not in ("llama", "qwen2"):
        raise ValueError(f"不支援的架構 {architecture!r}（只支援 llama 與 qwen2）")
    state = {}
    for tensor in _without_twin(reader.tensors):
        name = _huggingface_name(tensor.name)
        weight = _dequantize(tensor)
        if architecture == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            kind = "head_count" if "q_proj" in name else "head_count_kv"
            weight = _unpermute(weight, field(f"llama.attention.{kind}"))
        state[name] = weight
    config = _config(architecture, field, state)
    template = field("tokenizer.chat_template", "")
    return config, state, gguf_tokenizer.build(field), template


def _huggingface_name(name: str) -> str:
    stem, suffix = name.rsplit(".", 1)
    if not stem.startswith("blk."):
        return f"{_TOP[stem]}.{suffix}"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{_BLOCK[part]}.{suffix}"


def _without_twin(tensors: list[ReaderTensor]) -> list[ReaderTensor]:
    """Tie the embedding and the output layer again where a file has quantised one matrix twice.

    The finer of the two, the one with more bytes, becomes the embedding.
    """
    named = {tensor.name: tensor for tensor in tensors}
    embedding, output = named.get("token_embd.weight"), named.get("output.weight")
    if embedding is None or output is None or not _is_same_matrix(embedding, output):
        return tensors
    finer = max(embedding, output, key=lambda tensor: tensor.n_bytes)
    rest = [t for t in tensors if t.name not in (embedding.name, output.name)]
    return [finer._replace(name=embedding.name), *rest]


def _is_same_matrix(one: ReaderTensor, other: ReaderTensor) -> bool:
    if list(one.shape) != list(other.shape):
        return False
    a, b = (dequantize(t.data[:_ROWS], t.tensor_type) for t in (one, other))
    return bool(np.var(a - b) < _SAME * np.var(a))


def _dequantize(tensor: ReaderTensor) -> torch.Tensor:
    """The tensor in bfloat16, a few rows at a time."""
    pieces = []
    for start in range(0, len(tensor.data), _ROWS):
        array = dequantize(tensor.data[start : start + _ROWS], tensor.tensor_type)
        pieces.append(torch.from_numpy(array.astype(np.float32)).to(torch.bfloat16))
    return torch.cat(pieces)


def _unpermute(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """GGUF interleaves the two halves that a Llama's RoPE rotates; back to back again."""
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns).contiguous()


def _config(architecture: str, field: Field, state: dict[str, torch.Tensor]) -> dict[str, Any]:
    def own(name: str) -> Any:
        return field(f"{architecture}.{name}")

    return {
        "model_type": architecture,
        "vocab_size": len(state["model.embed_tokens.weight"]),
        "hidden_size": own("embedding_length"),
        "intermediate_size": own("feed_forward_length"),
        "num_hidden_layers": own("block_count"),
        "num_attention_heads": own("attention.head_count"),
        "num_key_value_heads": own("attention.head_count_kv"),
        "max_position_embeddings": own("context_length"),
        "rope_theta": own("rope.freq_base"),
        "rms_norm_eps": round(own("attention.layer_norm_rms_epsilon"), 10),
        "bos_token_id": field("tokenizer.ggml.bos_token_id"),
        "eos_token_id": field("tokenizer.ggml.eos_token_id"),
        "tie_word_embeddings": "lm_head.weight" not in state,
    }
