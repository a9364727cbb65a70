"""多頭注意力（multi-head attention）：切成幾個頭各看各的，再合起來。

Vaswani et al., Attention Is All You Need, arXiv:1706.03762。
"""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from dlbook.sequence_modeling.attention import attention_weights, weighted_values


class MultiHeadAttention(nn.Module):
    """q、k、v 各過一個線性層，切成 heads 個頭各自做注意力，接起來再過一個線性層。

    dim 除不盡 heads 時丟出 ValueError。``dropout`` 隨機關掉一部分的注意力權重（只在訓練時）。
    """

    def __init__(self, dim: int, heads: int, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"寬度 {dim} 無法平分給 {heads} 個頭")
        self.heads = heads
        self.q_proj = nn.Linear(dim, dim, bias)
        self.k_proj = nn.Linear(dim, dim, bias)
        self.v_proj = nn.Linear(dim, dim, bias)
        self.o_proj = nn.Linear(dim, dim, bias)
        self.pattern = nn.Identity()  # 注意力權重從這裡經過：想看、想改，就在這裡掛 hook
        self.dropout = nn.Dropout(dropout)

    def split(self, x: Float[Tensor, "batch length dim"]) -> Float[Tensor, "batch heads length d"]:
        """把寬度切成 heads 份；d = dim / heads。"""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(
        self,
        query: Float[Tensor, "batch queries dim"],
        key: Float[Tensor, "batch keys dim"],
        value: Float[Tensor, "batch keys dim"],
        mask: Bool[Tensor, "... keys"] | None = None,
    ) -> Float[Tensor, "batch queries dim"]:
        """自注意力就是三個都給同一個 x。遮罩的規則見 :func:`attention_weights`。"""
        k = self.split(self.k_proj(key))
        v = self.split(self.v_proj(value))
        return self.attend(query, k, v, mask)

    def attend(
        self,
        query: Float[Tensor, "batch queries dim"],
        k: Float[Tensor, "batch heads keys d"],
        v: Float[Tensor, "batch heads keys d"],
        mask: Bool[Tensor, "... keys"] | None = None,
    ) -> Float[Tensor, "batch queries dim"]:
        """k、v 已經投影並切好頭：逐字生成時它們只算一次、留著用（KV cache）。"""
        q = self.split(self.q_proj(query))
        weights = self.dropout(self.pattern(attention_weights(q, k, mask)))
        mixed = weighted_values(weights, v).transpose(1, 2).flatten(-2)  # 各頭接回 dim 維
        return self.o_proj(mixed)
