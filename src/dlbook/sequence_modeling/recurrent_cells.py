"""三種遞迴單元的一步：RNN、LSTM、GRU。

RNN：Elman, Finding Structure in Time, Cognitive Science 14, 1990。
LSTM：Hochreiter & Schmidhuber, Neural Computation 9(8), 1997；
忘記門：Gers et al., Neural Computation 12(10), 2000。GRU：Cho et al., arXiv:1406.1078。

每個函式拿到兩份已經乘過權重的東西：``a`` 來自輸入、``b`` 來自上一步的狀態，都含偏置。
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

States = tuple[Float[Tensor, "batch hidden"], ...]  # RNN、GRU 只有 (h,)；LSTM 是 (h, c)


def rnn_step(
    a: Float[Tensor, "batch hidden"], b: Float[Tensor, "batch hidden"], state: States
) -> States:
    """h = tanh(a + b)。"""
    return (torch.tanh(a + b),)


def lstm_step(
    a: Float[Tensor, "batch four_hidden"], b: Float[Tensor, "batch four_hidden"], state: States
) -> States:
    """輸入門 i、忘記門 f、新內容 g、輸出門 o；c 是記憶，h 是露出來的部分。"""
    _, c = state
    i, f, g, o = (a + b).chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru_step(
    a: Float[Tensor, "batch three_hidden"], b: Float[Tensor, "batch three_hidden"], state: States
) -> States:
    """重設門 r、更新門 z、新內容 n；z 是 1 就原封不動地留著。"""
    (h,) = state
    a_r, a_z, a_n = a.chunk(3, dim=1)
    b_r, b_z, b_n = b.chunk(3, dim=1)
    r, z = (a_r + b_r).sigmoid(), (a_z + b_z).sigmoid()
    n = torch.tanh(a_n + r * b_n)
    return ((1 - z) * n + z * h,)


STEPS: dict[str, tuple[Callable[[Tensor, Tensor, States], States], int, int]] = {
    "RNN": (rnn_step, 1, 1),  # 哪一步、權重有幾份、狀態有幾個
    "LSTM": (lstm_step, 4, 2),
    "GRU": (gru_step, 3, 1),
}


class RecurrentCell(nn.Module):
    """一個單元；參數的名稱、形狀與初始化和 ``nn.RNNCell``、``nn.LSTMCell``、``nn.GRUCell`` 相同。

    ``kind`` 不是 RNN、LSTM、GRU 時丟出 ValueError。
    """

    def __init__(self, kind: str, inputs: int, hidden: int) -> None:
        super().__init__()
        if kind not in STEPS:
            raise ValueError(f"沒有「{kind}」這種單元；可用的是 {'、'.join(STEPS)}。")
        self.update, gates, self.states = STEPS[kind]
        self.hidden = hidden
        self.weight_ih = nn.Parameter(torch.empty(gates * hidden, inputs))
        self.weight_hh = nn.Parameter(torch.empty(gates * hidden, hidden))
        self.bias_ih = nn.Parameter(torch.empty(gates * hidden))
        self.bias_hh = nn.Parameter(torch.empty(gates * hidden))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)

    def start(self, x: Float[Tensor, "batch inputs"]) -> States:
        """全是 0 的起點。"""
        return tuple(x.new_zeros(len(x), self.hidden) for _ in range(self.states))

    def forward(self, x: Float[Tensor, "batch inputs"], state: States | None = None) -> States:
        """走一步；``state`` 是 None 就從 0 開始。"""
        state = self.start(x) if state is None else state
        a = F.linear(x, self.weight_ih, self.bias_ih)
        return self.update(a, F.linear(state[0], self.weight_hh, self.bias_hh), state)
