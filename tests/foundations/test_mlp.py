"""The MLP in both engines: same logits, same loss, same training."""

import numpy as np
import pytest
import torch
from torch import nn

from dlbook.foundations.autograd import Tensor, cross_entropy
from dlbook.foundations.mlp import (
    MLP,
    init_weights,
    minibatches,
    mlp_logits,
    train_by_engine,
    train_by_torch,
)


@pytest.mark.parametrize("scale", [1.0, 1_000.0])
def test_cross_entropy_equals_torch_even_for_huge_scores(scale, rng):
    scores, labels = rng.normal(size=(6, 4)) * scale, rng.integers(0, 4, 6)
    mine = Tensor(scores)
    loss = cross_entropy(mine, labels)
    loss.backward()
    reference = torch.tensor(scores, requires_grad=True)
    expected = nn.functional.cross_entropy(reference, torch.tensor(labels))
    expected.backward()
    assert float(loss.data) == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(mine.grad, reference.grad.numpy(), atol=1e-12)


def test_logits_equal_the_module_with_the_same_weights(rng):
    weights = init_weights([5, 7, 3], rng)
    module = MLP([5, 7, 3]).double()
    with torch.no_grad():
        for layer, w, b in zip(module.layers, weights[::2], weights[1::2], strict=True):
            layer.weight.copy_(torch.from_numpy(w.T))
            layer.bias.copy_(torch.from_numpy(b))
    x = rng.normal(size=(4, 5))
    ours = mlp_logits(Tensor(x), [Tensor(w) for w in weights]).data
    np.testing.assert_allclose(ours, module(torch.from_numpy(x)).detach().numpy(), atol=1e-12)


def test_training_equals_torch_step_by_step(rng):
    x, y = rng.normal(size=(60, 5)), rng.integers(0, 3, 60)
    start = init_weights([5, 8, 3], rng)
    recipe = {"lr": 0.3, "epochs": 20, "batch_size": 10}
    ours, losses = train_by_engine(start, x, y, **recipe, rng=np.random.default_rng(1))
    theirs, expected = train_by_torch(start, x, y, **recipe, rng=np.random.default_rng(1))
    assert len(losses) == 120
    np.testing.assert_allclose(losses, expected, atol=1e-10)
    for mine, reference in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.data, reference.detach().numpy(), atol=1e-10)
    assert losses[-1] < losses[0]


def test_frozen_parameters_stay_and_the_others_move(rng):
    x, y = rng.normal(size=(30, 5)), rng.integers(0, 3, 30)
    start = init_weights([5, 8, 3], rng)
    recipe = {"lr": 0.3, "epochs": 1, "batch_size": 10, "rng": rng}
    trained, _ = train_by_engine(start, x, y, **recipe, first_trainable=2)
    moved = [not np.array_equal(a.data, b) for a, b in zip(trained, start, strict=True)]
    assert moved == [False, False, True, True]


def test_initial_weights_keep_the_scale_of_the_signal(rng):
    weights = init_weights([400, 400, 400], rng)
    assert [w.shape for w in weights] == [(400, 400), (400,), (400, 400), (400,)]
    hidden = np.maximum(rng.normal(size=(200, 400)) @ weights[0], 0)
    assert (hidden**2).mean() == pytest.approx(1.0, rel=0.1)  # He et al.: E[relu(Wx)²] = E[x²]
    assert not weights[1].any()


def test_minibatches_visit_each_sample_at_most_once(rng):
    batches = list(minibatches(25, 10, rng))
    assert [len(batch) for batch in batches] == [10, 10]
    assert len(set(np.concatenate(batches).tolist())) == 20
