"""The pictures show the real offsets, values and gradients."""

import torch

from dlbook.foundations.pictures import graph_picture, storage_picture


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_storage_picture_shows_each_element_where_it_lies():
    x = torch.arange(6).reshape(2, 3)
    figure = storage_picture({"x": x, "x.T": x.T, "last column": x[:, 2:]})
    memory, plain, transposed, sliced = figure.axes
    assert texts(memory) == texts(plain) == list("012345")
    assert texts(transposed) == list("031425")
    assert texts(sliced) == list("25")
    assert "stride (1, 3)" in transposed.get_xlabel()


def test_graph_picture_shows_values_and_gradients():
    nodes = {"a": (0, 0, 2.0, 42.0), "L": (2, 0, 49.0, 1.0)}
    figure = graph_picture(nodes, [("a", "L", "14")])
    assert {"a", "L", "值 2", "梯度 42", "值 49", "梯度 1", "14"} <= set(texts(figure.axes[0]))
