"""正弦位置編碼（sinusoidal positional encoding）：讓分不出順序的注意力知道誰先誰後。

Vaswani et al., Attention Is All You Need 第 3.5 節, arXiv:1706.03762。
"""

import torch
from jaxtyping import Float
from torch import Tensor


def sinusoidal_positions(length: int, dim: int) -> Float[Tensor, "length dim"]:
    """位置 p 的第 2i 維是 sin(p / 10000^(2i/dim))，第 2i + 1 維是同一個角度的 cos。

    前面的維度轉得快，後面的轉得慢，像時鐘的秒針與時針。dim 是奇數時丟出 ValueError。
    """
    if dim % 2:
        raise ValueError(f"正弦與餘弦成對出現，維度必須是偶數，收到 {dim}")
    rates = 10_000.0 ** (-torch.arange(0, dim, 2) / dim)  # [dim / 2]，每前進一格轉幾弧度
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
