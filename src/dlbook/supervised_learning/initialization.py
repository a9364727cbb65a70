"""初始化：讓訊號穿過很多層之後，大小還在。

Glorot & Bengio, AISTATS 2010（Xavier）；He et al., arXiv:1502.01852（He）。
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "線性": lambda x: x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "ReLU": torch.relu,
    "leaky ReLU": lambda x: nn.functional.leaky_relu(x, 0.1),
    "GELU": nn.functional.gelu,
}


def xavier_std(fan_in: int, fan_out: int) -> float:
    """√(2 / (fan_in + fan_out))：前向要 1/fan_in、反向要 1/fan_out，取折衷。"""
    return math.sqrt(2 / (fan_in + fan_out))


def he_std(fan_in: int) -> float:
    """√(2 / fan_in)：ReLU 擋掉一半的平方和，所以變異數補成兩倍。"""
    return math.sqrt(2 / fan_in)


def signal_through_depth(
    x: Float[Tensor, "batch width"],
    depth: int,
    std: float,
    activation: Callable[[Tensor], Tensor],
    generator: torch.Generator,
) -> tuple[list[float], list[float]]:
    """x 穿過 ``depth`` 層同寬的網路（權重的標準差都是 ``std``）。

    Returns:
        每一層輸出的均方根；再從最後一層送回一個標準常態的梯度，回到每一層輸出時的均方根。
    """
    width = x.shape[1]
    layers = []
    x = x.clone().requires_grad_()
    for _ in range(depth):
        weight = std * torch.randn(width, width, generator=generator, dtype=x.dtype)
        x = activation(x @ weight)
        x.retain_grad()
        layers.append(x)
    x.backward(torch.randn(x.shape, generator=generator, dtype=x.dtype))
    forward = [h.detach().square().mean().sqrt().item() for h in layers]
    backward = [h.grad.square().mean().sqrt().item() for h in layers if h.grad is not None]
    return forward, backward


def set_weights(model: nn.Module, std_of: Callable[[int, int], float]) -> None:
    """把每個 ``nn.Linear`` 的權重換成常態亂數，標準差是 ``std_of(fan_in, fan_out)``；偏置歸零。"""
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, std_of(layer.in_features, layer.out_features))
            nn.init.zeros_(layer.bias)


def dead_share(model: nn.Sequential, x: Float[Tensor, "batch features"]) -> float:
    """ReLU 之後，對每一筆 ``x`` 輸出都是 0 的單元占多少；這種單元收不到梯度。"""
    dead, units = 0, 0
    with torch.no_grad():
        for layer in model:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                dead += int((x == 0).all(dim=0).sum())
                units += x.shape[1]
    return dead / units
