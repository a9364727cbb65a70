"""Speaker files in batches: standardised by the training files, padding marked."""

import pytest
import torch

from dlbook import datasets
from dlbook.sequence_modeling.speaker_data import (
    CropLoader,
    pad_files,
    seen_frames,
    speaker_features,
)


def test_features_are_standardised_by_the_training_files():
    data = datasets.speakers()
    features = speaker_features(data)
    assert [len(x) for x in features] == data.frames.tolist()
    train = torch.cat([features[i] for i in data.train.tolist()])
    torch.testing.assert_close(train.mean(0), torch.zeros(40), atol=1e-3, rtol=0)
    torch.testing.assert_close(train.std(0), torch.ones(40), atol=1e-3, rtol=0)


def test_padding_is_marked():
    x = pad_files([torch.ones(2, 3), torch.ones(4, 3)])
    assert x.shape == (2, 4, 4)
    assert seen_frames(x).tolist() == [[True, True, False, False], [True] * 4]
    assert x[0, 2:].eq(0).all()


def test_every_file_once_an_epoch_and_no_longer_than_the_crop():
    torch.manual_seed(0)
    files = [torch.full((n, 2), float(i)) for i, n in enumerate([3, 12, 7, 30, 5])]
    loader = CropLoader(files, torch.arange(5), crop=8, batch_size=2)
    assert len(loader) == 3
    seen = []
    for x, y in loader:
        for row, label in zip(x, y.tolist(), strict=True):
            real = seen_frames(row[None])[0]
            assert int(real.sum()) == min(len(files[label]), 8)
            assert row[real, :-1].eq(label).all()
            seen.append(label)
    assert sorted(seen) == list(range(5))


def test_crops_move():
    torch.manual_seed(0)
    loader = CropLoader([torch.arange(50.0)[:, None]], torch.tensor([0]), crop=5, batch_size=1)
    starts = {int(next(iter(loader))[0][0, 0, 0]) for _ in range(30)}
    assert len(starts) > 10
    assert max(starts) <= 45


def test_a_label_for_every_file():
    with pytest.raises(ValueError, match="2 個檔案、1 個標籤"):
        CropLoader([torch.ones(2, 3)] * 2, torch.tensor([0]), crop=4, batch_size=1)
