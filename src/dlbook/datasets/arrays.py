"""Reading bundles: an asset's .npz as arrays, without pickle."""

import numpy as np

from dlbook import assets


def arrays(asset: str) -> dict[str, np.ndarray]:
    """All arrays of the .npz named ``asset`` in the registry."""
    with np.load(assets.path(asset), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
