"""純量的自動微分：一個數、怎麼來的、往回怎麼傳。

Baydin 等人，Automatic Differentiation in Machine Learning: a Survey, arXiv:1502.05767。
"""

import math


class Value:
    """一個會記帳的數；``parents`` 是（來源, 局部導數）的清單。"""

    def __init__(self, data: float, parents: tuple[tuple["Value", float], ...] = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.parents = parents

    def __add__(self, other: "Value") -> "Value":
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: "Value") -> "Value":
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def exp(self) -> "Value":
        """指數；導數是自己。"""
        result = math.exp(self.data)
        return Value(result, ((self, result),))

    def tanh(self) -> "Value":
        """雙曲正切；導數是 1 − tanh²。"""
        result = math.tanh(self.data)
        return Value(result, ((self, 1 - result**2),))

    def backward(self) -> None:
        """從這裡往回走，把梯度加到每個來源上。"""
        order: list[Value] = []
        seen: set[int] = set()

        def visit(node: "Value") -> None:
            if id(node) not in seen:
                seen.add(id(node))
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for parent, derivative in node.parents:
                parent.grad += node.grad * derivative
