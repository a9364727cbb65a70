"""多層感知器（MLP）：同一個前向函式，自己的引擎與 PyTorch 都能用；再加上 PyTorch 的模組寫法。"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import nn

from dlbook.foundations.autograd import Tensor, cross_entropy


def init_weights(sizes: list[int], rng: np.random.Generator) -> list[ndarray]:
    """每層一個 (輸入, 輸出) 的權重與一個 (輸出,) 的偏置；標準差 √(2/輸入)（He et al., arXiv:1502.01852）。"""
    weights: list[ndarray] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        weights.append(rng.normal(0.0, np.sqrt(2 / fan_in), (fan_in, fan_out)))
        weights.append(np.zeros(fan_out))
    return weights


def mlp_logits(x: Any, weights: list[Any]) -> Any:
    """x (batch, inputs) → 分數 (batch, classes)；最後一層以外都接 ReLU。

    ``x`` 與 ``weights`` 是自己的引擎或 PyTorch 的張量；兩者的運算同名，所以同一段程式都能跑。
    """
    for i in range(0, len(weights), 2):
        x = x @ weights[i] + weights[i + 1]
        if i + 2 < len(weights):
            x = x.relu()
    return x


def minibatches(
    count: int, batch_size: int, rng: np.random.Generator
) -> Iterator[Int[ndarray, " batch"]]:
    """把 0…count−1 打亂後切成批次；最後湊不滿的丟掉，讓每一步的大小相同。"""
    order = rng.permutation(count)
    for start in range(0, count - batch_size + 1, batch_size):
        yield order[start : start + batch_size]


def train_by_engine(
    weights: list[ndarray],
    x: Float[ndarray, "count inputs"],
    y: Int[ndarray, " count"],
    *,
    lr: float,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    first_trainable: int = 0,
) -> tuple[list[Tensor], list[float]]:
    """用自己的引擎做隨機梯度下降（SGD）；回傳訓練後的參數與每一步的損失。

    ``first_trainable``：編號小於它的參數凍結不動（用來做消融實驗）。
    """
    parameters = [Tensor(w) for w in weights]
    losses = []
    for _ in range(epochs):
        for batch in minibatches(len(x), batch_size, rng):
            loss = cross_entropy(mlp_logits(Tensor(x[batch]), parameters), y[batch])
            for p in parameters:
                p.grad = np.zeros_like(p.data)
            loss.backward()
            for p in parameters[first_trainable:]:
                p.data = p.data - lr * p.grad
            losses.append(float(loss.data))
    return parameters, losses


def train_by_torch(
    weights: list[ndarray],
    x: Float[ndarray, "count inputs"],
    y: Int[ndarray, " count"],
    *,
    lr: float,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
) -> tuple[list[torch.Tensor], list[float]]:
    """與 :func:`train_by_engine` 同樣的訓練，改由 PyTorch 微分；用來對答案。"""
    parameters = [torch.tensor(w, requires_grad=True) for w in weights]
    optimizer = torch.optim.SGD(parameters, lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in minibatches(len(x), batch_size, rng):
            logits = mlp_logits(torch.from_numpy(x[batch]).double(), parameters)
            loss = nn.functional.cross_entropy(logits, torch.from_numpy(y[batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return parameters, losses


class MLP(nn.Module):
    """同一個網路的 PyTorch 寫法；``sizes`` 例如 [784, 128, 10]。"""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))

    def forward(
        self, x: Float[torch.Tensor, "batch inputs"]
    ) -> Float[torch.Tensor, "batch classes"]:
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)
