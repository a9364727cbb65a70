"""The sparse auto-encoder: sparsity, unit directions, and recovery of a known dictionary."""

import pytest
import torch
from torch.nn import functional as F

from dlbook.sequence_modeling.sparse_autoencoder import (
    SparseAutoencoder,
    explained_variance,
    train_sae,
)


def test_at_most_k_features_fire_and_none_is_negative():
    torch.manual_seed(0)
    sae = SparseAutoencoder(width=8, features=32, active=3)
    code = sae.encode(torch.randn(50, 8))
    assert (code >= 0).all()
    assert ((code > 0).sum(-1) <= 3).all()
    torch.testing.assert_close(sae.decoder.weight.norm(dim=0), torch.ones(32))


def test_recovers_a_sparse_dictionary_better_than_pca():
    torch.manual_seed(0)
    directions = F.normalize(torch.randn(24, 16), dim=1)
    strengths = torch.rand(3000, 24) * (torch.rand(3000, 24) < 0.08)
    x = strengths @ directions
    sae = SparseAutoencoder(width=16, features=48, active=4)
    losses = train_sae(sae, x[:2500], steps=600, lr=3e-3)
    assert losses[-1] < losses[0] / 5
    held_out = x[2500:]
    _, _, basis = torch.linalg.svd(x[:2500] - x[:2500].mean(0), full_matrices=False)
    mean, basis = x[:2500].mean(0), basis[:4]
    pca = mean + (held_out - mean) @ basis.T @ basis
    with torch.no_grad():
        ours = explained_variance(held_out, sae(held_out))
    assert ours > 0.85
    assert ours > explained_variance(held_out, pca) + 0.2


def test_explained_variance_of_the_mean_is_zero():
    x = torch.randn(20, 3)
    assert explained_variance(x, x) == 1
    assert explained_variance(x, x.mean(0).expand_as(x)) == pytest.approx(0, abs=1e-6)


def test_impossible_sparsity_is_an_error():
    with pytest.raises(ValueError, match="1 到 4 之間，收到 9"):
        SparseAutoencoder(width=2, features=4, active=9)
