"""The speaker set: files kept apart, voices that can be told, and trials that are fair."""

from collections import Counter

import pytest
import torch
from torch import Tensor

from dlbook import datasets
from dlbook.datasets import SPEECH_SOURCES


@pytest.fixture(scope="module")
def voices() -> datasets.Speakers:
    return datasets.speakers()


@pytest.fixture(scope="module")
def summaries(voices: datasets.Speakers) -> Tensor:
    """Mean and spread of each band over each file, standardised on the training files."""
    table = torch.stack([torch.cat([mel.mean(0), mel.std(0)]) for mel in voices.log_mels()])
    train = table[voices.train]
    return (table - train.mean(0)) / train.std(0)


def nearest_centroid(features: Tensor, labels: Tensor, voices: datasets.Speakers) -> float:
    """Accuracy on the test files."""
    train, test = voices.train, voices.test
    classes = labels.unique()
    centroids = torch.stack([features[train][labels[train] == c].mean(0) for c in classes])
    guesses = classes[torch.cdist(features[test], centroids).argmin(1)]
    return (guesses == labels[test]).float().mean().item()


def equal_error_rate(scores: Tensor, same: Tensor) -> float:
    thresholds = scores.sort().values[:, None]
    misses = (scores[same] < thresholds).float().mean(1)
    alarms = (scores[~same] >= thresholds).float().mean(1)
    best = (misses - alarms).abs().argmin()
    return ((misses[best] + alarms[best]) / 2).item()


def test_counts_and_types(voices: datasets.Speakers) -> None:
    assert len(voices.speaker_names) == len(set(voices.speaker_names)) == 40
    assert len(voices.language_names) == len(set(voices.language_names)) == 23
    assert len(voices.names) == len(voices.speakers) == len(voices.frames) == 2_898
    assert voices.codes.shape == (int(voices.frames.sum()), 40) == (156_548, 40)
    assert voices.codes.dtype == torch.uint8
    assert voices.sources.unique().tolist() == list(range(len(SPEECH_SOURCES)))


def test_codes_use_their_whole_range(voices: datasets.Speakers) -> None:
    assert (int(voices.codes.min()), int(voices.codes.max())) == (0, 255)
    assert len(voices.codes.unique()) > 250
    assert (voices.codes == 255).float().mean() < 0.001


def test_files_are_equally_loud_and_short(voices: datasets.Speakers) -> None:
    mels = voices.log_mels()
    levels = torch.tensor([(10 ** (mel / 10)).mean().item() for mel in mels])
    assert torch.allclose(levels, torch.ones(len(levels)), atol=0.02)  # 0 dB
    assert [len(mel) for mel in mels] == voices.frames.tolist()
    assert voices.frames.min() >= 20  # .3 seconds
    assert voices.frames.max() <= 188  # 3 seconds


def test_no_file_is_in_two_parts(voices: datasets.Speakers) -> None:
    parts = torch.cat([voices.train, voices.valid, voices.test])
    assert torch.equal(parts.sort().values, torch.arange(2_898))
    assert len(set(zip(voices.names, voices.sources.tolist(), strict=True))) == 2_898
    contents = {mel.numpy().tobytes() for mel in voices.log_mels()}
    assert len(contents) >= 2_890  # no recording twice, but for what sounds the same


def test_every_speaker_is_in_every_part_in_proportion(voices: datasets.Speakers) -> None:
    total = voices.speakers.bincount()
    assert (int(total.min()), int(total.max())) == (26, 100)
    for part, share in ((voices.train, 0.6), (voices.valid, 0.15), (voices.test, 0.25)):
        counts = voices.speakers[part].bincount(minlength=40)
        assert (counts >= 3).all()
        assert ((counts / total - share).abs() < 0.03).all()


def test_one_speaker_has_two_languages_and_27_share_theirs(voices: datasets.Speakers) -> None:
    bilingual = voices.speaker_names.index("asterisk-allison")
    assert voices.speaks.sum(0).tolist() == [2 if n == bilingual else 1 for n in range(40)]
    assert len(voices.speakers[voices.shared].unique()) == 27
    english = voices.speaks[voices.language_names.index("en")]
    assert [voices.speaker_names[n] for n in english.nonzero().flatten()] == [
        "asterisk-allison",
        "klettres-en",
        "klettres-en_GB",
        "ktuberling-en",
    ]


def test_trials_are_balanced_pairs_of_test_files(voices: datasets.Speakers) -> None:
    pairs = [tuple(sorted(pair)) for pair in voices.trials.tolist()]
    assert len(pairs) == len(set(pairs)) == 1_200
    assert all(one != two for one, two in pairs)
    assert set(voices.trials.flatten().tolist()) <= set(voices.test.tolist())
    assert voices.same_speaker.float().mean() == 0.5
    own = Counter(voices.speakers[voices.trials[voices.same_speaker, 0]].tolist())
    assert set(own.values()) == {15}
    different = ~voices.same_speaker
    assert int((different & voices.same_language).sum()) == 189
    assert int((voices.same_speaker & ~voices.same_language).sum()) > 0


def test_voices_can_be_told_but_not_by_their_source(
    voices: datasets.Speakers, summaries: Tensor
) -> None:
    by_voice = nearest_centroid(summaries, voices.speakers, voices)
    assert by_voice > 0.35  # chance: .025
    votes = [Counter(voices.speakers[voices.sources == s].tolist()) for s in range(4)]
    likeliest = torch.tensor([vote.most_common(1)[0][0] for vote in votes])
    guesses = likeliest[voices.sources[voices.test]]  # by someone who knows the source
    assert (guesses == voices.speakers[voices.test]).float().mean() < 0.15


def test_women_and_men_of_one_folder_differ_in_pitch(voices: datasets.Speakers) -> None:
    """The two lowest bands span 100 to 205 Hz, where only a low voice has its fundamental."""
    mels = voices.log_mels()

    def lowest(speaker: str) -> float:
        files = (voices.speakers == voices.speaker_names.index(speaker)).nonzero().flatten()
        return torch.cat([mels[file] for file in files.tolist()])[:, :2].mean().item()

    for folder in ("klettres-de", "ktuberling-ca", "ktuberling-da", "ktuberling-ru"):
        assert lowest(f"{folder}-man") > lowest(f"{folder}-woman") + 3


def test_dvectors_verify_speakers(voices: datasets.Speakers) -> None:
    assert torch.allclose(voices.dvectors.norm(dim=1), torch.ones(2_898))
    scores = (voices.dvectors[voices.trials[:, 0]] * voices.dvectors[voices.trials[:, 1]]).sum(1)
    assert 0.1 < equal_error_rate(scores, voices.same_speaker) < 0.22
    assert nearest_centroid(voices.dvectors, voices.speakers, voices) > 0.8
