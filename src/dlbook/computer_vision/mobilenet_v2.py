"""MobileNetV2：反轉的殘差區塊，載入真的 ImageNet 權重。

Sandler et al., arXiv:1801.04381。參數的名字與 torchvision 相同，權重可以直接載入。
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from dlbook import pretrained

# 每一段：先把通道撐大幾倍、輸出幾個通道、重複幾次、第一次的 stride
STAGES = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]


def conv_bn_relu6(
    channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """卷積、BatchNorm、ReLU6（超過 6 就停在 6，低精度也裝得下）。"""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU6())


class InvertedResidual(nn.Module):
    """1×1 撐大 → 3×3 每個通道各看各的 → 1×1 壓回去（壓完不加 ReLU，免得丟掉資訊）。"""

    def __init__(self, channels: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels * expansion
        self.use_shortcut = stride == 1 and channels == out
        widen = [conv_bn_relu6(channels, hidden, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *widen,
            conv_bn_relu6(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N O OH OW"]:
        return x + self.conv(x) if self.use_shortcut else self.conv(x)


class MobileNetV2(nn.Module):
    """19 個區塊的 ``features`` 與一層 ``classifier``，350 萬個參數。"""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_bn_relu6(3, 32, 3, 2)]
        channels = 32
        for expansion, out, repeats, stride in STAGES:
            for repeat in range(repeats):
                first = repeat == 0
                layers.append(InvertedResidual(channels, out, stride if first else 1, expansion))
                channels = out
        layers.append(conv_bn_relu6(channels, 1280, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N K"]:
        return self.classifier(self.features(x).mean(dim=(2, 3)))

    def block_outputs(self, x: Float[Tensor, "N 3 H W"]) -> Iterator[Tensor]:
        """依序給出 19 個區塊的輸出。"""
        for block in self.features:
            x = block(x)
            yield x


def load_mobilenet_v2() -> tuple[MobileNetV2, dict[str, Any]]:
    """載入 ImageNet 權重的模型（評估模式），以及影像該怎麼準備。

    Raises:
        CourseError: 還沒有下載權重；訊息說明用哪一個指令。
    """
    weights = pretrained.mobilenet_v2()
    model = MobileNetV2(weights.config["num_labels"])
    model.load_state_dict(weights.state)
    return model.eval(), weights.config


def normalize_pixels(
    x: Float[Tensor, "*N 3 H W"], config: Mapping[str, Any]
) -> Float[Tensor, "*N 3 H W"]:
    """0–1 的像素減平均、除標準差，用訓練 MobileNetV2 時的那一組。"""
    mean, std = (torch.tensor(config[key])[:, None, None] for key in ("image_mean", "image_std"))
    return (x - mean) / std


def prepare_photo(
    image: UInt8[Tensor, "3 H W"], config: Mapping[str, Any]
) -> Float[Tensor, "1 3 crop crop"]:
    """短邊縮放到 ``resize``，取正中央 ``crop`` × ``crop``，再標準化。"""
    height, width = image.shape[1:]
    scale, crop = config["resize"] / min(height, width), config["crop"]
    size = [round(height * scale), round(width * scale)]
    x = F.interpolate(image[None] / 255, size=size, mode="bilinear", antialias=True)
    top, left = (size[0] - crop) // 2, (size[1] - crop) // 2
    return normalize_pixels(x[:, :, top : top + crop, left : left + crop], config)
