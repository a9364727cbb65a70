"""二維卷積的三種寫法：迴圈、im2col、``F.conv2d``；以及手推的梯度。

LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86(11), 1998；
Dumoulin & Visin, A guide to convolution arithmetic, arXiv:1603.07285。
深度學習的「卷積」其實是互相關（cross-correlation）：卷積核不翻轉。
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """一邊長 ``size`` 的輸入，卷積或池化之後剩多長。

    Raises:
        ValueError: 補完邊還放不下一個卷積核。
    """
    if size + 2 * padding < kernel:
        raise ValueError(f"輸入 {size}、補邊 {padding}，放不下 {kernel} 的卷積核。")
    return (size + 2 * padding - kernel) // stride + 1


def check_shapes(x: Tensor, weight: Tensor, groups: int) -> None:
    """通道數要對得起來。

    Raises:
        ValueError: 輸入或輸出的通道不能平分成 ``groups`` 組，或卷積核的通道數不合。
    """
    channels, (out, inner) = x.shape[1], weight.shape[:2]
    if channels % groups or out % groups:
        raise ValueError(f"{channels} 個輸入通道、{out} 個輸出通道，不能平分成 {groups} 組。")
    if inner != channels // groups:
        raise ValueError(f"每組有 {channels // groups} 個輸入通道，卷積核卻有 {inner} 個。")


def conv2d_loops(
    x: Float[Tensor, "N C H W"],
    weight: Float[Tensor, "O Cg KH KW"],
    bias: Float[Tensor, " O"] | None = None,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> Float[Tensor, "N O OH OW"]:
    """版本一：輸出通道、列、行三層迴圈；每一格是「一小塊輸入」與「一個卷積核」的內積。

    Raises:
        ValueError: 形狀不合（見 :func:`check_shapes`、:func:`output_size`）。
    """
    check_shapes(x, weight, groups)
    (count, _, h, w), (out, inner, kh, kw) = x.shape, weight.shape
    x = F.pad(x, [padding] * 4)
    y = x.new_zeros(
        count, out, output_size(h, kh, stride, padding), output_size(w, kw, stride, padding)
    )
    for o in range(out):
        first = o // (out // groups) * inner  # 這個輸出通道只看自己那一組的輸入通道
        for i in range(y.shape[2]):
            for j in range(y.shape[3]):
                top, left = i * stride, j * stride
                patch = x[:, first : first + inner, top : top + kh, left : left + kw]
                y[:, o, i, j] = (patch * weight[o]).sum(dim=(1, 2, 3))
    return y if bias is None else y + bias[:, None, None]


def im2col(
    x: Float[Tensor, "N C H W"], kernel: tuple[int, int], stride: int = 1, padding: int = 0
) -> Float[Tensor, "N CKK L"]:
    """把每一個視窗攤平成一欄：列是（通道、核的列、核的行），欄是輸出的位置。"""
    x = F.pad(x, [padding] * 4)
    windows = x.unfold(2, kernel[0], stride).unfold(3, kernel[1], stride)  # N C OH OW KH KW
    return windows.permute(0, 1, 4, 5, 2, 3).flatten(4).flatten(1, 3)


def conv2d_im2col(
    x: Float[Tensor, "N C H W"],
    weight: Float[Tensor, "O Cg KH KW"],
    bias: Float[Tensor, " O"] | None = None,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> Float[Tensor, "N O OH OW"]:
    """版本二：卷積變成矩陣相乘，(O, CKK) @ (CKK, L)，一組一個矩陣。

    Raises:
        ValueError: 形狀不合。
    """
    check_shapes(x, weight, groups)
    (count, _, h, w), (out, _, kh, kw) = x.shape, weight.shape
    size = output_size(h, kh, stride, padding), output_size(w, kw, stride, padding)
    columns = im2col(x, (kh, kw), stride, padding)
    columns = columns.reshape(count, groups, -1, columns.shape[2])  # N G CgKK L
    matrices = weight.reshape(groups, out // groups, -1)  # G Og CgKK
    y = (matrices @ columns).reshape(count, out, *size)
    return y if bias is None else y + bias[:, None, None]


def col2im(
    columns: Float[Tensor, "N CKK L"],
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: int = 1,
    padding: int = 0,
) -> Float[Tensor, "N C H W"]:
    """:func:`im2col` 的轉置：每一欄放回它來的位置，重疊的地方相加。``shape`` 是 (C, H, W)。"""
    (channels, h, w), (kh, kw) = shape, kernel
    rows, cols = output_size(h, kh, stride, padding), output_size(w, kw, stride, padding)
    pieces = columns.reshape(len(columns), channels, kh, kw, rows, cols)
    x = columns.new_zeros(len(columns), channels, h + 2 * padding, w + 2 * padding)
    for i in range(kh):
        for j in range(kw):
            bottom, right = i + stride * (rows - 1) + 1, j + stride * (cols - 1) + 1
            x[:, :, i:bottom:stride, j:right:stride] += pieces[:, :, i, j]
    return x[:, :, padding : padding + h, padding : padding + w]


def conv2d_gradients(
    x: Float[Tensor, "N C H W"],
    weight: Float[Tensor, "O C KH KW"],
    grad: Float[Tensor, "N O OH OW"],
    stride: int = 1,
    padding: int = 0,
) -> tuple[Float[Tensor, "N C H W"], Float[Tensor, "O C KH KW"], Float[Tensor, " O"]]:
    """手推的反向：給定損失對輸出的梯度，傳回對 x、weight、bias 的梯度（不分組）。"""
    kernel = weight.shape[2], weight.shape[3]
    columns = im2col(x, kernel, stride, padding)
    flat = grad.flatten(2)  # N O L
    grad_weight = torch.einsum("nol,nkl->ok", flat, columns).reshape(weight.shape)
    grad_columns = weight.flatten(1).T @ flat  # N CKK L
    shape = x.shape[1], x.shape[2], x.shape[3]
    grad_x = col2im(grad_columns, shape, kernel, stride, padding)
    return grad_x, grad_weight, grad.sum(dim=(0, 2, 3))
