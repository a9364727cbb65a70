"""RNN 的 seq2seq：雙向 GRU 讀原文，另一個 GRU 寫譯文，寫每個 token 之前回頭看一次原文。

Cho et al., arXiv:1406.1078（GRU 編碼器–解碼器）；Bahdanau et al., arXiv:1409.0473（注意力）；
先走一步 GRU、再看原文的順序：Luong et al., arXiv:1508.04025。
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from dlbook.sequence_modeling.attention import attention_weights, weighted_values
from dlbook.sequence_modeling.beam_search import Translator


@dataclass
class RNNWriter:
    """逐步寫譯文的 RNN：記得原文的每個位置，與 GRU 目前的狀態。"""

    model: "RNNTranslator"
    memory: Float[Tensor, "rows source dim"]
    mask: Bool[Tensor, "rows 1 1 source"]
    state: Float[Tensor, "1 rows dim"]

    def step(self, tokens: Int[Tensor, " rows"]) -> Float[Tensor, "rows vocab"]:
        embedded = self.model.embedding(tokens.to(self.mask.device))[:, None]
        hidden, self.state = self.model.decoder(embedded, self.state)
        logits = self.model.predict(hidden, self.memory, self.mask)[:, -1]
        return logits.float().log_softmax(-1).cpu()

    def select(self, rows: Int[Tensor, " rows"]) -> "RNNWriter":
        rows = rows.to(self.mask.device)
        state = self.state[:, rows].contiguous()
        return RNNWriter(self.model, self.memory[rows], self.mask[rows], state)


class RNNTranslator(Translator):
    """原文與譯文共用詞彙與詞向量，輸出層也用同一個矩陣；``pad`` 是補齊用的 token。"""

    def __init__(self, vocab: int, dim: int = 192, dropout: float = 0.3, pad: int = 0) -> None:
        super().__init__()
        self.pad = pad
        self.embedding = nn.Embedding(vocab, dim)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)
        self.encoder = nn.GRU(dim, dim // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(dim, dim, batch_first=True)
        self.query = nn.Linear(dim, dim, bias=False)
        self.combine = nn.Linear(2 * dim, dim)
        self.dropout = nn.Dropout(dropout)

    def encode(self, source: Int[Tensor, "batch source"]) -> RNNWriter:
        """讀原文；兩個方向最後的狀態接起來，是解碼器的起點。"""
        lengths = (source != self.pad).sum(1).cpu()
        embedded = self.dropout(self.embedding(source))
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        outputs, last = self.encoder(packed)
        memory, _ = pad_packed_sequence(outputs, batch_first=True, total_length=source.shape[1])
        state = last.transpose(0, 1).flatten(1)[None]
        return RNNWriter(self, self.dropout(memory), (source != self.pad)[:, None, None], state)

    def predict(
        self,
        hidden: Float[Tensor, "batch length dim"],
        memory: Float[Tensor, "batch source dim"],
        mask: Bool[Tensor, "batch 1 1 source"],
    ) -> Float[Tensor, "batch length vocab"]:
        """每個位置用自己的狀態去看原文，看到的與狀態合起來猜下一個 token。"""
        keys = memory[:, None]
        weights = attention_weights(self.query(hidden)[:, None], keys, mask)
        seen = weighted_values(weights, keys)[:, 0]
        mixed = torch.tanh(self.combine(torch.cat([seen, hidden], -1)))
        return self.dropout(mixed) @ self.embedding.weight.T

    def forward(
        self, source: Int[Tensor, "batch source"], target: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length vocab"]:
        """teacher forcing：GRU 走過整句正確的譯文。"""
        start = self.encode(source)
        hidden, _ = self.decoder(self.dropout(self.embedding(target)), start.state)
        return self.predict(hidden, start.memory, start.mask)

    def writer(self, source: Int[Tensor, "batch source"]) -> RNNWriter:
        """讀完原文，準備逐步寫出譯文。"""
        return self.encode(source)
