"""資料增強：翻轉加裁切、cutout、CutMix、RandAugment（簡化版）；測試時增強（TTA）。

Cutout：DeVries & Taylor, arXiv:1708.04552；CutMix：Yun et al., arXiv:1905.04899；
RandAugment：Cubuk et al., arXiv:1909.13719。mixup 在〈訓練的技術〉寫過了。
影像的像素是 0–1，背景是 0；翻轉與裁切不在乎尺度，其餘的在乎。
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from dlbook.computer_vision.affine import affine_matrix, warp

Images = Float[Tensor, "N C H W"]


def random_flip(x: Images) -> Images:
    """每張影像各有一半的機會左右翻轉。"""
    flipped = torch.rand(len(x), device=x.device) < 0.5
    return torch.where(flipped[:, None, None, None], x.flip(3), x)


def random_crop(x: Images, most: int = 2) -> Images:
    """四周補 ``most`` 圈背景，再隨機裁回原來的大小；等於平移最多 ``most`` 個像素。"""
    (count, _, h, w), device = x.shape, x.device
    padded = F.pad(x, [most] * 4)
    top, left = torch.randint(0, 2 * most + 1, (2, count, 1), device=device)
    rows = (top + torch.arange(h, device=device))[:, :, None]
    columns = (left + torch.arange(w, device=device))[:, None, :]
    picked = padded[torch.arange(count, device=device)[:, None, None], :, rows, columns]
    return picked.permute(0, 3, 1, 2).contiguous()


def weak_augment(x: Images) -> Images:
    """弱增強：翻轉與裁切。"""
    return random_crop(random_flip(x), 2)


def random_box(count: int, size: tuple[int, int], side: Tensor) -> Tensor:
    """每張影像一個中心隨機的方框 (N, H, W)，框內是 True；``side`` (N, 2) 是高與寬，超出影像的部分切掉。"""
    center = torch.rand(count, 2) * torch.tensor(size)
    inside = []
    for axis, length in enumerate(size):
        distance = torch.arange(length) + 0.5 - center[:, axis, None]
        inside.append(distance.abs() <= side[:, axis, None] / 2)
    return inside[0][:, :, None] & inside[1][:, None, :]


def cutout(x: Images, side: int = 10) -> Images:
    """每張影像挖掉一塊 ``side`` × ``side``，補成 0.5 的灰。"""
    h, w = x.shape[2:]
    box = random_box(len(x), (h, w), torch.full((len(x), 2), side))
    return torch.where(box[:, None].to(x.device), 0.5, x)


def cutmix(
    x: Images, target: Float[Tensor, "N K"], alpha: float = 1.0
) -> tuple[Images, Float[Tensor, "N K"]]:
    """貼上另一張影像的一塊；標籤按**實際貼上的面積**混合。整個批次同一個方框。"""
    lam = float(np.random.beta(alpha, alpha))
    h, w = x.shape[2:]
    side = torch.tensor([[h, w]]) * math.sqrt(1 - lam)
    box = random_box(1, (h, w), side).to(x.device)
    other = torch.randperm(len(x), device=x.device)
    share = box.float().mean()
    mixed = torch.where(box[:, None], x[other], x)
    return mixed, (1 - share) * target + share * target[other]


def _signed(count: int, strength: float) -> Tensor:
    """每張影像的力道：``strength`` 乘上隨機的正負號。"""
    return strength * (torch.randint(0, 2, (count,)) * 2 - 1)


def _geometric(name: str, most: float) -> Callable[[Images, float], Images]:
    """只動仿射變換的一個參數的增強。"""

    def transform(x: Images, strength: float) -> Images:
        zero = torch.zeros(len(x))
        knobs = {"degrees": zero, "scale": zero + 1, "shear": zero, "right": zero, "down": zero}
        knobs[name] = knobs[name] + _signed(len(x), strength * most)
        return warp(x, affine_matrix(**knobs).to(x))

    return transform


def brightness(x: Images, strength: float) -> Images:
    """整張變亮或變暗，最多五成。"""
    return (x * (1 + _signed(len(x), 0.5 * strength).to(x)[:, None, None, None])).clamp(0, 1)


def contrast(x: Images, strength: float) -> Images:
    """離平均更遠或更近，最多六成。"""
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    factor = 1 + _signed(len(x), 0.6 * strength).to(x)[:, None, None, None]
    return (mean + (x - mean) * factor).clamp(0, 1)


def posterize(x: Images, strength: float) -> Images:
    """灰階只留幾階：力道越大留得越少，最少四階。"""
    levels = round(16 - 12 * strength)
    return (x * levels).round() / levels


def blur(x: Images, strength: float) -> Images:
    """與 3×3 的平均混合。"""
    smooth = F.avg_pool2d(F.pad(x, [1] * 4, mode="replicate"), 3, stride=1)
    return torch.lerp(x, smooth, strength)


OPERATIONS: dict[str, Callable[[Images, float], Images]] = {
    "不變": lambda x, strength: x,
    "旋轉": _geometric("degrees", 30.0),
    "傾斜": _geometric("shear", 0.3),
    "左右移": _geometric("right", 0.3),
    "上下移": _geometric("down", 0.3),
    "縮放": _geometric("scale", 0.25),
    "亮度": brightness,
    "對比": contrast,
    "色階": posterize,
    "模糊": blur,
}


def rand_augment(x: Images, count: int = 2) -> Images:
    """RandAugment（簡化版）：每張影像隨機抽 ``count`` 種操作依序做，力道 0–1 也隨機。

    抽到同一種操作的影像一起做，力道相同，比一張一張做快得多。
    """
    x = x.clone()
    for _ in range(count):
        chosen = torch.randint(len(OPERATIONS), (len(x),))
        for number, operation in enumerate(OPERATIONS.values()):
            members = (chosen == number).nonzero().flatten().to(x.device)
            if len(members):
                x[members] = operation(x[members], float(torch.rand(())))
    return x


def strong_augment(x: Images, weak: Callable[[Images], Images] = weak_augment) -> Images:
    """強增強：先做 ``weak``，再 RandAugment，最後挖一塊。FixMatch 用的就是這一種。"""
    return cutout(rand_augment(weak(x)), 10)


@torch.no_grad()
def predict_tta(model: nn.Module, x: Images) -> Float[Tensor, "N K"]:
    """測試時增強：原圖與左右翻轉，兩者的機率平均。"""
    return (model(x).softmax(dim=1) + model(x.flip(3)).softmax(dim=1)) / 2
