"""Our Llama against transformers': logits, gradients, generation; then the real weights."""

import pytest
import torch
import transformers
from torch.nn import functional as F

from dlbook.sequence_modeling.chat import render_chat
from dlbook.sequence_modeling.llama import Llama
from dlbook.sequence_modeling.sampling import generate

TINY = {
    "vocab_size": 97,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
}
CONFIGS = [
    {"num_key_value_heads": 6, "tie_word_embeddings": True},
    {"num_key_value_heads": 2, "tie_word_embeddings": True},
    {"num_key_value_heads": 1, "tie_word_embeddings": False, "rope_theta": 500.0},
    {"num_key_value_heads": 3, "tie_word_embeddings": False, "rms_norm_eps": 1e-2},
]


def _pair(**changes):
    """A random transformers model and ours with its weights."""
    torch.manual_seed(0)
    config = TINY | changes
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config)).eval()
    for parameter in theirs.parameters():  # larger than the default: differences must show
        torch.nn.init.normal_(parameter, std=0.3)
    state = {name: w.clone() for name, w in theirs.state_dict().items()}
    if config["tie_word_embeddings"]:
        state.pop("lm_head.weight")
    return theirs, Llama.from_pretrained(config, state)


def _loss(logits, tokens):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


@pytest.mark.parametrize("changes", CONFIGS)
def test_logits_and_gradients_equal_transformers(changes):
    theirs, ours = _pair(**changes)
    tokens = torch.randint(97, (2, 20), generator=torch.Generator().manual_seed(1))
    a, b = ours(tokens), theirs(tokens).logits
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    _loss(a, tokens).backward()
    _loss(b, tokens).backward()
    gradients = {f"model.{n}".replace("model.lm_head", "lm_head"): p.grad
                 for n, p in ours.named_parameters()}  # fmt: skip
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(gradients.pop(name), parameter.grad, rtol=1e-4, atol=1e-5)
    assert not gradients


@pytest.mark.parametrize("changes", CONFIGS)
def test_greedy_generation_equals_transformers(changes):
    theirs, ours = _pair(**changes)
    prompt = torch.randint(97, (2, 5), generator=torch.Generator().manual_seed(2))
    options = {"do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    reference = theirs.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=30, **options
    )
    assert torch.equal(generate(ours, prompt, 30, temperature=0), reference[:, 5:])


def test_the_future_never_changes_the_past():
    _, model = _pair(num_key_value_heads=2, tie_word_embeddings=True)
    a = torch.randint(97, (1, 12), generator=torch.Generator().manual_seed(3))
    b = a.clone()
    b[:, 8:] = (b[:, 8:] + 1) % 97
    torch.testing.assert_close(model(a)[:, :8], model(b)[:, :8])
    assert not torch.allclose(model(a)[:, 8:], model(b)[:, 8:])


def test_tied_weights_are_one_parameter():
    _, model = _pair(**CONFIGS[1])
    assert model.lm_head.weight is model.embed_tokens.weight
    _, untied = _pair(**CONFIGS[3])
    assert untied.lm_head.weight is not untied.embed_tokens.weight


def test_missing_weights_are_an_error():
    theirs, _ = _pair(**CONFIGS[1])
    state = theirs.state_dict()
    del state["model.layers.1.mlp.up_proj.weight"]
    with pytest.raises(RuntimeError, match=r"layers\.1\.mlp\.up_proj\.weight"):
        Llama.from_pretrained(TINY | CONFIGS[1], state)
    with pytest.raises(TypeError, match="hidden_size"):
        Llama.from_pretrained({"vocab_size": 3}, state)


@pytest.mark.assets("small")
def test_real_weights_equal_transformers():
    from dlbook import pretrained

    smol = pretrained.smollm2()
    ours = Llama.from_pretrained(smol.config, smol.state)
    state = smol.state | {"lm_head.weight": smol.state["model.embed_tokens.weight"]}
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**smol.config))
    theirs.load_state_dict(state)
    text = render_chat([{"role": "user", "content": "Why is the sky blue?"}])
    prompt = torch.tensor([smol.tokenizer.encode(text).ids])
    with torch.inference_mode():
        difference = (ours(prompt) - theirs.eval()(prompt).logits).abs().max().item()
        options = {"do_sample": False, "eos_token_id": None, "pad_token_id": 2}
        reference = theirs.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=64, **options
        )
    assert difference <= 1e-4
    assert torch.equal(generate(ours, prompt, 64, temperature=0), reference[:, prompt.shape[1] :])
