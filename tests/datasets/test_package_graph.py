"""The package graph: counts, known dependencies, and sources kept together."""

import pytest
import torch

from dlbook import datasets


@pytest.fixture(scope="module")
def graph() -> datasets.PackageGraph:
    return datasets.package_graph()


def test_counts(graph: datasets.PackageGraph) -> None:
    assert len(graph.names) == len(set(graph.names)) == 11_346
    assert graph.edges.shape == (2, 49_993)
    assert graph.edges.max() < 11_346
    assert (graph.labels >= 0).sum() == 8137
    assert len(graph.test) == 6522
    assert graph.labels.unique().tolist() == list(range(-1, len(datasets.SECTIONS)))


def test_edges_are_given_once_and_lead_elsewhere(graph: datasets.PackageGraph) -> None:
    assert graph.edges.unique(dim=1).shape == graph.edges.shape
    assert (graph.edges[0] != graph.edges[1]).all()


def test_training_and_validation_are_balanced(graph: datasets.PackageGraph) -> None:
    assert graph.labels[graph.train].bincount().tolist() == [20] * 13
    assert graph.labels[graph.valid].bincount().tolist() == [30] * 13
    assert (graph.labels[graph.test] >= 0).all()


def test_no_source_package_gives_to_two_parts(graph: datasets.PackageGraph) -> None:
    sources = [set(graph.sources[part].tolist()) for part in (graph.train, graph.valid, graph.test)]
    assert sum(map(len, sources)) == len(set.union(*sources))
    assert len(sources[0]) == 260


def test_features_are_words_of_the_description(graph: datasets.PackageGraph) -> None:
    assert graph.features.shape == (11_346, 1000)
    assert graph.features.dtype == torch.float32
    node = graph.names.index("0ad")
    assert graph.descriptions[node] == "Real-time strategy game of ancient warfare"
    row = graph.features[node].coalesce()
    words = {graph.words[i] for i in row.indices()[0].tolist()}
    assert {"strategy", "game"} <= words
    assert row.values().norm().item() == pytest.approx(1, abs=1e-5)


def test_0ad_is_a_game_that_needs_its_data(graph: datasets.PackageGraph) -> None:
    node = graph.names.index("0ad")
    assert datasets.SECTIONS[int(graph.labels[node])] == "games"
    needed = {graph.names[i] for i in graph.edges[1, graph.edges[0] == node].tolist()}
    assert "libsdl2-2.0-0" in needed


def test_neighbours_are_mostly_of_one_section(graph: datasets.PackageGraph) -> None:
    ends = graph.labels[graph.edges]
    both = ends[:, (ends >= 0).all(0)]
    assert (both[0] == both[1]).float().mean() > 0.6
