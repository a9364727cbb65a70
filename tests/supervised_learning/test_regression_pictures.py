"""The pictures show what they say: the points, the budgets, the residuals."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from dlbook.supervised_learning.regression_pictures import (
    budget_picture,
    descent_picture,
    residual_picture,
)

GRAM, CORRELATION = np.array([[1.0, 0.2], [0.2, 1.0]]), np.array([0.4, -0.2])


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def line(ax: Axes, label: str) -> np.ndarray:
    (found,) = (item for item in ax.lines if item.get_label() == label)
    return np.array(found.get_xydata())


def test_residuals():
    x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 4.0])
    left, right = residual_picture(x, y, 2.0, 0.0).axes
    assert "1.6" not in right.get_title()
    assert right.get_title().endswith("誤差 0 輛")
    assert left.get_title().endswith("誤差 2 輛")


def test_budgets():
    points = {"甲": np.array([0.4, -0.3]), "乙": np.array([0.2, -0.1]), "丙": np.array([0.3, 0.0])}
    left, right = budget_picture(GRAM, CORRELATION, points, (0.2, 0.3)).axes
    assert np.allclose(line(left, "乙"), [[0.2, -0.1]])
    assert np.allclose(line(right, "丙"), [[0.3, 0.0]])
    circle, diamond = (ax.patches[0].get_path().vertices for ax in (left, right))
    assert np.allclose(np.linalg.norm(circle, axis=1), 0.2)
    assert np.allclose(np.abs(diamond).sum(axis=1), 0.3)


def test_descent():
    path = np.array([[0.0, 0.0], [0.2, -0.1], [0.4, -0.2]])
    (ax,) = descent_picture({"一": (GRAM, CORRELATION, path)}).axes
    assert np.allclose(line(ax, "最小平方解"), [np.linalg.solve(GRAM, CORRELATION)])
    assert np.allclose(line(ax, "終點"), [[0.4, -0.2]])
