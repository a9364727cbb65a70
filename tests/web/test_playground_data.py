"""What the playgrounds are given is what the lessons compute."""

import base64
import json

import numpy as np
import pytest
import torch
from torch import nn

from dlbook import paths, pretrained
from dlbook.computer_vision import cnn_study
from dlbook.sequence_modeling import llama
from dlbook.sequence_modeling.interpretability import attention_maps
from dlbook.web import playground_data, playgrounds

FOLDER = paths.checkout() / "book" / "playgrounds"


def committed(name: str) -> dict:
    text = (FOLDER / f"{name}.data.js").read_text("utf-8")
    return json.loads(text.partition(f"DL_DATA.{name} = ")[2].rstrip(";\n"))


@pytest.fixture(scope="module")
def smol():
    found = pretrained.smollm2()
    return found, llama.Llama.from_pretrained(found.config, found.state)


def test_a_folded_convolution_equals_the_two_layers() -> None:
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5)
    norm(conv(torch.randn(8, 3, 6, 6)))  # statistics that aren't 0 and 1
    norm.eval()
    weight, bias = playground_data.fold(conv, norm)
    x = torch.randn(2, 3, 6, 6)
    together = nn.functional.conv2d(x, weight, bias, padding=1)
    torch.testing.assert_close(together, norm(conv(x)), atol=1e-5, rtol=1e-5)


def test_the_digit_data_have_the_whole_network() -> None:
    data = playground_data.digit()
    model, record = cnn_study.load_pretrained("digits")
    assert set(data) == {"layers", "examples"}  # all that the page uses
    assert [layer["kind"] for layer in data["layers"]] == [
        "conv", "conv", "pool", "conv", "conv", "pool", "conv", "linear",
    ]  # fmt: skip
    numbers = sum(len(base64.b64decode(x["weight"])) // 4 for x in data["layers"] if "weight" in x)
    assert numbers == sum(p.numel() for p in model.parameters() if p.dim() > 1)
    assert playgrounds.parameters(paths.checkout()) == record["parameters"]
    images = [np.frombuffer(base64.b64decode(text), np.uint8) for text in data["examples"]]
    x = torch.from_numpy(np.stack(images)).float().view(10, 1, 28, 28) / 255
    with torch.no_grad():
        assert model(x).argmax(1).tolist() == list(range(10))


def test_a_network_that_the_page_cannot_compute_is_refused() -> None:
    with pytest.raises(TypeError, match="Tanh"):
        playground_data._layer(nn.Tanh())


@pytest.mark.assets("small")
def test_the_attention_scores_are_the_models(smol) -> None:
    found, model = smol
    data = committed("attention")
    for sentence in data["sentences"]:
        ids = found.tokenizer.encode(sentence["text"]).ids
        maps = attention_maps(model, torch.tensor([ids]))[:, 0]
        whole = np.frombuffer(base64.b64decode(sentence["scores"]), np.int16).astype(np.float32)
        scores = torch.from_numpy(whole * data["unit"]).view_as(maps)
        hidden = torch.ones(len(ids), len(ids), dtype=torch.bool).triu(1)
        again = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        torch.testing.assert_close(again, maps, atol=3e-3, rtol=0)
        assert [found.tokenizer.decode([i]) for i in ids] == sentence["tokens"]


@pytest.mark.assets("small")
def test_the_next_token_scores_are_the_models(smol) -> None:
    found, model = smol
    for prompt in committed("sampling")["prompts"]:
        with torch.inference_mode():
            logits = model(torch.tensor([found.tokenizer.encode(prompt["text"]).ids]))[
                0, -1
            ].double()
        named = torch.tensor(prompt["logits"], dtype=torch.float64)
        values, counts = torch.tensor(prompt["tail"], dtype=torch.float64).T
        assert len(named) + counts.sum() == len(logits)
        for temperature in (0.5, 1.0, 2.0):
            exact = (logits / temperature).softmax(0).sort(descending=True).values[: len(named)]
            total = (named / temperature).exp().sum() + (
                counts * (values / temperature).exp()
            ).sum()
            torch.testing.assert_close(
                (named / temperature).exp() / total, exact, atol=2e-4, rtol=2e-3
            )
