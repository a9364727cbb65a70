"""遞迴層：把單元沿著時間走完，可以疊好幾層、雙向，也吃 packed sequence。

雙向：Schuster & Paliwal, Bidirectional Recurrent Neural Networks, IEEE TSP 45(11), 1997。
參數名稱與 ``nn.RNN``、``nn.LSTM``、``nn.GRU``（batch_first=True）相同，權重可以直接互相載入。
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from dlbook.sequence_modeling.recurrent_cells import STEPS, States

Weights = tuple[Tensor, Tensor, Tensor, Tensor]  # weight_ih、weight_hh、bias_ih、bias_hh


def scan(
    kind: str,
    weights: Weights,
    data: Float[Tensor, "total inputs"],
    batch_sizes: list[int],
    state: States,
    *,
    backwards: bool = False,
) -> tuple[Float[Tensor, "total hidden"], States]:
    """沿時間走一趟，回傳每一步的 h 與最後的狀態。

    ``data`` 依時間排：第 t 步有 ``batch_sizes[t]`` 列，長的序列排在前面，所以只會越來越少。
    第 t 步只更新前面那幾列：已經結束（反向時是還沒開始）的列，狀態原封不動。
    """
    update = STEPS[kind][0]
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    steps = list(F.linear(data, weight_ih, bias_ih).split(batch_sizes))  # 與狀態無關，一次算完
    outputs: list[Tensor] = [data] * len(steps)
    for t in reversed(range(len(steps))) if backwards else range(len(steps)):
        n = batch_sizes[t]
        active = tuple(s[:n] for s in state)
        new = update(steps[t], F.linear(active[0], weight_hh, bias_hh), active)
        state = tuple(torch.cat([now, s[n:]]) for now, s in zip(new, state, strict=True))
        outputs[t] = new[0]
    return torch.cat(outputs), state


class Recurrent(nn.Module):
    """``kind``（RNN、LSTM、GRU）的 ``layers`` 層；輸入是 [batch, time, inputs] 或 PackedSequence。

    輸出與輸入同一種格式，最後一維是 hidden × 方向數；另外回傳每一層每個方向最後的狀態
    [layers × 方向數, batch, hidden]（LSTM 是 h 與 c 兩個）。``kind`` 不認得時丟出 ValueError。
    """

    def __init__(
        self, kind: str, inputs: int, hidden: int, layers: int = 1, *, bidirectional: bool = False
    ) -> None:
        super().__init__()
        if kind not in STEPS:
            raise ValueError(f"沒有「{kind}」這種單元；可用的是 {'、'.join(STEPS)}。")
        self.kind, self.hidden, self.layers = kind, hidden, layers
        self.directions = ("", "_reverse") if bidirectional else ("",)
        gates = STEPS[kind][1] * hidden
        for k in range(layers):
            width = hidden * len(self.directions) if k else inputs
            for direction in self.directions:
                shapes = [(gates, width), (gates, hidden), (gates,), (gates,)]
                for name, shape in zip(self.names(k, direction), shapes, strict=True):
                    value = torch.empty(shape).uniform_(-(hidden**-0.5), hidden**-0.5)
                    self.register_parameter(name, nn.Parameter(value))

    @staticmethod
    def names(layer: int, direction: str) -> list[str]:
        """一層一個方向的四個參數叫什麼。"""
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [f"{kind}_l{layer}{direction}" for kind in kinds]

    def forward(
        self, x: Tensor | PackedSequence, state: Tensor | tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor | tuple[Tensor, ...]]:
        """``state`` 的格式與回傳的相同；None 是從 0 開始。"""
        if isinstance(x, PackedSequence):
            data, batch_sizes = x.data, x.batch_sizes.tolist()
        else:  # 每一步都是整批的特例
            data, batch_sizes = x.transpose(0, 1).flatten(0, 1), [x.shape[0]] * x.shape[1]
        starts = self.starts(data, batch_sizes[0], state, x)
        finals = []
        for k in range(self.layers):
            sides = []
            for direction in self.directions:
                weights = tuple(getattr(self, name) for name in self.names(k, direction))
                output, final = scan(
                    self.kind, weights, data, batch_sizes, starts[len(finals)],
                    backwards=bool(direction),
                )  # fmt: skip
                sides.append(output)
                finals.append(final)
            data = torch.cat(sides, dim=-1)
        last = tuple(torch.stack(parts) for parts in zip(*finals, strict=True))
        if isinstance(x, PackedSequence):
            if x.unsorted_indices is not None:  # 打包時按長度排過，換回原來的順序
                last = tuple(s[:, x.unsorted_indices] for s in last)
            packed = PackedSequence(data, x.batch_sizes, x.sorted_indices, x.unsorted_indices)
            return packed, last if self.kind == "LSTM" else last[0]
        output = data.unflatten(0, (x.shape[1], x.shape[0])).transpose(0, 1)
        return output, last if self.kind == "LSTM" else last[0]

    def starts(
        self, data: Tensor, batch: int, state: Tensor | tuple[Tensor, ...] | None, x: object
    ) -> list[States]:
        """每一層每個方向的起點。"""
        count = self.layers * len(self.directions)
        if state is None:
            zero = data.new_zeros(batch, self.hidden)
            return [(zero,) * STEPS[self.kind][2]] * count
        parts = (state,) if isinstance(state, Tensor) else state
        if isinstance(x, PackedSequence) and x.sorted_indices is not None:
            parts = tuple(s[:, x.sorted_indices] for s in parts)
        return [tuple(s[i] for s in parts) for i in range(count)]
