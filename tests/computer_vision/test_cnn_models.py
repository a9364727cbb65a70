"""The networks: shapes, sizes, gradients through every parameter, and what the shortcut is."""

import pytest
import torch
from torch import nn

from dlbook.computer_vision.cnn_models import (
    ResidualBlock,
    conv_bn_relu,
    depthwise_net,
    digit_cnn,
    lenet,
    resnet,
    separable,
    vgg,
)
from dlbook.computer_vision.complexity import count_parameters


@pytest.mark.parametrize("make", [lenet, vgg, resnet, depthwise_net, digit_cnn])
def test_scores_for_ten_classes_and_a_gradient_everywhere(make) -> None:
    torch.manual_seed(0)
    model = make()
    scores = model(torch.randn(4, 1, 28, 28))
    assert scores.shape == (4, 10)
    scores.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_known_sizes() -> None:
    assert count_parameters(lenet()) == 61_706
    assert count_parameters(digit_cnn()) < 30_000
    assert str(f"{count_parameters(digit_cnn()):,}") in (digit_cnn.__doc__ or "")


def test_a_block_whose_body_is_zero_hands_on_its_input() -> None:
    block = ResidualBlock(4, 4).eval()
    block.body[2].weight.data.zero_()
    x = torch.rand(2, 4, 6, 6)
    torch.testing.assert_close(block(x), x)
    block.shortcut = None
    assert block(x).abs().max() == 0


def test_without_shortcut_the_rest_is_the_same() -> None:
    with_it, without = (resnet(blocks=2, shortcut=s) for s in (True, False))
    projections = sum(
        count_parameters(b.shortcut) for b in with_it if isinstance(b, ResidualBlock) and b.shortcut
    )
    assert count_parameters(with_it) - count_parameters(without) == projections
    assert without(torch.randn(2, 1, 28, 28)).shape == (2, 10)


def test_separable_is_depthwise_then_pointwise() -> None:
    depthwise, pointwise = (block[0] for block in separable(8, 16))
    assert isinstance(depthwise, nn.Conv2d)
    assert (depthwise.groups, depthwise.kernel_size, pointwise.kernel_size) == (8, (3, 3), (1, 1))
    full = conv_bn_relu(8, 16)[0].weight.numel()
    assert depthwise.weight.numel() + pointwise.weight.numel() == 8 * 9 + 8 * 16 < full
