"""Image models."""

import torch

from dlbook import assets
from dlbook.pretrained.models import Pretrained


def mobilenet_v2() -> Pretrained:
    """MobileNetV2, trained on ImageNet-1k: torchvision's weights and parameter names.

    3.5 M parameters, 1,000 classes (``datasets.imagenet_classes()``), BSD-3-Clause,
    arXiv:1801.04381. Asset ``mobilenet-v2`` (14 MB, float32). ``config`` says how a picture is
    prepared: shorter side to ``resize``, the central ``crop``, values in [0, 1] normalised by
    ``image_mean`` and ``image_std``. The state dict has the running statistics of the batch
    norms, too.
    """
    state = torch.load(assets.path("mobilenet-v2"), weights_only=True, map_location="cpu")
    config = {
        "model_type": "mobilenet_v2",
        "num_labels": 1000,
        "depth_multiplier": 1.0,
        "resize": 256,
        "crop": 224,
        "image_mean": (0.485, 0.456, 0.406),
        "image_std": (0.229, 0.224, 0.225),
    }
    return Pretrained(config, dict(state))
