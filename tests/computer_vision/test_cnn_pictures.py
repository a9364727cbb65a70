"""Every picture draws, with a Chinese title and what it was given."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

from dlbook import plotting
from dlbook.computer_vision import cnn_pictures as pictures
from dlbook.computer_vision.convolution import im2col


@pytest.fixture(autouse=True)
def clean():
    plotting.use_style()
    yield
    plt.close("all")


def test_the_framed_cell_of_the_sliding_window_is_the_sum() -> None:
    image, kernel = torch.rand(8, 8), torch.tensor([[-1.0, 0, 1]] * 3)
    figure = pictures.sliding_picture(image, kernel, 2, 3)
    value = (image[2:5, 3:6] * kernel).sum()
    assert f"{value:.2f}" in figure.axes[3].get_title()


def test_im2col_shows_every_number() -> None:
    columns = im2col(torch.arange(16.0).reshape(1, 1, 4, 4), (3, 3))[0]
    figure = pictures.im2col_picture(columns, 4, 3)
    assert [len(ax.texts) for ax in figure.axes] == [16, 36]


def test_fields_maps_scatter_tradeoff_curves_photos_thumbnails() -> None:
    spot = torch.zeros(9, 9)
    spot[3:6, 3:6] = 1
    figure = pictures.fields_picture({"一": spot, "二": spot}, [(3, 3), (1, 6)], "感受野")
    boxes = [ax.patches[0].get_bbox() for ax in figure.axes]
    assert [(box.x0, box.y1) for box in boxes] == [(2.5, 5.5), (0.5, 6.5)]  # given, not measured
    maps = {"甲": torch.rand(4, 5, 5), "乙": torch.rand(9, 3, 3)}
    assert len(pictures.maps_picture(torch.rand(6, 6), maps).axes) == 18
    labels = torch.arange(4).repeat(5)
    panel = {"像素": np.random.default_rng(0).normal(size=(20, 2))}
    panel["特徵"] = panel["像素"]
    figure = pictures.scatter_picture(panel, labels, "甲乙丙丁", "圖")
    assert len(figure.axes[0].collections) == 4
    assert len(pictures.tradeoff_picture({"甲": (1e6, 90, 1)}, "圖", "橫", "縱").axes) == 1
    run = {"steps": [1, 2], "valid_curve": [0.1, 0.2], "sure": [0.5, 0.6], "right": [0.9, 0.8]}
    figure = pictures.guesses_picture({"一": {"a：甲": run}, "二": {"a：甲": run}}, ["a：甲"], "圖")
    assert [len(ax.lines) for ax in figure.axes] == [2, 2]
    assert pictures.photo_row([torch.zeros(3, 4, 4, dtype=torch.uint8)], ["貓"], "圖")
    assert pictures.thumbnails(torch.rand(3, 1, 28, 28), ["一", "二", "三"], "圖")
