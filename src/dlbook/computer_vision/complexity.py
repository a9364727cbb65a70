"""一個網路要多少參數、多少次乘加（multiply–accumulate，MAC）；權重怎麼排算得比較快。"""

import torch
from torch import Tensor, nn


def count_parameters(model: nn.Module) -> int:
    """參數的個數。"""
    return sum(p.numel() for p in model.parameters())


def count_macs(model: nn.Module, shape: tuple[int, int, int]) -> int:
    """一張 ``shape`` = (C, H, W) 的影像，所有卷積與全連接層合計幾次乘加。

    每一格輸出要「一個卷積核的大小」那麼多次；BatchNorm、活化與池化不算。
    """
    total = 0

    def add(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        weight = layer.weight
        assert isinstance(weight, Tensor)
        total += output[0].numel() * weight[0].numel()

    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(add) for layer in layers]
    training = model.training
    with torch.no_grad():
        model.eval()(torch.zeros(1, *shape, device=next(model.parameters()).device))
    model.train(training)
    for handle in handles:
        handle.remove()
    return total


def channels_last(model: nn.Module) -> nn.Module:
    """卷積的權重改成「通道排在最後」存放：數值不變，CPU 上快一些。傳回同一個模型。"""
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model
