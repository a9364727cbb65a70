"""Conformer：自注意力看整句，卷積看鄰近的幾框，兩者疊在同一層裡。

Gulati et al., Conformer: Convolution-augmented Transformer for Speech Recognition, arXiv:2005.08100。
與論文的兩個差別：位置用加在輸入的編碼，不是相對位置；卷積後面用 LayerNorm，不是 BatchNorm（見 ConvModule）。
"""

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from dlbook.sequence_modeling.encoder import FeedForward
from dlbook.sequence_modeling.multihead import MultiHeadAttention


class ConvModule(nn.Module):
    """逐點 → GLU → 逐通道卷積 → LayerNorm → SiLU → 逐點。

    補的框在卷積之前歸零，否則會漏進旁邊的真框。論文用 BatchNorm，但它的平均會把補的框也算進去，
    結果就隨「和誰同一批」而變；LayerNorm 每一框各算各的。kernel 是偶數時丟出 ValueError。
    """

    def __init__(self, dim: int, kernel: int, dropout: float = 0.1) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"卷積核要左右對稱，寬度必須是奇數，收到 {kernel}")
        self.pointwise1 = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.pointwise2 = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch time dim"], seen: Bool[Tensor, "batch time"] | None = None
    ) -> Float[Tensor, "batch time dim"]:
        h = F.glu(self.pointwise1(x))  # 一半當值，另一半過 sigmoid 當閘門
        if seen is not None:
            h = h * seen[..., None]
        h = self.depthwise(h.transpose(1, 2)).transpose(1, 2)  # Conv1d 的時間在最後一軸
        return self.dropout(self.pointwise2(F.silu(self.norm(h))))


class ConformerBlock(nn.Module):
    """半步前饋 → 自注意力 → 卷積 → 半步前饋，各自加回輸入，最後再正規化。"""

    def __init__(
        self, dim: int, heads: int, hidden: int, dropout: float = 0.1, kernel: int = 15
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(5))
        self.before = FeedForward(dim, hidden, dropout, nn.SiLU)
        self.attention = MultiHeadAttention(dim, heads, dropout)
        self.convolution = ConvModule(dim, kernel, dropout)
        self.after = FeedForward(dim, hidden, dropout, nn.SiLU)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "batch time dim"],
        mask: Bool[Tensor, "batch 1 1 time"] | None = None,
    ) -> Float[Tensor, "batch time dim"]:
        x = x + 0.5 * self.dropout(self.before(self.norms[0](x)))
        h = self.norms[1](x)
        x = x + self.dropout(self.attention(h, h, h, mask))
        seen = None if mask is None else mask[:, 0, 0]
        x = x + self.convolution(self.norms[2](x), seen)
        x = x + 0.5 * self.dropout(self.after(self.norms[3](x)))
        return self.norms[4](x)
