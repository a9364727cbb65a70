"""梯度能走多遠：最後的狀態對以前的狀態的 Jacobian，範數隨間隔怎麼變。

Bengio et al., Learning Long-Term Dependencies with Gradient Descent Is Difficult, IEEE TNN 5(2), 1994；
Pascanu et al., arXiv:1211.5063；chrono 初始化：Tallec & Ollivier, arXiv:1804.11188。
"""

import torch
from jaxtyping import Float
from torch import Tensor

from dlbook.sequence_modeling.recurrent_cells import RecurrentCell


def set_spectral_radius(matrix: Float[Tensor, "n n"], radius: float) -> Float[Tensor, "n n"]:
    """縮放方陣，讓絕對值最大的特徵值剛好是 ``radius``。"""
    largest = torch.linalg.eigvals(matrix).abs().max()
    return matrix * (radius / largest)


def jacobian_norms(cell: RecurrentCell, x: Float[Tensor, "time inputs"]) -> Float[Tensor, " lags"]:
    """∂s_T/∂s_{T−k} 的譜範數（最大奇異值），k = 0, 1, …, T−1。

    s 是單元的整個狀態：RNN、GRU 是 h，LSTM 是 h 與 c 接起來。用連鎖律把每一步的 Jacobian 乘起來。
    """
    state = torch.cat(cell.start(x[:1]), dim=1)[0]

    def step(s: Tensor, now: Tensor) -> Tensor:
        parts = tuple(s[None].split(cell.hidden, dim=1))
        return torch.cat(cell(now[None], parts), dim=1)[0]

    jacobians = []
    for now in x:
        jacobians.append(torch.func.jacrev(step)(state, now).detach())
        state = step(state, now).detach()
    product = torch.eye(len(state), dtype=x.dtype)
    norms = [torch.linalg.matrix_norm(product, ord=2)]
    for jacobian in reversed(jacobians[1:]):
        product = product @ jacobian
        norms.append(torch.linalg.matrix_norm(product, ord=2))
    return torch.stack(norms)


def set_forget_bias(layer: torch.nn.Module, value: float) -> None:
    """把 LSTM（層或單元）的忘記門偏置設成 ``value``：偏置有兩份，一份設成 value、一份歸零。"""
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("bias"):
                quarter = len(parameter) // 4
                fill = value if name.startswith("bias_ih") else 0.0
                parameter[quarter : 2 * quarter] = fill


def chrono_init(layer: torch.nn.Module, longest: int) -> None:
    """chrono 初始化：每個記憶格的忘記門偏置是 ln U(1, longest − 1)，輸入門偏置是它的負數。

    忘記門偏置是 b 的格子，大約記得 e^b 步；這樣一來，有的記得短、有的記得跟整串一樣久。
    """
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if not name.startswith("bias"):
                continue
            parameter.zero_()
            if name.startswith("bias_ih"):
                quarter = len(parameter) // 4
                span = torch.empty(quarter).uniform_(1, longest - 1).log()
                parameter[quarter : 2 * quarter] = span
                parameter[:quarter] = -span
