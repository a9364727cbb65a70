"""RMSNorm：只除以均方根、不減平均的正規化。

Zhang & Sennrich, Root Mean Square Layer Normalization, arXiv:1910.07467。
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """y = weight · x / √(mean(x²) + eps)，沿最後一軸；每個位置各算各的。"""

    def __init__(self, width: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        return self.weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps))
