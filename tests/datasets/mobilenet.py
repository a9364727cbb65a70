"""MobileNetV2, as short as can be: enough to try the weights that the registry names."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SETTINGS = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def convolution(width: int, out: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU6(),
    )


class Block(nn.Module):
    def __init__(self, width: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = width * expansion
        self.residual = stride == 1 and width == out
        widen = [convolution(width, hidden, 1, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *widen,
            convolution(hidden, hidden, 3, stride, hidden),
            nn.Conv2d(hidden, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(3, 32, 3, 2)]
        width = 32
        for expansion, out, repeats, stride in SETTINGS:
            for repeat in range(repeats):
                layers.append(Block(width, out, stride if repeat == 0 else 1, expansion))
                width = out
        self.features = nn.Sequential(*layers, convolution(width, 1280, 1, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)))


def prepare(image: Tensor) -> Tensor:
    """Shorter side to 256, the central 224×224, normalised."""
    height, width = image.shape[1:]
    scale = 256 / min(height, width)
    size = (round(height * scale), round(width * scale))
    x = F.interpolate(image[None] / 255, size=size, mode="bilinear", antialias=True)
    top, left = (size[0] - 224) // 2, (size[1] - 224) // 2
    x = x[:, :, top : top + 224, left : left + 224]
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
