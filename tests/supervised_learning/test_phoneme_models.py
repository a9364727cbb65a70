"""The models: shapes, chunks that change nothing, batches that hold every frame once."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from torch.nn import functional as F

from dlbook.supervised_learning.phoneme_models import (
    IGNORE,
    ChunkLoader,
    FrameMLP,
    PhonemeConv,
    frame_loss,
    least_squares_classifier,
    mark,
)
from dlbook.supervised_learning.softmax import cross_entropy


@pytest.fixture
def sentences() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    torch.manual_seed(0)
    lengths = [9, 40, 23, 5, 31]
    return [torch.randn(n, 3) for n in lengths], [torch.randint(4, (n,)) for n in lengths]


def test_a_mlp_without_hidden_layers_is_linear() -> None:
    model = FrameMLP([6, 4])
    assert [type(layer).__name__ for layer in model.layers] == ["Linear"]
    assert model(torch.zeros(2, 6)).shape == (2, 4)


def test_a_mlp_layer_is_what_it_says() -> None:
    torch.manual_seed(0)
    model = FrameMLP([6, 8, 4], dropout=0.5).eval()
    first, norm, *_, last = model.layers
    x = torch.randn(5, 6)
    h = F.batch_norm(
        first(x), norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
    )
    torch.testing.assert_close(model(x), last(h.relu()))


def test_chunks_get_the_scores_of_whole_sentences(sentences) -> None:
    features, labels = sentences
    torch.manual_seed(0)
    model = PhonemeConv(3, 8, 4, dilations=(1, 2))
    for norm in (model.norm, *(block.norm for block in model.blocks)):
        norm.running_mean.normal_()
    model.eval()
    whole = torch.cat([model(mark(f)[None])[0] for f in features])
    loader = ChunkLoader(features, labels, chunk=7, halo=5, batch_size=3)
    pieces, rows = [], []
    for x, y in loader:
        real = y != IGNORE
        pieces.append(model(x)[real])
        rows.append(x[..., :-1][real])
    order = {tuple(row.tolist()): i for i, row in enumerate(torch.cat(features))}
    where = [order[tuple(row.tolist())] for row in torch.cat(rows)]
    torch.testing.assert_close(torch.cat(pieces), whole[where], atol=1e-5, rtol=1e-4)


def test_the_convolution_sees_so_far_and_no_further() -> None:
    torch.manual_seed(0)
    model = PhonemeConv(3, 8, 4, dilations=(1, 2)).eval()
    x = torch.randn(1, 41, 3, requires_grad=True)
    model(F.pad(x, (0, 1), value=1.0))[0, 20].sum().backward()
    seen = x.grad[0].abs().sum(dim=1).nonzero().flatten().tolist()
    assert seen == list(range(20 - 5, 20 + 5 + 1))


def test_the_loss_averages_over_real_frames() -> None:
    y = torch.tensor([[0, 3, IGNORE], [IGNORE, 1, 2]])
    z = torch.randn(*y.shape, 4, dtype=torch.float64, requires_grad=True)
    real = y != IGNORE
    ours, theirs = cross_entropy(z[real], y[real]), frame_loss(z, y)
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad(loss, z)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=0)


def test_the_loss_of_nothing_is_zero() -> None:
    assert frame_loss(torch.randn(2, 3, 4), torch.full((2, 3), IGNORE)).item() == 0


@given(st.integers(1, 12), st.integers(0, 6), st.integers(1, 4), st.integers(0, 99))
def test_every_frame_is_learnt_once_an_epoch(chunk, halo, batch_size, seed) -> None:
    torch.manual_seed(seed)
    lengths = [9, 1, 23, 5]
    ids = list(torch.arange(1.0, 1 + sum(lengths))[:, None].split(lengths))
    labels = [f.flatten().long() for f in ids]
    loader = ChunkLoader(ids, labels, chunk=chunk, halo=halo, batch_size=batch_size)
    batches = list(loader)
    assert len(batches) == len(loader)
    learnt = torch.cat([y[y != IGNORE] for _, y in batches])
    assert sorted(learnt.tolist()) == torch.cat(labels).tolist()
    for x, y in batches:
        real = y != IGNORE
        assert torch.equal(x[..., 0][real].long(), y[real])
        assert (x[..., 1][real] == 1).all()
        assert (x[..., 0][x[..., 1] == 0] == 0).all()


def test_where_it_cuts_changes_with_the_epoch(sentences) -> None:
    loader = ChunkLoader(*sentences, chunk=10, halo=0, batch_size=100)
    (_, first), (_, second) = next(iter(loader)), next(iter(loader))
    cuts = [sorted((y != IGNORE).sum(dim=1).tolist()) for y in (first, second)]
    assert cuts[0] != cuts[1]


def test_lengths_that_differ_are_refused(sentences) -> None:
    features, labels = sentences
    with pytest.raises(ValueError, match="有 5 句特徵、4 句標籤"):
        ChunkLoader(features, labels[:4], chunk=4, halo=1, batch_size=2)


def test_least_squares_is_scikit_learns_ridge() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(50, 6), torch.randint(3, (50,))
    ours = least_squares_classifier(x, y, 3, ridge=0.5)
    with_one = torch.cat([x, torch.ones(50, 1)], dim=1)
    theirs = Ridge(0.5, fit_intercept=False).fit(with_one, F.one_hot(y, 3))
    np.testing.assert_allclose(ours.numpy(), theirs.coef_.T, atol=1e-5)
