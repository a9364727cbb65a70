"""加性注意力（additive attention）與用它的翻譯網路：譯每一個字時，回頭看原文的哪裡。

Bahdanau et al., Neural Machine Translation by Jointly Learning to Align and Translate, arXiv:1409.0473。
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


class AdditiveAttention(nn.Module):
    """分數是 vᵀ tanh(W q + U k)：q 與 k 的寬度可以不同，用一個小網路問「合不合」。"""

    def __init__(self, query_dim: int, key_dim: int, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_dim, hidden, bias=False)  # W
        self.key = nn.Linear(key_dim, hidden, bias=False)  # U
        self.score = nn.Linear(hidden, 1, bias=False)  # v

    def forward(
        self,
        q: Float[Tensor, "batch query_dim"],
        k: Float[Tensor, "batch keys key_dim"],
        mask: Bool[Tensor, "batch keys"] | None = None,
    ) -> tuple[Float[Tensor, "batch key_dim"], Float[Tensor, "batch keys"]]:
        """(照權重平均的 k, 權重)；這裡的 value 就是 k 自己。mask 是 True 的位置看得到。"""
        scores = self.score((self.query(q)[:, None] + self.key(k)).tanh())[..., 0]
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        weights = scores.softmax(dim=-1)
        return torch.einsum("bk,bkd->bd", weights, k), weights


class AlignedTranslator(nn.Module):
    """雙向 GRU 讀原文，GRU 逐字寫譯文。

    ``attend`` 是 False 時，寫每個字都只拿到同一個向量：原文讀完的最後狀態（注意力出現之前的做法）。
    符號 0 是補的位置；譯文的第一個輸入也用 0 當開頭。
    """

    def __init__(self, sources: int, targets: int, dim: int, *, attend: bool = True) -> None:
        super().__init__()
        self.attend = attend
        self.source = nn.Embedding(sources, dim, padding_idx=0)
        self.target = nn.Embedding(targets, dim)
        self.reader = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.attention = AdditiveAttention(dim, 2 * dim, dim)
        self.writer = nn.GRUCell(3 * dim, dim)
        self.start = nn.Linear(2 * dim, dim)
        self.output = nn.Linear(3 * dim, targets)

    def read(
        self, source: Int[Tensor, "batch length"]
    ) -> tuple[Float[Tensor, "batch length twice"], Float[Tensor, "batch twice"]]:
        """(原文每個位置的向量, 讀完的最後狀態：正向的最後一步接上反向的最後一步)。"""
        lengths = (source != 0).sum(dim=1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.source(source), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, last = self.reader(packed)
        padded = nn.utils.rnn.pad_packed_sequence(
            states, batch_first=True, total_length=source.shape[1]
        )[0]
        return padded, torch.cat([last[0], last[1]], dim=-1)

    def forward(
        self,
        source: Int[Tensor, "batch length"],
        steps: int,
        target: Int[Tensor, "batch steps"] | None = None,
    ) -> tuple[Float[Tensor, "batch steps targets"], Float[Tensor, "batch steps length"]]:
        """(每一步的分數, 對齊)。給了 target 就拿正確的前一個字當輸入，沒給就拿自己寫的。"""
        memory, summary = self.read(source)
        state = self.start(summary).tanh()
        previous = torch.zeros(len(source), dtype=torch.long, device=source.device)
        scores, alignment = [], []
        for t in range(steps):
            context, weights = self.attention(state, memory, source != 0)
            if not self.attend:
                context = summary
            word = self.target(previous)
            state = self.writer(torch.cat([word, context], dim=-1), state)
            scores.append(self.output(torch.cat([state, context], dim=-1)))
            alignment.append(weights)
            previous = scores[-1].argmax(dim=-1) if target is None else target[:, t]
        return torch.stack(scores, dim=1), torch.stack(alignment, dim=1)
