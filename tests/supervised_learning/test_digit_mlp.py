"""The data are split and scaled as said; every trick of the training function does what it says."""

import pytest
import torch
from torch import nn

from dlbook.foundations.loaders import TensorLoader
from dlbook.supervised_learning import digit_mlp as dm
from dlbook.supervised_learning.muon import Muon
from dlbook.supervised_learning.normalization import BatchNorm, LayerNorm


@pytest.fixture(scope="module")
def data() -> dm.DigitData:
    return dm.digit_data()


def parameters(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_only_the_training_images_are_standardised_to_zero_and_one(data: dm.DigitData) -> None:
    assert [len(x) for x in (data.train_x, data.valid_x, data.test_x)] == [55_000, 5_000, 10_000]
    assert data.train_x.mean().item() == pytest.approx(0, abs=1e-4)
    assert data.train_x.std().item() == pytest.approx(1, abs=1e-4)
    assert abs(data.test_x.mean().item()) > 1e-3
    assert data.train_x.min() == data.valid_x.min() == data.test_x.min()


def test_the_network_has_what_was_asked_for() -> None:
    model = dm.digit_mlp(20, BatchNorm, 0.3, nn.GELU, depth=3)
    kinds = [type(layer).__name__ for layer in model]
    assert kinds == ["Linear", "BatchNorm", "GELU", "Dropout"] * 3 + ["Linear"]
    assert model(torch.zeros(4, 784)).shape == (4, 10)
    assert [type(layer).__name__ for layer in dm.digit_mlp(20)] == ["Linear", "ReLU"] * 2 + [
        "Linear"
    ]


def test_the_loader_shifts_and_mixes_only_when_asked(data: dm.DigitData) -> None:
    x, y = data.train_x[:64], data.train_y[:64]
    plain = TensorLoader(x, y, 64, shuffle=False)
    ((images, target),) = dm.AugmentedLoader(plain)
    assert torch.equal(images, x)
    assert torch.equal(target.argmax(1), y)
    ((shifted, _),) = dm.AugmentedLoader(plain, most=1)
    assert not torch.equal(shifted, x)
    torch.testing.assert_close(shifted.sum(1), x.sum(1), atol=1.0, rtol=0.05)
    ((_, mixed),) = dm.AugmentedLoader(plain, alpha=0.5)
    assert (mixed.max(1).values < 1).any()


@pytest.mark.parametrize(
    "changes",
    [
        {"norm": "batch"},
        {"norm": "layer"},
        {"dropout": 0.2},
        {"activation": nn.GELU},
        {"optimizer": "sgd", "lr": 0.05},
        {"optimizer": "muon", "lr": 0.02},
        {"weight_decay": 0.1},
        {"batch_size": 50},
        {"schedule": True},
        {"smoothing": 0.1},
        {"mixup_alpha": 0.2},
        {"most_shift": 1},
        {"clip": 0.1},
        {"ema": 0.9},
        {"swa": 2},
        {"swa": 2, "norm": "batch"},
    ],
    ids=str,
)
def test_every_trick_changes_the_result_learns_and_repeats(data: dm.DigitData, changes) -> None:
    x, y = data.train_x[:600], data.train_y[:600]
    settings = {"epochs": 3, "width": 32} | changes
    first, again = (dm.train_digits(0, x, y, **settings) for _ in range(2))
    plain = dm.train_digits(0, x, y, epochs=3, width=32)
    assert torch.equal(parameters(first), parameters(again))
    assert len(parameters(first)) != len(parameters(plain)) or not torch.equal(
        parameters(first), parameters(plain)
    )
    assert not any(module.training for module in first.modules())
    assert dm.error_rate(first, data.valid_x, data.valid_y) < 0.7


def test_muon_gets_the_hidden_matrices_only() -> None:
    model = dm.digit_mlp(20, LayerNorm)
    optimizer = dm.make_optimizer(model, "muon", 0.02, 0.0)
    assert isinstance(optimizer, Muon)
    matrices, others = optimizer.param_groups
    assert [tuple(p.shape) for p in matrices["params"]] == [(20, 784), (20, 20)]
    assert len(others["params"]) == 8
    with pytest.raises(ValueError, match="adamw、sgd 或 muon"):
        dm.make_optimizer(model, "lion", 0.02, 0.0)
