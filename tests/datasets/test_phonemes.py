"""The phoneme frames: labels fit the audio, like sentences are in one part, and the sounds tell."""

import math
from collections import defaultdict

import pytest
import torch
from torch import Tensor

from dlbook import datasets
from dlbook.datasets import PHONE_CLASSES, PHONES
from dlbook.datasets.phonemes import decode_mulaw


@pytest.fixture(scope="module")
def speech() -> datasets.Phonemes:
    return datasets.phonemes()


@pytest.fixture(scope="module")
def bands(speech: datasets.Phonemes) -> list[Tensor]:
    """Log energy in 32 equal bands of every frame."""
    window = torch.hann_window(speech.WINDOW)
    return [
        (torch.fft.rfft(frames * window, 256).abs()[:, :128].square() + 1e-4)
        .unflatten(1, (32, 4))
        .mean(2)
        .log()
        for frames in (
            speech.waveform(utterance).unfold(0, speech.WINDOW, speech.HOP)
            for utterance in range(len(speech.names))
        )
    ]


def joined(values: list[Tensor], positions: Tensor) -> Tensor:
    return torch.cat([values[position] for position in positions.tolist()])


def phones_of(speech: datasets.Phonemes, positions: Tensor) -> Tensor:
    return torch.cat([speech.phones(position) for position in positions.tolist()])


def codes(phone_class: str) -> Tensor:
    return torch.tensor([PHONES.index(phone) for phone in PHONE_CLASSES[phone_class]])


def test_counts_and_types(speech: datasets.Phonemes) -> None:
    assert len(PHONES) == len(set(PHONES)) == 39
    assert len(speech.names) == len(set(speech.names)) == len(speech.transcripts) == 490
    assert len(speech.labels) == int(speech.frames.sum()) == 98_892
    assert speech.audio.dtype == torch.uint8
    assert speech.labels.unique().tolist() == list(range(39))


def test_every_frame_has_a_label_and_a_window(speech: datasets.Phonemes) -> None:
    for utterance in range(len(speech.names)):
        windows = speech.waveform(utterance).unfold(0, speech.WINDOW, speech.HOP)
        assert len(windows) == len(speech.phones(utterance)) == speech.frames[utterance]
    assert len(speech.audio) == int((80 * (speech.frames - 1) + 200).sum())


def test_mulaw_covers_minus_one_to_one_in_fine_steps_near_zero() -> None:
    levels = decode_mulaw(torch.arange(1, 256, dtype=torch.uint8))
    assert levels[[0, 127, 254]].tolist() == [-1, 0, 1]
    assert (levels.diff() > 0).all()
    assert levels[128] < 0.0002
    assert levels[-1] - levels[-2] > 0.04


def test_parts_are_apart_by_what_is_said(speech: datasets.Phonemes) -> None:
    parts = (speech.train, speech.valid, speech.test)
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(490))
    places = defaultdict(set)
    for number, positions in enumerate(parts):
        for position in positions.tolist():
            places[speech.transcripts[position]].add(number)
            places[int(speech.groups[position])].add(number)
    assert len(speech.groups.unique()) == 415
    assert all(len(numbers) == 1 for numbers in places.values())


def test_every_part_has_every_phone_and_its_share(speech: datasets.Phonemes) -> None:
    labels = [phones_of(speech, part) for part in (speech.train, speech.valid, speech.test)]
    shares = torch.tensor([len(part) for part in labels]) / len(speech.labels)
    assert torch.allclose(shares, torch.tensor([0.7, 0.15, 0.15]), atol=0.01)
    assert all(len(part.unique()) == 39 for part in labels)


def test_silence_is_the_majority_with_twelve_percent(speech: datasets.Phonemes) -> None:
    counts = speech.labels.bincount()
    assert PHONES[int(counts.argmax())] == "SIL"
    assert 0.11 < counts.max() / counts.sum() < 0.13


def test_phones_last_as_long_as_phones_do(speech: datasets.Phonemes) -> None:
    lengths = defaultdict(list)
    for utterance in range(len(speech.names)):
        runs, counts = speech.phones(utterance).unique_consecutive(return_counts=True)
        for phone, count in zip(runs.tolist(), counts.tolist(), strict=True):
            lengths[PHONES[phone]].append(count)
    means = {phone: sum(counts) / len(counts) for phone, counts in lengths.items()}
    speech_only = [count for phone, counts in lengths.items() if phone != "SIL" for count in counts]
    assert 8 < sum(speech_only) / len(speech_only) < 13  # 80–130 ms
    assert min(means.values()) >= 3
    assert means["AY"] > 1.5 * means["AH"]  # a diphthong outlasts a weak vowel


def test_the_words_of_a_transcript_are_in_its_labels(speech: datasets.Phonemes) -> None:
    utterance = speech.transcripts.index("goodbye")
    said = [PHONES[code] for code in speech.phones(utterance).unique_consecutive().tolist()]
    assert [phone for phone in said if phone != "SIL"] == ["G", "UH", "D", "B", "AY"]


def test_vowels_are_loud_and_hisses_are_high(
    speech: datasets.Phonemes, bands: list[Tensor]
) -> None:
    everything = torch.cat(bands)
    level = {
        name: everything[torch.isin(speech.labels, codes(name))].mean(0) for name in PHONE_CLASSES
    }
    assert level["母音"].mean() - level["靜音"].mean() > 10 * math.log(10) / 10  # over 10 dB
    hiss = everything[speech.labels == PHONES.index("S")].mean(0) - level["母音"]
    assert hiss[24:].mean() - hiss[:8].mean() > 10 * math.log(10) / 10
    assert level["鼻音"][:4].mean() > level["鼻音"][16:].mean()


def test_nearest_mean_beats_the_majority(speech: datasets.Phonemes, bands: list[Tensor]) -> None:
    train, answers = joined(bands, speech.train), phones_of(speech, speech.train)
    means = torch.stack([train[answers == phone].mean(0) for phone in range(39)])
    test, truth = joined(bands, speech.test), phones_of(speech, speech.test)
    accuracy = (torch.cdist(test, means).argmin(1) == truth).float().mean()
    assert accuracy > 2 * (truth == PHONES.index("SIL")).float().mean()
