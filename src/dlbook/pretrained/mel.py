"""The mel filter bank that Whisper and Resemblyzer were trained with."""

import numpy as np

_LINEAR = 200 / 3  # Hz per mel below 1 kHz
_KNEE = 15.0  # mel at 1 kHz, where the scale becomes logarithmic
_STEP = np.log(6.4) / 27


def mel_filters(bands: int, sample_rate: int = 16_000, fft: int = 400) -> np.ndarray:
    """(fft / 2 + 1, bands): triangles on Slaney's mel scale, 0 Hz to Nyquist, each of area 1."""
    top = _KNEE + np.log(sample_rate / 2 / 1000) / _STEP
    corners = _hertz(np.linspace(0, top, bands + 2))
    frequencies = np.linspace(0, sample_rate / 2, fft // 2 + 1)[:, None]
    rising = (frequencies - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - frequencies) / np.diff(corners)[1:]
    triangles = np.minimum(rising, falling).clip(min=0)
    return (triangles * 2 / (corners[2:] - corners[:-2])).astype(np.float32)


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < _KNEE, _LINEAR * mel, 1000 * np.exp(_STEP * (mel - _KNEE)))
