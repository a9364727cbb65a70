"""The engine against torch.autograd: on every operation, and on random graphs."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlbook.foundations import autograd
from dlbook.foundations.autograd import Tensor, topological_order, unbroadcast

OPERATIONS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (b * b + 1.0),
    "exp": lambda a, b: (a * 0.3).exp() + b,
    "log": lambda a, b: (a * a + 1.0).log() * b,
    "relu": lambda a, b: (a - b).relu(),
    "power": lambda a, b: (a + b) ** 3.0,
    "sum": lambda a, b: a.sum(axis=0, keepdims=True) * b,
    "sum without keepdims": lambda a, b: a.sum(axis=1) + b.sum(),
    "mean": lambda a, b: a.mean() * b,
    "scalar on the left": lambda a, b: 2.0 * a + 1.0 + b,
}


def assert_same_gradients(function, arrays):
    """``function`` of leaf tensors to any tensor gives the same value and gradients in both."""
    mine = [Tensor(array) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    ours, reference = function(*mine), function(*theirs)
    np.testing.assert_allclose(ours.data, reference.detach().numpy(), rtol=1e-10, atol=1e-10)
    weight = np.random.default_rng(0).normal(size=ours.shape)
    (ours * weight).sum().backward()
    (reference * torch.tensor(weight)).sum().backward()
    for m, t in zip(mine, theirs, strict=True):
        grad = np.zeros_like(m.data) if t.grad is None else t.grad.numpy()
        np.testing.assert_allclose(m.grad, grad, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    "shapes", [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 4), (3, 1)), ((3, 4), ())]
)
def test_operation_equals_torch(name, shapes, rng):
    assert_same_gradients(OPERATIONS[name], [rng.normal(size=s) for s in shapes])


@pytest.mark.parametrize("shapes", [((3, 4), (4, 2)), ((5, 3, 4), (5, 4, 2)), ((5, 3, 4), (4, 2))])
def test_matmul_equals_torch(shapes, rng):
    assert_same_gradients(lambda a, b: a @ b, [rng.normal(size=s) for s in shapes])


def test_reshape_equals_torch(rng):
    array = rng.normal(size=(3, 4))
    tensor = Tensor(array)
    weight = rng.normal(size=(6, 2))
    (tensor.reshape(6, 2) * weight).sum().backward()
    reference = torch.tensor(array, requires_grad=True)
    (reference.reshape(6, 2) * torch.tensor(weight)).sum().backward()
    np.testing.assert_allclose(tensor.grad, reference.grad.numpy())


UNARY = [
    lambda x: (x * 0.2).exp(),
    lambda x: (x * x + 0.5).log(),
    lambda x: x.relu(),
    lambda x: x * 0.5 - 1.0,
    lambda x: x.sum(axis=0, keepdims=True),
    lambda x: x.sum(axis=1, keepdims=True),
]
BINARY = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (b * b + 1.0),
]
SHAPES = [(3, 4), (1, 4), (3, 1), (4,), ()]


@st.composite
def random_graphs(draw):
    """Leaves of broadcastable shapes, and a list of steps that each use earlier nodes."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    shapes = [(3, 4), *shapes]
    steps = []
    count = len(shapes)
    for _ in range(draw(st.integers(1, 8))):
        nodes = st.integers(0, count - 1)
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(BINARY)), draw(nodes), draw(nodes)))
        else:
            steps.append((draw(st.sampled_from(UNARY)), draw(nodes)))
        count += 1
    return shapes, steps, draw(st.integers(0, 10_000))


def evaluate(steps, leaves):
    """Run the steps; a (3, 4) leaf is added first, so that every axis exists."""
    nodes = [leaf + leaves[0] * 0.1 for leaf in leaves]
    for operation, *inputs in steps:
        nodes.append(operation(*(nodes[i] for i in inputs)))
    total = nodes[0].sum()
    for node in nodes[1:]:
        total = total + node.sum() * 0.1
    return total


@settings(max_examples=250, deadline=None)
@given(random_graphs())
def test_random_graph_equals_torch(graph):
    shapes, steps, seed = graph
    arrays = [np.random.default_rng(seed).normal(size=s) for s in shapes]
    assert_same_gradients(lambda *leaves: evaluate(steps, leaves), arrays)


@given(st.lists(st.sampled_from([1, 2, 3]), max_size=3), st.lists(st.integers(0, 2), max_size=2))
def test_unbroadcast_is_the_transpose_of_broadcast(shape, extra):
    """<broadcast(x), g> = <x, unbroadcast(g)>, which is what a backward rule must satisfy."""
    rng = np.random.default_rng(len(shape))
    full = tuple(n + 1 for n in extra) + tuple(4 if n == 1 else n for n in shape)
    x, g = rng.normal(size=shape), rng.normal(size=full)
    lhs = (np.broadcast_to(x, full) * g).sum()
    np.testing.assert_allclose(lhs, (x * unbroadcast(g, tuple(shape))).sum(), atol=1e-9)


def test_gradients_accumulate_over_backward_calls():
    x = Tensor([2.0])
    for _ in range(3):
        (x * x).sum().backward()
    assert x.grad.tolist() == [12.0]


def test_second_backward_of_one_graph_counts_intermediate_nodes_once():
    x = Tensor([2.0])
    y = (x * x).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [8.0]


def test_numpy_array_on_the_left_uses_our_operators():
    x = Tensor([1.0, 2.0])
    y = np.array([3.0, 4.0]) * x
    assert isinstance(y, Tensor)
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]


def test_graph_deeper_than_the_recursion_limit():
    x = Tensor(1.0)
    y = x
    for _ in range(5_000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1.0


def test_every_node_comes_after_its_parents():
    x = Tensor(1.0)
    y = x * x + x
    order = topological_order(y * x)
    position = {id(node): i for i, node in enumerate(order)}
    assert len(position) == len(order)
    for node in order:
        assert all(position[id(parent)] < position[id(node)] for parent, _ in node.parents)


def test_backward_from_a_vector_says_what_to_do():
    with pytest.raises(ValueError, match=r"形狀是 \(3,\)；先加總成一個數"):
        Tensor([1.0, 2.0, 3.0]).backward()


def test_matmul_of_vectors_says_what_to_do():
    with pytest.raises(ValueError, match="先用 reshape"):
        _ = Tensor([1.0, 2.0]) @ Tensor([[1.0], [2.0]])


def test_engine_with_its_loss_is_at_most_150_lines_of_code():
    """Blank lines and docstrings aside, the loss included."""
    tree = ast.parse(Path(autograd.__file__).read_text("utf-8"))
    assert len(ast.unparse(without_docstrings(tree)).replace("\n\n", "\n").splitlines()) <= 150


def without_docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return tree


def test_a_leaf_that_is_the_root_accumulates_too():
    x = Tensor(3.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_numbers_on_the_left_of_minus_and_divide():
    x = Tensor([2.0])
    (1 - x / 4 + 1 / x).sum().backward()
    assert x.grad.tolist() == [-0.25 - 0.25]
