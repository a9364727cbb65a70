"""學習率排程：第幾步 → 最高學習率的幾倍；以及學習率範圍測試。

Loshchilov & Hutter, SGDR, arXiv:1608.03983（cosine）；Goyal et al., arXiv:1706.02677（warm-up）；
Smith, arXiv:1506.01186（範圍測試）、arXiv:1803.09820（one-cycle）。
"""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def linear_warmup(step: int, warmup: int) -> float:
    """前 ``warmup`` 步從 1/warmup 直線升到 1，之後是 1。"""
    return min(1.0, (step + 1) / max(1, warmup))


def cosine(step: float, total: float, lowest: float = 0.0) -> float:
    """從 1（第 0 步）沿半個餘弦降到 ``lowest``（第 ``total`` 步）。"""
    return lowest + (1 - lowest) * (1 + math.cos(math.pi * step / total)) / 2


def warmup_cosine(step: int, total: int, warmup: int, lowest: float = 0.0) -> float:
    """先 warm-up，剩下的 ``total − warmup`` 步走 cosine。"""
    if step < warmup:
        return linear_warmup(step, warmup)
    return cosine(step - warmup, total - warmup, lowest)


def one_cycle(
    step: int, total: int, rise: float = 0.3, start: float = 1 / 25, end: float = 1e-4
) -> float:
    """前 ``rise`` 的步數由 start 升到 1，再降到 start · end；兩段都是餘弦。"""
    peak = rise * total - 1
    if step <= peak:
        return cosine(peak - step, peak, start)
    return cosine(step - peak, total - 1 - peak, start * end)


def follow(
    optimizer: torch.optim.Optimizer, factor: Callable[[int], float]
) -> torch.optim.lr_scheduler.LambdaLR:
    """讓每一組參數的學習率等於它的初值乘上 ``factor(第幾步)``；每一步呼叫一次 ``step()``。"""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def lr_range_test(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    optimizer: torch.optim.Optimizer,
    *,
    lowest: float,
    highest: float,
    steps: int,
) -> tuple[list[float], list[float]]:
    """學習率每一步乘上同一個倍數，從 ``lowest`` 到 ``highest``；記下每一步的損失。

    損失超過最低點的四倍就停。模型會被改掉，請用複本。
    """
    growth = (highest / lowest) ** (1 / (steps - 1))
    rates: list[float] = []
    losses: list[float] = []
    model.train()
    while len(rates) < steps:
        for x, y in loader:
            rate = lowest * growth ** len(rates)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.append(rate)
            losses.append(loss.item())
            if len(rates) == steps or not losses[-1] < 4 * min(losses):
                return rates, losses
    return rates, losses
