"""Data for the playgrounds: the digit network's weights, digits to start from, a photograph."""

import base64
import io
import json
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from dlbook import datasets
from dlbook.computer_vision import cnn_study

PHOTO, SIDE = "chelsea", 192


def digit() -> dict[str, Any]:
    """The network with every BatchNorm folded into its convolution, and a digit of each class."""
    model, _ = cnn_study.load_pretrained("digits")
    return {"layers": [_layer(part) for part in model], "examples": _examples()}


def _layer(part: nn.Module) -> dict[str, Any]:
    """What the script has to do for a part of the network."""
    if isinstance(part, nn.MaxPool2d):
        return {"kind": "pool"}
    if isinstance(part, nn.Sequential) and isinstance(part[0], nn.Conv2d):
        weight, bias = fold(part[0], part[1])
        return _weighted("conv", weight, bias)
    if isinstance(part, nn.Sequential) and isinstance(part[-1], nn.Linear):
        return _weighted("linear", part[-1].weight, part[-1].bias)
    raise TypeError(f"這個網路裡有 {type(part).__name__}，網頁還不會算。")


def _weighted(kind: str, weight: Tensor, bias: Tensor) -> dict[str, Any]:
    """A layer with numbers; its shape is outputs and inputs."""
    shape = list(weight.shape[:2])
    return {"kind": kind, "shape": shape, "weight": _floats(weight), "bias": _floats(bias)}


def fold(conv: nn.Conv2d, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """A convolution that does what ``conv`` and then ``norm`` do in evaluation mode."""
    if (
        not isinstance(norm, nn.BatchNorm2d)
        or norm.running_mean is None
        or norm.running_var is None
    ):
        raise TypeError("卷積後面不是 BatchNorm2d。")
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    weight = conv.weight.double() * scale[:, None, None, None]
    return weight.float(), (norm.bias.double() - norm.running_mean.double() * scale).float()


def _examples() -> list[str]:
    """The first test digit of each class, 28 × 28 bytes."""
    data = datasets.mnist()
    images, labels = data.test_images, data.test_labels
    found = [images[int((labels == value).nonzero()[0])] for value in range(10)]
    return [packed(_bytes(image)) for image in found]


def _bytes(image: Tensor) -> np.ndarray:
    values = image.squeeze().float()
    return (values * (255 if values.max() <= 1 else 1)).round().to(torch.uint8).numpy()


def convolution() -> dict[str, Any]:
    """A square photograph as a grey JPEG, and the digit network's eight first kernels."""
    photo = datasets.photos()[PHOTO]
    picture = Image.fromarray(photo.image.permute(1, 2, 0).numpy()).convert("L")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85, optimize=True)
    model, _ = cnn_study.load_pretrained("digits")
    kernels = [[round(v, 3) for v in k.flatten().tolist()] for k in first_kernels(model)]
    return {
        "image": "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode(),
        "credit": f"{photo.title}（{photo.author}，{photo.licence}）",
        "learned": kernels,
    }


def first_kernels(model: nn.Sequential) -> Tensor:
    """The first convolution's kernels, [8, 3, 3]."""
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    return first.weight.detach()[:, 0]


def _floats(values: Tensor) -> str:
    return packed(values.detach().contiguous().numpy().astype("<f4"))


def packed(values: np.ndarray) -> str:
    """An array's bytes as text."""
    return base64.b64encode(values.tobytes()).decode()


def scripts() -> dict[str, str]:
    """The data files by name: classic scripts that add to ``DL_DATA``."""
    made = {"convolution": convolution(), "digit": digit()}
    return {f"{name}.data.js": _script(name, data) for name, data in made.items()}


def _script(name: str, data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"window.DL_DATA = window.DL_DATA || {{}};\nDL_DATA.{name} = {text};\n"
