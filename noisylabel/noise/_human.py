"""Labels that people gave."""

import numpy as np

from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise._base import Noise


class HumanNoise(Noise):
    """Labels that people gave. With this class real mistakes get a manifest, as any other noise.

    Parameters
    ----------
    labels : array-like of shape (N,)
        The codes that people gave, 0 to C-1, in the order of the true labels.
    source : str, default="people"
        Where the labels come from, for the manifest.

    Examples
    --------
    >>> import numpy as np
    >>> HumanNoise([0, 1, 1]).sample(np.array([0, 0, 1]), 2, None, np.random.default_rng(0))
    array([0, 1, 1])
    """

    def __init__(self, labels: object, source: str = "people") -> None:
        self.labels = labels
        self.source = source

    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`Noise.sample`."""
        labels = np.asarray(self.labels)
        if labels.shape != codes.shape or labels.min(initial=0) < 0 or labels.max(initial=0) >= n_classes:
            raise InvalidParameterError(
                f"'labels' must be {len(codes)} codes in 0..{n_classes - 1}, one a true label. Got shape "
                f"{labels.shape} with values in {labels.min(initial=0)}..{labels.max(initial=0)}."
            )
        return labels.astype(codes.dtype)

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        return f"Labels given by {self.source}."
