"""A graph of Debian packages: what depends on what, and in which section each belongs."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from dlbook.datasets.arrays import arrays

SECTIONS = (
    "database",
    "electronics",
    "games",
    "gnome",
    "graphics",
    "kde",
    "mail",
    "math",
    "net",
    "science",
    "sound",
    "video",
    "web",
)
WORDS = 1_000


@dataclass(frozen=True)
class PackageGraph:
    """Nodes are packages. ``edges[:, e]``: from a package to one that it needs or recommends.

    ``labels`` are numbers in ``SECTIONS``, −1 for a package of another section (there to connect).
    ``features`` is sparse: TF-IDF of the words of the one-line description, rows of length 1.
    ``sources`` numbers the source packages: what is built from one source is alike.
    """

    edges: Int64[Tensor, "2 edges"]
    features: Float[Tensor, "nodes words"]
    labels: Int64[Tensor, " nodes"]
    sources: Int64[Tensor, " nodes"]
    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    words: tuple[str, ...]
    train: Int64[Tensor, "260"]
    valid: Int64[Tensor, "390"]
    test: Int64[Tensor, " test"]


def package_graph() -> PackageGraph:
    """11,346 packages of Debian 12, 49,993 dependencies, 13 sections to tell apart.

    20 labelled packages a section are for training, 30 for validation, the rest for testing; no
    source package gives to two parts, so 965 of the 8,137 labelled packages are in none. All nodes,
    edges and descriptions may be seen in training (transductive), labels of ``train`` only.

    Licence: facts of the Debian package index; see ``data/LICENSES/LicenseRef-Debian-index.txt``.
    """
    data = arrays("package-graph")
    parts = torch.from_numpy(data["parts"])
    train, valid, test = ((parts == part).nonzero().flatten() for part in range(3))
    descriptions = tuple(text.decode() for text in data["descriptions"].tolist())
    features, words = _tf_idf(descriptions)
    return PackageGraph(
        edges=torch.from_numpy(data["edges"].astype(np.int64)).t().contiguous(),
        features=features,
        labels=torch.from_numpy(data["labels"]).long(),
        sources=torch.from_numpy(data["sources"].astype(np.int64)),
        names=tuple(name.decode() for name in data["names"].tolist()),
        descriptions=descriptions,
        words=words,
        train=train,
        valid=valid,
        test=test,
    )


def _tf_idf(texts: tuple[str, ...]) -> tuple[Tensor, tuple[str, ...]]:
    from sklearn.feature_extraction.text import TfidfVectorizer  # takes a second to import

    vectorizer = TfidfVectorizer(max_features=WORDS, stop_words="english", dtype=np.float32)
    matrix = vectorizer.fit_transform(texts).tocoo()
    places = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
    features = torch.sparse_coo_tensor(
        places, torch.from_numpy(matrix.data), matrix.shape, check_invariants=True
    )
    return features.coalesce(), tuple(vectorizer.get_feature_names_out().tolist())
