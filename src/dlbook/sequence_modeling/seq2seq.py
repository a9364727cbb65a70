"""沒有注意力的 seq2seq：編碼器把整句壓成一個向量，解碼器從那個向量寫出答案。

Sutskever et al., arXiv:1409.3215；Cho et al., arXiv:1406.1078。
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

DIGITS, START, PAD = 10, 10, 11  # 數字 0–9，解碼器的開頭，補的位置
SYMBOLS = 12


def reversal_batch(
    lengths: Int[Tensor, " count"], generator: torch.Generator | None = None
) -> tuple[Int[Tensor, "count time"], Int[Tensor, "count time"]]:
    """一串隨機的數字與它倒過來的樣子，右邊補 PAD。"""
    time = int(lengths.max())
    digits = torch.randint(DIGITS, (len(lengths), time), generator=generator)
    position = torch.arange(time)
    real = position < lengths[:, None]
    backwards = digits.gather(1, (lengths[:, None] - 1 - position).clamp(min=0))
    return digits.masked_fill(~real, PAD), backwards.masked_fill(~real, PAD)


class ReversalLoader:
    """每個 epoch 現場產生 ``batches`` 批，長度 1 到 ``longest``；x 是（題目, 答案）疊在一起。"""

    def __init__(self, longest: int, batch_size: int, batches: int) -> None:
        self.longest, self.batch_size, self.batches = longest, batch_size, batches

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(self.batches):
            source, target = reversal_batch(torch.randint(1, self.longest + 1, (self.batch_size,)))
            yield torch.stack([source, target]), target


class Seq2Seq(nn.Module):
    """GRU 編碼器與 GRU 解碼器；兩者之間只有一個 ``hidden`` 維的向量。"""

    def __init__(self, hidden: int, dim: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, dim)
        self.encoder = nn.GRU(dim, hidden, batch_first=True)
        self.decoder = nn.GRU(dim, hidden, batch_first=True)
        self.output = nn.Linear(hidden, DIGITS)

    def encode(
        self, source: Int[Tensor, "batch time"], *, packed: bool = True
    ) -> Float[Tensor, "1 batch hidden"]:
        """整句的向量。``packed=False`` 是**錯的**版本：連補的 PAD 也讀進去。"""
        embedded = self.embedding(source)
        if not packed:
            return self.encoder(embedded)[1]
        lengths = (source != PAD).sum(dim=1).cpu()
        bundle = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        return self.encoder(bundle)[1]

    def forward(self, pair: Int[Tensor, "2 batch time"]) -> Float[Tensor, "batch time digits"]:
        """teacher forcing：解碼器每一步看到的是**正確的**上一個數字。"""
        source, target = pair
        start = torch.full_like(target[:, :1], START)
        shifted = torch.cat([start, target[:, :-1]], dim=1)
        h, _ = self.decoder(self.embedding(shifted), self.encode(source))
        return self.output(h)

    @torch.no_grad()
    def answer(
        self, source: Int[Tensor, "batch time"], *, packed: bool = True
    ) -> Int[Tensor, "batch time"]:
        """逐步寫出答案，每一步看到的是**自己**上一步寫的；長度與題目相同。"""
        state = self.encode(source, packed=packed)
        token = torch.full_like(source[:, :1], START)
        written = []
        for _ in range(source.shape[1]):
            h, state = self.decoder(self.embedding(token), state)
            token = self.output(h).argmax(dim=-1)
            written.append(token)
        return torch.cat(written, dim=1).masked_fill(source == PAD, PAD)


def digit_loss(
    logits: Float[Tensor, "batch time digits"], target: Int[Tensor, "batch time"]
) -> Float[Tensor, ""]:
    """真的數字的交叉熵的平均。"""
    return nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)


def whole_answers_right(
    model: Seq2Seq, length: int, count: int, generator: torch.Generator
) -> float:
    """這個長度的題目，整串都對的比例。"""
    source, target = reversal_batch(torch.full((count,), length), generator)
    return float((model.answer(source) == target).all(dim=1).double().mean())
