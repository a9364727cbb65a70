"""平移等變：先平移再做，等於先做再平移嗎？

Zhang, Making Convolutional Networks Shift-Invariant Again, arXiv:1904.11486。
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


@torch.no_grad()
def shift_gap(
    layer: Callable[[Tensor], Tensor],
    x: Float[Tensor, "N C H W"],
    right: int,
    stride: int = 1,
    margin: int = 0,
) -> float:
    """比較 layer(平移(x)) 與 平移(layer(x)) 的相對差，輸出四周 ``margin`` 格不算。

    輸入往右 ``right`` 個像素，輸出就該往右 ``right // stride`` 格；捲回來的部分要在 ``margin`` 之內。
    0 表示完全等變；1 左右表示兩者毫不相干。
    """
    shifted_first = layer(x.roll(right, dims=3))
    shifted_last = layer(x).roll(right // stride, dims=3)
    inside = slice(margin, shifted_last.shape[3] - margin)
    a, b = (y[:, :, inside, inside] for y in (shifted_first, shifted_last))
    return float((a - b).norm() / b.norm())
