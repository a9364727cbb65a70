"""音素分類的模型：看固定視窗的 MLP，以及看整句的卷積網路。

BatchNorm：Ioffe & Szegedy, arXiv:1502.03167。dropout：Srivastava et al., JMLR 15, 2014。
殘差：He et al., arXiv:1512.03385。膨脹卷積：van den Oord et al., WaveNet, arXiv:1609.03499。
"""

import itertools
from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

IGNORE = -100  # F.cross_entropy 預設會略過這個標籤


class FrameMLP(nn.Module):
    """一框（連同上下文）→ 分數。每個隱藏層是 Linear → BatchNorm → ReLU → dropout。

    ``sizes`` 例如 [429, 256, 256, 39]；只有頭尾兩個數就是線性分類器。
    """

    def __init__(self, sizes: list[int], *, batch_norm: bool = True, dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(sizes[:-1]):
            norm = nn.BatchNorm1d(b) if batch_norm else nn.Identity()
            layers += [nn.Linear(a, b), norm, nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))

    def forward(self, x: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch classes"]:
        return self.layers(x)


class ConvBlock(nn.Module):
    """殘差區塊：跳著看左右各一框（相隔 ``dilation``），混合頻道，加回輸入；補的框永遠是 0。"""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout(dropout)
        self.conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(
        self, x: Float[Tensor, "batch width time"], real: Float[Tensor, "batch 1 time"]
    ) -> Float[Tensor, "batch width time"]:
        h = self.dropout(self.norm(x).relu()) * real
        return (x + self.mix(self.conv(h).relu())) * real


class PhonemeConv(nn.Module):
    """整句 → 每一框的分數。``x`` 的最後一維標出真的框（1）與補的框（0），見 :func:`mark`。"""

    def __init__(
        self,
        inputs: int,
        width: int,
        classes: int,
        *,
        dilations: tuple[int, ...] = (1, 2, 4, 8),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.first = nn.Conv1d(inputs, width, 5, padding=2)
        self.blocks = nn.ModuleList(ConvBlock(width, d, dropout) for d in dilations)
        self.norm = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Conv1d(width, classes, 1)

    def forward(self, x: Float[Tensor, "batch time marked"]) -> Float[Tensor, "batch time classes"]:
        x = x.transpose(1, 2)  # Conv1d 的時間在最後一軸
        real = x[:, -1:]
        h = self.first(x[:, :-1]) * real
        for block in self.blocks:
            h = block(h, real)
        return self.last(self.dropout(self.norm(h).relu())).transpose(1, 2)


def mark(features: Float[Tensor, "time inputs"]) -> Float[Tensor, "time marked"]:
    """在特徵後面多接一維 1，表示這一框是真的（補的框會是 0）。"""
    return F.pad(features, (0, 1), value=1.0)


class ChunkLoader:
    """把每句切成 ``chunk`` 框的小段、打亂，``batch_size`` 段一批；切的位置每個 epoch 都換。

    句子之間隔著 ``halo`` 個補的框。每段左右各多給 ``halo`` 框當上下文，但那些框不算損失
    （標籤是 ``IGNORE``）；``halo`` 不小於模型往一邊看的框數，切成段與看整句的分數就相同。
    """

    def __init__(
        self,
        features: list[Float[Tensor, "time inputs"]],
        labels: list[Int[Tensor, " time"]],
        *,
        chunk: int,
        halo: int,
        batch_size: int,
    ) -> None:
        if len(features) != len(labels):
            raise ValueError(f"有 {len(features)} 句特徵、{len(labels)} 句標籤；兩者要一樣多。")
        self.chunk, self.halo, self.batch_size = chunk, halo, batch_size
        x = torch.cat([F.pad(mark(f), (0, 0, 0, halo)) for f in features])
        y = torch.cat([F.pad(t, (0, halo), value=IGNORE) for t in labels])
        self.count = len(y) // chunk + 2  # 段數；頭尾各多留一段的空位，切在哪裡都蓋得到每一框
        room = (chunk + halo, 2 * chunk + halo)
        self.x, self.y = F.pad(x, (0, 0, *room)), F.pad(y, room, value=IGNORE)

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        first = self.halo + int(torch.randint(1, self.chunk + 1, ()))
        window = torch.arange(-self.halo, self.chunk + self.halo)
        mine = (window >= 0) & (window < self.chunk)  # 這一段自己的框；其他的只是上下文
        for batch in torch.randperm(self.count).split(self.batch_size):
            index = first + self.chunk * batch[:, None] + window
            yield self.x[index], self.y[index].masked_fill(~mine, IGNORE)


def frame_loss(
    z: Float[Tensor, "batch time classes"], y: Int[Tensor, "batch time"]
) -> Float[Tensor, ""]:
    """每一個真的框的交叉熵的平均：先攤平成 (框, 類別)，類別才會在 F.cross_entropy 要的那一軸。"""
    total = F.cross_entropy(z.flatten(0, 1), y.flatten(), ignore_index=IGNORE, reduction="sum")
    return total / (y != IGNORE).sum().clamp(min=1)


def least_squares_classifier(
    x: Float[Tensor, "count inputs"], y: Int[Tensor, " count"], classes: int, ridge: float = 1.0
) -> Float[Tensor, "inputs_and_one classes"]:
    """用最小平方法擬合 one-hot 的線性分類器：一次解完，不必訓練；最後一列是偏置。

    分數是 ``torch.cat([x, 一欄 1], dim=1) @ weights``。
    """
    x = torch.cat([x, torch.ones(len(x), 1)], dim=1).double()
    gram = x.T @ x + ridge * torch.eye(x.shape[1], dtype=torch.float64)
    return torch.linalg.solve(gram, x.T @ F.one_hot(y, classes).double()).float()
