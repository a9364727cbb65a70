"""訓練與使用翻譯模型：批次、損失、學習率、翻譯、計分。

Noam 學習率與標籤平滑：Vaswani et al., arXiv:1706.03762 第 5 節；BLEU：Post, arXiv:1804.08771（sacreBLEU）。
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sacrebleu
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from torch.optim import Optimizer

from dlbook.sequence_modeling.beam_search import Translator, beam_search
from dlbook.sequence_modeling.tokenizer import BPETokenizer
from dlbook.supervised_learning.averaging import WeightAverage

Pair = tuple[str, str]  # 原文、譯文


def pad_batch(sentences: Sequence[Sequence[int]], pad: int = 0) -> Int[Tensor, "batch longest"]:
    """長短不一的句子補齊成一個張量。"""
    rows = [torch.tensor(tokens, dtype=torch.long) for tokens in sentences]
    return pad_sequence(rows, batch_first=True, padding_value=pad)


class PairBatches:
    """每一批的 token 數（補齊之後）不超過 ``budget``；長度相近的放在一起，批次的順序打散。

    每走一遍重新打散，用全域亂數。每個 source 以 eos 結尾，每個 target 是 bos … eos。
    超過 ``longest`` 個 token 的句對不用。
    """

    def __init__(
        self, pairs: Sequence[Pair], tokenizer: BPETokenizer, budget: int = 4096, longest: int = 96
    ) -> None:
        eos, bos = tokenizer.eos, tokenizer.bos
        every = [([*tokenizer.encode(s), eos], [bos, *tokenizer.encode(t), eos]) for s, t in pairs]
        self.pairs = [pair for pair in every if max(map(len, pair)) <= longest]
        self.budget = budget

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        noise = (4 * torch.rand(len(self.pairs))).tolist()  # 長度差不多的，每次不同的排法
        sizes = [len(source) + len(target) for source, target in self.pairs]
        order = sorted(range(len(self.pairs)), key=lambda i: sizes[i] + noise[i])
        batches: list[list[int]] = [[]]
        widest = (0, 0)
        for i in order:
            source, target = self.pairs[i]
            widest = (max(widest[0], len(source)), max(widest[1], len(target)))
            if batches[-1] and sum(widest) * (len(batches[-1]) + 1) > self.budget:
                batches.append([])
                widest = (len(source), len(target))
            batches[-1].append(i)
        for b in torch.randperm(len(batches)).tolist():
            sources, targets = zip(*(self.pairs[i] for i in batches[b]), strict=True)
            yield pad_batch(sources), pad_batch(targets)


def noam(step: int, dim: int, warmup: int) -> float:
    """第 ``step`` 步（從 0 起算）的學習率：dim^-½ · min(t^-½, t · warmup^-³ᐟ²)，t = step + 1。"""
    t = step + 1
    return dim**-0.5 * min(t**-0.5, t * warmup**-1.5)


def translation_loss(
    logits: Float[Tensor, "batch length vocab"],
    target: Int[Tensor, "batch length"],
    pad: int = 0,
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """每個真的 token 的平均交叉熵；補齊的位置不算。``smoothing`` 是標籤平滑。"""
    return cross_entropy(
        logits.flatten(0, 1), target.flatten(), ignore_index=pad, label_smoothing=smoothing
    )


@dataclass
class TranslationHistory:
    """每一步的訓練損失（含標籤平滑）、每一輪的驗證損失（不含）、花的秒數。"""

    step_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    seconds: float = 0.0


@torch.no_grad()
def mean_loss(model: nn.Module, batches: PairBatches) -> float:
    """每個 token 的平均損失（nat），不含標籤平滑。"""
    model.eval()
    device = next(model.parameters()).device
    total, count = 0.0, 0
    for source, target in batches:
        source, target = source.to(device), target.to(device)
        tokens = int((target[:, 1:] != 0).sum())
        total += float(translation_loss(model(source, target[:, :-1]), target[:, 1:])) * tokens
        count += tokens
    return total / count


def train_translator(
    model: Translator,
    batches: PairBatches,
    valid: PairBatches,
    *,
    epochs: int,
    rate: Callable[[int], float],
    optimizer: Optimizer | None = None,
    smoothing: float = 0.1,
    clip: float = 1.0,
    average: int = 5,
    steps: int | None = None,
    half: bool = False,
    report: Callable[[str], Any] = lambda line: None,
) -> tuple[Translator, TranslationHistory]:
    """訓練；回傳最後 ``average`` 輪參數的平均，與訓練紀錄。

    學習率是 ``optimizer`` 建立時的學習率乘上 ``rate(第幾步)``；不給 optimizer 就是論文的 Adam，
    ``rate`` 直接是學習率。
    ``steps``：最多走幾步，不給就走完。``half``：矩陣乘法用 bfloat16（有對應指令的處理器上快將近一倍），參數與損失仍是 float32。
    """
    device = next(model.parameters()).device
    if optimizer is None:
        optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
    initial = [group["lr"] for group in optimizer.param_groups]
    history, start = TranslationHistory(), time.perf_counter()
    mean = WeightAverage(model)
    for epoch in range(epochs):
        model.train()
        for source, target in itertools.islice(batches, steps and steps - len(history.step_loss)):
            for group, lr in zip(optimizer.param_groups, initial, strict=True):
                group["lr"] = lr * rate(len(history.step_loss))
            source, target = source.to(device), target.to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                logits = model(source, target[:, :-1])
            loss = translation_loss(logits.float(), target[:, 1:], smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            history.step_loss.append(loss.item())
        stopped = steps is not None and len(history.step_loss) >= steps
        if stopped or epoch >= epochs - average:
            mean.update(model)
        history.valid_loss.append(mean_loss(model, valid))
        history.seconds = time.perf_counter() - start
        report(
            f"第 {epoch + 1} 輪：驗證損失 {history.valid_loss[-1]:.3f}，{history.seconds:.0f} 秒"
        )
        if stopped:
            break
    averaged: Any = mean.model
    return averaged, history


@torch.no_grad()
def translate(
    model: Translator,
    tokenizer: BPETokenizer,
    sentences: Sequence[str],
    *,
    beam: int = 4,
    alpha: float = 1.0,
    batch: int = 32,
) -> list[str]:
    """譯文，順序與 ``sentences`` 相同；長度相近的一起翻。

    譯文最多是原文的兩倍長再加 20 個 token。
    """
    sources = [[*tokenizer.encode(sentence), tokenizer.eos] for sentence in sentences]
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    found = [""] * len(sources)
    device = next(model.parameters()).device
    model.eval()
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        source = pad_batch([sources[i] for i in rows]).to(device)
        hypotheses = beam_search(
            model.writer(source),
            len(rows),
            beam=beam,
            max_length=min(2 * source.shape[1] + 20, 200),
            bos=tokenizer.bos,
            eos=tokenizer.eos,
            alpha=alpha,
        )
        for i, best in zip(rows, hypotheses, strict=True):
            found[i] = tokenizer.decode(best[0].tokens)
    return found


def bleu(translations: Sequence[str], references: Sequence[str]) -> float:
    """語料層級的 BLEU，中文逐字切（sacreBLEU 的 zh）；0 到 100。"""
    return sacrebleu.corpus_bleu(list(translations), [list(references)], tokenize="zh").score


def chrf(translations: Sequence[str], references: Sequence[str]) -> float:
    """字元 n-gram 的 F 分數（chrF2）；0 到 100。"""
    return sacrebleu.corpus_chrf(list(translations), [list(references)]).score
