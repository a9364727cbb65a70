"""打開模型往裡看：殘差流、logit lens、歸納頭、關掉某些頭、推一把某個方向。

logit lens：nostalgebraist（2020）；歸納頭（induction head）：Olsson et al., arXiv:2209.11895；
激發值引導（activation steering）：Turner et al., arXiv:2308.10248。
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from dlbook.sequence_modeling.llama import Llama


@contextmanager
def record(modules: Iterable[nn.Module]) -> Generator[list[Tensor], None, None]:
    """在 with 區塊裡，依執行順序收集這些模組的輸出；離開時拆掉 hook。"""
    outputs: list[Tensor] = []
    hooks = [
        module.register_forward_hook(lambda _m, _in, output: outputs.append(output.detach()))
        for module in modules
    ]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def residual_stream(
    model: Llama, tokens: Int[Tensor, "batch length"]
) -> Float[Tensor, "depth batch length width"]:
    """詞向量（第 0 層）與每一層之後的殘差流；depth = 層數 + 1。"""
    with record([model.embed_tokens, *model.layers]) as stream:
        model(tokens)
    return torch.stack(stream)


@torch.no_grad()
def attention_maps(
    model: Llama, tokens: Int[Tensor, "batch length"]
) -> Float[Tensor, "layers batch heads queries keys"]:
    """每一層、每個頭的注意力權重。"""
    names = [f"layers.{i}.self_attn.pattern" for i in range(len(model.layers))]
    with record(model.get_submodule(name) for name in names) as patterns:
        model(tokens)
    return torch.stack(patterns)


@torch.no_grad()
def logit_lens(
    model: Llama, tokens: Int[Tensor, "batch length"]
) -> Float[Tensor, "depth batch length vocab"]:
    """每一層的殘差流都直接拿去過最後的 norm 與輸出層：如果現在就要回答，會答什麼。"""
    return model.lm_head(model.norm(residual_stream(model, tokens)))


def induction_scores(
    maps: Float[Tensor, "layers batch heads queries keys"], period: int
) -> Float[Tensor, "layers heads"]:
    """在「亂數重複兩次、週期 period」的序列上，第二遍有多少注意力落在「上次出現的下一個」。"""
    offset = period - 1  # 位置 t 的字上次出現在 t − period，它的下一個在 t − period + 1
    stripe = maps.diagonal(-offset, dim1=-2, dim2=-1)  # [layers, batch, heads, keys]
    return stripe[..., 1:].mean(dim=(1, -1))  # 第 0 個 query 還在第一遍，不算


@contextmanager
def ablate_heads(model: Llama, heads: Iterable[tuple[int, int]]) -> Generator[None, None, None]:
    """在 with 區塊裡把這些 (層, 頭) 的輸出歸零；離開時復原。"""
    by_layer: dict[int, list[int]] = {}
    for layer, head in heads:
        by_layer.setdefault(layer, []).append(head)

    def zero(off: list[int]):
        def hook(_module, inputs):
            per_head = inputs[0].unflatten(-1, (-1, model.config.head_dim)).clone()
            per_head[..., off, :] = 0
            return (per_head.flatten(-2),)

        return hook

    hooks = [
        model.get_submodule(f"layers.{layer}.self_attn.o_proj").register_forward_pre_hook(zero(off))
        for layer, off in by_layer.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def steer(
    model: Llama, layer: int, direction: Float[Tensor, " width"]
) -> Generator[None, None, None]:
    """在 with 區塊裡，把 direction 加到第 layer 層輸出的每個位置；離開時復原。"""
    hook = model.layers[layer].register_forward_hook(lambda _m, _in, output: output + direction)
    try:
        yield
    finally:
        hook.remove()


@torch.no_grad()
def token_losses(
    model: Llama,
    tokens: Int[Tensor, "batch length"],
    positions: Float[Tensor, " length"] | None = None,
) -> Float[Tensor, "batch predictions"]:
    """每個位置預測下一個 token 的交叉熵（nats）；predictions = length − 1。"""
    logits = model(tokens, positions=positions)[:, :-1]
    return F.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none")
