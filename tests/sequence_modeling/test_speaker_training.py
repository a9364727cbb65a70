"""Training, judging, and the checkpoints and the record made beforehand."""

import json

import pytest
import torch

from dlbook import datasets
from dlbook.sequence_modeling import speaker_study, speaker_training
from dlbook.sequence_modeling.speaker_data import speaker_features
from dlbook.sequence_modeling.speaker_training import (
    CHECKPOINTS,
    RUNGS,
    dvector_scores,
    judge,
    judge_model,
    language_controlled,
    language_scores,
    load_speaker,
    train_speaker,
)


@pytest.fixture(scope="module")
def data():
    return datasets.speakers()


@pytest.fixture(scope="module")
def files(data):
    return speaker_features(data)


def test_a_perfect_and_a_constant_answer(data):
    perfect = torch.nn.functional.one_hot(data.speakers, 40).float()
    result = judge(data, perfect, perfect)
    assert vars(result) == {"accuracy": 1, "shared": 1, "eer": 0, "same_language_eer": 0}
    constant = judge(data, torch.zeros(len(data.speakers), 40), torch.ones(len(data.speakers), 8))
    assert constant.eer == pytest.approx(0.5)


def test_who_knows_the_language_only(data):
    scores = language_scores(data)
    right = scores[data.test].argmax(1) == data.speakers[data.test]
    assert float(right.double().mean()) == pytest.approx(0.622, abs=0.001)
    shared = language_controlled(data, scores)
    assert len(shared) == int(data.shared[data.test].sum())
    assert 0.3 < float(shared.double().mean()) < 0.62


def test_candidates_speak_the_language(data):
    everyone_elses = 1.0 - data.speaks[data.languages].float()  # highest for who can't be
    answers = language_controlled(data, everyone_elses)
    assert answers.any()  # they were masked away, so the first candidate is sometimes right


def test_dvectors_need_no_training(data):
    right = dvector_scores(data)[data.test].argmax(1) == data.speakers[data.test]
    assert 0.5 < float(right.double().mean()) < 1


@pytest.mark.parametrize("name", ["encoder", "am"])
def test_checkpoints_do_what_their_records_say(name, data, files):
    model, record = load_speaker(name)
    for key, value in judge_model(model, files, data).to_dict().items():
        assert value == pytest.approx(record["test"][key], abs=0.003)


@pytest.mark.parametrize("name", ["encoder", "am"])
def test_the_start_of_the_training_is_reproduced(name, data, files, monkeypatch):
    record = json.loads((CHECKPOINTS / f"attention_mechanism-{name}.json").read_text("utf-8"))
    monkeypatch.setattr(speaker_training, "fit", first_steps)
    _, losses = train_speaker(files, data, record["rung"], seed=record["seed"])
    assert losses == pytest.approx(record["step_losses"][:5], rel=1e-3)


def first_steps(model, loader, loss_fn, optimizer, *, scheduler, clip, **_):
    """What ``fit`` does, five steps long."""
    losses = []
    model.train()
    for (x, y), _step in zip(loader, range(5), strict=False):
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


def test_a_missing_checkpoint_says_how_to_make_it():
    with pytest.raises(FileNotFoundError, match=r"make_speaker_checkpoints\.py nobody"):
        load_speaker("nobody")


def test_the_record_is_complete():
    runs = speaker_study.load_study()["runs"]
    assert sorted(runs) == ["0", "1", "2"]
    for run in runs.values():
        assert set(run) == set(RUNGS)
        for result in run.values():
            assert len(result["losses"]) == 20
            assert result["losses"][-1] < result["losses"][0]


def test_the_record_and_the_checkpoint_are_of_one_code():
    record = json.loads((CHECKPOINTS / "attention_mechanism-encoder.json").read_text("utf-8"))
    study = speaker_study.load_study()["runs"]["0"][record["rung"]]
    assert study["losses"] == pytest.approx(record["epoch_losses"], rel=0.02, abs=0.002)
