"""池化：每個視窗只留最大值或平均；以及感受野的計算與量測。

Luo et al., Understanding the Effective Receptive Field, arXiv:1701.04128。
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def pool_windows(
    x: Float[Tensor, "N C H W"], kernel: int, stride: int
) -> Float[Tensor, "N C OH OW KK"]:
    """每個輸出位置看到的 ``kernel`` × ``kernel`` 個值。"""
    return x.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)


def max_pool2d(
    x: Float[Tensor, "N C H W"], kernel: int, stride: int | None = None, padding: int = 0
) -> Float[Tensor, "N C OH OW"]:
    """最大池化；補的邊是負無限大，不會被選中。``stride`` 預設等於 ``kernel``。"""
    x = F.pad(x, [padding] * 4, value=-torch.inf)
    return pool_windows(x, kernel, stride or kernel).max(dim=-1).values


def avg_pool2d(
    x: Float[Tensor, "N C H W"], kernel: int, stride: int | None = None
) -> Float[Tensor, "N C OH OW"]:
    """平均池化。"""
    return pool_windows(x, kernel, stride or kernel).mean(dim=-1)


def receptive_field(layers: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """``layers`` 是每一層的 (kernel, stride)；傳回每一層之後的（感受野, 相鄰兩格差幾個輸入像素）。"""
    field, jump, fields = 1, 1, []
    for kernel, stride in layers:
        field += (kernel - 1) * jump
        jump *= stride
        fields.append((field, jump))
    return fields


def influence(
    network: Callable[[Tensor], Tensor], x: Float[Tensor, "N C H W"]
) -> Float[Tensor, "H W"]:
    """輸出正中央那一格（所有通道加總）對每個輸入像素的梯度大小，對整個批次平均。"""
    x = x.detach().clone().requires_grad_()
    y = network(x)
    center = y[:, :, y.shape[2] // 2, y.shape[3] // 2].sum()
    return torch.autograd.grad(center, x)[0].abs().mean(dim=(0, 1))
