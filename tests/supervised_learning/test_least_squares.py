"""Least squares: three solvers and ridge equal the reference libraries; gradients equal autograd's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng
from sklearn.linear_model import LinearRegression, Ridge

from dlbook.supervised_learning.least_squares import (
    Linear,
    add_ones,
    back_substitution,
    householder,
    mse_gradient,
    ridge,
    solve_normal,
    solve_qr,
    solve_sgd,
)

SHAPES = st.tuples(st.integers(0, 10_000), st.integers(1, 8), st.integers(0, 30))


def problem(seed: int, features: int, extra: int) -> tuple[np.ndarray, np.ndarray]:
    rng = default_rng(seed)
    return rng.normal(size=(features + extra, features)), rng.normal(size=features + extra)


@given(SHAPES)
@settings(max_examples=60, deadline=None)
def test_qr_equals_numpy_and_torch(shape):
    x, y = problem(*shape)
    ours = solve_qr(x, y)
    np.testing.assert_allclose(ours, np.linalg.lstsq(x, y)[0], rtol=1e-6, atol=1e-8)
    theirs = torch.linalg.lstsq(torch.from_numpy(x), torch.from_numpy(y[:, None])).solution
    np.testing.assert_allclose(ours, theirs[:, 0].numpy(), rtol=1e-6, atol=1e-8)


def test_normal_equations_equal_numpy():
    x, y = problem(0, 12, 300)
    np.testing.assert_allclose(solve_normal(x, y), np.linalg.lstsq(x, y)[0], atol=1e-12)


@given(SHAPES)
@settings(max_examples=40, deadline=None)
def test_the_residual_is_orthogonal_to_every_column(shape):
    x, y = problem(*shape)
    residual = y - x @ solve_qr(x, y)
    assert np.abs(x.T @ residual).max() < 1e-8 * (1 + np.abs(x).max() * np.abs(y).sum())


def test_householder_keeps_the_geometry():
    x, y = problem(1, 6, 40)
    r, b = householder(x, y)
    assert not np.tril(r, -1).any()
    np.testing.assert_allclose(r.T @ r, x.T @ x, atol=1e-12)
    np.testing.assert_allclose(r.T @ b, x.T @ y, atol=1e-12)
    expected = np.linalg.qr(x, mode="r")
    np.testing.assert_allclose(np.abs(r), np.abs(expected), atol=1e-12)
    np.testing.assert_allclose(back_substitution(r, b), np.linalg.solve(r, b), atol=1e-12)


def test_householder_leaves_its_arguments_alone():
    x, y = problem(2, 3, 5)
    before = x.copy(), y.copy()
    householder(x, y)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])


def test_qr_survives_where_the_normal_equations_lose_half_the_digits():
    t = np.linspace(0, 1, 200)
    x = t[:, None] ** np.arange(11)
    truth = np.ones(11)
    y = x @ truth
    assert np.abs(solve_qr(x, y) - truth).max() < 1e-6
    assert np.abs(solve_normal(x, y) - truth).max() > 1e-4


def test_a_column_that_others_give_is_named():
    x, y = problem(3, 4, 20)
    x[:, 2] = x[:, 0] + x[:, 1]
    with pytest.raises(ValueError, match="第 2 欄可以由前面的欄位算出來"):
        solve_qr(x, y)


def test_too_few_rows():
    with pytest.raises(ValueError, match="3 筆資料決定不了 4 個權重"):
        solve_qr(np.ones((3, 4)), np.ones(3))


@given(SHAPES)
@settings(max_examples=40, deadline=None)
def test_gradient_equals_autograd(shape):
    x, y = problem(*shape)
    w = torch.linspace(-1, 1, x.shape[1], dtype=torch.float64, requires_grad=True)
    loss = (torch.from_numpy(x) @ w - torch.from_numpy(y)).square().mean()
    loss.backward()
    ours = mse_gradient(w.detach().numpy(), x, y)
    np.testing.assert_allclose(ours, w.grad.numpy(), atol=1e-10)


def test_sgd_equals_torchs_step_by_step():
    x, y = problem(4, 5, 59)
    path = solve_sgd(x, y, lr=0.05, epochs=3, batch_size=16, rng=default_rng(1))
    w = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 12)
    rng, steps = default_rng(1), 0
    for _ in range(3):
        for batch in np.array_split(rng.permutation(64), 4):
            np.testing.assert_allclose(path[steps], w.detach().numpy(), atol=1e-10)
            loss = (torch.from_numpy(x[batch]) @ w - torch.from_numpy(y[batch])).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            steps += 1
    np.testing.assert_allclose(path[-1], w.detach().numpy(), atol=1e-10)
    assert len(path) == 13


def test_sgd_reaches_the_solution():
    x, y = problem(5, 4, 500)
    path = solve_sgd(x, y, lr=0.05, epochs=60, batch_size=32, rng=default_rng(0))
    np.testing.assert_allclose(path[-1], solve_qr(x, y), atol=5e-3)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 10.0, 1e4])
def test_ridge_equals_scikit_learn(alpha):
    x, y = problem(6, 9, 200)
    x, y = x + 3, y + 100
    ours = ridge(x, y, alpha)
    theirs = (Ridge(alpha=alpha) if alpha else LinearRegression()).fit(x, y)
    np.testing.assert_allclose(ours.weights, theirs.coef_, atol=1e-10)
    assert ours.intercept == pytest.approx(theirs.intercept_, abs=1e-9)
    np.testing.assert_allclose(ours(x), theirs.predict(x), atol=1e-9)


def test_ridge_needs_no_independent_columns_and_shrinks():
    x, y = problem(7, 3, 50)
    x = np.hstack([x, x[:, :1]])
    sizes = [np.linalg.norm(ridge(x, y, alpha).weights) for alpha in (0.1, 1.0, 10.0, 100.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert ridge(x, y, 1.0).weights[0] == pytest.approx(ridge(x, y, 1.0).weights[3])


def test_ridge_does_not_punish_the_intercept():
    x, y = problem(8, 3, 50)
    assert ridge(x, y + 1000, 1e9)(x).mean() == pytest.approx((y + 1000).mean())


def test_a_negative_penalty_is_refused():
    with pytest.raises(ValueError, match="alpha 不能是負的"):
        ridge(np.ones((3, 1)), np.ones(3), -1.0)


def test_the_column_of_ones_is_the_intercept():
    x, y = problem(9, 3, 50)
    w = solve_qr(add_ones(x), y)
    theirs = LinearRegression().fit(x, y)
    np.testing.assert_allclose(w, [*theirs.coef_, theirs.intercept_], atol=1e-12)
    np.testing.assert_allclose(Linear(w[:-1], w[-1])(x), theirs.predict(x), atol=1e-12)
