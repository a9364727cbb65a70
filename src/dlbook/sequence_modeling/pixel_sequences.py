"""逐像素的 MNIST：一個像素一步；再用固定的亂數順序打亂，遠近的關係就不見了。

Le et al., A Simple Way to Initialize Recurrent Networks of Rectified Linear Units, arXiv:1504.00941。
"""

from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional as F


def pixel_sequence(
    images: UInt8[Tensor, "count 28 28"], shrink: int = 4, order: Int[Tensor, " time"] | None = None
) -> Float[Tensor, "count time 1"]:
    """每 ``shrink`` × ``shrink`` 個像素平均成一個，由左上到右下一個一步；``order`` 是打亂的順序。"""
    small = F.avg_pool2d(images[:, None].float() / 255, shrink).flatten(1)
    small = small if order is None else small[:, order]
    return small[..., None]
