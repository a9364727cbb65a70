"""Confusion is scikit-learn's; distances to a boundary are counted by hand."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix

from dlbook.datasets import PHONE_CLASSES, PHONES
from dlbook.supervised_learning import frame_errors as fe


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_confusion_is_scikit_learns(pairs) -> None:
    truth, predicted = torch.tensor(pairs).T
    ours = fe.confusion(truth, predicted, 5)
    theirs = confusion_matrix(truth, predicted, labels=range(5))
    assert ours.tolist() == theirs.tolist()
    assert (
        float(ours.trace() / ours.sum()) == torch.tensor(accuracy_score(truth, predicted)).float()
    )


def test_every_phone_has_its_class() -> None:
    names = list(PHONE_CLASSES)
    for phone, group in zip(PHONES, fe.CLASS_OF_PHONE.tolist(), strict=True):
        assert phone in PHONE_CLASSES[names[group]]


def test_class_confusion_has_rows_that_sum_to_one() -> None:
    truth = torch.arange(39)
    rows = fe.class_confusion(truth, truth.roll(1))
    torch.testing.assert_close(rows.sum(dim=1), torch.ones(8))
    assert torch.equal(fe.class_confusion(truth, truth), torch.eye(8))


def test_most_confused() -> None:
    truth = torch.tensor([1, 1, 1, 2, 3, 3])
    predicted = torch.tensor([1, 2, 2, 2, 0, 3])
    assert fe.most_confused(truth, predicted, 2) == [
        (PHONES[1], PHONES[2], 2),
        (PHONES[3], PHONES[0], 1),
    ]


def test_boundary_distance() -> None:
    assert fe.boundary_distance(torch.tensor([5, 5, 5, 2, 2, 7])).tolist() == [2, 1, 0, 0, 0, 0]
    assert fe.boundary_distance(torch.tensor([1, 1, 1, 1, 1, 0])).tolist() == [4, 3, 2, 1, 0, 0]
    assert fe.boundary_distance(torch.tensor([4, 4, 4])).tolist() == [3, 3, 3]


def test_segments() -> None:
    assert fe.count_segments(torch.tensor([3, 3, 1, 3])) == 3
