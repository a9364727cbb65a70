"""The regression MLP: learns a curve, speaks in the target's units, keeps the best or the last."""

import numpy as np
import torch
from numpy.random import default_rng

from dlbook.supervised_learning.mlp_regressor import average, fit_mlp
from dlbook.supervised_learning.splits import rmse

RNG = default_rng(0)
X = RNG.uniform(-2, 2, (600, 2))
Y = 500 + 100 * np.sin(2 * X[:, 0]) * X[:, 1] + RNG.normal(0, 5, 600)
TRAIN, VALID = (X[:400], Y[:400]), (X[400:], Y[400:])


def test_it_learns_a_curve_in_the_units_of_the_target():
    model, _ = fit_mlp(*TRAIN, hidden=[64, 64], epochs=60, seed=0, one_cycle=True)
    assert rmse(model(VALID[0]), VALID[1]) < 0.3 * VALID[1].std()


def test_seeds():
    first, again, other = (
        fit_mlp(*TRAIN, hidden=[8], epochs=2, seed=seed)[0](X) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_the_best_epoch_or_the_last_is_kept():
    setting = {"hidden": [32], "epochs": 11, "seed": 0, "lr": 0.03, "valid": VALID}
    best, history = fit_mlp(*TRAIN, **setting)
    last, same = fit_mlp(*TRAIN, **setting, early_stop=False)
    assert history.score == same.score
    assert history.best_score > history.score[-1]
    assert -rmse(best(VALID[0]), VALID[1]) == history.best_score
    assert -rmse(last(VALID[0]), VALID[1]) == history.score[-1]


def test_validation_rows_do_not_reach_training():
    with_valid, _ = fit_mlp(*TRAIN, hidden=[8], epochs=2, seed=0, valid=VALID, early_stop=False)
    without, _ = fit_mlp(*TRAIN, hidden=[8], epochs=2, seed=0)
    assert np.array_equal(with_valid(X), without(X))


def test_weight_decay_shrinks():
    sizes = []
    for decay in (0.0, 3.0):
        model, _ = fit_mlp(*TRAIN, hidden=[32], epochs=20, seed=0, weight_decay=decay)
        sizes.append(
            float(torch.cat([p.detach().flatten() for p in model.network.parameters()]).norm())
        )
    assert sizes[1] < 0.9 * sizes[0]


def test_the_average_is_the_mean_of_the_predictions():
    models = [fit_mlp(*TRAIN, hidden=[4], epochs=1, seed=seed)[0] for seed in range(3)]
    expected = sum(model(X) for model in models) / 3
    np.testing.assert_allclose(average(models, X), expected)
