"""第一次訓練：二十行看完一個神經網路怎麼學會認數字。"""

import torch
from jaxtyping import Float, Int
from torch import nn


def train_digits(
    images: Float[torch.Tensor, "count pixels"],
    labels: Int[torch.Tensor, " count"],
    *,
    seed: int,
    hidden: int = 64,
    steps: int = 1500,
    batch_size: int = 128,
    lr: float = 0.05,
) -> nn.Sequential:
    """訓練一個兩層的網路；起始權重與每一步抽哪些影像，都由 ``seed`` 決定。

    Args:
        images: 每列一張影像，像素 0 到 1。
        labels: 每張影像是哪個數字。
        seed: 亂數種子；用自己的產生器，不動全域的亂數。
        hidden: 隱藏單元數。
        steps: 更新幾次。
        batch_size: 每一步看幾張。
        lr: 學習率。
    """
    rng = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Linear(images.shape[1], hidden), nn.ReLU(), nn.Linear(hidden, 10))
    for parameter in network.parameters():
        bound = parameter.shape[-1] ** -0.5
        nn.init.uniform_(parameter, -bound, bound, generator=rng)
    optimizer = torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9)
    for _ in range(steps):
        batch = torch.randint(len(images), (batch_size,), generator=rng)
        loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network
