"""看錯在哪裡：混淆矩陣、音素大類，以及離邊界多遠。"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dlbook.datasets import PHONE_CLASSES, PHONES

CLASS_OF_PHONE = torch.tensor(
    [i for i, phones in enumerate(PHONE_CLASSES.values()) for _ in phones]
)


def confusion(
    truth: Int[Tensor, " frames"], predicted: Int[Tensor, " frames"], classes: int
) -> Int[Tensor, "classes classes"]:
    """第 i 列第 j 欄：答案是 i、模型說 j 的框數。"""
    pairs = truth * classes + predicted
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_confusion(
    truth: Int[Tensor, " frames"], predicted: Int[Tensor, " frames"]
) -> Float[Tensor, "groups groups"]:
    """音素換成大類（``PHONE_CLASSES``）的混淆矩陣，每一列加總是 1。"""
    counts = confusion(CLASS_OF_PHONE[truth], CLASS_OF_PHONE[predicted], len(PHONE_CLASSES))
    return counts / counts.sum(dim=1, keepdim=True)


def most_confused(
    truth: Int[Tensor, " frames"], predicted: Int[Tensor, " frames"], count: int
) -> list[tuple[str, str, int]]:
    """最常見的 ``count`` 種錯：（答案, 模型說的, 框數），由多到少。"""
    counts = confusion(truth, predicted, len(PHONES)).fill_diagonal_(0)
    top = counts.flatten().topk(count)
    return [
        (PHONES[i // len(PHONES)], PHONES[i % len(PHONES)], n)
        for i, n in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    ]


def boundary_distance(labels: Int[Tensor, " frames"]) -> Int[Tensor, " frames"]:
    """每一框離最近的音素邊界幾框；緊鄰邊界的兩框是 0。整句只有一個音素時，都是句子的長度。"""
    ends = (labels[1:] != labels[:-1]).nonzero().flatten()  # 邊界在 end 與 end + 1 之間
    if len(ends) == 0:
        return torch.full_like(labels, len(labels))
    offset = torch.arange(len(labels))[:, None] - ends  # ≤ 0：在邊界左邊；≥ 1：在右邊
    return torch.where(offset <= 0, -offset, offset - 1).amin(dim=1)


def count_segments(labels: Int[Tensor, " frames"]) -> int:
    """連續相同的音素併成一段，共有幾段。"""
    return len(torch.unique_consecutive(labels))
