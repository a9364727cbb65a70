"""GGUF files of models so small that a test can write them."""

from pathlib import Path

import gguf
import numpy as np

HEADS, KV_HEADS, WIDTH, WORDS = 4, 2, 32, 5

TENSORS = {
    "model.embed_tokens.weight": ("token_embd.weight", (WORDS, WIDTH)),
    "model.norm.weight": ("output_norm.weight", (WIDTH,)),
    "model.layers.0.self_attn.q_proj.weight": ("blk.0.attn_q.weight", (WIDTH, WIDTH)),
    "model.layers.0.self_attn.k_proj.weight": ("blk.0.attn_k.weight", (16, WIDTH)),
    "model.layers.0.mlp.down_proj.weight": ("blk.0.ffn_down.weight", (WIDTH, 64)),
}
BIAS = {"model.layers.0.self_attn.q_proj.bias": ("blk.0.attn_q.bias", (WIDTH,))}
OUTPUT = {"lm_head.weight": ("output.weight", (WORDS, WIDTH))}


def write_model(
    path: Path,
    architecture: str = "llama",
    pre: str = "smollm",
    tensors: dict[str, tuple[str, tuple[int, ...]]] = TENSORS,
) -> dict[str, np.ndarray]:
    """One layer of a tiny model; its tensors by Hugging Face's names, unpermuted."""
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, architecture)
    describe(writer, pre)
    state = {}
    for name, (short, shape) in tensors.items():
        state[name] = half(rng.normal(size=shape))
        heads = {"attn_q.weight": HEADS, "attn_k.weight": KV_HEADS}.get(short[len("blk.0.") :])
        permuted = architecture == "llama" and heads is not None
        writer.add_tensor(short, permute(state[name], heads or 0) if permuted else state[name])
    finish(writer)
    return state


def describe(writer: gguf.GGUFWriter, pre: str) -> None:
    writer.add_vocab_size(WORDS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(64)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_context_length(8)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_bos_token_id(3)
    writer.add_eos_token_id(3)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(["a", "b", "ab", "<|end|>", "[PAD4]"])
    writer.add_token_merges(["a b"])
    writer.add_token_types([1, 1, 1, 3, 5])


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def half(array: np.ndarray) -> np.ndarray:
    """Float32 with the precision of bfloat16, so that nothing is lost by storing it as such."""
    bits = array.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


def permute(weight: np.ndarray, heads: int) -> np.ndarray:
    """What llama.cpp's converter does to the weights that RoPE rotates."""
    rows = weight.shape[0]
    halves = weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))
