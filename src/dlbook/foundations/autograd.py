"""張量版的自動微分引擎：反向模式，只用 NumPy。

反向模式自動微分：Baydin et al., Automatic Differentiation in Machine Learning: a Survey,
arXiv:1502.05767。只處理純量的小型前例是 micrograd；這裡每個節點是一整個陣列，並支援廣播。
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

# 反向規則（vector–Jacobian product）：給「損失對輸出的梯度」，回傳「損失對這個輸入的梯度」。
BackwardRule = Callable[[ndarray], ndarray]


def unbroadcast(grad: Float[ndarray, "..."], shape: tuple[int, ...]) -> Float[ndarray, "..."]:
    """把廣播後的梯度加總回原本的形狀 ``shape``：一個數被用了幾次，就收集幾份梯度。"""
    new_axes = tuple(range(grad.ndim - len(shape)))
    grad = grad.sum(axis=new_axes)
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and grad.shape[i] != 1)
    return grad.sum(axis=stretched, keepdims=True)


class Tensor:
    """一個陣列，記得自己是由誰、用什麼規則算出來的。

    ``parents`` 是 ``(輸入, 反向規則)`` 的串列；葉節點（資料與參數）沒有 parents。
    """

    __array_ufunc__ = None  # NumPy 陣列在左邊時，也讓我們的運算子處理

    def __init__(self, data: object, parents: Sequence[tuple["Tensor", BackwardRule]] = ()) -> None:
        self.data = np.asarray(data, dtype=np.float64)
        self.grad = np.zeros_like(self.data)
        self.parents = parents

    @property
    def shape(self) -> tuple[int, ...]:
        """陣列的形狀。"""
        return self.data.shape

    def backward(self) -> None:
        """計算這個純量對每一個葉節點的梯度，累加到葉節點的 ``grad``。

        Raises:
            ValueError: 這個張量不是純量。
        """
        if self.data.size != 1:
            raise ValueError(
                f"backward 只能從純量開始，這個張量的形狀是 {self.shape}；先加總成一個數。"
            )
        order = topological_order(self)
        for node in order:
            if node.parents:  # 中間節點每次重算；葉節點保留，所以梯度會跨次累加
                node.grad = np.zeros_like(node.data)
        self.grad = np.ones_like(self.data)
        for node in reversed(order):
            for parent, rule in node.parents:
                parent.grad = parent.grad + unbroadcast(rule(node.grad), parent.shape)

    def __add__(self, other: object) -> "Tensor":
        a, b = self, as_tensor(other)
        return Tensor(a.data + b.data, [(a, lambda g: g), (b, lambda g: g)])

    def __mul__(self, other: object) -> "Tensor":
        a, b = self, as_tensor(other)
        return Tensor(a.data * b.data, [(a, lambda g: g * b.data), (b, lambda g: g * a.data)])

    def __matmul__(self, other: "Tensor") -> "Tensor":
        a, b = self, other
        if a.data.ndim < 2 or b.data.ndim < 2:
            raise ValueError(f"@ 的兩邊都要至少二維，現在是 {a.shape} 與 {b.shape}；先用 reshape。")
        return Tensor(
            a.data @ b.data,
            [
                (a, lambda g: g @ b.data.swapaxes(-1, -2)),
                (b, lambda g: a.data.swapaxes(-1, -2) @ g),
            ],
        )

    def __pow__(self, n: float) -> "Tensor":
        return Tensor(self.data**n, [(self, lambda g: g * n * self.data ** (n - 1))])

    def exp(self) -> "Tensor":
        """逐元素的 eˣ。"""
        y = np.exp(self.data)
        return Tensor(y, [(self, lambda g: g * y)])

    def log(self) -> "Tensor":
        """逐元素的自然對數。"""
        return Tensor(np.log(self.data), [(self, lambda g: g / self.data)])

    def relu(self) -> "Tensor":
        """逐元素的 max(x, 0)。"""
        return Tensor(np.maximum(self.data, 0), [(self, lambda g: g * (self.data > 0))])

    def sum(self, axis: int | None = None, keepdims: bool = False) -> "Tensor":
        """沿 ``axis`` 加總；不給就全部加總成純量。梯度是同一個值抄給每個被加的元素。"""

        def rule(g: ndarray) -> ndarray:
            if axis is not None and not keepdims:
                g = np.expand_dims(g, axis)
            return np.broadcast_to(g, self.shape)

        return Tensor(self.data.sum(axis=axis, keepdims=keepdims), [(self, rule)])

    def mean(self) -> "Tensor":
        """全部元素的平均。"""
        return self.sum() * (1 / self.data.size)

    def reshape(self, *shape: int) -> "Tensor":
        """換個形狀，元素順序不變。"""
        return Tensor(self.data.reshape(shape), [(self, lambda g: g.reshape(self.shape))])

    def __neg__(self) -> "Tensor":
        return self * -1.0

    def __sub__(self, other: object) -> "Tensor":
        return self + -as_tensor(other)

    def __truediv__(self, other: object) -> "Tensor":
        return self * as_tensor(other) ** -1.0

    def __radd__(self, other: object) -> "Tensor":
        return self + other

    def __rmul__(self, other: object) -> "Tensor":
        return self * other


def as_tensor(value: object) -> Tensor:
    """數字與陣列包成沒有 parents 的張量；張量原樣傳回。"""
    return value if isinstance(value, Tensor) else Tensor(value)


def topological_order(root: Tensor) -> list[Tensor]:
    """``root`` 用到的所有節點，每個都排在用到它的節點之前；迴圈而非遞迴，所以圖再深也不怕。"""
    order: list[Tensor] = []
    seen: set[int] = set()
    stack: list[tuple[Tensor, bool]] = [(root, False)]
    while stack:
        node, parents_done = stack.pop()
        if parents_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent, _ in node.parents)
    return order
