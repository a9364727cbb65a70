"""The d-vector of a voice, by Resemblyzer's pretrained encoder (an LSTM), without its package's code."""

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import Tensor, nn

RATE = 16_000
WINDOW, HOP, BANDS = 400, 160, 40
PART, PART_STEP = 160, 80  # frames
LOUDNESS = 10 ** (-30 / 20)  # root mean square of the samples
LINEAR_HZ, LINEAR_MEL = 1_000.0, 15.0  # the scale is linear below, logarithmic above


def mel_edges(highest: float) -> np.ndarray:
    """Edges of the bands in Hz, equally wide on Slaney's mel scale."""
    step = np.log(6.4) / 27
    top = LINEAR_MEL + np.log(highest / LINEAR_HZ) / step
    mels = np.linspace(0, top, BANDS + 2)
    above = LINEAR_HZ * np.exp((mels - LINEAR_MEL) * step)
    return np.where(mels < LINEAR_MEL, mels * LINEAR_HZ / LINEAR_MEL, above)


def mel_filters() -> np.ndarray:
    """Triangles of equal area, [bands, frequencies]."""
    edges = mel_edges(RATE / 2)
    frequencies = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return np.clip(np.minimum(rising, falling), 0, None) * 2 / (high - low)


class VoiceEncoder(nn.Module):
    """Three LSTM layers and a linear one; 256 numbers, none negative, of length 1."""

    def __init__(self, wheel: Path) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)
        self.filters = mel_filters()
        with zipfile.ZipFile(wheel) as archive:
            content = io.BytesIO(archive.read("resemblyzer/pretrained.pt"))
        state = torch.load(content, map_location="cpu", weights_only=True)["model_state"]
        self.load_state_dict({k: v for k, v in state.items() if not k.startswith("similarity")})
        self.eval()

    def forward(self, mels: Tensor) -> Tensor:
        """[parts, 160, 40] to [parts, 256]."""
        _, (hidden, _) = self.lstm(mels)
        return nn.functional.normalize(self.linear(hidden[-1]).relu(), dim=1)

    @torch.inference_mode()
    def embed(self, samples: np.ndarray) -> np.ndarray:
        """The d-vector of a clip at 8 kHz; a short clip is said again until it is long enough."""
        sound = resample_poly(samples, 2, 1)
        sound = sound * LOUDNESS / np.sqrt(np.square(sound).mean())
        enough = HOP * (PART - 1) + WINDOW
        sound = np.tile(sound, -(-enough // len(sound)))
        frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
        window = np.hanning(WINDOW + 1)[:-1]
        mels = np.abs(np.fft.rfft(frames * window)) ** 2 @ self.filters.T
        starts = range(0, len(mels) - PART + 1, PART_STEP)
        parts = torch.tensor(np.stack([mels[start : start + PART] for start in starts]))
        mean = self(parts.float()).mean(0)
        return (mean / mean.norm()).numpy()
