"""縮放點積注意力（scaled dot-product attention），一個頭、多個頭、分組的頭共用同一份程式。

Vaswani et al., Attention Is All You Need, arXiv:1706.03762；
分組查詢注意力（grouped-query attention, GQA）：Ainslie et al., arXiv:2305.13245。
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def causal_mask(
    queries: int, keys: int, device: torch.device | str | None = None
) -> Bool[Tensor, "queries keys"]:
    """下三角遮罩，``True`` 代表看得到；query 是 keys 個位置裡最後面的 queries 個。

    queries > keys 時丟出 ValueError：有 query 連自己都看不到。
    """
    if queries > keys:
        raise ValueError(
            f"query 有 {queries} 個、key 卻只有 {keys} 個：每個 query 至少要看得到自己"
        )
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


def attention_weights(
    q: Float[Tensor, "batch heads queries dim"],
    k: Float[Tensor, "batch kv_heads keys dim"],
    mask: Bool[Tensor, "queries keys"] | None = None,
) -> Float[Tensor, "batch heads queries keys"]:
    """每個 query 對每個 key 的注意力權重；沿最後一軸（keys）總和為 1。

    heads 是 kv_heads 的整數倍：連續的 heads / kv_heads 個頭共用同一組 k。除不盡時丟出 ValueError。
    """
    if q.shape[1] % k.shape[1]:
        raise ValueError(f"{q.shape[1]} 個 query 頭無法平分給 {k.shape[1]} 個 key/value 頭")
    q = q.unflatten(1, (k.shape[1], -1))  # [batch, kv_heads, group, queries, dim]
    scores = torch.einsum("bhgqd,bhkd->bhgqk", q, k) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1).flatten(1, 2)


def weighted_values(
    weights: Float[Tensor, "batch heads queries keys"],
    v: Float[Tensor, "batch kv_heads keys dim"],
) -> Float[Tensor, "batch heads queries dim"]:
    """照注意力權重把 value 加起來；頭的分組方式與 :func:`attention_weights` 相同。"""
    weights = weights.unflatten(1, (v.shape[1], -1))
    return torch.einsum("bhgqk,bhkd->bhgqd", weights, v).flatten(1, 2)


def scaled_dot_product_attention(
    q: Float[Tensor, "batch heads queries dim"],
    k: Float[Tensor, "batch kv_heads keys dim"],
    v: Float[Tensor, "batch kv_heads keys dim"],
    mask: Bool[Tensor, "queries keys"] | None = None,
) -> Float[Tensor, "batch heads queries dim"]:
    """softmax(q kᵀ / √dim) v；``mask`` 為 ``False`` 的位置看不到。"""
    return weighted_values(attention_weights(q, k, mask), v)
