"""最佳化器：SGD、動量、Nesterov、RMSProp、Adam、AdamW。

Polyak 1964；Nesterov 1983；Tieleman & Hinton 2012；Kingma & Ba, arXiv:1412.6980；
Loshchilov & Hutter, arXiv:1711.05101。
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

State = dict[str, Any]


class UpdateRule(torch.optim.Optimizer):
    """走訪每個參數的部分，大家都一樣；每種最佳化器只要寫 ``update``。

    繼承 ``torch.optim.Optimizer`` 得到三樣東西：``zero_grad``、存檔，以及能被排程改動的 ``lr``。
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """更新每一個有梯度的參數。"""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad, self.state[p], group)

    def update(self, p: Tensor, g: Tensor, state: State, group: State) -> None:
        """就地更新參數 p；g 是它的梯度，state 是只屬於它的記憶，group 放超參數。"""
        raise NotImplementedError


class SGD(UpdateRule):
    """v ← μ v + g；p ← p − lr · v。Nesterov 版改走 g + μ v，等於先往前看一步。"""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        settings = {"momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        super().__init__(params, {"lr": lr, **settings})

    def update(self, p: Tensor, g: Tensor, state: State, group: State) -> None:
        g = g + group["weight_decay"] * p
        momentum = group["momentum"]
        if momentum:
            v = state["v"] = momentum * state["v"] + g if state else g.clone()
            g = g + momentum * v if group["nesterov"] else v
        p.sub_(group["lr"] * g)


class RMSProp(UpdateRule):
    """每個參數除以自己最近的梯度大小：s ← α s + (1−α) g²；p ← p − lr · g / (√s + eps)。"""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        settings = {"alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {"lr": lr, **settings})

    def update(self, p: Tensor, g: Tensor, state: State, group: State) -> None:
        g = g + group["weight_decay"] * p
        s = state.setdefault("s", torch.zeros_like(p))
        s.mul_(group["alpha"]).add_((1 - group["alpha"]) * g**2)
        p.sub_(group["lr"] * g / (s.sqrt() + group["eps"]))


class Adam(UpdateRule):
    """動量加上 RMSProp，再修正起步的偏差。``weight_decay`` 在這裡是 L2：加進梯度。"""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    def update(self, p: Tensor, g: Tensor, state: State, group: State) -> None:
        g = g + group["weight_decay"] * p
        p.sub_(group["lr"] * self.direction(g, state, group))

    def direction(self, g: Tensor, state: State, group: State) -> Tensor:
        """m̂ / (√v̂ + eps)：m、v 從 0 開始，前幾步偏小，所以除以 1 − βᵗ。"""
        beta1, beta2 = group["betas"]
        m = state.setdefault("m", torch.zeros_like(g))
        v = state.setdefault("v", torch.zeros_like(g))
        t = state["t"] = state.get("t", 0) + 1
        m.mul_(beta1).add_((1 - beta1) * g)
        v.mul_(beta2).add_((1 - beta2) * g**2)
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return m_hat / (v_hat.sqrt() + group["eps"])


class AdamW(Adam):
    """權重衰減和梯度脫鉤（decoupled）：先把 p 縮小 1 − lr · λ 倍，再走 Adam 的一步。"""

    def update(self, p: Tensor, g: Tensor, state: State, group: State) -> None:
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.sub_(group["lr"] * self.direction(g, state, group))


def state_bytes(optimizer: torch.optim.Optimizer) -> int:
    """最佳化器替參數記住的張量，一共幾個位元組。"""
    memories = [value for state in optimizer.state.values() for value in state.values()]
    return sum(v.nbytes for v in memories if isinstance(v, Tensor) and v.ndim > 0)
