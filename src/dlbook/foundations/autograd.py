"""張量版的自動微分引擎：反向模式，只用 NumPy。

反向模式自動微分：Baydin et al., Automatic Differentiation in Machine Learning: a Survey,
arXiv:1502.05767。只處理純量的前例是 micrograd；這裡每個節點是一整個陣列，並支援廣播。
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

# 反向規則：給「損失對輸出的梯度」，回傳「損失對這個輸入的梯度」。
BackwardRule = Callable[[ndarray], ndarray]


class Tensor:
    """一個陣列，記得自己是由誰、用什麼規則算出來的。

    ``parents`` 是 ``(輸入, 反向規則)`` 的串列；葉節點（資料與參數）沒有 parents。
    """

    __array_ufunc__ = None  # 請 NumPy 別插手：array + Tensor 也由這個類別處理

    def __init__(self, data: object, parents: Sequence[tuple["Tensor", BackwardRule]] = ()) -> None:
        self.data = np.asarray(data, dtype=np.float64)
        self.grad = np.zeros_like(self.data)
        self.parents = parents

    @property
    def shape(self) -> tuple[int, ...]:
        """陣列的形狀。"""
        return self.data.shape

    def backward(self) -> None:
        """算出這個純量對每一個葉節點的梯度，累加到葉節點的 ``grad``。

        Raises:
            ValueError: 這個張量不是純量。
        """
        if self.data.size != 1:
            raise ValueError(f"backward 要從純量開始，現在的形狀是 {self.shape}；先加總成一個數。")
        order = topological_order(self)
        for node in order:
            if node.parents:  # 中間節點每次重算；葉節點保留，所以梯度會跨次累加
                node.grad = np.zeros_like(node.data)
        self.grad = self.grad + 1.0
        for node in reversed(order):
            for parent, rule in node.parents:
                parent.grad = parent.grad + unbroadcast(rule(node.grad), parent.shape)

    # 以下只是轉接：讓 a + b、x.relu() 這些寫法呼叫後面定義的函式。

    def __add__(self, other: object) -> "Tensor":
        return add(self, as_tensor(other))

    def __mul__(self, other: object) -> "Tensor":
        return mul(self, as_tensor(other))

    def __matmul__(self, other: "Tensor") -> "Tensor":
        return matmul(self, other)

    def __pow__(self, n: float) -> "Tensor":
        return power(self, n)

    def __neg__(self) -> "Tensor":
        return self * -1.0

    def __sub__(self, other: object) -> "Tensor":
        return self + as_tensor(other) * -1.0

    def __rsub__(self, other: object) -> "Tensor":
        return as_tensor(other) - self

    def __truediv__(self, other: object) -> "Tensor":
        return self * as_tensor(other) ** -1.0

    def __rtruediv__(self, other: object) -> "Tensor":
        return as_tensor(other) / self

    def exp(self) -> "Tensor":
        """逐元素的 eˣ。"""
        return exp(self)

    def log(self) -> "Tensor":
        """逐元素的自然對數。"""
        return log(self)

    def relu(self) -> "Tensor":
        """逐元素的 max(x, 0)。"""
        return relu(self)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> "Tensor":
        """沿 ``axis`` 加總；不給就全部加總成純量。"""
        return reduce_sum(self, axis, keepdims)

    def mean(self) -> "Tensor":
        """全部元素的平均。"""
        return self.sum() * (1 / self.data.size)

    def reshape(self, *shape: int) -> "Tensor":
        """換個形狀，元素順序不變。"""
        return reshape(self, shape)

    __radd__ = __add__
    __rmul__ = __mul__


def as_tensor(value: object) -> Tensor:
    """數字與陣列包成葉節點；張量原樣傳回。"""
    return value if isinstance(value, Tensor) else Tensor(value)


def topological_order(root: Tensor) -> list[Tensor]:
    """``root`` 用到的所有節點，每個都排在用到它的節點之前；用迴圈而非遞迴，圖再深也不怕。"""
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


def unbroadcast(grad: Float[ndarray, "..."], shape: tuple[int, ...]) -> Float[ndarray, "..."]:
    """把廣播後的梯度加總回原本的形狀 ``shape``：一個數被用了幾次，就收集幾份梯度。"""
    new_axes = tuple(range(grad.ndim - len(shape)))
    grad = grad.sum(axis=new_axes)
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and grad.shape[i] != 1)
    return grad.sum(axis=stretched, keepdims=True)


def add(a: Tensor, b: Tensor) -> Tensor:
    """y = a + b，局部導數都是 1。"""
    return Tensor(a.data + b.data, [(a, lambda g: g), (b, lambda g: g)])


def mul(a: Tensor, b: Tensor) -> Tensor:
    """y = a ⊙ b（逐元素相乘），各自的局部導數是對方。"""
    return Tensor(a.data * b.data, [(a, lambda g: g * b.data), (b, lambda g: g * a.data)])


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Y = A B；``swapaxes(-1, -2)`` 是轉置最後兩軸，前面若有批次軸就各算各的。

    Raises:
        ValueError: 有一邊不到二維。
    """
    if a.data.ndim < 2 or b.data.ndim < 2:
        raise ValueError(f"@ 的兩邊都要至少二維，現在是 {a.shape} 與 {b.shape}；先用 reshape。")
    return Tensor(
        a.data @ b.data,
        [(a, lambda g: g @ b.data.swapaxes(-1, -2)), (b, lambda g: a.data.swapaxes(-1, -2) @ g)],
    )


def power(x: Tensor, n: float) -> Tensor:
    """y = xⁿ。"""
    return Tensor(x.data**n, [(x, lambda g: g * n * x.data ** (n - 1))])


def exp(x: Tensor) -> Tensor:
    """y = eˣ，導數就是 y 自己。"""
    y = np.exp(x.data)
    return Tensor(y, [(x, lambda g: g * y)])


def log(x: Tensor) -> Tensor:
    """y = ln x。"""
    return Tensor(np.log(x.data), [(x, lambda g: g / x.data)])


def relu(x: Tensor) -> Tensor:
    """y = max(x, 0)：正的照傳，負的擋住。"""
    return Tensor(np.maximum(x.data, 0), [(x, lambda g: g * (x.data > 0))])


def reduce_sum(x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    """加總；反向時，把同一個梯度抄給每個被加的元素。"""

    def rule(g: ndarray) -> ndarray:
        if axis is not None and not keepdims:
            g = np.expand_dims(g, axis)
        return np.broadcast_to(g, x.shape)

    return Tensor(x.data.sum(axis=axis, keepdims=keepdims), [(x, rule)])


def reshape(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """換形狀；反向時換回來。"""
    return Tensor(x.data.reshape(shape), [(x, lambda g: g.reshape(x.shape))])


def cross_entropy(logits: Tensor, labels: Int[ndarray, " batch"]) -> Tensor:
    """softmax 之後取正確類別的負對數機率，對批次平均。``logits`` 形狀 (batch, classes)。

    先減去每列的最大值，再大的分數也不會溢位；反向規則是 (p − one-hot) / batch。
    """
    shifted = logits.data - logits.data.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    one_hot = np.eye(log_p.shape[1])[labels]
    loss = -(log_p * one_hot).sum() / len(labels)
    return Tensor(loss, [(logits, lambda g: g * (np.exp(log_p) - one_hot) / len(labels))])
