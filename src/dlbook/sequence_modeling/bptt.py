"""時間上的反向傳播（backpropagation through time, BPTT），不用 autograd，一步一步寫。

Werbos, Backpropagation Through Time, Proc. IEEE 78(10), 1990。
"""

import torch
from jaxtyping import Float
from torch import Tensor


def rnn_forward(
    x: Float[Tensor, "batch time inputs"],
    h0: Float[Tensor, "batch hidden"],
    w_x: Float[Tensor, "hidden inputs"],
    w_h: Float[Tensor, "hidden hidden"],
    b: Float[Tensor, " hidden"],
) -> Float[Tensor, "batch time_and_one hidden"]:
    """h_t = tanh(W_x x_t + W_h h_{t−1} + b)；回傳 h_0 到 h_T，反向時全都用得到。"""
    states = [h0]
    for t in range(x.shape[1]):
        states.append(torch.tanh(x[:, t] @ w_x.T + states[-1] @ w_h.T + b))
    return torch.stack(states, dim=1)


def rnn_backward(
    x: Float[Tensor, "batch time inputs"],
    h: Float[Tensor, "batch time_and_one hidden"],
    grad_h: Float[Tensor, "batch time hidden"],
    w_x: Float[Tensor, "hidden inputs"],
    w_h: Float[Tensor, "hidden hidden"],
    *,
    chunk: int | None = None,
) -> dict[str, Tensor]:
    """由損失對每個 h_t 的**直接**梯度 ``grad_h``，算出 x、h0、w_x、w_h、b 的梯度。

    ``chunk``：截斷的 BPTT，梯度每 ``chunk`` 步就不再往前傳（等於在段與段之間 detach 狀態）。
    """
    grads = {"x": torch.zeros_like(x), "w_x": torch.zeros_like(w_x), "w_h": torch.zeros_like(w_h)}
    grads["b"] = torch.zeros_like(w_h[0])
    from_future = torch.zeros_like(h[:, 0])  # 下一步傳回來的
    for t in reversed(range(x.shape[1])):
        total = grad_h[:, t] + from_future  # 損失直接給的，加上從未來傳回來的
        delta = total * (1 - h[:, t + 1] ** 2)  # 穿過 tanh
        grads["x"][:, t] = delta @ w_x
        grads["w_x"] += delta.T @ x[:, t]
        grads["w_h"] += delta.T @ h[:, t]
        grads["b"] += delta.sum(dim=0)
        from_future = delta @ w_h  # 再乘一次 W_h，傳給 t − 1
        if chunk is not None and t % chunk == 0 and t > 0:
            from_future = torch.zeros_like(from_future)
    grads["h0"] = from_future
    return grads
