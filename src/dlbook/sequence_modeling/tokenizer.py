"""BPE（byte-pair encoding）：從位元組開始，把最常相鄰的兩個 token 一再併成一個。

Sennrich et al., Neural Machine Translation of Rare Words with Subword Units, arXiv:1508.07909；
以位元組為起點（沒有不認得的字）：Radford et al., Language Models are Unsupervised Multitask Learners, 2019。
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

TokenPair = tuple[int, int]

# 合併不跨越這些片段：英文字（連同前面的空格）、一個數字、一串漢字、一串標點、空白。
HAN = "一-" + chr(0x9FFF)  # 漢字的範圍
PIECES = rf" ?[A-Za-z]+| ?[0-9]|[{HAN}]+| ?[^ \t\r\nA-Za-z0-9{HAN}]+|[ \t\r\n]+"

# 256 個位元組的編號，照 GPT-2 的順序：看得到的字元在前。
PRINTABLE = {*range(33, 127), *range(161, 173), *range(174, 256)}
BYTES = [*sorted(PRINTABLE), *sorted(set(range(256)) - PRINTABLE)]


def merge(ids: Sequence[int], pair: TokenPair, new: int) -> list[int]:
    """由左到右，把 ids 裡每一個相鄰的 ``pair`` 換成 ``new``。"""
    merged: list[int] = []
    i = 0
    while i < len(ids):
        if i + 1 < len(ids) and (ids[i], ids[i + 1]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def learn_merges(pieces: Counter[bytes], count: int, first: int = 0) -> list[TokenPair]:
    """從片段與次數學出最多 ``count`` 次合併；位元組的編號從 ``first`` 起。

    每次選出現最多次的一對，同票時選編號小的。只出現一次的不合併。
    只重算含有那一對的片段，所以不必每次掃過全部。
    """
    number = {byte: first + rank for rank, byte in enumerate(BYTES)}
    words = [[number[byte] for byte in piece] for piece in pieces]
    times = list(pieces.values())
    counts: Counter[TokenPair] = Counter()
    where: dict[TokenPair, set[int]] = defaultdict(set)
    for i, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += times[i]
            where[pair].add(i)
    heap = [(-n, pair) for pair, n in counts.items()]
    heapq.heapify(heap)
    merges: list[TokenPair] = []
    while heap and len(merges) < count:
        n, best = heapq.heappop(heap)
        if counts[best] != -n:  # 過時的項目：次數變過，新的已經另外放進堆積
            if counts[best] > 0:
                heapq.heappush(heap, (-counts[best], best))
            continue
        if -n < 2:
            break
        new = first + 256 + len(merges)
        merges.append(best)
        changed: set[TokenPair] = set()
        for i in where.pop(best):
            old, words[i] = words[i], merge(words[i], best, new)
            for pair in pairwise(old):
                counts[pair] -= times[i]
            for pair in pairwise(words[i]):
                counts[pair] += times[i]
                where[pair].add(i)
                changed.add(pair)
        for pair in changed:
            if new in pair:
                heapq.heappush(heap, (-counts[pair], pair))
    return merges


class BPETokenizer:
    """特殊符號、256 個位元組、每次合併各是一個 token，依序編號。

    ``merges[i]`` 是第 i 次合併的兩個 token。合併提到還不存在的 token 時丟出 ValueError。
    """

    SPECIALS = ("<pad>", "<bos>", "<eos>")
    pad, bos, eos = range(3)

    def __init__(self, merges: Iterable[Sequence[int]]) -> None:
        self.merges: list[TokenPair] = [(int(a), int(b)) for a, b in merges]
        first = len(self.SPECIALS)
        self.number = {byte: first + rank for rank, byte in enumerate(BYTES)}
        self.text = [name.encode() for name in self.SPECIALS] + [bytes([byte]) for byte in BYTES]
        for a, b in self.merges:
            if not first <= min(a, b) <= max(a, b) < len(self.text):
                raise ValueError(f"合併 {a, b} 用到還不存在的 token（目前到 {len(self.text) - 1}）")
            self.text.append(self.text[a] + self.text[b])
        self.rank = {pair: first + 256 + i for i, pair in enumerate(self.merges)}
        self.cache: dict[str, list[int]] = {}

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> "BPETokenizer":
        """從文字學出 ``vocab_size`` 個 token；文字太少時會比較少。小到放不下位元組時丟出 ValueError。"""
        least = len(cls.SPECIALS) + 256
        if vocab_size < least:
            raise ValueError(
                f"詞彙至少要 {least} 個：256 個位元組與 {len(cls.SPECIALS)} 個特殊符號"
            )
        pieces = Counter(piece.encode() for text in texts for piece in re.findall(PIECES, text))
        return cls(learn_merges(pieces, vocab_size - least, first=len(cls.SPECIALS)))

    def __len__(self) -> int:
        return len(self.text)

    def encode(self, text: str) -> list[int]:
        """文字 → token 的編號；同一個片段只算一次，之後查表。"""
        ids: list[int] = []
        for piece in re.findall(PIECES, text):
            if piece not in self.cache:
                self.cache[piece] = self.encode_piece(piece.encode())
            ids += self.cache[piece]
        return ids

    def encode_piece(self, piece: bytes) -> list[int]:
        """照學到的先後合併：每次找最早學到的那一對，直到沒有能合併的。"""
        ids = [self.number[byte] for byte in piece]
        while len(ids) > 1:
            best = min(pairwise(ids), key=lambda pair: self.rank.get(pair, len(self.text)))
            if best not in self.rank:
                break
            ids = merge(ids, best, self.rank[best])
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """token 的編號 → 文字；特殊符號不印，拼不成字的位元組印成 �。"""
        kept = [self.text[i] for i in ids if i >= len(self.SPECIALS)]
        return b"".join(kept).decode(errors="replace")
