"""The checkpoints come from this code: it repeats the start of their loss, and reaches their score."""

import pytest
import torch

from dlbook import datasets
from dlbook.supervised_learning.phoneme_training import load_conv, sentence_scores, train_conv
from dlbook.supervised_learning.speech_features import standardized_features


@pytest.fixture(scope="module")
def parts():
    data = datasets.phonemes()
    features = standardized_features(data)
    return [
        ([features[i] for i in part], [data.phones(i) for i in part])
        for part in (data.train.tolist(), data.valid.tolist())
    ]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_checkpoint_reaches_the_accuracy_of_its_record(seed: int, parts) -> None:
    model, record = load_conv(seed)
    scores = torch.cat(sentence_scores(model, parts[1][0]))
    accuracy = (scores.argmax(dim=-1) == torch.cat(parts[1][1])).double().mean().item()
    assert accuracy == pytest.approx(record["valid_accuracy"], abs=1e-3)
    assert record["seed"] == seed


def test_training_begins_as_recorded(parts) -> None:
    _, record = load_conv(0)
    _, history = train_conv(
        *parts, seed=0, channels=record["channels"], epochs=record["epochs"], stop_after=1
    )
    assert history.step_loss[:20] == pytest.approx(record["first_steps"][:20], abs=1e-3)
    assert history.epoch_loss[0] == pytest.approx(record["epoch_loss"][0], abs=0.02)


def test_a_seed_without_a_checkpoint_says_how_to_make_it() -> None:
    with pytest.raises(FileNotFoundError, match=r"tools/make_phoneme_checkpoints.py 7"):
        load_conv(7)
