"""仿射變換：旋轉、縮放、傾斜、平移、翻轉是同一件事——輸出的每個像素，去輸入的哪裡拿。

座標把影像的左上角與右下角定為 (−1, −1)、(1, 1)，與 ``F.affine_grid(align_corners=False)`` 相同。
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def affine_matrix(
    degrees: Float[Tensor, " N"],
    scale: Float[Tensor, " N"],
    shear: Float[Tensor, " N"],
    right: Float[Tensor, " N"],
    down: Float[Tensor, " N"],
) -> Float[Tensor, "N 2 3"]:
    """每張影像一個矩陣，把輸出座標變成輸入座標：內容逆時針轉 ``degrees`` 度、放大 ``scale`` 倍、
    橫向傾斜 ``shear``，往右、往下移 ``right``、``down``（1 是半個影像）。
    """
    angle = degrees * math.pi / 180
    cos, sin = angle.cos() / scale, angle.sin() / scale
    first = torch.stack([cos, -sin + shear * cos], dim=1)
    second = torch.stack([sin, cos + shear * sin], dim=1)
    linear = torch.stack([first, second], dim=1)  # N 2 2
    offset = -linear @ torch.stack([right, down], dim=1)[:, :, None]
    return torch.cat([linear, offset], dim=2)


def sample_bilinear(
    x: Float[Tensor, "N C H W"], grid: Float[Tensor, "N OH OW 2"], fill: float = 0.0
) -> Float[Tensor, "N C OH OW"]:
    """在 ``grid`` 的座標 (水平, 垂直) 取值：落在四個像素之間就按距離加權平均，落在外面是 ``fill``。"""
    count, channels, h, w = x.shape
    flat = (x - fill).flatten(2)
    column = (grid[..., 0] + 1) * w / 2 - 0.5
    row = (grid[..., 1] + 1) * h / 2 - 0.5
    left, top = column.floor(), row.floor()
    result = x.new_zeros(count, channels, grid.shape[1] * grid.shape[2])
    for i, j in [(top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)]:
        near = (1 - (row - i).abs()) * (1 - (column - j).abs())
        near = near * ((i >= 0) & (i < h) & (j >= 0) & (j < w))
        index = (i.clamp(0, h - 1) * w + j.clamp(0, w - 1)).long().flatten(1)
        picked = flat.gather(2, index[:, None].expand(-1, channels, -1))
        result += picked * near.flatten(1)[:, None]
    return result.reshape(count, channels, *grid.shape[1:3]) + fill


def warp(
    x: Float[Tensor, "N C H W"], matrix: Float[Tensor, "N 2 3"], fill: float = 0.0
) -> Float[Tensor, "N C H W"]:
    """每張影像各自做仿射變換；與 ``F.affine_grid`` 接 ``F.grid_sample`` 相同（fill 是 0 時）。"""
    h, w = x.shape[2:]
    vertical = (torch.arange(h).to(x) * 2 + 1) / h - 1
    horizontal = (torch.arange(w).to(x) * 2 + 1) / w - 1
    rows, columns = torch.meshgrid(vertical, horizontal, indexing="ij")
    points = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1)
    grid = points.reshape(1, h * w, 3) @ matrix.transpose(1, 2)
    return sample_bilinear(x, grid.reshape(len(x), h, w, 2), fill)


def random_affine(
    x: Float[Tensor, "N C H W"],
    degrees: float = 10.0,
    zoom: float = 0.1,
    shear: float = 0.0,
    move: float = 0.07,
    fill: float = 0.0,
) -> Float[Tensor, "N C H W"]:
    """每張影像各抽一個小變換：轉 ±degrees、縮放 1 ± zoom、傾斜 ±shear、平移 ±move。"""

    def between(limit: float) -> Tensor:
        return (torch.rand(len(x)) * 2 - 1) * limit

    matrix = affine_matrix(
        between(degrees), 1 + between(zoom), between(shear), between(move), between(move)
    )
    return warp(x, matrix.to(x), fill)
