"""Every stage of the features against SciPy, torch.stft and transformers.audio_utils."""

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.audio_utils import mel_filter_bank, spectrogram

from dlbook import datasets
from dlbook.supervised_learning import speech_features as sf

DATA = datasets.phonemes()
WAVE = DATA.waveform(7).double()


def test_power_is_scipys_stft() -> None:
    _, _, theirs = scipy.signal.stft(
        WAVE.numpy(), window="hann", nperseg=200, noverlap=120, nfft=256, detrend=False,
        boundary=None, padded=False,
    )  # fmt: skip
    amplitude = theirs.T * scipy.signal.get_window("hann", 200).sum()
    ours = sf.power_spectrogram(WAVE, 200, 80, 256).numpy()
    np.testing.assert_allclose(ours, np.abs(amplitude) ** 2, atol=1e-10)


def test_power_is_torchs_stft_forward_and_gradient() -> None:
    wave = WAVE[:4_000].clone().requires_grad_()
    window = torch.hann_window(256, dtype=torch.float64)
    stft = torch.stft(wave, 256, 80, window=window, center=False, return_complex=True)
    ours, theirs = sf.power_spectrogram(wave, 256, 80, 256), stft.abs().square().T
    torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)
    weight = torch.randn_like(ours)
    gradients = [torch.autograd.grad((y * weight).sum(), wave)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(("mels", "n_fft", "rate"), [(26, 256, 8_000), (80, 512, 16_000)])
def test_filters_are_transformers(mels: int, n_fft: int, rate: int) -> None:
    theirs = mel_filter_bank(
        n_fft // 2 + 1, mels, 0.0, rate / 2, rate, norm=None, mel_scale="htk", dtype=np.float64
    )
    np.testing.assert_allclose(sf.mel_filters(mels, n_fft, rate).numpy(), theirs, atol=1e-10)


def test_the_whole_chain_is_transformers_spectrogram() -> None:
    filters = sf.mel_filters(26, 256, 8_000)
    theirs = spectrogram(
        WAVE.numpy(), np.hanning(201)[:-1], 200, 80, fft_length=256, power=2.0, center=False,
        mel_filters=filters.numpy(), log_mel="log", mel_floor=1e-8, dtype=np.float64,
    )  # fmt: skip
    ours = sf.log_mel(sf.power_spectrogram(WAVE, 200, 80, 256), filters)
    # transformers keeps its frames in single precision for the FFT
    np.testing.assert_allclose(ours.numpy(), theirs.T, atol=2e-4)


@pytest.mark.parametrize("count", [1, 13, 26])
def test_dct_is_scipys(count: int) -> None:
    x = np.random.default_rng(0).normal(size=(5, 26))
    theirs = scipy.fft.dct(x, type=2, norm="ortho")[:, :count]
    np.testing.assert_allclose(x @ sf.dct_matrix(26, count).numpy(), theirs, atol=1e-12)


def test_dct_is_orthogonal() -> None:
    square = sf.dct_matrix(26, 26)
    torch.testing.assert_close(square.T @ square, torch.eye(26, dtype=torch.float64))


@given(st.floats(0, 20_000))
def test_mel_and_back(hz: float) -> None:
    assert sf.mel_to_hz(sf.hz_to_mel(torch.tensor(hz, dtype=torch.float64))).item() == (
        pytest.approx(hz, abs=1e-6)
    )


@pytest.mark.parametrize("radius", [1, 2, 4])
def test_deltas_are_savitzky_golays_slope(radius: int) -> None:
    x = np.random.default_rng(0).normal(size=(30, 3))
    theirs = scipy.signal.savgol_filter(x, 2 * radius + 1, 1, deriv=1, axis=0, mode="nearest")
    np.testing.assert_allclose(sf.deltas(torch.from_numpy(x), radius).numpy(), theirs, atol=1e-12)


def test_the_delta_of_a_straight_line_is_its_slope() -> None:
    line = 0.7 * torch.arange(20.0)[:, None]
    torch.testing.assert_close(sf.deltas(line)[2:-2], torch.full((16, 1), 0.7))


@given(st.integers(1, 12), st.integers(0, 6))
def test_context_holds_the_neighbours_and_repeats_the_edges(frames: int, radius: int) -> None:
    x = torch.arange(frames * 2.0).reshape(frames, 2)
    windows = sf.context_window(x, radius).reshape(frames, 2 * radius + 1, 2)
    for t in range(frames):
        for k in range(-radius, radius + 1):
            assert torch.equal(windows[t, k + radius], x[min(max(t + k, 0), frames - 1)])


def test_features_have_a_row_for_every_label() -> None:
    features = sf.utterance_features(DATA)
    assert [f.shape for f in features] == [(n, 39) for n in DATA.frames.tolist()]
    assert all(f.isfinite().all() for f in features)


def test_the_training_part_alone_is_standardized() -> None:
    features = sf.standardized_features(DATA)
    train = torch.cat([features[i] for i in DATA.train.tolist()])
    torch.testing.assert_close(train.mean(dim=0), torch.zeros(39), atol=1e-4, rtol=0)
    torch.testing.assert_close(train.std(dim=0), torch.ones(39), atol=1e-4, rtol=0)
    everything = torch.cat(features)
    assert everything.mean(dim=0).abs().max() > 1e-3


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="只有 100 點，不到一個窗（200 點）"):
        sf.power_spectrogram(torch.zeros(100), 200, 80, 256)
    with pytest.raises(ValueError, match=r"至少和窗一樣長（200），現在是 128"):
        sf.power_spectrogram(torch.zeros(400), 200, 80, 128)
