"""MobileNetV2's loader; ``tests/datasets/test_photos.py`` tries it on photographs."""

import pytest
import torch

from dlbook import pretrained

from ..datasets import mobilenet

pytestmark = pytest.mark.assets("small")


def test_mobilenet_has_torchvisions_names_and_says_how_a_picture_is_prepared() -> None:
    model = pretrained.mobilenet_v2()
    network = mobilenet.MobileNetV2()
    network.load_state_dict(model.state, strict=True)
    assert sum(p.numel() for p in network.parameters()) == 3_504_872
    assert model.state["classifier.1.weight"].shape == (model.config["num_labels"], 1280)
    assert (model.config["image_mean"], model.config["image_std"]) == (
        mobilenet.MEAN,
        mobilenet.STD,
    )


def test_each_caller_gets_weights_of_its_own() -> None:
    first, second = pretrained.mobilenet_v2().state, pretrained.mobilenet_v2().state
    first["classifier.1.bias"].zero_()
    assert torch.count_nonzero(second["classifier.1.bias"]) > 900
