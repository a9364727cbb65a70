"""RoPE against Hugging Face's rotary embedding; the properties it was invented for."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from dlbook.sequence_modeling.rope import apply_rope, rope_frequencies, rope_table


def _reference(positions, theta=10000.0, **rope):
    config = LlamaConfig(
        hidden_size=32,
        num_attention_heads=2,
        rope_parameters={"rope_type": "default", "rope_theta": theta, **rope},
    )
    return LlamaRotaryEmbedding(config)(torch.zeros(1), positions[None])


@pytest.mark.parametrize("theta", [10000.0, 100000.0])
def test_equals_hugging_face(theta):
    positions = torch.arange(50)
    cos, sin = rope_table(positions, 16, theta)
    hf_cos, hf_sin = _reference(positions, theta)
    torch.testing.assert_close(cos, hf_cos[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(sin, hf_sin[0], rtol=0, atol=1e-6)
    q, k = torch.randn(1, 2, 50, 16), torch.randn(1, 1, 50, 16)
    hf_q, hf_k = apply_rotary_pos_emb(q, k, hf_cos, hf_sin)
    torch.testing.assert_close(apply_rope(q, cos, sin), hf_q, rtol=0, atol=1e-5)
    torch.testing.assert_close(apply_rope(k, cos, sin), hf_k, rtol=0, atol=1e-5)


def test_dividing_positions_is_hugging_faces_linear_scaling():
    positions = torch.arange(40)
    cos, sin = rope_table(positions / 4, 16)
    hf_cos, hf_sin = _reference(positions, rope_type="linear", factor=4.0)
    torch.testing.assert_close(cos, hf_cos[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(sin, hf_sin[0], rtol=0, atol=1e-5)


@given(m=st.integers(0, 200), n=st.integers(0, 200), shift=st.integers(0, 200))
def test_only_the_distance_matters(m, n, shift):
    generator = torch.Generator().manual_seed(m * 1000 + n)
    q, k = torch.randn(2, 16, generator=generator)
    rotated = [apply_rope(x, *rope_table(torch.tensor([p]), 16))[0]
               for x, p in ((q, m), (k, n), (q, m + shift), (k, n + shift))]  # fmt: skip
    assert rotated[0].norm() == pytest.approx(q.norm().item(), rel=1e-4)
    near, far = rotated[0] @ rotated[1], rotated[2] @ rotated[3]
    assert near.item() == pytest.approx(far.item(), abs=2e-3)


def test_rotates_counter_clockwise():
    x = torch.tensor([[1.0, 0.0]])
    cos, sin = rope_table(torch.tensor([1]), 2)
    expected = torch.tensor([[1.0, 1.0]]) * torch.tensor([1.0]).cos()
    expected[0, 1] = torch.tensor(1.0).sin()
    torch.testing.assert_close(apply_rope(x, cos, sin), expected)


def test_odd_width_is_an_error():
    with pytest.raises(ValueError, match="必須是偶數，收到 7"):
        rope_frequencies(7)
