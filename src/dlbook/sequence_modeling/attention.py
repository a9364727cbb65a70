"""縮放點積注意力（scaled dot-product attention），一個頭、多個頭、分組的頭共用同一份程式。

Vaswani et al., Attention Is All You Need, arXiv:1706.03762；
分組查詢注意力（grouped-query attention, GQA）：Ainslie et al., arXiv:2305.13245。
"""

import torch
from jaxtyping import Bool, Float, Int
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


def padding_mask(
    lengths: Int[Tensor, " batch"], max_length: int
) -> Bool[Tensor, "batch max_length"]:
    """每一列前面 lengths 個位置是真的（``True``），後面是為了湊齊批次而補的（``False``）。

    交給注意力當 key 的遮罩時寫成 ``padding_mask(…)[:, None, None]``，形狀 [batch, 1, 1, keys]。
    有長度超過 max_length 或是負的時丟出 ValueError。
    """
    if len(lengths) and not 0 <= int(lengths.min()) <= int(lengths.max()) <= max_length:
        raise ValueError(f"長度要在 0 到 {max_length} 之間，收到 {lengths.tolist()}")
    return torch.arange(max_length, device=lengths.device) < lengths[:, None]


def attention_weights(
    q: Float[Tensor, "batch heads queries dim"],
    k: Float[Tensor, "batch kv_heads keys dim"],
    mask: Bool[Tensor, "... keys"] | None = None,
) -> Float[Tensor, "batch heads queries keys"]:
    """每個 query 對每個 key 的注意力權重；沿最後一軸（keys）總和為 1。

    ``mask`` 是布林，``True`` 代表看得到，形狀要能廣播成 [batch, heads, queries, keys]。
    一個 key 都看不到的 query，權重全部是 0（``F.scaled_dot_product_attention`` 也是如此），不會變成 NaN。
    heads 是 kv_heads 的整數倍：連續的 heads / kv_heads 個頭共用同一組 k。除不盡、遮罩的形狀不合時丟出
    ValueError；遮罩不是布林時丟出 TypeError。
    """
    if q.shape[1] % k.shape[1]:
        raise ValueError(f"{q.shape[1]} 個 query 頭無法平分給 {k.shape[1]} 個 key/value 頭")
    groups = q.unflatten(1, (k.shape[1], -1))  # [batch, kv_heads, group, queries, dim]
    scores = torch.einsum("bhgqd,bhkd->bhgqk", groups, k).flatten(1, 2) / q.shape[-1] ** 0.5
    if mask is None:
        return scores.softmax(dim=-1)
    check_mask(mask, scores.shape)
    weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
    return weights.masked_fill(~mask, 0.0)  # 整列都看不到時，softmax 是 0/0；改成 0


def check_mask(mask: Tensor, shape: torch.Size) -> None:
    """遮罩要是布林，並且能廣播成分數的形狀。"""
    if mask.dtype != torch.bool:
        raise TypeError(f"遮罩要是布林（True 代表看得到），收到 {mask.dtype}")
    padded = (1,) * (len(shape) - mask.dim()) + tuple(mask.shape)
    if len(padded) > len(shape) or any(m not in (1, s) for m, s in zip(padded, shape, strict=True)):
        raise ValueError(
            f"遮罩的形狀 {tuple(mask.shape)} 無法廣播成 [batch, heads, queries, keys] = {tuple(shape)}"
        )


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
    mask: Bool[Tensor, "... keys"] | None = None,
) -> Float[Tensor, "batch heads queries dim"]:
    """softmax(q kᵀ / √dim) v；``mask`` 為 ``False`` 的位置看不到，一個都看不到時輸出 0。"""
    return weighted_values(attention_weights(q, k, mask), v)
