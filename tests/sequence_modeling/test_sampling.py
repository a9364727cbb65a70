"""Filters against transformers' logits processors; sampling frequencies; self-BLEU."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from dlbook.sequence_modeling.chat import render_chat
from dlbook.sequence_modeling.llama import Llama, LlamaConfig
from dlbook.sequence_modeling.sampling import (
    generate,
    sample_token,
    self_bleu,
    top_k_filter,
    top_p_filter,
)


def _logits(seed, batch=3, vocab=20):
    return 3 * torch.randn(batch, vocab, generator=torch.Generator().manual_seed(seed))


@given(seed=st.integers(0, 10_000), k=st.integers(1, 25))
def test_top_k_equals_transformers(seed, k):
    logits = _logits(seed)
    assert torch.equal(top_k_filter(logits, k), TopKLogitsWarper(k)(None, logits))


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), p=st.floats(0.01, 0.99))
def test_top_p_equals_transformers(seed, p):
    logits = _logits(seed)
    assert torch.equal(top_p_filter(logits, p), TopPLogitsWarper(p)(None, logits))


def test_top_p_keeps_the_token_that_crosses_the_line():
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()
    kept = [top_p_filter(logits, p).isfinite().sum().item() for p in (0.01, 0.5, 0.6, 0.8001, 1.0)]
    assert kept == [1, 1, 2, 3, 4]


def test_ties_at_rank_k_are_kept():
    assert top_k_filter(torch.tensor([[2.0, 1.0, 1.0, 0.0]]), 2).isfinite().tolist() == [
        [True, True, True, False]
    ]


def test_frequencies_follow_temperature_then_top_k_then_top_p():
    logits = _logits(0, batch=1, vocab=6)
    expected = logits
    for warper in (TemperatureLogitsWarper(1.5), TopKLogitsWarper(4), TopPLogitsWarper(0.9)):
        expected = warper(None, expected)
    generator = torch.Generator().manual_seed(0)
    drawn = sample_token(
        logits.expand(20_000, -1), temperature=1.5, top_k=4, top_p=0.9, generator=generator
    )
    frequency = drawn.bincount(minlength=6) / 20_000
    torch.testing.assert_close(frequency, expected[0].softmax(-1), rtol=0, atol=0.015)


def test_zero_temperature_is_greedy():
    logits = _logits(1)
    assert torch.equal(sample_token(logits, temperature=0), logits.argmax(-1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: top_k_filter(_logits(0), 0), "k=0"),
        (lambda: top_p_filter(_logits(0), 0.0), "收到 0.0"),
        (lambda: top_p_filter(_logits(0), 1.5), "收到 1.5"),
        (lambda: sample_token(_logits(0), temperature=-1), "收到 -1"),
        (lambda: self_bleu(["only one"]), "至少需要兩段"),
        (lambda: render_chat([]), "至少要有一則訊息"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_generate_stops_when_the_whole_batch_has_stopped():
    torch.manual_seed(0)
    model = Llama(LlamaConfig(11, 16, 24, 1, 2, 1)).eval()
    prompt = torch.tensor([[1, 2, 3]])
    free = generate(model, prompt, 12, temperature=0)[0].tolist()
    stopped = generate(model, prompt, 12, stop=free[4], temperature=0)[0].tolist()
    assert stopped == free[: free.index(free[4]) + 1]


def test_the_same_generator_gives_the_same_text():
    torch.manual_seed(0)
    model = Llama(LlamaConfig(11, 16, 24, 1, 2, 1)).eval()
    runs = [
        generate(model, torch.tensor([[1, 2]]), 8, generator=torch.Generator().manual_seed(7))
        for _ in range(2)
    ]
    assert torch.equal(*runs)


def test_self_bleu_orders_diversity():
    same = ["the cat sat on the mat today"] * 3
    different = ["the cat sat on the mat today", "rain falls over quiet hills", "we sell old maps"]
    assert self_bleu(same) == pytest.approx(100)
    assert self_bleu(different) < 10
