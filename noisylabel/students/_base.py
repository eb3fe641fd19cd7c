"""The one method that a student architecture has."""

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator
from torch import nn


class Student(BaseEstimator, ABC):
    """Settings of a network; :meth:`build` makes a fresh one for the data at hand."""

    @abstractmethod
    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Return a new network from samples to logits.

        Parameters
        ----------
        sample_shape : tuple of int
            ``(D,)`` for a table, ``(channels, height, width)`` for images.
        n_classes : int
            Number of logits.

        Returns
        -------
        nn.Module

        Raises
        ------
        InvalidParameterError
            If the student cannot take samples of this shape.
        """

    def lr_factors(self, module: nn.Module) -> dict[str, float]:
        """Return factors on the learning rate for some parameters of a built network, by name; 1 for the others."""
        return {}
