"""字元語言模型的資料：全唐詩的詞彙、批次，以及 bits/char 怎麼算。

``transformer_training`` 用同樣的詞彙、切分與 :func:`bits_per_char`，兩課的數字才能直接比。
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from dlbook.datasets.poems import Poem

END, UNKNOWN = 0, 1  # END 放在每首詩的頭尾
VOCABULARY_SIZE = 4096  # 含 END 與 UNKNOWN；蓋住驗證集 99.3 % 的字
IGNORE_TARGET = -100  # F.cross_entropy 略過這個標籤
PUNCTUATION = "，。？！：；、"


class CharacterVocabulary:
    """最常見的字 → 編號；不認得的字是 ``UNKNOWN``，寫成「□」。``characters`` 要由多到少排好。"""

    def __init__(self, characters: str, size: int = VOCABULARY_SIZE) -> None:
        self.characters = "∎□" + characters[: size - 2]
        self.index = {c: i for i, c in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def __repr__(self) -> str:
        return f"CharacterVocabulary({len(self)} 個字，最常見的是「{self.characters[2:12]}」)"

    def encode(self, text: str) -> Int[Tensor, " length"]:
        """一字一個編號。"""
        return torch.tensor([self.index.get(c, UNKNOWN) for c in text], dtype=torch.long)

    def decode(self, ids: Sequence[int] | Int[Tensor, " length"]) -> str:
        """編號 → 字；END 不寫出來。"""
        return "".join(self.characters[int(i)] for i in ids if int(i) != END)

    def encode_poem(self, poem: Poem) -> Int[Tensor, " length"]:
        """END、每個字、END。"""
        return F.pad(self.encode(poem.text), (1, 1), value=END)


def pad_batch(
    poems: Sequence[Int[Tensor, " length"]],
) -> tuple[Int[Tensor, "batch time"], Int[Tensor, "batch time"]]:
    """輸入（去掉最後一個字）與目標（去掉第一個字），右邊補齊；補的目標是 ``IGNORE_TARGET``。"""
    x = torch.nn.utils.rnn.pad_sequence([p[:-1] for p in poems], batch_first=True)
    y = torch.nn.utils.rnn.pad_sequence(
        [p[1:] for p in poems], batch_first=True, padding_value=IGNORE_TARGET
    )
    return x, y


class PoemLoader:
    """打亂的批次；長度相近的詩放在同一批，補的位置才少。

    長過 ``longest`` 的詩切成幾段（只有訓練這樣做）。``limit``：一個 epoch 只給前面幾批。
    """

    POOL = 50  # 每 50 批的詩放在一起按長度排

    def __init__(
        self,
        poems: Sequence[Int[Tensor, " length"]],
        batch_size: int,
        *,
        longest: int = 128,
        limit: int | None = None,
    ) -> None:
        # 一段的最後一個字，是下一段的第一個輸入：每個字剛好當一次目標
        self.pieces = [p[i : i + longest + 1] for p in poems for i in range(0, len(p) - 1, longest)]
        self.batch_size, self.limit = batch_size, limit

    def __len__(self) -> int:
        batches = -(-len(self.pieces) // self.batch_size)
        return batches if self.limit is None else min(batches, self.limit)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        batches = []
        for pool in torch.randperm(len(self.pieces)).split(self.POOL * self.batch_size):
            ranked = sorted(pool.tolist(), key=lambda i: len(self.pieces[i]))
            starts = range(0, len(ranked), self.batch_size)
            batches += [ranked[i : i + self.batch_size] for i in starts]
        for k in torch.randperm(len(batches))[: self.limit].tolist():
            yield pad_batch([self.pieces[i] for i in batches[k]])


def next_character_loss(
    logits: Float[Tensor, "batch time vocab"], targets: Int[Tensor, "batch time"]
) -> Float[Tensor, ""]:
    """每個真的字的交叉熵的平均，單位 nat。"""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE_TARGET)


@torch.no_grad()
def bits_per_char(
    model: Callable[[Int[Tensor, "batch time"]], Float[Tensor, "batch time vocab"]],
    poems: Sequence[Int[Tensor, " length"]],
    *,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
) -> float:
    """平均每個字要幾個位元；數的是每個字、標點與詩尾的 END，``UNKNOWN`` 也當成一個字。

    每首詩從頭開始，看得到這首詩前面的全部。模型要在評估模式。
    """
    ranked = sorted(poems, key=len)
    nats, count = 0.0, 0
    for i in range(0, len(ranked), batch_size):
        x, y = pad_batch(ranked[i : i + batch_size])
        logits = model(x.to(device)).flatten(0, 1)
        targets = y.flatten().to(device)
        nats += float(F.cross_entropy(logits, targets, ignore_index=IGNORE_TARGET, reduction="sum"))
        count += int((targets != IGNORE_TARGET).sum())
    return nats / count / math.log(2)
