"""`fit` is the plain loop, plus what its options say, and resumes as if it had never stopped."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from dlbook.training import History, TrainingState, fit

LOSS = nn.functional.cross_entropy


def problem(
    seed: int = 0, dropout: float = 0.3
) -> tuple[nn.Module, DataLoader, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    x = torch.randn(48, 5)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 2)
    )
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    return model, loader, torch.optim.AdamW(model.parameters(), lr=0.01)


def weights(model: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in model.state_dict().values()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0, 0.9), st.none() | st.floats(0.01, 2), st.integers(1, 3))
def test_losses_and_weights_are_those_of_a_handwritten_loop(seed, dropout, clip, epochs) -> None:
    model, loader, optimizer = problem(seed, dropout)
    history = fit(model, loader, LOSS, optimizer, epochs=epochs, clip=clip, progress=False)

    plain, loader, optimizer = problem(seed, dropout)
    losses = []
    for _ in range(epochs):
        plain.train()
        for x, y in loader:
            loss = LOSS(plain(x), y)
            optimizer.zero_grad()
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(plain.parameters(), clip)
            optimizer.step()
            losses.append(loss.item())
    assert history.step_loss == losses
    assert history.epoch_loss == [sum(losses[3 * i : 3 * i + 3]) / 3 for i in range(epochs)]
    assert same(weights(model), weights(plain))
    assert not model.training


def options(optimizer: torch.optim.Optimizer, scores: list[float]) -> dict:
    """Everything at once; the scores are given, so that the best epoch is known."""
    remaining = iter(scores)
    return {
        "evaluate": lambda model: next(remaining) + 0 * torch.rand(()).item(),
        "scheduler": torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=30),
        "clip": 0.5,
        "ema": 0.9,
        "patience": 3,
        "progress": False,
    }


@pytest.mark.parametrize("stop", [1, 2, 4, 6])
def test_a_resumed_training_is_bit_for_bit_the_uninterrupted_one(tmp_path: Path, stop: int) -> None:
    scores = [0.1, 0.5, 0.3, 0.2, 0.7, 0.4, 0.6, 0.1, 0.1, 0.1]
    model, loader, optimizer = problem()
    whole = fit(model, loader, LOSS, optimizer, epochs=10, **options(optimizer, scores))

    file = tmp_path / "not yet there" / "state.pt"
    first, loader, optimizer = problem()
    fit(first, loader, LOSS, optimizer, epochs=stop, checkpoint=file, **options(optimizer, scores))
    second, loader, optimizer = problem(seed=9)  # other weights and another random state
    second_loader, _ = loader, torch.rand(7)
    second_loader.dataset.tensors = problem()[1].dataset.tensors
    rest = options(optimizer, scores[stop:])
    resumed = fit(second, second_loader, LOSS, optimizer, epochs=10, checkpoint=file, **rest)

    assert len(whole.epoch_loss) == 8  # three epochs without progress after the fifth
    for name in ("step_loss", "epoch_loss", "score", "best_epoch"):
        assert getattr(resumed, name) == getattr(whole, name)
    assert same(weights(second), weights(model))


def test_a_finished_training_is_not_trained_further_by_resuming(tmp_path: Path) -> None:
    model, loader, optimizer = problem()
    common = {"epochs": 2, "checkpoint": tmp_path / "state.pt", "progress": False}
    first = fit(model, loader, LOSS, optimizer, **common)
    before = weights(model)
    again = fit(model, loader, LOSS, optimizer, **common)
    assert again == first
    assert same(weights(model), before)


KILLED_WHILE_SAVING = """
import os, sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_training import LOSS, fit, problem
model, loader, optimizer = problem()
path = Path(sys.argv[1])
fit(model, loader, LOSS, optimizer, epochs=1, checkpoint=path, progress=False)
save = torch.save
def half(content, file):
    save(content, file)
    os.truncate(file, os.path.getsize(file) // 2)
    os.kill(os.getpid(), 9)
torch.save = half
fit(model, loader, LOSS, optimizer, epochs=2, checkpoint=path, progress=False)
"""


def test_being_killed_while_saving_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "state.pt"
    command = [sys.executable, "-c", KILLED_WHILE_SAVING, str(file), str(Path(__file__).parent)]
    assert subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode == -9
    model, loader, optimizer = problem()
    state = TrainingState(model, optimizer)
    state.load(file)
    assert len(state.history.epoch_loss) == 1
    fit(model, loader, LOSS, optimizer, epochs=3, checkpoint=file, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


@settings(max_examples=20)
@given(st.lists(st.floats(-1, 1) | st.just(math.nan), min_size=1, max_size=5))
def test_the_model_ends_with_the_weights_of_its_best_epoch(scores: list[float]) -> None:
    model, loader, optimizer = problem()
    seen, given_scores = [], iter(scores)

    def evaluate(model: nn.Module) -> float:
        seen.append(weights(model))
        assert not model.training
        assert not torch.is_grad_enabled()
        return next(given_scores)

    epochs = len(scores)
    history = fit(model, loader, LOSS, optimizer, epochs=epochs, evaluate=evaluate, progress=False)
    finite = [score for score in scores if not math.isnan(score)]
    best = scores.index(max(finite)) if finite else -1
    assert history.best_epoch == best
    assert history.best_score == (max(finite) if finite else -math.inf)
    assert same(weights(model), seen[best])


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (3, 7), (None, 7)])
def test_patience_counts_epochs_without_progress(patience: int | None, epochs: int) -> None:
    scores = iter([0.1, 0.9, 0.5, 0.5, 0.95, 0.1, 0.1])
    model, loader, optimizer = problem()
    evaluate = lambda model: next(scores)  # noqa: E731
    history = fit(
        model,
        loader,
        LOSS,
        optimizer,
        epochs=7,
        evaluate=evaluate,
        patience=patience,
        progress=False,
    )
    assert len(history.epoch_loss) == epochs


def test_the_scheduler_moves_once_a_step() -> None:
    model, loader, optimizer = problem()
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
    fit(model, loader, LOSS, optimizer, epochs=2, scheduler=scheduler, progress=False)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * 0.5**6)


def test_ema_is_the_moving_average_of_the_weights_after_each_step() -> None:
    model, loader, optimizer = problem()
    path = []
    record = optimizer.step

    def step(*args, **kwargs):
        record(*args, **kwargs)
        path.append(model[0].weight.detach().clone())

    optimizer.step = step
    fit(model, loader, LOSS, optimizer, epochs=2, ema=0.8, progress=False)
    average = path[0]
    for weight in path[1:]:
        average = 0.8 * average + 0.2 * weight
    torch.testing.assert_close(model[0].weight.detach(), average)
    assert not torch.equal(average, path[-1])


def test_a_loss_that_is_not_finite_stops_with_advice_before_it_reaches_the_weights() -> None:
    model, loader, optimizer = problem()
    before = weights(model[0])
    with pytest.raises(FloatingPointError, match=r"第 1 個 epoch 的損失變成 nan.*較小的學習率"):
        fit(model, loader, lambda *_: torch.tensor(math.nan), optimizer, epochs=1, progress=False)
    assert same(weights(model[0]), before)


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32_weights() -> None:
    model, loader, optimizer = problem()
    seen = set()
    model[0].register_forward_hook(lambda module, inputs, output: seen.add(output.dtype))
    history = fit(model, loader, LOSS, optimizer, epochs=3, amp=True, progress=False)
    assert seen == {torch.bfloat16}
    assert model[0].weight.dtype == torch.float32
    assert history.epoch_loss[-1] < history.epoch_loss[0]


def test_patience_without_a_score_is_refused() -> None:
    model, loader, optimizer = problem()
    with pytest.raises(ValueError, match="給了 patience，也要給 evaluate"):
        fit(model, loader, LOSS, optimizer, epochs=1, patience=2, progress=False)


def test_a_loader_that_runs_dry_is_named() -> None:
    model, loader, optimizer = problem()
    once = iter(list(loader))
    with pytest.raises(ValueError, match="loader 沒有產生任何資料"):
        fit(model, once, LOSS, optimizer, epochs=2, progress=False)


def test_a_history_that_was_never_evaluated_has_no_best() -> None:
    assert History().best_score == -math.inf
