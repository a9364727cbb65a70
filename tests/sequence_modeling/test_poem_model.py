"""The checkpoint comes from this code: the start of its losses repeats, its score is as recorded."""

import pytest
import torch

from dlbook import datasets
from dlbook.sequence_modeling import poem_model
from dlbook.sequence_modeling.poem_corpus import CharacterVocabulary, bits_per_char
from dlbook.sequence_modeling.poem_model import PoemLSTM, load_poem_model, train_poem_model
from dlbook.sequence_modeling.recurrent import Recurrent


@pytest.fixture(scope="module")
def corpus():
    data = datasets.poems()
    vocabulary = CharacterVocabulary(data.vocabulary)
    return [[vocabulary.encode_poem(p) for p in part] for part in (data.train, data.valid)]


def test_the_checkpoint_reaches_the_bits_of_its_record(corpus) -> None:
    model, record = load_poem_model()
    assert bits_per_char(model, corpus[1]) == pytest.approx(record["valid_bits_per_char"], abs=1e-3)


def test_training_begins_as_recorded(corpus) -> None:
    _, record = load_poem_model()
    _, history = train_poem_model(
        *corpus, vocab=record["vocab"], seed=record["seed"], epochs=record["epochs"], stop_after=4
    )
    assert history.step_loss == pytest.approx(record["first_steps"][:4], abs=0.02)


def test_reading_in_pieces_equals_reading_at_once() -> None:
    torch.manual_seed(0)
    model = PoemLSTM(20, 8, 16).eval()
    x = torch.randint(20, (3, 10))
    first, state = model.step(x[:, :4], None)
    second, _ = model.step(x[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), model(x))


def test_our_layer_takes_the_weights() -> None:
    torch.manual_seed(0)
    model = PoemLSTM(20, 8, 16).eval()
    x = torch.randint(20, (3, 10))
    expected = model(x)
    ours = Recurrent("LSTM", 8, 16)
    ours.load_state_dict(model.lstm.state_dict())
    model.lstm = ours
    torch.testing.assert_close(model(x), expected, atol=1e-5, rtol=0)


def test_a_missing_checkpoint_says_how_to_make_it(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(poem_model, "CHECKPOINT", tmp_path / "gone.safetensors")
    with pytest.raises(FileNotFoundError, match=r"tools/make_rnn_checkpoints.py"):
        load_poem_model()
