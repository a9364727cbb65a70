"""把我們的 MobileNetV2 的權重搬進 transformers 的 MobileNetV2，用來對答案。"""

from torch import nn
from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

from dlbook.computer_vision.mobilenet_v2 import MobileNetV2


def reference_mobilenet(model: MobileNetV2) -> MobileNetV2ForImageClassification:
    """transformers 的同一個網路（評估模式）：補邊改成 PyTorch 的方式，權重依層的順序搬。"""
    config = MobileNetV2Config(tf_padding=False, layer_norm_eps=1e-5)
    config.num_labels = len(model.state_dict()["classifier.1.bias"])
    other = MobileNetV2ForImageClassification(config).eval()
    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
    ours, theirs = (
        [layer for layer in network.modules() if isinstance(layer, kinds)]
        for network in (model, other)
    )
    for mine, yours in zip(ours, theirs, strict=True):
        yours.load_state_dict(mine.state_dict())
    return other
