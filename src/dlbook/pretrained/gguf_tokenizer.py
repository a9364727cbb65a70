"""The tokenizer of a GGUF file: byte-level BPE, with the pre-tokenizer that the model was given."""

from collections.abc import Callable
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
)

_CONTROL, _USER_DEFINED, _UNUSED = 3, 4, 5  # gguf's token types
_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def build(field: Callable[[str], Any]) -> Tokenizer:
    """The tokenizer that the fields of a GGUF file describe."""
    kind = field("tokenizer.ggml.pre")
    if kind not in ("smollm", "qwen2"):
        raise ValueError(f"不支援的斷詞前處理 {kind!r}（只支援 smollm 與 qwen2）")
    typed = list(
        zip(field("tokenizer.ggml.tokens"), field("tokenizer.ggml.token_type"), strict=True)
    )
    vocabulary = {token: i for i, (token, type_) in enumerate(typed) if type_ != _UNUSED}
    merges = [tuple(merge.split(" ")) for merge in field("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = _pre_tokenizer(kind)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(_added(typed, _CONTROL))
    tokenizer.add_tokens(_added(typed, _USER_DEFINED))
    return tokenizer


def _pre_tokenizer(kind: str) -> pre_tokenizers.PreTokenizer:
    """Both split numbers into single digits; they differ in how they cut words and spaces."""
    if kind == "smollm":
        split = pre_tokenizers.Digits(individual_digits=True)
    else:
        split = pre_tokenizers.Split(Regex(_QWEN2), behavior="isolated")
    cut_words = kind == "smollm"
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=cut_words)
    return pre_tokenizers.Sequence([split, level])


def _added(typed: list[tuple[str, int]], wanted: int) -> list[AddedToken]:
    return [AddedToken(token, normalized=False) for token, type_ in typed if type_ == wanted]
