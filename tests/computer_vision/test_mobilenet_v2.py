"""Equal to transformers' MobileNetV2 with the same weights, forward and gradient; knows the photos."""

import pytest
import torch

from dlbook import datasets, pretrained
from dlbook.computer_vision.complexity import count_macs, count_parameters
from dlbook.computer_vision.mobilenet_reference import reference_mobilenet
from dlbook.computer_vision.mobilenet_v2 import MobileNetV2, load_mobilenet_v2, prepare_photo

pytestmark = pytest.mark.assets("small")


@pytest.fixture(scope="module")
def loaded():
    return load_mobilenet_v2()


def test_weights_are_the_loaded_ones(loaded) -> None:
    model, _ = loaded
    state = pretrained.mobilenet_v2().state
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert count_parameters(model) == 3_504_872
    assert 2.9e8 < count_macs(model, (3, 224, 224)) < 3.1e8  # the paper: 300 M


def test_logits_and_gradient_are_transformers(loaded) -> None:
    model, _ = loaded
    other = reference_mobilenet(model)
    torch.manual_seed(0)
    x = torch.randn(2, 3, 96, 96)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    ours, theirs = model(a), other(pixel_values=b).logits
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)
    ours.logsumexp(dim=1).sum().backward()
    theirs.logsumexp(dim=1).sum().backward()
    torch.testing.assert_close(a.grad, b.grad, atol=1e-4, rtol=1e-3)


def test_photos_are_named(loaded) -> None:
    model, config = loaded
    names, photos = datasets.imagenet_classes(), datasets.photos()
    seen = {"chelsea": "cat", "coffee": "espresso", "camera": "tripod", "china": "palace"}
    for photo, name in seen.items():
        with torch.inference_mode():
            best = int(model(prepare_photo(photos[photo].image, config)).argmax())
        assert name in names[best], photo


def test_block_outputs_end_with_the_features(loaded) -> None:
    model, _ = loaded
    x = torch.randn(1, 3, 64, 64)
    outputs = list(model.block_outputs(x))
    assert len(outputs) == 19
    torch.testing.assert_close(model.classifier(outputs[-1].mean(dim=(2, 3))), model(x))


def test_another_number_of_classes() -> None:
    assert MobileNetV2(7)(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
