"""GPT：只有解碼器的語言模型，一排因果自注意力的層，輸入與輸出共用詞向量。

Radford et al., Language Models are Unsupervised Multitask Learners (GPT-2), 2019；
初始化時把每層寫回殘差的那兩個矩陣縮小 1/√(2·層數)，也是那篇。
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dlbook.sequence_modeling.attention import causal_mask
from dlbook.sequence_modeling.encoder import EncoderLayer


class TanhGELU(nn.GELU):
    """GPT-2 用的近似式：x/2 · (1 + tanh(√(2/π)(x + 0.044715 x³)))。"""

    def __init__(self) -> None:
        super().__init__(approximate="tanh")


class GPT(nn.Module):
    """token 進、下一個 token 的 logits 出；一層就是加了因果遮罩的 pre-norm 編碼層。"""

    def __init__(
        self, vocab: int, dim: int, heads: int, layers: int, max_length: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab, dim)
        self.positions = nn.Embedding(max_length, dim)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(dim, heads, 4 * dim, dropout, activation=TanhGELU) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.initialize()

    @torch.no_grad()
    def initialize(self) -> None:
        """權重的標準差 0.02，偏置 0；寫回殘差的矩陣再縮小，層數多了殘差流才不會越來越大。"""
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                residual = name.endswith(("o_proj.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / (2 * len(self.layers)) ** (0.5 * residual))
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens: Int[Tensor, "batch length"]) -> Float[Tensor, "batch length vocab"]:
        """比 max_length 長時丟出 ValueError。"""
        length = tokens.shape[1]
        if length > self.positions.num_embeddings:
            raise ValueError(f"最多 {self.positions.num_embeddings} 個 token，收到 {length} 個")
        x = self.dropout(self.tokens(tokens) + self.positions.weight[:length])
        mask = causal_mask(length, length, tokens.device)
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x) @ self.tokens.weight.T


def from_gpt2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Hugging Face 的 GPT2LMHeadModel 的權重 → 我們的名字；它的線性層存的是轉置，q、k、v 疊在一起。"""
    names = {"ln_1": "norm1", "ln_2": "norm2", "attn.c_proj": "attention.o_proj"}
    names |= {"mlp.c_fc": "feed_forward.up", "mlp.c_proj": "feed_forward.down"}
    ours = {
        "tokens.weight": state["transformer.wte.weight"],
        "positions.weight": state["transformer.wpe.weight"],
        "norm.weight": state["transformer.ln_f.weight"],
        "norm.bias": state["transformer.ln_f.bias"],
    }
    for key, value in state.items():
        _, _, rest = key.partition("transformer.h.")
        if not rest or key.endswith((".attn.bias", ".masked_bias")):
            continue
        layer, _, name = rest.partition(".")
        part, _, kind = name.rpartition(".")
        weight = value.T if kind == "weight" and not part.startswith("ln") else value
        if part == "attn.c_attn":
            for q, chunk in zip("qkv", weight.chunk(3), strict=True):
                ours[f"layers.{layer}.attention.{q}_proj.{kind}"] = chunk
        else:
            ours[f"layers.{layer}.{names[part]}.{kind}"] = weight
    return ours
