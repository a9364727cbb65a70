"""預訓練語言模型的幾個零件：裝箱、梯度累積、以重算換記憶體。

裝箱（packing）：Raffel et al. (T5), arXiv:1910.10683；重算：Chen et al., arXiv:1604.06174。
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def pack(
    documents: Sequence[Int[Tensor, " length"]], length: int
) -> tuple[Int[Tensor, "rows length"], Int[Tensor, "rows length"]]:
    """文件頭尾相接成一條，切成等長的列：輸入，與錯開一格的目標。一個補齊的位置都沒有。

    最後不夠一列的丟掉；連一列都不夠時丟出 ValueError。
    """
    stream = torch.cat(list(documents))
    rows = (len(stream) - 1) // length
    if rows < 1:
        raise ValueError(f"全部只有 {len(stream)} 個 token，裝不滿長度 {length} 的一列")
    cut = rows * length
    return stream[:cut].unflatten(0, (rows, length)), stream[1 : cut + 1].unflatten(
        0, (rows, length)
    )


def accumulate_gradients(
    model: nn.Module,
    loss_fn: Callable[[Tensor, Tensor], Float[Tensor, ""]],
    x: Int[Tensor, "batch length"],
    y: Int[Tensor, "batch length"],
    pieces: int,
) -> float:
    """把一大批拆成 ``pieces`` 份，一份一份反向，梯度加起來；等於整批一次算的梯度。傳回整批的損失。

    每一份要一樣大，份數除不盡批次時丟出 ValueError；每一份的損失要先除以份數再反向。
    """
    if len(x) % pieces:
        raise ValueError(f"{len(x)} 列無法平分成 {pieces} 份")
    total = 0.0
    for part_x, part_y in zip(x.chunk(pieces), y.chunk(pieces), strict=True):
        loss = loss_fn(model(part_x), part_y) / pieces
        loss.backward()
        total += loss.item()
    return total


class Recompute(nn.Module):
    """包住一層：前向時不留中間結果，反向時重算一次。多花約三分之一的時間，省下大半的記憶體。"""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: Any) -> Any:
        return checkpoint(self.layer, *inputs, use_reentrant=False)


def recompute_layers(model: nn.Module) -> nn.Module:
    """把 ``model.layers`` 的每一層都包起來；權重不變。"""
    layers: Any = model.layers
    model.layers = nn.ModuleList(Recompute(layer) for layer in layers)
    return model
