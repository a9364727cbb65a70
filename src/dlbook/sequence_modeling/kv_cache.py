"""KV cache：算過的 key 與 value 留下來，下一個 token 就不必從頭再算。

Shazeer, Fast Transformer Decoding（MQA，為了縮小這塊記憶體而生）, arXiv:1911.02150。
"""

import torch
from jaxtyping import Float
from torch import Tensor


class KVCache:
    """預先配置好的 keys 與 values：[layers, batch, kv_heads, capacity, head_dim]。

    ``length`` 是已經存了幾個位置；每一層寫完之後才由模型一起往前推。
    """

    def __init__(
        self,
        layers: int,
        batch: int,
        kv_heads: int,
        capacity: int,
        head_dim: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ):
        shape = (layers, batch, kv_heads, capacity, head_dim)
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        self.length = 0

    @property
    def capacity(self) -> int:
        """最多放得下幾個位置。"""
        return self.keys.shape[3]

    @property
    def nbytes(self) -> int:
        """實際占用的位元組數：2 · layers · batch · kv_heads · capacity · head_dim · 每個數的位元組數。"""
        return self.keys.nbytes + self.values.nbytes

    def update(
        self,
        layer: int,
        k: Float[Tensor, "batch kv_heads new dim"],
        v: Float[Tensor, "batch kv_heads new dim"],
    ) -> tuple[Float[Tensor, "batch kv_heads all dim"], Float[Tensor, "batch kv_heads all dim"]]:
        """把新位置的 k、v 接在第 layer 層後面，回傳到目前為止的全部。放不下時丟出 ValueError。"""
        end = self.length + k.shape[2]
        if end > self.capacity:
            raise ValueError(f"KV cache 只放得下 {self.capacity} 個位置，現在需要 {end} 個")
        self.keys[layer, :, :, self.length : end] = k
        self.values[layer, :, :, self.length : end] = v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]
