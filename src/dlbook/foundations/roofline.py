"""屋頂線模型（roofline）：一個運算要多久，看它算多少、搬多少。

Williams, Waterman, Patterson, Roofline: An Insightful Visual Performance Model, CACM 52(4), 2009。
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Machine:
    """一台機器的兩個極限：``flops`` 每秒最多幾次浮點運算，``bandwidth`` 每秒最多搬幾個位元組。"""

    flops: float
    bandwidth: float

    @property
    def ridge(self) -> float:
        """屋脊：運算強度超過它，才有機會用滿算力（FLOP／位元組）。"""
        return self.flops / self.bandwidth

    def attainable(self, intensity: float) -> float:
        """運算強度是 ``intensity`` 時，最快每秒幾次浮點運算。"""
        return min(self.flops, self.bandwidth * intensity)


@dataclass(frozen=True)
class Cost:
    """一個運算的帳：``flops`` 次浮點運算，在記憶體與處理器之間搬 ``bytes`` 個位元組。"""

    flops: float
    bytes: float

    @property
    def intensity(self) -> float:
        """運算強度（arithmetic intensity）：每搬一個位元組，做幾次運算。"""
        return self.flops / self.bytes

    def seconds(self, machine: Machine) -> float:
        """屋頂線預測的秒數：算與搬同時進行，慢的那個決定。"""
        return max(self.flops / machine.flops, self.bytes / machine.bandwidth)


def matmul_cost(m: int, k: int, n: int, itemsize: int = 4) -> Cost:
    """``(m, k) @ (k, n)``：每個輸出元素 k 次乘、k 次加；三個矩陣各搬一次。"""
    return Cost(2 * m * k * n, itemsize * (m * k + k * n + m * n))


def linear_cost(batch: int, inputs: int, outputs: int, itemsize: int = 4) -> Cost:
    """沒有偏置的線性層：就是 ``(batch, inputs) @ (inputs, outputs)``。"""
    return matmul_cost(batch, inputs, outputs, itemsize)


def elementwise_cost(count: int, inputs: int = 1, itemsize: int = 4) -> Cost:
    """逐元素運算：``count`` 個輸出各算一次；讀 ``inputs`` 個同樣大小的張量、寫一個。"""
    return Cost(count, itemsize * count * (inputs + 1))


def attention_cost(queries: int, keys: int, width: int, itemsize: int = 4) -> Cost:
    """一個注意力頭的兩次矩陣乘法 ``q @ k.T`` 與 ``weights @ v``；中間的權重表留在快取，不計搬運。"""
    flops = 2 * 2 * queries * keys * width
    return Cost(flops, itemsize * (2 * queries * width + 2 * keys * width))


def fastest(procedure: Callable[[], object], repeats: int = 5, least: float = 0.02) -> float:
    """一次 ``procedure()`` 的秒數：每回連跑到至少 ``least`` 秒再平均，取 ``repeats`` 回中最快的。

    別的程式只會讓它變慢，所以最小值比平均值更接近機器本身的速度。
    """
    procedure()  # 第一次要配置記憶體、選演算法，不算
    start = time.perf_counter()
    procedure()
    count = max(1, round(least / max(time.perf_counter() - start, 1e-7)))
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(count):
            procedure()
        best = min(best, (time.perf_counter() - start) / count)
    return best


def matmul_speed(size: int, dtype: torch.dtype = torch.float32) -> float:
    """兩個 ``size × size`` 矩陣相乘，每秒幾次浮點運算。"""
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    output = torch.empty(size, size, dtype=dtype)
    return matmul_cost(size, size, size).flops / fastest(lambda: torch.mm(a, b, out=output))


def copy_speed(size: int) -> float:
    """複製 ``size`` 個位元組，每秒搬幾個位元組（讀一次、寫一次，算兩倍）。"""
    source = torch.zeros(size, dtype=torch.uint8)
    target = torch.empty_like(source)
    return 2 * size / fastest(lambda: target.copy_(source))


def measure_machine(matmul_size: int = 1024, copy_size: int = 128_000_000) -> Machine:
    """量這台機器的兩個極限；複製的大小要遠超過快取，量到的才是主記憶體的頻寬。"""
    return Machine(flops=matmul_speed(matmul_size), bandwidth=copy_speed(copy_size))
