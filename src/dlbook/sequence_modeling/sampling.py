"""從 logits 到文字：溫度、top-k、top-p、逐字生成，以及多樣性的尺 self-BLEU。

top-p（nucleus sampling）：Holtzman et al., arXiv:1904.09751；self-BLEU：Zhu et al., arXiv:1802.01886。
"""

from collections.abc import Iterator, Sequence

import sacrebleu
import torch
from jaxtyping import Float, Int
from torch import Tensor

from dlbook.sequence_modeling.llama import Llama


def top_k_filter(logits: Float[Tensor, "... vocab"], k: int) -> Float[Tensor, "... vocab"]:
    """只留最高的 k 個，其餘設成 −∞（與第 k 名同分的都留）。k < 1 時丟出 ValueError。"""
    if k < 1:
        raise ValueError(f"top-k 至少要留 1 個 token，收到 k={k}")
    threshold = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < threshold, -torch.inf)


def top_p_filter(logits: Float[Tensor, "... vocab"], p: float) -> Float[Tensor, "... vocab"]:
    """留下機率由大到小累加到至少 p 的最小集合，其餘設成 −∞。p 不在 (0, 1] 時丟出 ValueError。"""
    if not 0 < p <= 1:
        raise ValueError(f"top-p 的 p 要大於 0、不超過 1，收到 {p}")
    ordered, order = logits.sort(descending=True)
    probabilities = ordered.softmax(-1)
    before = probabilities.cumsum(-1) - probabilities  # 排在自己前面的機率總和
    ordered = ordered.masked_fill(before >= p, -torch.inf)  # 前面已經夠了，就不需要自己
    return torch.empty_like(logits).scatter(-1, order, ordered)


def sample_token(
    logits: Float[Tensor, "batch vocab"],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, " batch"]:
    """依溫度、top-k、top-p 的順序調整後抽一個 token；temperature=0 直接取最大的（greedy）。"""
    if temperature < 0:
        raise ValueError(f"溫度不能是負的，收到 {temperature}")
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits / temperature
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(-1)


@torch.inference_mode()
def generate_steps(
    model: Llama, prompt: Int[Tensor, "batch length"], max_new_tokens: int, **sampling
) -> Iterator[Int[Tensor, " batch"]]:
    """一次給一個新 token；第一步讀完整個 prompt，之後每步只算一個位置（KV cache）。"""
    cache = model.make_cache(prompt.shape[0], prompt.shape[1] + max_new_tokens)
    tokens = prompt
    for _ in range(max_new_tokens):
        token = sample_token(model(tokens, cache)[:, -1], **sampling)
        yield token
        tokens = token[:, None]


def generate(
    model: Llama,
    prompt: Int[Tensor, "batch length"],
    max_new_tokens: int,
    stop: int | None = None,
    **sampling,
) -> Int[Tensor, "batch new"]:
    """prompt 之後最多 max_new_tokens 個 token；整批都出現過 stop 就提早結束（stop 之後的別當真）。"""
    new, stopped = [], torch.zeros(prompt.shape[0], dtype=torch.bool, device=prompt.device)
    for token in generate_steps(model, prompt, max_new_tokens, **sampling):
        new.append(token)
        if stop is not None:
            stopped |= token == stop
            if stopped.all():
                break
    return torch.stack(new, dim=1)


def self_bleu(texts: Sequence[str]) -> float:
    """每一段與其餘各段的 BLEU 平均，0 到 100；越低代表彼此越不像。少於兩段時丟出 ValueError。"""
    if len(texts) < 2:
        raise ValueError("self-BLEU 要拿一段和其他段比，至少需要兩段文字")
    scores = [
        sacrebleu.sentence_bleu(text, [other for j, other in enumerate(texts) if j != i]).score
        for i, text in enumerate(texts)
    ]
    return sum(scores) / len(scores)
