"""transformers' VITS with the residual blocks of a Piper voice."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import VitsConfig, VitsModel
from transformers.models.vits import modeling_vits

from dlbook.pretrained import Voice

ONLY_FOR_TRAINING = (
    "posterior_encoder.",
    "duration_predictor.post_",
    "duration_predictor.flows.1.",
)


class Block(nn.Module):
    """HiFi-GAN's second kind of residual block; transformers has only the first."""

    def __init__(self, channels: int, kernel: int, dilations: list[int], slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.convs = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2)
            for d in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = x + conv(F.leaky_relu(x, self.slope))
        return x


def build(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> VitsModel:
    """The voice in transformers' class; nothing is missing but what only training needs."""
    monkeypatch.setattr(modeling_vits, "HifiGanResidualBlock", Block)
    network = VitsModel(VitsConfig(**voice.config)).eval()
    for module in network.modules():
        if nn.utils.parametrize.is_parametrized(module):
            nn.utils.parametrize.remove_parametrizations(module, "weight")
    missing, unexpected = network.load_state_dict(voice.state, strict=False)
    assert unexpected == []
    assert [name for name in missing if not name.startswith(ONLY_FOR_TRAINING)] == []
    return network


def speak(network: VitsModel, ids: list[int], noise: float = 0.0) -> Tensor:
    """The waveform; without noise it is the same every time."""
    network.noise_scale, network.noise_scale_duration = noise, noise
    with torch.inference_mode():
        return network(torch.tensor([ids])).waveform[0]
