"""The cache changes the cost and nothing else."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbook.sequence_modeling.kv_cache import KVCache
from dlbook.sequence_modeling.llama import Llama, LlamaConfig

CONFIG = LlamaConfig(
    vocab_size=50,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Llama(CONFIG).double().eval()


@settings(max_examples=40, deadline=None)
@given(chunks=st.lists(st.integers(1, 7), min_size=1, max_size=6), batch=st.integers(1, 3))
def test_any_chunking_gives_the_same_logits(model, chunks, batch):
    length = sum(chunks)
    generator = torch.Generator().manual_seed(length)
    tokens = torch.randint(50, (batch, length), generator=generator)
    cache = model.make_cache(batch, length + 3)
    with torch.no_grad():
        expected = model(tokens)
        got = torch.cat([model(chunk, cache) for chunk in tokens.split(chunks, dim=1)], dim=1)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)
    assert cache.length == length


def test_size_follows_the_formula(model):
    cache = model.make_cache(batch=3, capacity=17)
    assert cache.nbytes == 2 * 2 * 3 * 2 * 17 * 8 * 8
    assert cache.capacity == 17
    assert cache.keys.dtype == torch.float64


def test_overflow_is_an_error(model):
    cache = model.make_cache(1, 4)
    model(torch.zeros(1, 3, dtype=torch.long), cache)
    with pytest.raises(ValueError, match="只放得下 4 個位置，現在需要 5 個"):
        model(torch.zeros(1, 2, dtype=torch.long), cache)


def test_update_returns_everything_so_far_and_leaves_other_layers_alone():
    cache = KVCache(layers=2, batch=1, kv_heads=1, capacity=5, head_dim=2)
    first, second = torch.ones(1, 1, 2, 2), torch.full((1, 1, 1, 2), 2.0)
    cache.update(1, first, first)
    cache.length = 2
    keys, values = cache.update(1, second, -second)
    assert keys[0, 0, :, 0].tolist() == [1, 1, 2]
    assert values[0, 0, :, 0].tolist() == [1, 1, -2]
    assert cache.keys[0].eq(0).all()
