"""Features are the network's; the probe chooses its strength by groups and never sees the test part."""

import numpy as np
import pytest
import torch

from dlbook import datasets
from dlbook.computer_vision.mobilenet_v2 import load_mobilenet_v2, normalize_pixels
from dlbook.computer_vision.transfer import (
    STRENGTHS,
    fit_probe,
    layer_features,
    raw_pixels,
    separability,
)


@pytest.mark.assets("small")
def test_features_are_the_mean_of_the_blocks_output() -> None:
    model, config = load_mobilenet_v2()
    images = datasets.cutouts().images[:3]
    found = layer_features(model, images, config, size=128, blocks=(3, 18))
    assert {block: f.shape[1] for block, f in found.items()} == {3: 24, 18: 1280}
    with torch.inference_mode():
        x = normalize_pixels(images / 255, config)
        logits = model(x)
    torch.testing.assert_close(model.classifier(found[18]), logits, atol=1e-4, rtol=1e-4)


def test_raw_pixels_are_means_of_patches() -> None:
    image = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    image[:, 0, :4, :4] = 255
    assert raw_pixels(image, 2).reshape(3, 4)[0].tolist() == [1, 0, 0, 0]


def test_a_probe_learns_what_can_be_learned() -> None:
    torch.manual_seed(0)
    y = torch.arange(3).repeat(20)
    x = torch.eye(3)[y] + 0.3 * torch.randn(60, 3)
    probe, strength, cross_validated = fit_probe(x, y, torch.arange(60) // 3)
    assert strength in STRENGTHS
    assert cross_validated > 0.8
    assert probe.score(x.numpy(), y.numpy()) > 0.9


def test_folds_keep_groups_whole() -> None:
    """Twins with random labels: what leaks from one twin to the other would give high scores."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(np.repeat(rng.normal(size=(60, 200)), 2, axis=0)).float()
    y = torch.from_numpy(np.repeat(rng.integers(0, 4, 60), 2))
    _, _, cross_validated = fit_probe(x, y, torch.arange(120) // 2)
    assert cross_validated < 0.6


def test_separability_of_clusters_and_of_noise() -> None:
    torch.manual_seed(0)
    y = torch.arange(4).repeat(25)
    assert separability(torch.eye(4)[y] * 10 + torch.randn(100, 4), y) > 0.95
    assert separability(torch.randn(100, 4), y) < 0.5
