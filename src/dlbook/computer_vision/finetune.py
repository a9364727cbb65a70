"""微調：凍結 MobileNetV2 的前段，最後幾個區塊與新的分類層一起練。

前段的輸出不會變，所以只算一次、存起來；每一步只走後段，便宜得多。
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from dlbook.computer_vision.complexity import channels_last
from dlbook.computer_vision.mobilenet_v2 import MobileNetV2, normalize_pixels

START = 17  # 從這個區塊開始微調


@torch.no_grad()
def head_outputs(
    model: MobileNetV2, images: UInt8[Tensor, "N 3 H W"], config: Mapping[str, Any], size: int = 224
) -> Float[Tensor, "N C h w"]:
    """``START`` 之前的區塊的輸出；模型要在評估模式。"""
    head, outputs = channels_last(model.features[:START]), []
    for part in images.split(4):
        x = F.interpolate(part / 255, size=(size, size), mode="bilinear", antialias=True)
        outputs.append(head(normalize_pixels(x, config)))
    return torch.cat(outputs)


class Tail(nn.Module):
    """MobileNetV2 的後段（複製一份，原本的不動）與新的分類層。"""

    def __init__(self, model: MobileNetV2, classes: int) -> None:
        super().__init__()
        self.features = copy.deepcopy(model.features[START:])
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x: Float[Tensor, "N C h w"]) -> Float[Tensor, "N K"]:
        return self.classifier(self.features(x).mean(dim=(2, 3)))


def finetune(
    model: MobileNetV2,
    inputs: Float[Tensor, "N C h w"],
    labels: Int[Tensor, " N"],
    *,
    seed: int,
    epochs: int,
    lr: float = 3e-4,
    train_features: bool = True,
    update_statistics: bool = False,
) -> Tail:
    """練後段，回傳停在評估模式的模型。分類層的學習率是後段的十倍。

    ``train_features=False`` 只練分類層。資料這麼少，一批的統計量很不準，所以 BatchNorm 預設停在
    評估模式，沿用 ImageNet 的統計量；``update_statistics=True`` 是對照組。
    """
    torch.manual_seed(seed)
    tail = Tail(model, int(labels.max()) + 1)
    tail.features.requires_grad_(train_features)
    groups = [{"params": tail.classifier.parameters(), "lr": 10 * lr}]
    if train_features:
        groups.append({"params": tail.features.parameters(), "lr": lr})
    optimizer = torch.optim.AdamW(groups, weight_decay=0.05)
    steps = epochs * -(-len(inputs) // 32)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        tail.train()
        tail.features.train(update_statistics)
        for batch in torch.randperm(len(inputs)).split(32):
            loss = F.cross_entropy(tail(inputs[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    return tail.eval()
