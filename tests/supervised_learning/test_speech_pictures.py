"""The pictures show what they are given."""

import matplotlib.pyplot as plt
import pytest
import torch

from dlbook import datasets, plotting
from dlbook.supervised_learning import speech_pictures as pictures
from dlbook.supervised_learning.calibration import reliability
from dlbook.supervised_learning.speech_features import mel_filters, power_spectrogram

DATA = datasets.phonemes()


@pytest.fixture(autouse=True)
def style():
    plotting.use_style()
    yield
    plt.close("all")


def test_every_segment_is_drawn_and_wrong_frames_are_marked() -> None:
    truth = DATA.phones(0)
    wrong = truth.clone()
    wrong[:3] = (wrong[:3] + 1) % 39
    power = power_spectrogram(DATA.waveform(0), 200, 80, 256)
    strips = {"答案": truth, "模型": wrong}
    figure = pictures.utterance_picture(DATA, 0, power, strips, title="一句")
    *_, first, second = figure.axes
    assert len(first.patches) == len(torch.unique_consecutive(truth))
    assert (len(first.lines), len(second.lines)) == (0, 3)


def test_windows_and_filters() -> None:
    assert len(pictures.framing_picture(DATA.waveform(0), 200, 80, 8_000).axes[0].lines) == 5
    assert len(pictures.filters_picture(mel_filters(26, 256, 8_000), 8_000).axes[0].lines) == 26


def test_a_panel_for_every_model() -> None:
    panel = reliability(torch.randn(50, 3).log_softmax(dim=1), torch.randint(3, (50,)))
    figure = pictures.reliability_picture({"甲": panel, "乙": panel}, {"甲": 0.1, "乙": 0.2})
    assert [ax.get_title() for ax in figure.axes] == ["甲\nECE 0.100", "乙\nECE 0.200"]


def test_the_trellis_has_a_row_for_every_phone_on_a_path() -> None:
    log_p = torch.randn(6, 39).log_softmax(dim=1)
    paths = {"甲": torch.tensor([0, 0, 1, 1, 5, 5]), "乙": torch.tensor([0] * 6)}
    ax = pictures.trellis_picture(log_p, paths, title="路").axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [datasets.PHONES[k] for k in (0, 1, 5)]
    assert len(ax.lines) == 2


def test_the_ladder_has_two_bars_a_rung() -> None:
    figure = pictures.ladder_picture({"一": [0.1, 0.3]}, {"一": [0.4, 0.6]}, title="階梯")
    assert [bar.get_width() for bar in figure.axes[0].patches] == pytest.approx([20, 50])
