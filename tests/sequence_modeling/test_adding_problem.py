"""The adding problem is what it says; a short sequence can be learned."""

import pytest
import torch

from dlbook.sequence_modeling.adding_problem import (
    AddingLoader,
    adding_batch,
    train_adding,
)


def test_one_mark_in_each_half_and_their_sum() -> None:
    x, y = adding_batch(200, 11, torch.Generator().manual_seed(0))
    marks = x[..., 1]
    assert x.shape == (200, 11, 2)
    assert (marks[:, :5].sum(dim=1) == 1).all()
    assert (marks[:, 5:].sum(dim=1) == 1).all()
    torch.testing.assert_close(y, x.prod(dim=2).sum(dim=1))
    assert set(marks.argmax(dim=1).tolist()) == set(range(5))


def test_guessing_one_costs_a_sixth() -> None:
    _, y = adding_batch(100_000, 4, torch.Generator().manual_seed(0))
    assert (y - 1).square().mean().item() == pytest.approx(1 / 6, abs=2e-3)


def test_every_batch_is_new() -> None:
    torch.manual_seed(0)
    first, second = list(AddingLoader(6, 3, 2))
    assert not torch.equal(first[0], second[0])


def test_training_learns_a_short_one_and_repeats_itself() -> None:
    runs = [train_adding("GRU", 6, seed=0, steps=300, hidden=16, every=100) for _ in range(2)]
    assert runs[0][1].score == runs[1][1].score
    assert -runs[0][1].best_score < 0.05
