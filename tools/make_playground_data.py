"""Export what two playgrounds of the web book show of SmolLM2: attention scores and next-token scores.

    python tools/make_playground_data.py

Half a minute on one thread. Writes ``book/playgrounds/{attention,sampling}.data.js``, which the book embeds:
a page opened from a folder can't fetch anything. The other playgrounds' data are made while the book is built.
"""

import base64
import json
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from tokenizers import Tokenizer
from torch import Tensor

from dlbook import paths, pretrained
from dlbook.sequence_modeling import llama
from dlbook.sequence_modeling.attention import attention_weights
from dlbook.sequence_modeling.interpretability import attention_maps, induction_scores

FOLDER = paths.checkout() / "book" / "playgrounds"
MODEL = "SmolLM2-135M-Instruct（Apache-2.0，arXiv:2502.02737），由課程自己的 Llama 計算"
SENTENCES = (
    "When Mary and John went to the store, John gave a drink to",
    "red apple, green pear, blue plum, red apple, green",
)
PROMPTS = (
    "The capital of France is",
    "Once upon a time, in a small village, there lived a",
    "She opened the door and saw",
    "Two plus two equals",
    "My favorite food is",
)
SCORE_UNIT = 1 / 256  # a score is stored as a 16-bit number of these
TOP = 256  # tokens stored by name; the others are counted in bins
BINS = 256


def scores_of(model: llama.Llama, tokens: Tensor) -> Tensor:
    """Every head's scores before the mask and the softmax: [layers, heads, length, length]."""
    found: list[Tensor] = []

    def watch(q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
        shared = k.repeat_interleave(q.shape[1] // k.shape[1], dim=1)
        found.append((q @ shared.transpose(-1, -2))[0] / q.shape[-1] ** 0.5)
        return attention_weights(q, k, mask)

    with mock.patch.object(llama, "attention_weights", watch):
        model(tokens)
    return torch.stack(found)


def notable_heads(model: llama.Llama) -> list[dict[str, Any]]:
    """The heads that do one thing most clearly, measured on random tokens said twice."""
    period = 40
    once = torch.randint(100, model.config.vocab_size, (4, period), generator=_seed())
    maps = attention_maps(model, torch.cat([once, once], dim=1))
    mean = maps.mean(1)
    kinds = {
        "induction": induction_scores(maps, period),
        "previous": mean.diagonal(-1, dim1=-2, dim2=-1).mean(-1),
        "first": mean[..., 1:, 0].mean(-1),
        "self": mean.diagonal(dim1=-2, dim2=-1)[..., 1:].mean(-1),
    }
    heads = []
    for kind, score in kinds.items():
        layer, head = divmod(int(score.argmax()), score.shape[1])
        heads.append({"kind": kind, "layer": layer, "head": head})
    return heads


def attention(model: llama.Llama, tokenizer: Tokenizer) -> dict[str, Any]:
    """Sentences, their tokens, and the scores of all heads."""
    sentences = []
    for text in SENTENCES:
        ids = tokenizer.encode(text).ids
        scores = scores_of(model, torch.tensor([ids]))
        whole = (scores / SCORE_UNIT).round()
        if whole.abs().max() >= 2**15:
            raise ValueError(f"a score of {scores.abs().max():.0f} doesn't fit")
        packed = base64.b64encode(whole.to(torch.int16).numpy().tobytes()).decode()
        words = [tokenizer.decode([i]) for i in ids]
        sentences.append({"text": text, "tokens": words, "scores": packed})
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    shape = {
        "layers": layers,
        "heads": heads,
        "head_dim": model.config.head_dim,
        "unit": SCORE_UNIT,
    }
    return {"model": MODEL, **shape, "notable": notable_heads(model), "sentences": sentences}


def sampling(model: llama.Llama, tokenizer: Tokenizer) -> dict[str, Any]:
    """The scores of the next token: the highest by name, the rest as a histogram."""
    prompts = []
    for text in PROMPTS:
        logits = model(torch.tensor([tokenizer.encode(text).ids]))[0, -1].double()
        ordered, order = (logits - logits.max()).sort(descending=True)
        tail = ordered[TOP:]
        edges = torch.linspace(float(tail.min()), float(tail.max()), BINS + 1, dtype=torch.float64)
        which = torch.bucketize(tail, edges[1:-1])
        counts = torch.bincount(which, minlength=BINS)
        sums = torch.zeros(BINS, dtype=torch.float64).index_add_(0, which, tail)
        used = counts > 0
        bins = [
            [round(value, 4), count]
            for value, count in zip(
                (sums[used] / counts[used]).tolist(), counts[used].tolist(), strict=True
            )
        ]
        prompts.append(
            {
                "text": text,
                "tokens": [tokenizer.decode([i]) for i in order[:TOP].tolist()],
                "logits": [round(value, 4) for value in ordered[:TOP].tolist()],
                "tail": bins[::-1],
            }
        )
    return {"model": MODEL, "vocabulary": model.config.vocab_size, "prompts": prompts}


def write(name: str, data: dict[str, Any], folder: Path = FOLDER) -> None:
    """A classic script that adds ``data`` to ``DL_DATA``."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    note = "/* python tools/make_playground_data.py 產生；勿手改。 */"
    script = f"{note}\nwindow.DL_DATA = window.DL_DATA || {{}};\nDL_DATA.{name} = {text};\n"
    (folder / f"{name}.data.js").write_text(script, "utf-8")
    print(f"{name}: {len(script.encode()) / 1000:.0f} kB")


def _seed() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def main() -> None:
    """Both files."""
    torch.set_num_threads(1)
    smol = pretrained.smollm2()
    model = llama.Llama.from_pretrained(smol.config, smol.state)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with torch.inference_mode():
        write("attention", attention(model, smol.tokenizer))
        write("sampling", sampling(model, smol.tokenizer))


if __name__ == "__main__":
    main()
