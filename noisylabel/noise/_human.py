"""Labels that people gave."""

from typing import Any

import numpy as np

from noisylabel._support.labels import codes_of, label_array, label_key, label_values, sorted_classes, with_more_classes
from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise._base import Noise


class HumanNoise(Noise):
    """Labels that people gave. With this class real mistakes get a manifest, as any other noise.

    Parameters
    ----------
    labels : array-like of shape (N,)
        The labels that people gave, in the order of the true labels and of their type. A class that only people gave,
        or that they never gave, is a class.
    source : str, default="people"
        Where the labels come from, for the manifest.

    Examples
    --------
    >>> from noisylabel import corrupt
    >>> noisy_y, manifest = corrupt(["cat", "cat", "dog"], HumanNoise(["cat", "dog", "emu"], source="a crowd"))
    >>> noisy_y.tolist(), manifest.classes
    (['cat', 'dog', 'emu'], ['cat', 'dog', 'emu'])
    """

    def __init__(self, labels: Any, source: str = "people") -> None:
        self.labels = labels
        self.source = source

    def find_classes(self, labels: np.ndarray) -> np.ndarray:
        """See :meth:`Noise.find_classes`; people may give others."""
        classes = super().find_classes(labels)
        given = self._given(len(labels))
        strangers = label_values(sorted_classes("labels", given[codes_of(given, classes) < 0])[0])
        types = {type(label_key(label)) for label in label_values(classes)}
        for stranger in strangers:
            if type(label_key(stranger)) not in types | ({int} if float in types else set()):
                raise InvalidParameterError(
                    f"'labels' must be labels like those of y ({', '.join(map(repr, classes[:5].tolist()))}). Got "
                    f"{stranger!r}. If they are codes, pass the classes that they stand for."
                )
        return with_more_classes(classes, strangers)

    def for_classes(self, classes: np.ndarray) -> "HumanNoise":
        """See :meth:`Noise.for_classes`."""
        return HumanNoise(codes_of(label_array("labels", self.labels), classes), self.source)

    def sample(self, codes: np.ndarray, n_classes: int, X: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`Noise.sample`; the labels are codes here."""
        given = codes_of(self._given(len(codes)), np.arange(n_classes))
        if (given < 0).any():
            raise InvalidParameterError(f"'labels' must be codes in 0..{n_classes - 1} when there are no classes.")
        return given

    def _given(self, n_samples: int) -> np.ndarray:
        given = label_array("labels", self.labels)
        if len(given) != n_samples:
            raise InvalidParameterError(f"'labels' must be {n_samples} labels, one a true label. Got {len(given)}.")
        return given

    def definition(self) -> str:
        """See :meth:`Noise.definition`."""
        return f"Labels given by {self.source}."
