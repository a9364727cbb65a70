"""n-gram 語言模型：內插的改良 Kneser–Ney（interpolated modified Kneser–Ney）。

Kneser & Ney, ICASSP 1995；Chen & Goodman, An Empirical Study of Smoothing Techniques
for Language Modeling, Computer Speech & Language 13, 1999（改良版的三個折扣）。
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Order:
    """某一階的計數表；``grams`` 是 (前文的編號 × 詞彙數 + 下一個字)，由小到大排好。"""

    grams: np.ndarray
    kept: np.ndarray  # 每個 gram 折扣之後還剩多少次
    total: np.ndarray  # 每個前文的總次數
    freed: np.ndarray  # 每個前文被折扣拿走多少次，分給低一階


class KneserNey:
    """``sequences`` 是整數編號的序列，每個的第一個字只當前文，不預測。

    最高階用真的次數；低階數的是「前面接過幾種不同的字」，不是出現幾次：
    「桑」常出現，卻幾乎只跟在「扶」後面，換了前文就不該給它太多機率。
    """

    def __init__(self, sequences: Sequence[np.ndarray], vocabulary: int, order: int) -> None:
        if order < 1:
            raise ValueError(f"階數至少是 1，收到 {order}。")
        self.vocabulary, self.order = vocabulary, order
        self.orders: list[Order] = []
        windows = self.windows(sequences)
        real = np.ones(len(windows))
        real[np.cumsum([0] + [len(s) for s in sequences[:-1]])] = 0  # 開頭的字只當前文
        found = []
        for k in range(1, order + 1):
            key = self.context_ids(windows, k) * vocabulary + windows[:, -1]
            grams, first, ids = np.unique(key, return_index=True, return_inverse=True)
            found.append((first, ids.reshape(-1)))
            self.orders.append(Order(grams, *(np.zeros(0),) * 3))  # 先有編號，計數等一下才填
        counts = np.bincount(found[-1][1], real)  # 最高階：真的次數
        for k in range(order, 0, -1):
            self.orders[k - 1] = self.discounted(self.orders[k - 1].grams, counts.astype(np.int64))
            if k > 1:  # 低一階：每種 k-gram 只算一次
                first, ids = found[k - 1][0], found[k - 2][1]
                counts = np.bincount(ids[first], counts > 0, len(found[k - 2][0]))

    def windows(self, sequences: Sequence[np.ndarray]) -> np.ndarray:
        """每個字，連同它前面的 order − 1 個字；開頭不夠的，重複第一個字。"""
        rows = []
        for sequence in sequences:
            padded = np.concatenate([np.full(self.order - 1, sequence[0]), sequence])
            rows.append(np.lib.stride_tricks.sliding_window_view(padded, self.order))
        return np.concatenate(rows).astype(np.int64)

    def context_ids(self, windows: np.ndarray, k: int) -> np.ndarray:
        """最後一個字之前的 k − 1 個字是第幾個 (k−1)-gram；訓練時沒看過的是 −1。"""
        ids = np.zeros(len(windows), dtype=np.int64)
        for j in range(1, k):  # 由第 1 階開始，一個字一個字接上去
            ids = self.find(j, self.chain(ids, windows[:, -k + j - 1]))
        return ids

    def chain(self, ids: np.ndarray, words: np.ndarray) -> np.ndarray:
        return np.where(ids < 0, -1, ids * self.vocabulary + words)

    def find(self, k: int, keys: np.ndarray) -> np.ndarray:
        """這些 gram 在第 k 階的表裡排第幾；沒有的是 −1。"""
        grams = self.orders[k - 1].grams
        place = np.searchsorted(grams, keys).clip(max=len(grams) - 1)
        return np.where(grams[place] == keys, place, -1)

    def discounted(self, grams: np.ndarray, counts: np.ndarray) -> Order:
        """折扣：出現 1、2、3 次以上的，各拿走 Δ₁、Δ₂、Δ₃ 次。"""
        n = np.array([(counts == j).sum() for j in range(1, 5)], dtype=float).clip(min=1)
        y = n[0] / (n[0] + 2 * n[1])
        discounts = np.array([j - (j + 1) * y * n[j] / n[j - 1] for j in (1, 2, 3)])
        discounts = discounts.clip(0.1, 0.95 * np.arange(1, 4))  # 資料太少時，公式可能給出怪數
        taken = np.where(counts > 0, discounts[counts.clip(1, 3) - 1], 0.0)
        context = grams // self.vocabulary
        total = np.bincount(context, counts)
        return Order(grams, counts - taken, total, np.bincount(context, taken))

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        """每一列最後一個字，在前面 order − 1 個字之後的機率。"""
        p = np.full(len(windows), 1 / self.vocabulary)  # 第 0 階：每個字都一樣
        for k, table in enumerate(self.orders, 1):
            context = self.context_ids(windows, k)
            gram = self.find(k, self.chain(context, windows[:, -1]))
            inside = (context >= 0) & (context < len(table.total))
            total = np.where(inside, table.total[context * inside], 0)
            seen = total > 0
            share = np.where(gram >= 0, table.kept[gram], 0.0)
            freed = table.freed[context * inside]
            p = np.where(seen, (share + freed * p) / np.where(seen, total, 1), p)
        return p

    def bits_per_char(self, sequences: Sequence[np.ndarray]) -> float:
        """平均每個字要幾個位元；與 ``poem_corpus.bits_per_char`` 數同樣的字。"""
        windows = np.concatenate([self.windows([s])[1:] for s in sequences])
        return float(-np.log2(self.probabilities(windows)).mean())

    def next_probabilities(self, context: Sequence[int]) -> np.ndarray:
        """``context`` 之後每個字的機率；至少要一個字。"""
        if not len(context):
            raise ValueError("前文至少要一個字；一首詩從 END 開始。")
        need = self.order - 1
        padded = [context[0]] * need + list(context)
        rows = np.tile(np.array(padded[len(padded) - need :], dtype=np.int64), (self.vocabulary, 1))
        words = np.arange(self.vocabulary)[:, None]
        return self.probabilities(np.concatenate([rows, words], axis=1))
