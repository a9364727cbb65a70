"""The pages' JavaScript computes what the course's Python computes."""

import functools

import pytest
import torch
from torch.nn import functional as F

from dlbook import datasets, pretrained
from dlbook.computer_vision import cnn_study
from dlbook.sequence_modeling import llama, sampling
from dlbook.sequence_modeling.interpretability import attention_maps
from dlbook.supervised_learning import optimizers
from dlbook.web.playgrounds import find
from dlbook.web.search_index import terms


@functools.cache
def smol():
    found = pretrained.smollm2()
    return found, llama.Llama.from_pretrained(found.config, found.state)


@pytest.fixture
def ask(open_page, html):
    """Evaluate JavaScript beside the scripts of a playground, without its lesson's long page."""

    def on(name: str):
        page = open_page("about:blank")
        for script in ("playgrounds/play.js", *find(name).scripts):
            page.add_script_tag(path=html / script)
        return page.evaluate

    return on


def test_the_digit_networks_logits_and_gradient(ask) -> None:
    run = ask("digit")
    model, _ = cnn_study.load_pretrained("digits")
    images = datasets.mnist().test_images[:12].float() / 255
    code = """pixels => {
      const layers = DLPlay.digit.load(DL_DATA.digit), run = DLPlay.digit.forward(layers, Float32Array.from(pixels));
      const best = run.logits.indexOf(Math.max(...run.logits));
      return [run.logits, best, Array.from(DLPlay.digit.saliency(run, best))];
    }"""
    for image in images:
        x = image[None, None].clone().requires_grad_(True)
        logits = model(x)[0]
        found, best, gradient = run(code, image.flatten().tolist())
        torch.testing.assert_close(torch.tensor(found), logits.detach(), atol=2e-4, rtol=1e-4)
        logits[best].backward()
        assert x.grad is not None
        torch.testing.assert_close(torch.tensor(gradient), x.grad.flatten(), atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize(("stride", "side"), [(1, 7), (2, 7), (2, 8), (4, 9)])
def test_a_convolution(ask, stride: int, side: int) -> None:
    torch.manual_seed(side)
    x, kernel = torch.randint(0, 256, (side, side)).double(), torch.randn(3, 3, dtype=torch.double)
    code = """([pixels, side, kernel, stride]) => {
      const out = DLPlay.convolution.convolve(pixels, side, kernel, stride);
      return [Array.from(out.values), out.size];
    }"""
    arguments = [x.flatten().tolist(), side, kernel.flatten().tolist(), stride]
    values, size = ask("convolution")(code, arguments)
    expected = F.conv2d(x[None, None], kernel[None, None], padding=1, stride=stride)[0, 0]
    assert expected.shape == (size, size)
    found = torch.tensor(values, dtype=torch.double)
    torch.testing.assert_close(found, expected.flatten(), atol=1e-3, rtol=1e-5)


RULES = {
    "SGD": lambda p: optimizers.SGD(p, lr=0.02),
    "Momentum": lambda p: optimizers.SGD(p, lr=0.02, momentum=0.9),
    "RMSProp": lambda p: optimizers.RMSProp(p, lr=0.02, alpha=0.9),
    "Adam": lambda p: optimizers.Adam(p, lr=0.02),
}
SURFACES = {
    "valley": lambda x, y: 0.5 * (0.4 * x**2 + 10 * y**2),
    "banana": lambda x, y: 0.1 * (1 - x) ** 2 + 5 * (y - x**2) ** 2,
    "saddle": lambda x, y: 0.5 * x**2 - 0.5 * y**2 + y**4 / 16 + 1,
    "twin": lambda x, y: 0.25 * (x**2 - 2) ** 2 + 0.4 * x + y**2 + 0.6,
}


@pytest.mark.parametrize("rule", RULES)
def test_an_optimiser_goes_the_lessons_way(ask, rule: str) -> None:
    run = ask("descent")
    for name, surface in SURFACES.items():
        point = torch.tensor([-1.2, 1.1], dtype=torch.double, requires_grad=True)
        optimizer, way = RULES[rule]([point]), [point.tolist()]
        for _ in range(25):
            optimizer.zero_grad()
            surface(*point).backward()
            optimizer.step()
            way.append(point.tolist())
        found = run(
            "([rule, name]) => DLPlay.descent.walk(rule, name, [-1.2, 1.1], 0.02, 25)", [rule, name]
        )
        torch.testing.assert_close(torch.tensor(found), torch.tensor(way), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", SURFACES)
def test_a_surfaces_lowest_points_are_marked(ask, name: str) -> None:
    """All minima on a grid of the map, and no other point."""
    found = ask("descent")("name => DLPlay.descent.surfaces[name]", name)
    left, right, bottom, top = found["box"]
    x = torch.linspace(left, right, 601, dtype=torch.double)[:, None]
    y = torch.linspace(bottom, top, 601, dtype=torch.double)
    height = SURFACES[name](x, y).expand(601, 601)
    i, j = (height < height.min() + 1e-4).nonzero(as_tuple=True)
    lowest = torch.stack([x[i, 0], y[j]], 1)
    lows = torch.tensor(found["lows"], dtype=torch.double)
    apart = torch.cdist(lows, lowest)
    assert apart.min(1).values.max() < 0.02  # at each cross is a minimum
    assert apart.min(0).values.max() < 0.2  # at each minimum a cross


@pytest.mark.assets("small")
def test_causal_attention_is_the_models(ask) -> None:
    run = ask("attention")
    found, model = smol()
    code = """([s, layer, head]) => {
      const data = DL_DATA.attention, sentence = data.sentences[s];
      const raw = DLPlay.attention.scores(data, sentence, layer, head);
      return DLPlay.attention.weights(raw, sentence.tokens.length, "causal", 3, 1);
    }"""
    texts = run("DL_DATA.attention.sentences.map(s => s.text)")
    for s, text in enumerate(texts):
        maps = attention_maps(model, torch.tensor([found.tokenizer.encode(text).ids]))[:, 0]
        for layer, head in ((0, 0), (18, 6), (29, 8)):
            weights = torch.tensor(run(code, [s, layer, head]))
            torch.testing.assert_close(weights, maps[layer, head], atol=3e-3, rtol=0)


@pytest.mark.assets("small")
@pytest.mark.parametrize(
    ("temperature", "k", "p"),
    [(1.0, 0, 1.0), (0.7, 10, 1.0), (1.0, 0, 0.8), (1.3, 100, 0.9), (0.5, 0, 0.5)],
)
def test_the_knobs_keep_what_the_lessons_functions_keep(
    ask, temperature: float, k: int, p: float
) -> None:
    run = ask("sampling")
    found, model = smol()
    code = """([i, t, k, p]) => DLPlay.sampling.adjusted(DL_DATA.sampling.prompts[i], t, k, p)
      .filter(e => e.token !== null).map(e => e.each)"""
    for i, text in enumerate(run("DL_DATA.sampling.prompts.map(p => p.text)")):
        ids = torch.tensor([found.tokenizer.encode(text).ids])
        with torch.inference_mode():
            logits = model(ids)[0, -1].double() / temperature
        if k:
            logits = sampling.top_k_filter(logits, k)
        logits = sampling.top_p_filter(logits, p)
        expected = logits.softmax(0).sort(descending=True).values
        shares = torch.tensor(run(code, [i, temperature, k, p]), dtype=torch.double)
        torch.testing.assert_close(shares, expected[: len(shares)], atol=5e-4, rtol=5e-3)


def test_a_draw_takes_each_token_as_often_as_its_share_says(ask) -> None:
    code = """() => {
      const prompt = { tokens: ["a", "b"], logits: [Math.log(5), Math.log(2)], tail: [[0, 3]] };
      const count = (t, k, p) => {
        const list = DLPlay.sampling.adjusted(prompt, t, k, p), times = [0, 0, 0];
        for (let i = 0; i < 1000; i++) times[DLPlay.sampling.draw(list, (i + 0.5) / 1000)]++;
        return times;
      };
      return [count(1, 0, 1), count(1, 2, 1), count(0, 0, 1), count(1, 0, 0.65)];
    }"""
    everything, two, greedy, nucleus = ask("sampling")(code)
    assert everything == [500, 200, 300]
    assert two == [714, 286, 0]
    assert greedy == [1000, 0, 0]
    assert nucleus == [714, 286, 0]


def test_text_is_cut_the_same_way_on_both_sides(open_page, book: str) -> None:
    page = open_page(f"{book}search.html")
    for text in (
        "梯度下降",
        "為什麼要除以 √d？",
        "top_k 與 ＡＢＣ",
        "字",
        "SmolLM2-135M、x_",
        "a。b",
        "C++、c++11 與 abc++",
        "β₁ 與 Δt，ΑΒΓ",
    ):
        assert page.evaluate("text => DLSearch.terms(text)", text) == terms(text)
