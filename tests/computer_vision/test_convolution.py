"""Three convolutions are one: loops, im2col and torch agree, forward and gradient, for every geometry."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from dlbook.computer_vision.convolution import (
    check_shapes,
    col2im,
    conv2d_gradients,
    conv2d_im2col,
    conv2d_loops,
    im2col,
    output_size,
)

geometry = st.tuples(
    st.integers(1, 3),  # groups
    st.integers(1, 2),  # input channels of a group
    st.integers(1, 2),  # output channels of a group
    st.integers(1, 3),  # kernel
    st.integers(1, 3),  # stride
    st.integers(0, 2),  # padding
    st.integers(3, 7),  # height
    st.integers(3, 7),  # width
)


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@settings(max_examples=40)
@given(geometry)
def test_all_three_agree_with_torch_forward_and_gradient(case) -> None:
    groups, inner, outer, kernel, stride, padding, height, width = case
    torch.manual_seed(0)
    x, bias = draw(2, groups * inner, height, width), draw(groups * outer)
    weight = draw(groups * outer, inner, kernel, kernel)
    options = {"stride": stride, "padding": padding, "groups": groups}
    theirs = F.conv2d(x, weight, bias, **options)
    grad = torch.randn_like(theirs)
    expected = torch.autograd.grad(theirs, (x, weight, bias), grad)
    for ours in (conv2d_loops, conv2d_im2col):
        y = ours(x, weight, bias, **options)
        torch.testing.assert_close(y, theirs, atol=1e-10, rtol=0)
        for a, b in zip(torch.autograd.grad(y, (x, weight, bias), grad), expected, strict=True):
            torch.testing.assert_close(a, b, atol=1e-10, rtol=0)
    size = [output_size(n, kernel, stride, padding) for n in (height, width)]
    assert list(theirs.shape[2:]) == size


@settings(max_examples=40)
@given(geometry)
def test_the_gradient_by_hand_is_autograds(case) -> None:
    _, channels, out, kernel, stride, padding, height, width = case
    torch.manual_seed(1)
    x, weight, bias = (
        draw(2, channels, height, width),
        draw(out, channels, kernel, kernel),
        draw(out),
    )
    y = F.conv2d(x, weight, bias, stride, padding)
    grad = torch.randn_like(y)
    expected = torch.autograd.grad(y, (x, weight, bias), grad)
    ours = conv2d_gradients(x.detach(), weight.detach(), grad, stride, padding)
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-10, rtol=0)


@settings(max_examples=40)
@given(geometry)
def test_im2col_is_unfold_and_col2im_is_fold(case) -> None:
    _, channels, _, kernel, stride, padding, height, width = case
    x = draw(2, channels, height, width).detach()
    columns = im2col(x, (kernel, kernel), stride, padding)
    torch.testing.assert_close(columns, F.unfold(x, kernel, padding=padding, stride=stride))
    back = col2im(columns, (channels, height, width), (kernel, kernel), stride, padding)
    theirs = F.fold(columns, (height, width), kernel, padding=padding, stride=stride)
    torch.testing.assert_close(back, theirs)


def test_a_kernel_need_not_be_square() -> None:
    x, weight = draw(1, 2, 6, 7), draw(3, 2, 2, 3)
    torch.testing.assert_close(conv2d_loops(x, weight), F.conv2d(x, weight))
    torch.testing.assert_close(conv2d_im2col(x, weight), F.conv2d(x, weight))


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ValueError, match="放不下 5 的卷積核"):
        output_size(3, 5)
    with pytest.raises(ValueError, match="不能平分成 2 組"):
        check_shapes(torch.zeros(1, 3, 4, 4), torch.zeros(2, 1, 3, 3), 2)
    with pytest.raises(ValueError, match="每組有 4 個輸入通道，卷積核卻有 3 個"):
        conv2d_im2col(torch.zeros(1, 4, 5, 5), torch.zeros(2, 3, 3, 3))
