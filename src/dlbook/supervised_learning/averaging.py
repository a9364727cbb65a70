"""參數平均：EMA 與 SWA。

Polyak & Juditsky 1992；Izmailov et al., Averaging Weights Leads to Wider Optima, arXiv:1803.05407。
"""

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class WeightAverage:
    """跟著訓練走的平均參數：給 ``decay`` 是 EMA，不給是 SWA（每一次的參數等權平均）。"""

    def __init__(self, model: nn.Module, decay: float | None = None) -> None:
        self.model = copy.deepcopy(model).eval()
        self.decay, self.count = decay, 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """把目前的參數（與緩衝區）併進平均；第一次直接照抄。"""
        toward = 1 / (self.count + 1) if self.decay is None or self.count == 0 else 1 - self.decay
        tensors = [[*m.parameters(), *m.buffers()] for m in (self.model, model)]
        for mean, new in zip(*tensors, strict=True):
            if mean.is_floating_point():
                mean.lerp_(new, toward)
            else:
                mean.copy_(new)
        self.count += 1


@torch.no_grad()
def refresh_batchnorm(model: nn.Module, norms: Iterable[Any], batches: Iterable[Tensor]) -> None:
    """平均過的參數配不上舊的統計量：重走一遍資料，把每個 BatchNorm 的統計量換成各批次的平均。"""
    layers = [(layer, layer.momentum) for layer in norms]
    model.train()
    for i, x in enumerate(batches):
        for layer, _ in layers:
            layer.momentum = 1 / (i + 1)
        model(x)
    for layer, momentum in layers:
        layer.momentum = momentum
    model.eval()
