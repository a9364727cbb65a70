"""加法問題：長長一串數字裡，把做了記號的兩個加起來。

Hochreiter & Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997，第 5.4 節；
答案一律猜 1（平均）時，均方誤差是兩個均勻變數之和的變異數 1/6 ≈ .167。
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from dlbook.sequence_modeling.gradient_flow import chrono_init
from dlbook.training import History, fit

LAYERS: dict[str, Callable[..., nn.RNNBase]] = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}


def adding_batch(
    count: int, length: int, generator: torch.Generator | None = None
) -> tuple[Float[Tensor, "count length 2"], Float[Tensor, " count"]]:
    """第一個特徵是 0 到 1 的亂數，第二個在前半、後半各標一個 1；答案是那兩個亂數的和。"""
    values = torch.rand(count, length, generator=generator)
    half = length // 2
    first = torch.randint(half, (count, 1), generator=generator)
    second = torch.randint(half, length, (count, 1), generator=generator)
    marks = torch.zeros(count, length).scatter_(1, torch.cat([first, second], dim=1), 1.0)
    return torch.stack([values, marks], dim=2), (values * marks).sum(dim=1)


class AddingLoader:
    """每個「epoch」現場產生 ``batches`` 批，永遠不重複。"""

    def __init__(self, length: int, batch_size: int, batches: int) -> None:
        self.length, self.batch_size, self.batches = length, batch_size, batches

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(self.batches):
            yield adding_batch(self.batch_size, self.length)


class LastStep(nn.Module):
    """讀完整串，用最後一步的 h 回答；``layer`` 是任何 batch_first 的遞迴層。"""

    def __init__(self, layer: nn.RNNBase, outputs: int) -> None:
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(layer.hidden_size, outputs)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch outputs"]:
        h, _ = self.layer(x)
        return self.head(h[:, -1])


def train_adding(
    kind: str,
    length: int,
    *,
    seed: int,
    steps: int,
    hidden: int = 32,
    lr: float = 1e-2,
    chrono: bool = False,
    clip: float | None = 1.0,
    every: int = 50,
) -> tuple[LastStep, History]:
    """訓練一個模型；``history.score`` 是每 ``every`` 步的（負的）測試均方誤差。``chrono`` 只給 LSTM。"""
    torch.manual_seed(seed)
    model = LastStep(LAYERS[kind](2, hidden, batch_first=True), 1)
    if chrono:
        chrono_init(model.layer, length)
    x, y = adding_batch(500, length, torch.Generator().manual_seed(10_000 + seed))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(  # 前七成不變，之後線性降到 0
        optimizer, lambda step: min(1.0, (1 - step / steps) / 0.3)
    )

    def loss(prediction: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(prediction[:, 0], target)

    history = fit(
        model, AddingLoader(length, 64, every), loss, optimizer, epochs=steps // every, clip=clip,
        scheduler=schedule, evaluate=lambda m: -float(loss(m(x), y)), progress=False,
    )  # fmt: skip
    return model, history
