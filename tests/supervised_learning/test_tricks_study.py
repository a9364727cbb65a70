"""The recorded study is what its code gives: the small copy again, and one of its long trainings."""

import pytest

from dlbook.supervised_learning import tricks_study as study
from dlbook.supervised_learning.digit_mlp import digit_data

RECORD = study.load_study()
SETTINGS = study.variants()


def test_three_seeds_of_every_variant_and_the_command() -> None:
    assert list(RECORD["runs"]) == ["0", "1", "2"]
    for run in RECORD["runs"].values():
        assert list(run["errors"]) == list(run["small"]) == list(SETTINGS)
        assert run["seconds"] > 0
    assert study.__name__ in RECORD["command"]


def test_what_is_removed_is_one_of_the_tricks_of_everything() -> None:
    for name, changes in study.REMOVED.items():
        assert set(changes) <= set(study.EVERYTHING), name
        assert all(study.EVERYTHING[key] != value for key, value in changes.items())
    removed = {key for changes in study.REMOVED.values() for key in changes}
    assert removed == set(study.EVERYTHING)


def test_the_small_study_again() -> None:
    again = study.validation_errors(digit_data(), SETTINGS, 1, count=2_000, epochs=2)
    for name, error in RECORD["runs"]["1"]["small"].items():
        assert again[name] == pytest.approx(error, abs=0.01), name


def test_a_long_training_again() -> None:
    setting = {"加：批次 512": SETTINGS["加：批次 512"]}
    again = study.validation_errors(digit_data(), setting, 0, count=55_000, epochs=study.EPOCHS)
    recorded = RECORD["runs"]["0"]["errors"]["加：批次 512"]
    assert again["加：批次 512"] == pytest.approx(recorded, abs=0.004)
