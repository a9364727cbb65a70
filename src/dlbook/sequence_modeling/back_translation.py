"""反向翻譯（back-translation）：把只有中文的句子翻回英文，當成多出來的句對。

Sennrich et al., Improving Neural Machine Translation Models with Monolingual Data, arXiv:1511.06709。
中文那一邊是人寫的，所以模型學到的仍是好中文；英文那一邊是機器翻的，不通順也只是讀的時候難一點。
"""

import random
from collections.abc import Iterable, Sequence

from dlbook.datasets.help_pairs import HelpPage, HelpPair
from dlbook.sequence_modeling.beam_search import Translator
from dlbook.sequence_modeling.tokenizer import BPETokenizer
from dlbook.sequence_modeling.translation import Pair, translate


def monolingual(
    pages: Iterable[HelpPage], pairs: Iterable[HelpPair], held_out: Iterable[HelpPair]
) -> list[str]:
    """說明頁裡沒有英文對照的中文段落，依出現順序、不重複。

    驗證與測試的頁面整頁不用；與任何一個句對的中文相同的段落也不用：答案不能先看到。
    """
    held_out = list(held_out)
    hidden = {pair.page for pair in held_out}
    known = {pair.chinese for pair in [*pairs, *held_out]}
    texts = (text for page in pages if page.name not in hidden for text in page.paragraphs)
    return [text for text in dict.fromkeys(texts) if text not in known]


def hide_half(pairs: Sequence[Pair], seed: int) -> tuple[list[Pair], list[str]]:
    """隨機把一半句對的原文藏起來：回傳留下的句對，與另一半只剩譯文的句子。"""
    order = random.Random(seed).sample(range(len(pairs)), len(pairs))
    half = len(pairs) // 2
    return [pairs[i] for i in order[:half]], [pairs[i][1] for i in order[half:]]


def back_translate(
    model: Translator, tokenizer: BPETokenizer, texts: Sequence[str], beam: int = 1
) -> list[Pair]:
    """用反方向的模型（中翻英）造句對：（機器翻的英文, 原來的中文）；翻不出東西的不要。"""
    sources = translate(model, tokenizer, texts, beam=beam, batch=64)
    return [(source, text) for source, text in zip(sources, texts, strict=True) if source.strip()]
