"""Read a Whisper out of CTranslate2's model.bin: Hugging Face's config and state dict."""

import re
import struct
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

_DTYPES = [np.float32, np.int8, np.int16, np.int32, np.float16]
_VERSION = 6  # the versions before it lack what is read here
_TOP = {
    "encoder/conv1": "model.encoder.conv1",
    "encoder/conv2": "model.encoder.conv2",
    "encoder/position_encodings/encodings": "model.encoder.embed_positions.weight",
    "decoder/position_encodings/encodings": "model.decoder.embed_positions.weight",
    "decoder/embeddings": "model.decoder.embed_tokens",
    "encoder/layer_norm": "model.encoder.layer_norm",
    "decoder/layer_norm": "model.decoder.layer_norm",
}
_LAYER = {  # what CTranslate2 has fused comes apart into several
    "self_attention/layer_norm": ["self_attn_layer_norm"],
    "self_attention/linear_0": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    "self_attention/linear_1": ["self_attn.out_proj"],
    "attention/layer_norm": ["encoder_attn_layer_norm"],
    "attention/linear_0": ["encoder_attn.q_proj"],
    "attention/linear_1": ["encoder_attn.k_proj", "encoder_attn.v_proj"],
    "attention/linear_2": ["encoder_attn.out_proj"],
    "ffn/layer_norm": ["final_layer_norm"],
    "ffn/linear_0": ["fc1"],
    "ffn/linear_1": ["fc2"],
}
_SUFFIX = {"gamma": "weight", "beta": "bias", "weight": "weight", "bias": "bias"}


def read_whisper(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Config (WhisperConfig's keys) and float32 state dict."""
    variables = read_variables(path)
    state: dict[str, torch.Tensor] = {}
    for name, array in variables.items():
        if array.ndim:  # the others are flags
            state.update(_huggingface(name, torch.from_numpy(array.astype(np.float32))))
    return _config(variables), state


def read_variables(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a model.bin by CTranslate2's names."""
    with path.open("rb") as file:
        version, specification = _unpack(file, "I"), _text(file)
        if version != _VERSION or specification != "WhisperSpec":
            raise ValueError(f"{path} 不是 CTranslate2 第 {_VERSION} 版的 Whisper 模型檔")
        _unpack(file, "I")  # the specification's revision
        return dict(_variable(file) for _ in range(_unpack(file, "I")))


def _variable(file: IO[bytes]) -> tuple[str, np.ndarray]:
    name = _text(file)
    shape = [_unpack(file, "I") for _ in range(_unpack(file, "B"))]
    dtype = _DTYPES[_unpack(file, "B")]
    data = file.read(_unpack(file, "I"))
    return name, np.frombuffer(data, dtype).reshape(shape)


def _unpack(file: IO[bytes], form: str) -> int:
    return struct.unpack("<" + form, file.read(struct.calcsize("<" + form)))[0]


def _text(file: IO[bytes]) -> str:
    return file.read(_unpack(file, "H")).removesuffix(b"\0").decode()


def _huggingface(name: str, tensor: torch.Tensor) -> dict[str, torch.Tensor]:
    """The parameters that one array of CTranslate2 holds."""
    if name in _TOP:
        return {_TOP[name]: tensor}
    stem, suffix = name.rsplit("/", 1)
    suffix = _SUFFIX[suffix]
    if stem in _TOP:
        return {f"{_TOP[stem]}.{suffix}": tensor}
    side, layer, part = stem.split("/", 2)
    prefix = f"model.{side}.layers.{layer.removeprefix('layer_')}"
    names = [f"{prefix}.{target}.{suffix}" for target in _LAYER[part]]
    pieces = tensor.chunk(len(names))
    found = {n: piece.clone() for n, piece in zip(names, pieces, strict=True)}
    return {n: piece for n, piece in found.items() if not n.endswith("k_proj.bias")}  # all zeros


def _config(variables: dict[str, np.ndarray]) -> dict[str, Any]:
    vocabulary, width = variables["decoder/embeddings/weight"].shape
    heads = int(variables["encoder/num_heads"])
    ends = vocabulary - 51_865 + 50_257  # <|endoftext|>: the first of the special tokens
    config: dict[str, Any] = {"model_type": "whisper", "vocab_size": vocabulary, "d_model": width}
    for side in ("encoder", "decoder"):
        layers = {m[1] for name in variables if (m := re.match(rf"{side}/layer_(\d+)/", name))}
        hidden = len(variables[f"{side}/layer_0/ffn/linear_0/bias"])
        config |= {
            f"{side}_layers": len(layers),
            f"{side}_attention_heads": heads,
            f"{side}_ffn_dim": hidden,
        }
    return config | {
        "num_mel_bins": variables["encoder/conv1/weight"].shape[1],
        "max_source_positions": len(variables["encoder/position_encodings/encodings"]),
        "max_target_positions": len(variables["decoder/position_encodings/encodings"]),
        "decoder_start_token_id": ends + 1,
        "bos_token_id": ends,
        "eos_token_id": ends,
        "pad_token_id": ends,
    }
