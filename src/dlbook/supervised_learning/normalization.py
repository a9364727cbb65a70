"""批次正規化與層正規化。

Ioffe & Szegedy, arXiv:1502.03167（BatchNorm）；Ba et al., arXiv:1607.06450（LayerNorm）。
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class BatchNorm(nn.Module):
    """每個特徵沿著**批次**減平均、除標準差；評估時改用訓練中累積的統計量。

    Raises:
        ValueError: 訓練時批次裡只有一筆，算不出變異數。
    """

    mean: Tensor
    var: Tensor

    def __init__(self, width: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("var", torch.ones(width))

    def forward(self, x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
        mean, var = self.mean, self.var
        if self.training:
            if len(x) < 2:
                raise ValueError("訓練時 BatchNorm 的批次至少要兩筆；評估請先呼叫 model.eval()。")
            mean, var = x.mean(dim=0), x.var(dim=0, correction=0)
            with torch.no_grad():  # 累積的變異數用不偏的估計
                self.mean.lerp_(mean, self.momentum)
                self.var.lerp_(var * len(x) / (len(x) - 1), self.momentum)
        return (x - mean) * torch.rsqrt(var + self.eps) * self.weight + self.bias


class LayerNorm(nn.Module):
    """每一筆沿著**特徵**減平均、除標準差；訓練與評估做同一件事。"""

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        mean, var = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
        return (x - mean) * torch.rsqrt(var + self.eps) * self.weight + self.bias
