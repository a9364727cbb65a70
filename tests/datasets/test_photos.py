"""Photographs and class names; MobileNetV2 recognises the photographs."""

import pytest
import torch

from dlbook import assets, datasets

from .mobilenet import MobileNetV2, prepare


def test_photos_are_small_colour_pictures() -> None:
    photos = datasets.photos()
    assert len(photos) == 15
    for name, photo in photos.items():
        assert photo.name == name
        assert photo.image.dtype == torch.uint8
        assert photo.image.shape[0] == 3
        assert max(photo.image.shape) == 320
        assert photo.licence
        assert photo.author


def test_the_cup_is_red_and_the_photographer_grey() -> None:
    photos = datasets.photos()
    red, _, blue = photos["coffee"].image.float().mean((1, 2))
    assert red > 1.5 * blue
    camera = photos["camera"].image.int()
    assert (camera[0] - camera[2]).abs().max() <= 2


def test_class_names_are_in_the_order_of_imagenet() -> None:
    names = datasets.imagenet_classes()
    assert len(names) == 1000
    assert names[0] == "tench, Tinca tinca"
    assert names[285] == "Egyptian cat"
    assert names[967] == "espresso"
    assert names[999].startswith("toilet tissue")


@pytest.mark.assets("small")
def test_mobilenet_names_what_is_on_the_photographs() -> None:
    network = MobileNetV2().eval()
    network.load_state_dict(torch.load(assets.path("mobilenet-v2"), weights_only=True))
    assert sum(p.numel() for p in network.parameters()) == 3_504_872
    names, photos = datasets.imagenet_classes(), datasets.photos()
    seen = {"chelsea": "cat", "coffee": "espresso", "camera": "tripod", "china": "palace"}
    for photo, name in seen.items():
        with torch.inference_mode():
            best = int(network(prepare(photos[photo].image)).argmax())
        assert name in names[best], photo
