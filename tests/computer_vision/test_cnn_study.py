"""The record and the checkpoints are what the code gives: it repeats how they began and what they reach."""

import numpy as np
import pytest

from dlbook.computer_vision import cnn_study as study
from dlbook.computer_vision.cnn_models import lenet
from dlbook.computer_vision.fashion import accuracy, class_scores, fashion_data
from dlbook.computer_vision.semi_supervised import train_semi

NAMES = {
    "architectures": study.ARCHITECTURES,
    "augmentations": study.AUGMENTATIONS,
    "digits": study.RUNGS,
    "clothes": study.RUNGS,
}


@pytest.fixture(scope="module")
def data():
    return fashion_data()


def test_three_seeds_of_every_part_and_the_command() -> None:
    record = study.load_study()
    assert study.__name__ in record["command"]
    for part in study.PARTS:
        seeds = ["1", "2"] if part == "fashion" else ["0", "1", "2"]  # 0 is the checkpoint
        assert list(record[part]) == seeds, part
        for run in record[part].values():
            assert run["seconds"] > 0
            assert part == "fashion" or list(run["results"]) == list(NAMES[part])


@pytest.mark.parametrize("name", list(study.PRETRAINED))
def test_a_checkpoint_reaches_its_score_and_training_begins_as_recorded(name: str) -> None:
    model, record = study.load_pretrained(name)
    loaded = study.PRETRAINED[name][1]()
    score = accuracy(class_scores(model, loaded.valid_x), loaded.valid_y)
    assert score == pytest.approx(record["valid"], abs=1e-3)
    _, history = study.train_pretrained(name, record["seed"], only=20)
    assert history.step_loss == pytest.approx(record["first_steps"], abs=5e-3)
    assert record["command"] == f"python tools/make_cnn_checkpoints.py {name}"


@pytest.mark.parametrize("rung", list(study.RUNGS))
@pytest.mark.parametrize("part", list(study.LADDERS))
def test_a_rung_begins_as_recorded(part: str, rung: str) -> None:
    load, weak = study.LADDERS[part]
    labelled, unlabelled = study.few_labels(load(), 1)
    _, history = train_semi(
        lenet, labelled, unlabelled, **study.RUNGS[rung], weak=weak, seed=1, stop_after=10
    )
    recorded = study.load_study()[part]["1"]["results"][rung]["first_losses"]
    assert history.loss == pytest.approx(recorded[:10], abs=0.02)


def test_the_same_labels_for_every_rung_and_other_ones_for_another_seed(data) -> None:
    (first, y), (rest, _) = study.few_labels(data, 0)
    assert y.bincount().tolist() == [study.PER_CLASS] * 10
    assert len(first) + len(rest) == len(data.train_x)
    assert not np.array_equal(first.numpy(), study.few_labels(data, 1)[0][0].numpy())


def test_small_studies_give_every_name(data) -> None:
    architectures = study.compare_architectures(data, 0, count=256, epochs=1)
    assert list(architectures) == list(study.ARCHITECTURES)
    augmentations = study.compare_augmentations(data, 0, count=128, epochs=1)
    assert list(augmentations) == list(study.AUGMENTATIONS)
    assert all(0 <= r["valid"] <= 1 for r in (*architectures.values(), *augmentations.values()))


def test_a_missing_checkpoint_says_how_to_make_it(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(study, "CHECKPOINTS", tmp_path)
    with pytest.raises(FileNotFoundError, match="make_cnn_checkpoints"):
        study.load_pretrained("digits")
