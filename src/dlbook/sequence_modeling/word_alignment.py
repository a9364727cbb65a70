"""不用神經網路的翻譯：從句對數出一本字典（IBM Model 1），或照抄最像的句子。

Brown et al., The Mathematics of Statistical Machine Translation, Computational Linguistics 19(2), 1993。
"""

import re
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from dlbook.sequence_modeling.tokenizer import PIECES, BPETokenizer

NULL = ""  # 譯文裡不對應任何英文字的部分，歸給這個空字


def english_words(sentence: str) -> list[str]:
    """英文字、數字與標點，小寫、不含空格。"""
    return [piece.strip().lower() for piece in re.findall(PIECES, sentence) if piece.strip()]


def ibm_model1(
    pairs: Sequence[tuple[Sequence[str], Sequence[int]]], rounds: int = 6
) -> dict[str, dict[int, float]]:
    """EM：每個譯文 token 由原文的哪個字翻出來？回傳 t[字][token] = p(token | 字)。

    每一輪先照目前的 t 把每個 token 的一票分給句中各字（E），再把票數化成機率（M）。
    """
    vocabulary = {NULL: 0}
    for words, _ in pairs:
        for word in words:
            vocabulary.setdefault(word, len(vocabulary))
    left, right, slot = [], [], []
    positions = 0
    for words, tokens in pairs:
        numbers = [0, *(vocabulary[word] for word in words)]
        for token in tokens:
            left += numbers
            right += [token] * len(numbers)
            slot += [positions] * len(numbers)
            positions += 1
    width = max(right) + 1
    cells = np.array(left) * width + np.array(right)
    keys, cell = np.unique(cells, return_inverse=True)  # 一起出現過的（字, token）
    word, place = keys // width, np.array(slot)
    t = np.ones(len(keys))
    for _ in range(rounds):
        vote = t[cell]
        vote = vote / np.bincount(place, vote, positions)[place]
        t = np.bincount(cell, vote, len(keys))
        t = t / np.bincount(word, t, len(vocabulary))[word]
    names = list(vocabulary)
    table: dict[str, dict[int, float]] = {name: {} for name in names}
    for key, probability in zip(keys.tolist(), t.tolist(), strict=True):
        table[names[key // width]][key % width] = probability
    return table


class DictionaryTranslator:
    """一個字一個字查字典，照英文的語序接起來；字典裡沒有的字照抄。"""

    def __init__(self, pairs: Sequence[tuple[str, str]], tokenizer: BPETokenizer) -> None:
        rows = [(english_words(source), tokenizer.encode(target)) for source, target in pairs]
        self.tokenizer = tokenizer
        self.table = ibm_model1(rows)

    def translate(self, sentence: str) -> str:
        """每個字取機率最高的譯法；比較可能「不翻」的字（機率都很分散）仍然會翻出一個。"""
        parts = []
        for word in english_words(sentence):
            options = self.table.get(word)
            if options is None:
                parts.append(word)
            else:
                parts.append(self.tokenizer.decode([max(options, key=options.__getitem__)]))
        return "".join(parts)


class TranslationMemory:
    """翻譯記憶：在訓練資料裡找最像的英文句子（TF-IDF 的餘弦），照抄它的譯文。"""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.targets = [target for _, target in pairs]
        self.vectorizer = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]", ngram_range=(1, 2))
        self.known = self.vectorizer.fit_transform([source for source, _ in pairs])

    def translate(self, sentences: Sequence[str]) -> list[str]:
        likeness = self.vectorizer.transform(sentences) @ self.known.T
        return [self.targets[i] for i in np.asarray(likeness.argmax(axis=1)).ravel()]
