"""旋轉位置編碼（rotary position embedding, RoPE）與位置內插（position interpolation, PI）。

RoPE：Su et al., RoFormer, arXiv:2104.09864；位置內插：Chen et al., arXiv:2306.15595。
維度配對採 Hugging Face 的「前半配後半」：第 i 維與第 i + dim/2 維是同一個平面上的 (x, y)。
"""

import torch
from jaxtyping import Float
from torch import Tensor


def rope_frequencies(dim: int, theta: float = 10000.0) -> Float[Tensor, " half"]:
    """每個平面每前進一個位置要轉幾弧度：θ^(−2i/dim)，由快到慢。dim 是奇數時丟出 ValueError。"""
    if dim % 2:
        raise ValueError(f"RoPE 把維度兩兩配成平面，維度必須是偶數，收到 {dim}")
    return 1.0 / theta ** (torch.arange(0, dim, 2).float() / dim)


def rope_table(
    positions: Float[Tensor, " length"], dim: int, theta: float = 10000.0
) -> tuple[Float[Tensor, "length dim"], Float[Tensor, "length dim"]]:
    """各位置、各維度的 (cos, sin)。位置可以是小數：位置內插就是把 positions 除以放大倍數。"""
    frequencies = rope_frequencies(dim, theta).to(positions.device)
    angles = torch.outer(positions.float(), frequencies)
    angles = torch.cat([angles, angles], dim=-1)  # 同一個平面的兩維，角度相同
    return angles.cos(), angles.sin()


def rotate_half(x: Float[Tensor, "... dim"]) -> Float[Tensor, "... dim"]:
    """每個平面逆時針轉 90 度：(x, y) → (−y, x)。"""
    x, y = x.chunk(2, dim=-1)
    return torch.cat([-y, x], dim=-1)


def apply_rope(
    x: Float[Tensor, "... length dim"],
    cos: Float[Tensor, "length dim"],
    sin: Float[Tensor, "length dim"],
) -> Float[Tensor, "... length dim"]:
    """把每個平面逆時針轉到該位置的角度；長度不變，q·k 從此只看兩者相隔多遠。"""
    return x * cos + rotate_half(x) * sin
