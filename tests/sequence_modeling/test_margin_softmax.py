"""AM-Softmax: without a margin the normalised softmax; with one, the formula of the paper."""

import math

import pytest
import torch
from torch.nn import functional as F

from dlbook.sequence_modeling.margin_softmax import CosineHead, am_softmax_loss


def test_scores_are_cosines_whatever_the_lengths():
    torch.manual_seed(0)
    head, x = CosineHead(6, 4), torch.randn(5, 6)
    scores = head(x)
    for i in range(5):
        expected = F.cosine_similarity(x[i][None], head.weight)
        torch.testing.assert_close(scores[i], expected)
    torch.testing.assert_close(head(7 * x), scores)


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
def test_is_the_formula_of_the_paper_and_its_gradient(margin):
    torch.manual_seed(0)
    cosines = (2 * torch.rand(6, 5, dtype=torch.float64) - 1).requires_grad_()
    y = torch.randint(5, (6,))
    loss = am_softmax_loss(cosines, y, 8.0, margin)
    expected = 0.0
    for row, answer in zip(cosines.tolist(), y.tolist(), strict=True):
        top = math.exp(8 * (row[answer] - margin))
        rest = sum(math.exp(8 * c) for j, c in enumerate(row) if j != answer)
        expected -= math.log(top / (top + rest)) / 6
    assert loss.item() == pytest.approx(expected, abs=1e-10)
    assert torch.autograd.gradcheck(lambda c: am_softmax_loss(c, y, 8.0, margin), cosines)


def test_a_margin_asks_for_more():
    cosines, y = torch.tensor([[0.5, 0.4]]), torch.tensor([0])
    losses = [am_softmax_loss(cosines, y, 30.0, m).item() for m in (0.0, 0.1, 0.3)]
    assert losses == sorted(losses)
    assert losses[1] == pytest.approx(math.log(2), abs=1e-5)  # the margin eats the whole lead


def test_senseless_settings_are_refused():
    for scale, margin in [(0.0, 0.2), (30.0, -0.1)]:
        with pytest.raises(ValueError, match="margin 不能是負的"):
            am_softmax_loss(torch.zeros(1, 2), torch.tensor([0]), scale, margin)
