"""卷積用的批次正規化：每個通道沿著批次、高、寬三軸算平均與變異數。

Ioffe & Szegedy, arXiv:1502.03167。全連接層的版本在 ``supervised_learning.normalization``。
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class BatchNorm2d(nn.Module):
    """參數與 ``nn.BatchNorm2d`` 同名，可以直接互相載入。

    Raises:
        ValueError: 訓練時每個通道只有一個值，算不出變異數。
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C H W"]:
        mean, var = self.running_mean, self.running_var
        if self.training:
            count = x.numel() // x.shape[1]
            if count < 2:
                raise ValueError("訓練時每個通道至少要有兩個值；評估請先呼叫 model.eval()。")
            mean, var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)
            with torch.no_grad():  # 累積的變異數用不偏的估計
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * count / (count - 1), self.momentum)
                self.num_batches_tracked += 1
        scale = self.weight * torch.rsqrt(var + self.eps)
        return (x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]
