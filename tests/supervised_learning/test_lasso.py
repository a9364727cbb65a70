"""The lasso equals scikit-learn's, obeys its optimality conditions, and starts warm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng
from sklearn.linear_model import Lasso

from dlbook.supervised_learning.lasso import (
    coordinate_descent,
    largest_alpha,
    lasso_path,
    soft_threshold,
)


def problem(seed: int = 0, rows: int = 120, features: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = default_rng(seed)
    x = rng.normal(size=(rows, features))
    x[:, 1] = x[:, 0] + 0.3 * x[:, 1]  # two that are alike
    return x, x[:, :4] @ [3, -2, 1, 0.5] + rng.normal(size=rows) + 7


@given(st.floats(-10, 10), st.floats(0, 10))
def test_soft_threshold_minimises(z, t):
    w = soft_threshold(z, t)
    near = w + np.linspace(-1, 1, 201)
    costs = (near - z) ** 2 / 2 + t * np.abs(near)
    assert (w - z) ** 2 / 2 + t * abs(w) <= costs.min() + 1e-12


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5, 2.0])
def test_equals_scikit_learn(alpha):
    x, y = problem()
    (ours,), _ = lasso_path(x, y, [alpha], tolerance=1e-12)
    theirs = Lasso(alpha=alpha, tol=1e-14, max_iter=200_000).fit(x, y)
    np.testing.assert_allclose(ours.weights, theirs.coef_, atol=1e-9)
    assert ours.intercept == pytest.approx(theirs.intercept_, abs=1e-9)
    assert np.array_equal(ours.weights == 0, theirs.coef_ == 0)


@given(st.integers(0, 1000), st.floats(0.01, 2.0))
@settings(max_examples=40, deadline=None)
def test_optimality(seed, alpha):
    """Zero weights: |Xᵀr/N| ≤ alpha; the others: Xᵀr/N = alpha · sign(w)."""
    x, y = problem(seed, rows=60, features=8)
    (model,), _ = lasso_path(x, y, [alpha], tolerance=1e-12)
    slope = x.T @ (y - model(x)) / len(x)
    on = model.weights != 0
    np.testing.assert_allclose(slope[on], alpha * np.sign(model.weights[on]), atol=1e-7)
    assert (np.abs(slope[~on]) <= alpha + 1e-7).all()


def test_every_sweep_lowers_the_objective():
    x, y = problem()
    x, y = x - x.mean(0), y - y.mean()
    gram, correlation = x.T @ x / len(x), x.T @ y / len(x)

    def objective(w):
        return w @ gram @ w / 2 - correlation @ w + 0.1 * np.abs(w).sum()

    w, values = np.zeros(12), [0.0]
    for _ in range(15):
        w, _ = coordinate_descent(gram, correlation, 0.1, w, tolerance=np.inf)
        values.append(objective(w))
    assert np.diff(values).max() < 1e-12
    assert values[-1] < -1


def test_above_the_largest_alpha_nothing_is_left():
    x, y = problem()
    top = largest_alpha(x, y)
    models, _ = lasso_path(x, y, [top * 1.001, top * 0.95])
    assert not models[0].weights.any()
    assert models[0].intercept == pytest.approx(y.mean())
    assert np.count_nonzero(models[1].weights) == 1


def test_warm_start_gives_the_same_answers_in_fewer_sweeps():
    x, y = problem()
    alphas = largest_alpha(x, y) * np.logspace(0, -3, 30)
    warm, few = lasso_path(x, y, alphas, tolerance=1e-10)
    cold, many = lasso_path(x, y, alphas, warm=False, tolerance=1e-10)
    assert sum(few) < sum(many)
    for a, b in zip(warm, cold, strict=True):
        np.testing.assert_allclose(a.weights, b.weights, atol=1e-8)


def test_a_constant_column_gets_nothing():
    x, y = problem()
    x[:, 5] = 4.0
    (model,), _ = lasso_path(x, y, [0.01])
    assert model.weights[5] == 0


def test_it_says_when_it_does_not_converge():
    gram = np.array([[1.0, 0.999999], [0.999999, 1.0]])
    with pytest.raises(RuntimeError, match="3 輪還沒收斂"):
        coordinate_descent(
            gram, np.array([1.0, -1.0]), 0.0, np.zeros(2), tolerance=1e-12, max_sweeps=3
        )
