"""讓語言模型寫詩：自由地寫，或限制成五言絕句的格式，再加上押韻。

限制的作法：每一步把不准用的字的分數設成 −∞，剩下的照模型的機率抽。
押韻沒有韻書可查，改從訓練集數：哪些字曾經在同一首詩裡互相押過韻。
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from dlbook.datasets.poems import Poem
from dlbook.sequence_modeling.poem_corpus import END, PUNCTUATION, UNKNOWN, CharacterVocabulary
from dlbook.sequence_modeling.poem_model import PoemLSTM
from dlbook.sequence_modeling.sampling import sample_token

QUATRAIN_LENGTH = 24  # 20 個字、4 個標點
RHYMES = (10, 22)  # 第二句、第四句的最後一個字


def quatrain_mask(vocabulary: CharacterVocabulary) -> Bool[Tensor, "steps vocab"]:
    """五言絕句每一步准用哪些字：第 5、11、17、23 個是，。，。，其餘是漢字，寫完接 END。"""
    marks = torch.tensor([c in PUNCTUATION for c in vocabulary.characters])
    hanzi = ~marks
    hanzi[[END, UNKNOWN]] = False
    mask = hanzi.repeat(QUATRAIN_LENGTH + 1, 1)
    for position, mark in [(5, "，"), (11, "。"), (17, "，"), (23, "。")]:
        mask[position] = False
        mask[position, vocabulary.index[mark]] = True
    mask[QUATRAIN_LENGTH] = False
    mask[QUATRAIN_LENGTH, END] = True
    return mask


def rhyme_counts(
    poems: Sequence[Poem], vocabulary: CharacterVocabulary
) -> Int[Tensor, "vocab vocab"]:
    """同一首詩的偶數句末兩兩押韻；[a, b] 是 a 與 b 一起押過幾次（對稱，自己不算）。"""
    size = len(vocabulary)
    pairs = []
    for poem in poems:
        ends = [verse[-1] for verse in poem.verses[1::2]]
        codes = [vocabulary.index.get(c, UNKNOWN) for c in ends]
        pairs += [a * size + b for a in codes for b in codes if a != b]
    counts = torch.bincount(torch.tensor(pairs), minlength=size * size).view(size, size)
    counts[UNKNOWN] = counts[:, UNKNOWN] = 0
    return counts


def rhyme_partners(
    counts: Int[Tensor, "vocab vocab"], least: int = 4, times: float = 4.0
) -> Bool[Tensor, "vocab vocab"]:
    """哪些字互相押韻：一起押過至少 ``least`` 次，而且是「互不相干」時該有的 ``times`` 倍以上。

    只看次數不夠：換韻的古詩裡，常見的字不押韻也會碰在一起。
    """
    counts = counts.double()
    each = counts.sum(dim=1)
    expected = each[:, None] * each / counts.sum().clamp(min=1)
    return (counts >= least) & (counts >= times * expected)


@torch.no_grad()
def write_poems(
    model: PoemLSTM,
    count: int,
    *,
    generator: torch.Generator,
    mask: Bool[Tensor, "steps vocab"] | None = None,
    rhymes: Bool[Tensor, "vocab vocab"] | None = None,
    temperature: float = 0.8,
    longest: int = 120,
) -> Int[Tensor, "count steps"]:
    """一次寫 ``count`` 首，從 END 開始，逐字抽；寫到 END 之後全是 END。

    ``mask``：第 t 個字准用哪些（見 :func:`quatrain_mask`），寫滿就停。``rhymes``：第四句末只准用
    與第二句末押過韻的字（沒有這種字時不限制）。UNKNOWN 一律不准。
    """
    state, token = None, torch.full((count,), END)
    done = torch.zeros(count, dtype=torch.bool)
    written: list[Tensor] = []
    for t in range(longest if mask is None else len(mask)):
        logits, state = model.step(token[:, None], state)
        scores = logits[:, -1].clone()
        scores[:, UNKNOWN] = -torch.inf
        if mask is not None:
            scores = scores.masked_fill(~mask[t], -torch.inf)
        if rhymes is not None and t == RHYMES[1]:
            scores = only_rhymes(scores, rhymes[written[RHYMES[0]]])
        token = sample_token(scores, temperature, generator=generator).masked_fill(done, END)
        written.append(token)
        done |= token == END
        if done.all():
            break
    return torch.stack(written, dim=1)


def only_rhymes(
    scores: Float[Tensor, "count vocab"], allowed: Bool[Tensor, "count vocab"]
) -> Float[Tensor, "count vocab"]:
    """留下押韻的字；一個都不剩的那幾列不動。"""
    limited = scores.masked_fill(~allowed, -torch.inf)
    return torch.where(limited.isfinite().any(dim=1, keepdim=True), limited, scores)
