"""Typed loaders of real data, above :mod:`dlbook.assets`; fixed splits, licence in every docstring."""

from dlbook.datasets.mnist import MNIST, mnist

__all__ = ["MNIST", "mnist"]
