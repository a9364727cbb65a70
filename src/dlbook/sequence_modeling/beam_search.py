"""Beam search：每一步留下分數最高的幾個半成品，不只留一個。

長度懲罰：Wu et al., Google's Neural Machine Translation System, arXiv:1609.08144。
"""

from dataclasses import dataclass
from typing import Protocol, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Writer(Protocol):
    """會一步一步寫下去的模型，記著每一列寫到哪裡。收到與交出的張量都在 CPU 上。"""

    def step(self, tokens: Int[Tensor, " rows"]) -> Float[Tensor, "rows vocab"]:
        """每一列接上一個 token，回傳下一個 token 的 log 機率。"""
        ...

    def select(self, rows: Int[Tensor, " rows"]) -> Self:
        """只留下（也可以重複）這幾列。"""
        ...


class Translator(nn.Module):
    """能翻譯的模型：``model(source, target)`` 是訓練用的整句分數，``writer`` 交出逐步寫的 Writer。"""

    def writer(self, source: Int[Tensor, "batch source"]) -> Writer:
        """讀完原文，準備寫出譯文。"""
        raise NotImplementedError(f"{type(self).__name__} 沒有 writer")


@dataclass(frozen=True)
class Hypothesis:
    """一句寫完的譯文；``tokens`` 不含 bos 與 eos。``score`` 是除過長度懲罰的 log 機率。"""

    tokens: tuple[int, ...]
    log_prob: float
    score: float


def length_penalty(length: int, alpha: float) -> float:
    """((5 + length) / 6)^alpha；alpha = 0 不懲罰，愈大愈偏好長的譯文。length 含 eos。"""
    return ((5 + length) / 6) ** alpha


@torch.no_grad()
def beam_search(
    writer: Writer,
    batch: int,
    *,
    beam: int,
    max_length: int,
    bos: int,
    eos: int,
    alpha: float = 1.0,
) -> list[list[Hypothesis]]:
    """每一句回傳至多 ``beam`` 個寫完的譯文，分數高的在前；``writer`` 起初有 ``batch`` 列。

    一句有 ``beam`` 個寫完的就收工。到 ``max_length`` 個 token（含 eos）還一個都沒寫完的，交出最好的半成品。
    beam = 1 就是 greedy。beam、max_length 小於 1 時丟出 ValueError。
    """
    if beam < 1 or max_length < 1:
        raise ValueError(f"beam 與 max_length 至少要 1，收到 {beam} 與 {max_length}")
    done: list[list[Hypothesis]] = [[] for _ in range(batch)]
    active = list(range(batch))  # 還沒收工的句子
    writer = writer.select(torch.arange(batch).repeat_interleave(beam))
    written = torch.full((batch, beam, 1), bos)
    total = torch.full((batch, beam), -torch.inf)
    total[:, 0] = 0.0  # 起初每一句的 beam 列都一樣，只讓第一列往下走
    for length in range(1, max_length + 1):
        log_probs = writer.step(written[..., -1].flatten()).unflatten(0, (-1, beam))
        vocab = log_probs.shape[-1]
        # eos 每一列至多一個，所以前 2 · beam 名裡至少有 beam 個還能往下寫
        scores, best = (total[..., None] + log_probs).flatten(1).topk(2 * beam)
        row, token = best // vocab, best % vocab
        ends = token == eos
        for i, sentence in enumerate(active):
            for j in (ends[i, :beam] & scores[i, :beam].isfinite()).nonzero().flatten().tolist():
                tokens, log_prob = written[i, row[i, j], 1:].tolist(), float(scores[i, j])
                score = log_prob / length_penalty(length, alpha)
                done[sentence].append(Hypothesis(tuple(tokens), log_prob, score))
        total, order = scores.masked_fill(ends, -torch.inf).topk(beam)
        row, token = row.gather(1, order), token.gather(1, order)
        written = torch.cat(
            [written.gather(1, row[..., None].expand_as(written)), token[..., None]], 2
        )
        stay = [i for i, s in enumerate(active) if len(done[s]) < beam and total[i, 0].isfinite()]
        if length == max_length or not stay:
            break
        writer = writer.select((row + beam * torch.arange(len(row))[:, None])[stay].flatten())
        active, written, total = [active[i] for i in stay], written[stay], total[stay]
    for i, sentence in enumerate(active):
        if not done[sentence]:
            log_prob = float(total[i, 0])
            score = log_prob / length_penalty(max_length, alpha)
            done[sentence].append(Hypothesis(tuple(written[i, 0, 1:].tolist()), log_prob, score))
    return [sorted(each, key=lambda found: -found.score)[:beam] for each in done]
