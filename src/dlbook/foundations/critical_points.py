"""臨界點：梯度為零的地方，是谷底還是鞍點，看 Hessian 的特徵值。

Dauphin 等人，Identifying and attacking the saddle point problem, arXiv:1406.2572。
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Loss = Callable[[Tensor], Tensor]


def small_net_loss(
    x: Float[Tensor, " count"], y: Float[Tensor, " count"], hidden: int
) -> tuple[Loss, int]:
    """1 → ``hidden`` → 1 的 tanh 網路的均方誤差，寫成參數向量的函式；以及參數個數。"""

    def loss(p: Float[Tensor, " parameters"]) -> Tensor:
        w, b, v = p[:hidden], p[hidden : 2 * hidden], p[2 * hidden : 3 * hidden]
        return (torch.tanh(x[:, None] * w + b) @ v + p[-1] - y).square().mean()

    return loss, 3 * hidden + 1


def gradient_and_hessian(
    loss: Loss, p: Float[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n n"]]:
    """梯度，與 Hessian：對梯度的每個分量再微分一次，一共 n 次反向。"""
    p = p.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(p), p, create_graph=True)
    rows = [torch.autograd.grad(g, p, retain_graph=True)[0] for g in gradient]
    return gradient.detach(), torch.stack(rows)


def minimum_ratio(hessian: Float[Tensor, "n n"], tolerance: float = 1e-8) -> float:
    """正的特徵值占多少（2021 HW2-2 的 minimum ratio）；1 是谷底，比 1 小就有平坦或往下彎的方向。"""
    return (torch.linalg.eigvalsh(hessian) > tolerance).double().mean().item()


def find_critical_point(
    loss: Loss, start: Float[Tensor, " n"], steps: int = 200, tolerance: float = 1e-9
) -> Float[Tensor, " n"]:
    """讓梯度變成零（不是讓損失變小）：對 ‖梯度‖² 做 Levenberg–Marquardt，停在哪種臨界點都可以。"""
    p, damping = start.clone(), 1e-2
    gradient, hessian = gradient_and_hessian(loss, p)
    for _ in range(steps):
        if gradient.norm() < tolerance:
            break
        curvature = hessian.T @ hessian + damping * torch.eye(len(p), dtype=p.dtype)
        candidate = p - torch.linalg.solve(curvature, hessian.T @ gradient)
        new_gradient, new_hessian = gradient_and_hessian(loss, candidate)
        if new_gradient.norm() < gradient.norm():
            p, gradient, hessian = candidate, new_gradient, new_hessian
            damping = max(damping / 3, 1e-14)
        else:
            damping *= 4
    return p


def descend(loss: Loss, start: Float[Tensor, " n"], lr: float, steps: int) -> list[Tensor]:
    """梯度下降；傳回每一步的參數（含起點）。"""
    path = [start.detach().clone()]
    for _ in range(steps):
        p = path[-1].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(p), p)
        path.append((p - lr * gradient).detach())
    return path


def quadratic_steps(eigenvalues: Float[Tensor, " n"], tolerance: float = 1e-6) -> int:
    """在 ½ Σ λ z² 上用最好的固定學習率，要幾步才把離谷底的距離縮到 ``tolerance`` 倍。"""
    lr = 2 / (eigenvalues.min() + eigenvalues.max())
    z = torch.ones_like(eigenvalues)
    goal, steps = tolerance * z.norm(), 0
    while z.norm() > goal:
        z = z - lr * eigenvalues * z
        steps += 1
    return steps
