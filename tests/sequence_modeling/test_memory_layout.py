"""Column-major weights: another order in memory, the same model."""

import torch

from dlbook.sequence_modeling.llama import Llama, LlamaConfig
from dlbook.sequence_modeling.memory_layout import column_major


def test_only_the_strides_change():
    torch.manual_seed(0)
    config = LlamaConfig(97, 48, 80, 3, 6, 2)
    model = Llama(config).eval()
    tokens = torch.randint(97, (1, 9))
    before, values = model(tokens), {n: p.clone() for n, p in model.named_parameters()}
    column_major(model)
    torch.testing.assert_close(model(tokens), before, rtol=1e-5, atol=1e-5)
    assert model.layers[0].mlp.up_proj.weight.stride(0) == 1
    assert model.lm_head.weight is model.embed_tokens.weight
    assert all(torch.equal(p, values[n]) for n, p in model.named_parameters())
