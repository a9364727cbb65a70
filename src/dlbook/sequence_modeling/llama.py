"""Llama：RMSNorm、RoPE、分組查詢注意力、SwiGLU 疊成的語言模型，參數名稱與 Hugging Face 相同。

Touvron et al., LLaMA, arXiv:2302.13971；SwiGLU：Shazeer, arXiv:2002.05202。
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from dlbook.sequence_modeling.attention import attention_weights, causal_mask, weighted_values
from dlbook.sequence_modeling.kv_cache import KVCache
from dlbook.sequence_modeling.norms import RMSNorm
from dlbook.sequence_modeling.rope import apply_rope, rope_table


@dataclass
class LlamaConfig:
    """模型的形狀；欄位名稱與 Hugging Face 的 LlamaConfig 相同。"""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    max_position_embeddings: int = 2048
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5
    tie_word_embeddings: bool = True

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> "LlamaConfig":
        """從 Hugging Face 的設定字典挑出需要的欄位；少了必要欄位時丟出 TypeError。"""
        return cls(**{f.name: config[f.name] for f in fields(cls) if f.name in config})

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads


class Attention(nn.Module):
    """多頭因果自注意力；k、v 的頭比 q 少，幾個 q 頭共用一組（GQA）。"""

    def __init__(self, config: LlamaConfig, layer: int):
        super().__init__()
        self.layer, self.head_dim = layer, config.head_dim
        kv_width = config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, kv_width, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, kv_width, bias=False)
        self.o_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.pattern = nn.Identity()  # 注意力權重從這裡經過：想看、想改，就在這裡掛 hook

    def forward(self, x, cos, sin, mask=None, cache: KVCache | None = None):
        split = (-1, self.head_dim)
        q, k, v = (
            project(x).unflatten(-1, split).transpose(1, 2)  # [batch, heads, length, head_dim]
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = apply_rope(q, cos, sin), apply_rope(k, cos, sin)
        if cache is not None:
            k, v = cache.update(self.layer, k, v)
        weights = self.pattern(attention_weights(q, k, mask))
        return self.o_proj(weighted_values(weights, v).transpose(1, 2).flatten(-2))


class SwiGLU(nn.Module):
    """前饋網路：down(silu(gate(x)) · up(x))。gate 決定 up 算出來的每一維放行多少。"""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """一層：先正規化再做事，做完加回殘差流（residual stream）。"""

    def __init__(self, config: LlamaConfig, layer: int):
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = SwiGLU(config)

    def forward(self, x, cos, sin, mask=None, cache: KVCache | None = None):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """token 進、logits 出。"""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config, i) for i in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:  # 輸入的詞向量與輸出層是同一個矩陣
            self.lm_head.weight = self.embed_tokens.weight

    @classmethod
    def from_pretrained(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> "Llama":
        """用 Hugging Face 的設定與權重（不複製）建模型；少了或多了權重時丟出 RuntimeError。"""
        with torch.device("meta"):  # 先搭空架子，不花時間亂數初始化
            model = cls(LlamaConfig.from_dict(config))
        state = {name.removeprefix("model."): weight for name, weight in state.items()}
        if model.config.tie_word_embeddings:
            state["lm_head.weight"] = state["embed_tokens.weight"]
        model.load_state_dict(state, assign=True)
        if model.config.tie_word_embeddings:  # assign 換掉了參數物件，重新綁成同一個
            model.lm_head.weight = model.embed_tokens.weight
        return model.eval()

    def make_cache(self, batch: int, capacity: int) -> KVCache:
        """放得下 capacity 個位置的空 KV cache，型別與裝置跟著權重走。"""
        c, weight = self.config, self.norm.weight
        shape = (c.num_hidden_layers, batch, c.num_key_value_heads, capacity, c.head_dim)
        return KVCache(*shape, dtype=weight.dtype, device=weight.device)

    def forward(
        self,
        tokens: Int[Tensor, "batch length"],
        cache: KVCache | None = None,
        positions: Float[Tensor, " length"] | None = None,
    ) -> Float[Tensor, "batch length vocab"]:
        """下一個 token 的 logits；有 cache 時 tokens 接在它後面。positions 預設依序編號。"""
        length, start = tokens.shape[1], cache.length if cache is not None else 0
        if positions is None:
            positions = torch.arange(start, start + length, device=tokens.device)
        x = self.embed_tokens(tokens)
        table = rope_table(positions, self.config.head_dim, self.config.rope_theta)
        cos, sin = (t.to(x.dtype) for t in table)
        mask = causal_mask(length, start + length, tokens.device) if length > 1 else None
        for block in self.layers:
            x = block(x, cos, sin, mask, cache)
        if cache is not None:
            cache.length += length
        return self.lm_head(self.norm(x))
