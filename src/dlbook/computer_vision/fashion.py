"""FashionMNIST 的資料與訓練；〈實驗〉裡每一種網路、每一種增強都用同一個函式。"""

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dlbook import datasets
from dlbook.computer_vision.complexity import channels_last
from dlbook.foundations.loaders import TensorLoader
from dlbook.supervised_learning.regularization import one_hot
from dlbook.training import History, fit


@dataclass(frozen=True)
class ImageData:
    """影像是 0–1 的灰階 (N, 1, 28, 28)；訓練、驗證、測試三份互不重疊。"""

    train_x: Float[Tensor, "train 1 28 28"]
    train_y: Int[Tensor, " train"]
    valid_x: Float[Tensor, "valid 1 28 28"]
    valid_y: Int[Tensor, " valid"]
    test_x: Float[Tensor, "test 1 28 28"]
    test_y: Int[Tensor, " test"]


def as_images(pixels: Tensor) -> Float[Tensor, "N 1 28 28"]:
    """0–255 的灰階 → 0–1，加上通道軸。"""
    return pixels[:, None].float() / 255


@functools.cache
def fashion_data(valid: int = 2_000) -> ImageData:
    """FashionMNIST：課程附的 20,000 張裡，``valid`` 張當驗證集（固定的一份）。"""
    data = datasets.fashion_mnist()
    order = torch.randperm(len(data.train_images), generator=torch.Generator().manual_seed(0))
    x, y = as_images(data.train_images)[order], data.train_labels[order]
    test_x = as_images(data.test_images)
    return ImageData(x[valid:], y[valid:], x[:valid], y[:valid], test_x, data.test_labels)


@functools.cache
def digit_images(valid: int = 5_000) -> ImageData:
    """MNIST：60,000 張的最後 ``valid`` 張是驗證集。"""
    data = datasets.mnist()
    x, y = as_images(data.train_images), data.train_labels
    test_x = as_images(data.test_images)
    return ImageData(x[:-valid], y[:-valid], x[-valid:], y[-valid:], test_x, data.test_labels)


class ViewLoader:
    """每個批次：標籤變成 one-hot，影像先做 ``view``，再由 ``mix`` 把影像與標籤一起混合。

    ``only``：每個 epoch 只給前幾個批次（長度照舊），用來對照訓練的開頭。
    """

    def __init__(
        self,
        loader: TensorLoader,
        view: Callable[[Tensor], Tensor] | None = None,
        mix: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
        only: int | None = None,
    ) -> None:
        self.loader, self.view, self.mix, self.only = loader, view, mix, only

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for x, y in itertools.islice(self.loader, self.only):
            target = one_hot(y)
            x = x if self.view is None else self.view(x)
            yield (x, target) if self.mix is None else self.mix(x, target)


def train_images(
    make: Callable[[], nn.Module],
    x: Float[Tensor, "N 1 28 28"],
    y: Int[Tensor, " N"],
    *,
    seed: int,
    epochs: int,
    lr: float = 6e-3,
    batch_size: int = 128,
    view: Callable[[Tensor], Tensor] | None = None,
    mix: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
    only: int | None = None,
    device: torch.device | str = "cpu",
    **options: Any,
) -> tuple[nn.Module, History]:
    """從頭訓練一個網路：AdamW、OneCycle 學習率；回傳停在評估模式的模型與紀錄。

    ``only``：只跑前幾步（學習率仍照 ``epochs`` 排），用來對照訓練的開頭。
    其餘的 ``options``（ema、evaluate…）交給 ``fit``。
    """
    torch.manual_seed(seed)
    np.random.seed(seed)  # mixup 與 CutMix 的 λ
    model = channels_last(make()).to(device)
    loader = ViewLoader(TensorLoader(x, y, batch_size), view, mix, only)
    optimizer = torch.optim.AdamW(model.parameters(), lr, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * len(loader))
    history = fit(
        model, loader, nn.CrossEntropyLoss(), optimizer, epochs=1 if only else epochs,
        scheduler=scheduler, progress=False, **options,
    )  # fmt: skip
    return model, history


@torch.no_grad()
def class_scores(
    model: nn.Module, x: Float[Tensor, "N C H W"], batch_size: int = 500
) -> Float[Tensor, "N K"]:
    """分批算分數，結果放回 CPU。"""
    device = next(model.parameters()).device
    return torch.cat([model(part.to(device)).cpu() for part in x.split(batch_size)])


def accuracy(scores: Float[Tensor, "N K"], y: Int[Tensor, " N"]) -> float:
    """答對的比例。"""
    return float((scores.argmax(dim=1) == y).double().mean())
