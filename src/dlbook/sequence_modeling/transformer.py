"""編碼器–解碼器 Transformer：讀完整句原文，再一個 token 一個 token 寫出譯文。

Vaswani et al., Attention Is All You Need, arXiv:1706.03762；先正規化（pre-norm）：Xiong et al., arXiv:2002.04745。
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from dlbook.sequence_modeling.attention import causal_mask
from dlbook.sequence_modeling.beam_search import Translator
from dlbook.sequence_modeling.encoder import EncoderLayer, FeedForward
from dlbook.sequence_modeling.multihead import MultiHeadAttention
from dlbook.sequence_modeling.positions import sinusoidal_positions

KeysValues = tuple[Float[Tensor, "batch heads keys d"], Float[Tensor, "batch heads keys d"]]


class DecoderLayer(nn.Module):
    """看寫過的譯文（因果自注意力）、看原文（交叉注意力）、逐位置加工；每一步都加回輸入。"""

    def __init__(self, dim: int, heads: int, hidden: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(dim, heads, dropout)
        self.cross_attention = MultiHeadAttention(dim, heads, dropout)
        self.feed_forward = FeedForward(dim, hidden, dropout)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(dim) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "batch length dim"],
        memory: KeysValues,
        memory_mask: Bool[Tensor, "batch 1 1 source"] | None = None,
        past: KeysValues | None = None,
    ) -> tuple[Float[Tensor, "batch length dim"], KeysValues]:
        """``memory`` 是原文的 keys 與 values；``past`` 是先前各位置的，有給時 x 只含新的位置。

        回傳新的 x，以及到目前為止的 keys 與 values。
        """
        normed = self.norm1(x)
        seen = keys_values(self.self_attention, normed)
        if past is not None:
            seen = (torch.cat([past[0], seen[0]], 2), torch.cat([past[1], seen[1]], 2))
        mask = causal_mask(x.shape[1], seen[0].shape[2], x.device)
        x = x + self.dropout(self.self_attention.attend(normed, *seen, mask))
        x = x + self.dropout(self.cross_attention.attend(self.norm2(x), *memory, memory_mask))
        return x + self.dropout(self.feed_forward(self.norm3(x))), seen


def keys_values(attention: MultiHeadAttention, x: Float[Tensor, "batch length dim"]) -> KeysValues:
    """x 投影成 keys 與 values，切好頭。"""
    return attention.split(attention.k_proj(x)), attention.split(attention.v_proj(x))


@dataclass
class Memory:
    """翻譯一批句子時記著的東西：每一層看原文用的 keys、values，與每一層寫過的 keys、values。"""

    source: list[KeysValues]
    mask: Bool[Tensor, "batch 1 1 source"]
    past: list[KeysValues | None] = field(default_factory=list)

    def select(self, rows: Int[Tensor, " rows"]) -> "Memory":
        """挑出（也可以重複）某幾列：beam search 換掉走不下去的候選時用。"""
        source = [(keys[rows], values[rows]) for keys, values in self.source]
        past = [pair and (pair[0][rows], pair[1][rows]) for pair in self.past]
        return Memory(source, self.mask[rows], past)


class Transformer(Translator):
    """原文與譯文共用一份詞彙與詞向量；輸出層也用同一個矩陣（weight tying）。

    ``pad`` 是補齊用的 token：注意力看不到它。
    """

    def __init__(
        self,
        vocab: int,
        dim: int = 160,
        heads: int = 4,
        hidden: int = 640,
        layers: int = 3,
        dropout: float = 0.1,
        pad: int = 0,
        max_length: int = 256,
    ) -> None:
        super().__init__()
        self.pad, self.scale = pad, dim**0.5
        self.embedding = nn.Embedding(vocab, dim)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)
        self.positions: Tensor
        self.register_buffer("positions", sinusoidal_positions(max_length, dim), persistent=False)
        self.encoder = nn.ModuleList(
            EncoderLayer(dim, heads, hidden, dropout) for _ in range(layers)
        )
        self.decoder = nn.ModuleList(
            DecoderLayer(dim, heads, hidden, dropout) for _ in range(layers)
        )
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def embed(
        self, tokens: Int[Tensor, "batch length"], start: int = 0
    ) -> Float[Tensor, "batch length dim"]:
        """詞向量（放大到與位置編碼差不多大）加位置編碼；超過 max_length 時丟出 ValueError。"""
        end = start + tokens.shape[1]
        if end > len(self.positions):
            raise ValueError(f"最多 {len(self.positions)} 個 token，這一句有 {end} 個")
        return self.dropout(self.embedding(tokens) * self.scale + self.positions[start:end])

    def encode(self, source: Int[Tensor, "batch source"]) -> Memory:
        """讀原文；每一層解碼器要看的 keys 與 values 先算好。"""
        mask = (source != self.pad)[:, None, None]
        x = self.embed(source)
        for layer in self.encoder:
            x = layer(x, mask)
        x = self.encoder_norm(x)
        decoder: Any = self.decoder
        pairs = [keys_values(layer.cross_attention, x) for layer in decoder]
        return Memory(pairs, mask, [None] * len(pairs))

    def decode(
        self, target: Int[Tensor, "batch length"], memory: Memory
    ) -> Float[Tensor, "batch length vocab"]:
        """接著 memory 裡寫過的，往下寫 target；memory 會記住這幾個位置。"""
        start = 0 if memory.past[0] is None else memory.past[0][0].shape[2]
        x = self.embed(target, start)
        for i, layer in enumerate(self.decoder):
            x, memory.past[i] = layer(x, memory.source[i], memory.mask, memory.past[i])
        return self.decoder_norm(x) @ self.embedding.weight.T

    def forward(
        self, source: Int[Tensor, "batch source"], target: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length vocab"]:
        """teacher forcing：整句正確的譯文一次餵進去，每個位置猜下一個 token。"""
        return self.decode(target, self.encode(source))

    def writer(self, source: Int[Tensor, "batch source"]) -> "TransformerWriter":
        """讀完原文，準備逐步寫出譯文。"""
        return TransformerWriter(self, self.encode(source))


@dataclass
class TransformerWriter:
    """逐步寫譯文的 Transformer，給 beam search 用。"""

    model: Transformer
    memory: Memory

    def step(self, tokens: Int[Tensor, " rows"]) -> Float[Tensor, "rows vocab"]:
        device = self.memory.mask.device
        logits = self.model.decode(tokens[:, None].to(device), self.memory)[:, -1]
        return logits.float().log_softmax(-1).cpu()

    def select(self, rows: Int[Tensor, " rows"]) -> "TransformerWriter":
        return TransformerWriter(self.model, self.memory.select(rows.to(self.memory.mask.device)))
