"""The unlabelled loss: who counts, what carries a gradient, and that answers never enter it."""

import pytest
import torch
from torch.nn import functional as F

from dlbook.computer_vision.cnn_models import lenet
from dlbook.computer_vision.semi_supervised import (
    choose_labelled,
    confident_guesses,
    consistency_loss,
    draw,
    train_semi,
)


def test_choice_is_balanced_disjoint_and_complete() -> None:
    y = torch.arange(10).repeat(30)
    labelled, unlabelled = choose_labelled(y, 4, seed=1)
    assert y[labelled].bincount().tolist() == [4] * 10
    assert sorted([*labelled.tolist(), *unlabelled.tolist()]) == list(range(300))


def test_only_confident_guesses_count_and_the_mean_is_over_all() -> None:
    scores = torch.tensor([[4.0, 0.0], [0.1, 0.0], [0.0, 5.0]], requires_grad=True)
    guess, sure = confident_guesses(scores, 0.9)
    assert guess.tolist() == [0, 0, 1]
    assert sure.tolist() == [True, False, True]
    loss = consistency_loss(scores, guess, sure)
    expected = (F.cross_entropy(scores[[0, 2]], guess[[0, 2]], reduction="sum")) / 3
    torch.testing.assert_close(loss, expected)
    (grad,) = torch.autograd.grad(loss, scores)
    assert grad[1].abs().sum() == 0


@pytest.mark.parametrize("method", ["pseudo", "fixmatch"])
def test_hidden_answers_never_enter_the_loss(method: str) -> None:
    torch.manual_seed(0)
    x, y = torch.rand(40, 1, 28, 28), torch.arange(10).repeat(4)
    losses = []
    for answers in (y, (y + 3) % 10):
        _, history = train_semi(
            lenet, (x[:20], y[:20]), (x[20:], answers[20:]),
            seed=0, steps=6, method=method, threshold=0.1, batch_size=8, stop_after=5,
        )  # fmt: skip
        losses.append(history.loss)
    assert losses[0] == losses[1]
    assert len(losses[0]) == 5


def test_history_and_an_unknown_method() -> None:
    x, y = torch.rand(20, 1, 28, 28), torch.arange(10).repeat(2)
    model, history = train_semi(
        lenet, (x, y), (x, y), seed=0, steps=4, method="fixmatch", every=2,
        evaluate=lambda m: float(m.training), batch_size=8,
    )  # fmt: skip
    assert history.steps == [2, 4]
    assert history.score == [0, 0]
    assert not model.training
    with pytest.raises(ValueError, match="fixmatch"):
        train_semi(lenet, (x, y), (x, y), seed=0, steps=1, method="mixmatch")


def test_draw_pairs_x_with_its_y() -> None:
    x = torch.arange(50.0)
    a, b = draw(x, x.long(), 20)
    assert torch.equal(a.long(), b)
