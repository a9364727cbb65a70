"""批次大小與梯度的雜訊。

McCandlish et al., An Empirical Model of Large-Batch Training, arXiv:1812.06162。
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


def flat_gradient(
    model: nn.Module, x: Float[Tensor, "batch features"], y: Int[Tensor, " batch"]
) -> Float[Tensor, " parameters"]:
    """交叉熵對所有參數的梯度，攤平成一條。"""
    loss = nn.functional.cross_entropy(model(x), y)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


def gradient_noise(
    model: nn.Module,
    x: Float[Tensor, "count features"],
    y: Int[Tensor, " count"],
    batch_size: int,
    repeats: int,
    generator: torch.Generator,
) -> float:
    """批次梯度離全體梯度多遠：E‖g_B − g‖² / ‖g‖²，抽 ``repeats`` 個批次平均。"""
    whole = flat_gradient(model, x, y)
    errors = []
    for _ in range(repeats):
        batch = torch.randint(len(x), (batch_size,), generator=generator)
        errors.append((flat_gradient(model, x[batch], y[batch]) - whole).square().sum())
    return (torch.stack(errors).mean() / whole.square().sum()).item()
