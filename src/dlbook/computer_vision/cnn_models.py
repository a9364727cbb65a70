"""28×28 灰階影像的四代網路：LeNet → VGG → ResNet → 深度可分離卷積；還有一個很小的數字辨識網路。

LeNet：LeCun et al., 1998；VGG：Simonyan & Zisserman, arXiv:1409.1556；
ResNet：He et al., arXiv:1512.03385；深度可分離卷積：Howard et al.（MobileNets）, arXiv:1704.04861。
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn


def lenet(classes: int = 10) -> nn.Sequential:
    """LeNet：兩層 5×5 卷積、兩次池化、三層全連接（活化函數換成 ReLU，池化換成最大值）。"""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
    )  # fmt: skip


def conv_bn_relu(
    channels: int, out: int, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """卷積、BatchNorm、ReLU；補邊讓 stride 1 時大小不變。後面有 BatchNorm，卷積就不需要 bias。"""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU())


def average_and_classify(channels: int, classes: int = 10) -> nn.Sequential:
    """全域平均池化：每個通道剩一個數，再接一層線性分類。"""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def vgg(widths: Sequence[int] = (16, 32, 64), classes: int = 10) -> nn.Sequential:
    """VGG：只疊 3×3。兩層 3×3 看到的和一層 5×5 一樣大，參數少，還多一次非線性。"""
    a, b, c = widths
    return nn.Sequential(
        conv_bn_relu(1, a, stride=2),
        conv_bn_relu(a, b), conv_bn_relu(b, b), nn.MaxPool2d(2),
        conv_bn_relu(b, c), conv_bn_relu(c, c), average_and_classify(c, classes),
    )  # fmt: skip


class ResidualBlock(nn.Module):
    """x + f(x)：兩層 3×3 只學「要補什麼」。大小或通道改變時，捷徑用 1×1 卷積對齊。

    ``shortcut=False`` 拿掉捷徑，其餘不變，用來做對照。
    """

    def __init__(self, channels: int, out: int, stride: int = 1, shortcut: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_bn_relu(channels, out, stride=stride),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut: nn.Module | None = None
        if shortcut:
            same = stride == 1 and channels == out
            project = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.shortcut = nn.Identity() if same else nn.Sequential(project, nn.BatchNorm2d(out))
        self.relu = nn.ReLU()

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N O OH OW"]:
        y = self.body(x)
        return self.relu(y if self.shortcut is None else y + self.shortcut(x))


def resnet(
    widths: Sequence[int] = (16, 32, 64), blocks: int = 1, shortcut: bool = True, classes: int = 10
) -> nn.Sequential:
    """ResNet：一層 stride 2 的卷積，三個階段各 ``blocks`` 個殘差區塊，全域平均池化。"""
    channels = widths[0]
    layers: list[nn.Module] = [conv_bn_relu(1, channels, stride=2)]
    for stage, out in enumerate(widths):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(ResidualBlock(channels, out, stride, shortcut))
            channels = out
    return nn.Sequential(*layers, average_and_classify(channels, classes))


def separable(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    """深度可分離卷積：3×3 每個通道各看各的，再用 1×1 混合通道。"""
    return nn.Sequential(
        conv_bn_relu(channels, channels, 3, stride, groups=channels), conv_bn_relu(channels, out, 1)
    )


def depthwise_net(widths: Sequence[int] = (32, 64, 128), classes: int = 10) -> nn.Sequential:
    """MobileNet 的縮小版：一層普通卷積，其餘都是深度可分離卷積。"""
    a, b, c = widths
    return nn.Sequential(
        conv_bn_relu(1, a, stride=2),
        separable(a, b), separable(b, c, stride=2), separable(c, c),
        average_and_classify(c, classes),
    )  # fmt: skip


def digit_cnn(classes: int = 10) -> nn.Sequential:
    """辨識手寫數字的小網路，9,202 個參數：五層 3×3，兩次池化。"""
    return nn.Sequential(
        conv_bn_relu(1, 8), conv_bn_relu(8, 8), nn.MaxPool2d(2),
        conv_bn_relu(8, 16), conv_bn_relu(16, 16), nn.MaxPool2d(2),
        conv_bn_relu(16, 32), average_and_classify(32, classes),
    )  # fmt: skip
