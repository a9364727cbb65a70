"""SmolLM2 and Qwen: the numbers of the paper, Hugging Face's answers, the known tokens."""

import json
import time

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer

from dlbook import pretrained
from dlbook.pretrained import TextModel

TEXTS = [
    "The year 2024, 深度學習！\n\tprint(x)  # 12345",
    "<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n",
    '<tool_call>{"name": "get_weather"}</tool_call>',
    "<|fim_prefix|>def f(x):<|fim_suffix|>return<|fim_middle|>",
    "１２３ＡＢＣ　全形",
    "e\u0301 café naïve",
    "don't I'LL we've",
    "   leading  and trailing   \n\n\n",
    "😀🎉 emoji 👨\u200d👩\u200d👧",
    "台北101大樓高508公尺。",
    "def f(a, b):\n    return a ** b\n",
    "[PAD151665] <|endoftext|>",
    "\r\nA\r\n\r\nB",
    "한국어 日本語 العربية",
]


def build(model: TextModel, config_class: type, model_class: type) -> torch.nn.Module:
    """transformers' model with our weights, strictly."""
    with torch.device("meta"):
        network = model_class(config_class(**model.config))
    head = model.state["model.embed_tokens.weight"]
    network.load_state_dict(model.state | {"lm_head.weight": head}, strict=True, assign=True)
    network.model.rotary_emb = type(network.model.rotary_emb)(network.config)  # not in the state
    return network.eval()


def answer(network: torch.nn.Module, model: TextModel, question: str) -> str:
    text = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    ids = torch.tensor([model.tokenizer.encode(text).ids])
    with torch.inference_mode():
        output = network.generate(
            ids, max_new_tokens=20, do_sample=False, pad_token_id=model.config["eos_token_id"]
        )
    return model.tokenizer.decode(output[0, ids.shape[1] :].tolist())


@pytest.fixture(scope="module")
def smol() -> TextModel:
    return pretrained.smollm2()


@pytest.fixture(scope="module")
def qwen() -> TextModel:
    return pretrained.qwen_coder()


@pytest.mark.assets("small")
def test_smollm2_has_the_shape_of_the_paper(smol: TextModel) -> None:
    config, state = smol.config, smol.state
    assert (config["hidden_size"], config["num_hidden_layers"], config["vocab_size"]) == (
        576,
        30,
        49152,
    )
    assert config["tie_word_embeddings"]
    assert "lm_head.weight" not in state
    assert sum(tensor.numel() for tensor in state.values()) == 134_515_008
    assert all(t.dtype == torch.float32 and t.isfinite().all() for t in state.values())


@pytest.mark.assets("small")
def test_smollm2s_tokenizer_gives_back_any_text_and_keeps_special_tokens_whole(smol) -> None:
    text = "The year 2024, 深度學習!\n\tprint(x)"
    tokens = smol.tokenizer.encode(text)
    assert smol.tokenizer.decode(tokens.ids, skip_special_tokens=False) == text
    assert [t for t in tokens.tokens if t.isdigit()] == ["2", "0", "2", "4"]
    assert smol.tokenizer.encode("<|im_start|>").ids == [smol.config["bos_token_id"]]
    assert "<|im_start|>" in smol.chat_template


@pytest.mark.assets("small")
def test_smollm2_knows_the_capital_of_france(smol: TextModel) -> None:
    network = build(smol, LlamaConfig, LlamaForCausalLM)
    assert "Paris" in answer(network, smol, "What is the capital of France?")


@pytest.mark.assets("llm")
def test_qwen_has_the_shape_of_the_paper(qwen: TextModel) -> None:
    assert qwen.config["vocab_size"] == 151_936
    assert qwen.config["tie_word_embeddings"]
    assert sum(tensor.numel() for tensor in qwen.state.values()) == 494_032_768
    assert all(tensor.dtype == torch.float32 for tensor in qwen.state.values())
    assert "tool_call" in qwen.chat_template


@pytest.mark.assets("llm")
def test_qwens_tokenizer_gives_the_ids_of_transformers(qwen: TextModel) -> None:
    ours = qwen.tokenizer
    specials = ours.get_added_tokens_decoder()
    vocabulary = {t: i for t, i in ours.get_vocab().items() if i not in specials}
    theirs = Qwen2Tokenizer(vocab=vocabulary, merges=merges_of(qwen))
    theirs.add_tokens([token for _, token in sorted(specials.items())])
    for text in TEXTS:
        expected = theirs(text, add_special_tokens=False).input_ids
        assert ours.encode(text).ids == expected, text
    assert ours.encode("<|im_start|>你好<|im_end|>").ids == [151644, 108386, 151645]
    assert ours.get_vocab_size() == 151_665


def merges_of(model: TextModel) -> list[tuple[str, str]]:
    merges = json.loads(model.tokenizer.to_str())["model"]["merges"]
    return [tuple(merge) for merge in merges]


@pytest.mark.assets("llm")
def test_qwen_names_the_capital_in_chinese(qwen: TextModel) -> None:
    network = build(qwen, Qwen2Config, Qwen2ForCausalLM)
    assert "台北" in answer(network, qwen, "請用繁體中文介紹台灣的首都。")
    assert "Paris" in answer(network, qwen, "What is the capital of France?")


@pytest.mark.parametrize(
    ("load", "seconds"),
    [
        pytest.param(pretrained.smollm2, 2, marks=pytest.mark.assets("small")),
        pytest.param(pretrained.qwen_coder, 5, marks=pytest.mark.assets("llm")),
    ],
)
def test_a_converted_model_loads_quickly(load, seconds: float) -> None:
    load()  # converts, the first time
    took = []
    for _ in range(3):  # the best of three: the machine may be busy
        start = time.perf_counter()
        load()
        took.append(time.perf_counter() - start)
    assert min(took) <= seconds
