"""Transformer 的編碼層：自注意力交換位置之間的資訊，前饋網路再逐位置加工。

Vaswani et al., Attention Is All You Need, arXiv:1706.03762；
先正規化（pre-norm）與後正規化（post-norm）：Xiong et al., arXiv:2002.04745。
"""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from dlbook.sequence_modeling.multihead import MultiHeadAttention


class FeedForward(nn.Module):
    """逐位置的兩層網路：dim → hidden → dim；每個位置各算各的，用同一組權重。"""

    def __init__(
        self,
        dim: int,
        hidden: int,
        dropout: float = 0.1,
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        self.up = nn.Linear(dim, hidden)
        self.activation = activation()
        self.dropout = nn.Dropout(dropout)
        self.down = nn.Linear(hidden, dim)

    def forward(self, x: Float[Tensor, "... dim"]) -> Float[Tensor, "... dim"]:
        return self.down(self.dropout(self.activation(self.up(x))))


class EncoderLayer(nn.Module):
    """自注意力與前饋網路，各自加回輸入（殘差），各配一個 LayerNorm。

    ``norm_first``：True 是先正規化再做事（好練，現在的主流），False 是原論文的做完再正規化。
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        hidden: int,
        dropout: float = 0.1,
        norm_first: bool = True,
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.attention = MultiHeadAttention(dim, heads, dropout)
        self.feed_forward = FeedForward(dim, hidden, dropout, activation)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "batch length dim"],
        mask: Bool[Tensor, "... length"] | None = None,
    ) -> Float[Tensor, "batch length dim"]:
        if self.norm_first:
            x = x + self.attend(self.norm1(x), mask)
            return x + self.dropout(self.feed_forward(self.norm2(x)))
        x = self.norm1(x + self.attend(x, mask))
        return self.norm2(x + self.dropout(self.feed_forward(x)))

    def attend(
        self, x: Float[Tensor, "batch length dim"], mask: Bool[Tensor, "... length"] | None
    ) -> Float[Tensor, "batch length dim"]:
        """自注意力：query、key、value 都是同一個 x。"""
        return self.dropout(self.attention(x, x, x, mask))
