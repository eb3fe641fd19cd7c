"""A record of what was done to labels."""

import hashlib
import json
import os
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from noisylabel._support.describe import PLAIN, plain_value
from noisylabel._support.files import local_path, reading, write_whole
from noisylabel._support.labels import (
    codes_of,
    label_array,
    label_from_json,
    label_to_json,
    label_values,
    sorted_classes,
)
from noisylabel._support.validation import check_number
from noisylabel.exceptions import InvalidDataError


@dataclass(frozen=True)
class NoiseManifest:
    """What :func:`corrupt` did to labels.

    Attributes
    ----------
    noise : str
        Name of the noise's class.
    parameters : dict
        Its parameters, without arrays.
    definition : str
        One sentence that says exactly what happened to a label.
    classes : list
        The classes, sorted: those of the true labels and those that the noise itself names.
    n_samples : int
        Number of labels N.
    nominal_rate : float or None
        The parameter ``rate`` of the noise, in [0, 1].
    nominal_rate_per_class : list of float or None
        Probability of a wrong label in each true class, according to ``matrix``.
    realised_rate : float
        Share of labels that differ from the true ones, in [0, 1].
    realised_rate_per_class : list of float or None
        The same in each true class; None for a class without samples.
    matrix : list of lists or None
        Transition matrix of the noise, ``matrix[i][j] = P(noisy = j | true = i)``; None where it has none, or
        for more than 1,000 classes.
    realised_matrix : list of lists or None
        The same, as counted in these labels; None for more than 1,000 classes.
    seed : int or None
        :func:`corrupt` makes these labels again with this ``random_state``. None if a Generator was passed.
    hash : str
        SHA-256 of the noisy label codes.
    """

    noise: str
    parameters: dict[str, Any]
    definition: str
    classes: list[Any]
    n_samples: int
    nominal_rate: float | None
    nominal_rate_per_class: list[float] | None
    realised_rate: float
    realised_rate_per_class: list[float | None]
    matrix: list[list[float]] | None
    realised_matrix: list[list[float | None]] | None
    seed: int | None
    hash: str

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the manifest as JSON text, and write it to ``path`` if that is given.

        Classes that are bytes or dates are written as objects that name their type.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        text = json.dumps({**values, "classes": [label_to_json(label) for label in self.classes]}, indent=1)
        if path is not None:
            write_whole(local_path("path", path), text.encode())
        return text

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> "NoiseManifest":
        """Read a manifest from JSON text, or from a file.

        Raises
        ------
        InvalidDataError
            If the JSON is not a manifest.
        InvalidFileError
            If the file is missing or no text.
        """
        text = source
        if not isinstance(source, str) or not source.lstrip().startswith("{"):
            path = local_path("source", source)
            with reading(path, "noise manifest"):
                text = path.read_text("utf-8")
        try:
            read = json.loads(str(text))
            return cls(**{**read, "classes": [label_from_json(entry) for entry in read["classes"]]})
        except (TypeError, ValueError, KeyError) as error:
            raise InvalidDataError(f"This JSON is not a noise manifest: {error}.") from error

    def check(self) -> str:
        """Say in one sentence how the realised rate differs from the nominal one, and why.

        Examples
        --------
        >>> import numpy as np
        >>> from noisylabel.noise import corrupt
        >>> _, manifest = corrupt(np.arange(10000) % 10, "symmetric", rate=0.5, exact=True, random_state=0)
        >>> manifest.check()
        'Your 50 % is 45 %: the true class is among the draws, so 1/10 of the redrawn labels stay right.'
        """
        if self.nominal_rate is None:
            return f"{self.realised_rate:.1%} of the labels are wrong; no rate was promised."
        start = f"Your {100 * self.nominal_rate:.0f} % is {100 * self.realised_rate:.0f} %: "
        if self.parameters.get("include_true") and self.nominal_rate > 0:
            return start + _included(len(self.classes))
        if abs(self.realised_rate - self.nominal_rate) <= _tolerance(self.nominal_rate, self.n_samples):
            return start + _AS_PROMISED
        touched = sum(rate > 0 for rate in self.nominal_rate_per_class or [])
        if 0 < touched < len(self.classes):
            start += f"only {touched} of {len(self.classes)} classes are touched. "
        return start + self.definition

    def __str__(self) -> str:
        return f"{self.definition} {self.realised_rate:.1%} of {self.n_samples} labels are wrong."

    def verify(self, noisy_y: Any) -> bool:
        """Return whether ``noisy_y`` (N,) are exactly the labels that this manifest describes."""
        try:
            labels = label_array("noisy_y", noisy_y)
        except InvalidDataError:  # a label is missing, which none of these is
            return False
        return hash_codes(codes_of(labels, self.classes)) == self.hash  # a code is -1 for what is no class


def hash_codes(codes: np.ndarray) -> str:
    """Return the SHA-256 of label codes; their integer type does not matter."""
    return hashlib.sha256(np.ascontiguousarray(codes, dtype="<i8").tobytes()).hexdigest()


_AS_PROMISED = "as promised, up to chance."


def _tolerance(rate: float, n_samples: int) -> float:
    """Return four standard errors of a share of ``n_samples`` coin tosses, plus one sample for rounding."""
    return float(4 * np.sqrt(rate * (1 - rate) / n_samples) + 1 / n_samples)


def _included(n_classes: int) -> str:
    return f"the true class is among the draws, so 1/{n_classes} of the redrawn labels stay right."


def check_noise_rate(y: Any, noisy_y: Any, nominal_rate: float) -> str:
    """Compare a promised noise rate with the real one, given true and noisy labels.

    Parameters
    ----------
    y, noisy_y : array-like of shape (N,)
        True and noisy labels.
    nominal_rate : float in [0, 1]
        The rate that was promised.

    Returns
    -------
    str
        One sentence.

    Raises
    ------
    InvalidDataError
        If there are not as many noisy labels as true ones, labels are missing, or none of ``noisy_y`` is one of ``y``.
    InvalidParameterError
        If ``nominal_rate`` is outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> y = np.arange(1000) % 10
    >>> check_noise_rate(y, np.where(np.arange(1000) < 450, (y + 1) % 10, y), 0.5)
    'Your 50 % is 45 %: the true class is among the draws, so 1/10 of the redrawn labels stay right.'
    """
    check_number("nominal_rate", nominal_rate, 0, 1, hint="Give a fraction: 0.4 for 40 %.")
    labels, noisy = label_array("y", y), label_array("noisy_y", noisy_y)
    if labels.shape != noisy.shape or len(labels) == 0:
        raise InvalidDataError(f"y has shape {labels.shape} and noisy_y {noisy.shape}; they must be alike.")
    classes, codes = sorted_classes("y", labels)
    noisy_codes, n_classes = codes_of(noisy, classes), len(classes)
    if (noisy_codes < 0).all():
        raise InvalidDataError(
            f"No label of noisy_y is one of y. Got {noisy.tolist()[0]!r} where y has {classes.tolist()[0]!r}; write "
            "both alike."
        )
    realised = float((codes != noisy_codes).mean())
    start = f"Your {100 * nominal_rate:.0f} % is {100 * realised:.0f} %: "
    gaps = {
        _AS_PROMISED: abs(realised - nominal_rate),
        _included(n_classes): abs(realised - nominal_rate * (1 - 1 / n_classes)),
    }
    nearest = min(gaps, key=lambda reason: gaps[reason])
    if gaps[nearest] > _tolerance(nominal_rate, len(labels)):
        nearest = "neither convention of symmetric noise explains it; look at which classes are confused."
    return start + nearest


MOST_CLASSES = 1000  # of which a manifest holds matrices


def build_manifest(  # noqa: PLR0913 - a noise in two forms, and what it did
    noise: Any, in_codes: Any, classes: np.ndarray, codes: np.ndarray, noisy: np.ndarray, seed: int | None
) -> NoiseManifest:
    """Count what a noise, whose form in codes is ``in_codes``, did to label codes, and return the manifest."""
    n_classes = len(classes)
    matrix = in_codes.transition_matrix(n_classes)
    totals = np.bincount(codes, minlength=n_classes)
    right = np.bincount(codes[codes == noisy], minlength=n_classes)
    return NoiseManifest(
        noise=type(noise).__name__,
        parameters=_plain_parameters(noise),
        definition=noise.definition(),
        classes=label_values(classes),
        n_samples=len(codes),
        nominal_rate=noise.nominal_rate(),
        nominal_rate_per_class=None if matrix is None else (1 - np.diag(matrix)).tolist(),
        realised_rate=float((codes != noisy).mean()),
        realised_rate_per_class=_none_for_nan(1 - _shares(right, totals)),
        matrix=matrix.tolist() if matrix is not None and n_classes <= MOST_CLASSES else None,
        realised_matrix=_realised_matrix(codes, noisy, totals) if n_classes <= MOST_CLASSES else None,
        seed=seed,
        hash=hash_codes(noisy),
    )


def _plain_parameters(noise: Any) -> dict[str, Any]:
    """Return the parameters of a noise that are one number, text or None, as Python's own."""
    plain = {name: plain_value(value) for name, value in noise.get_params(deep=False).items()}
    return {name: value for name, value in plain.items() if isinstance(value, PLAIN)}


def _realised_matrix(codes: np.ndarray, noisy: np.ndarray, totals: np.ndarray) -> list[list[float | None]]:
    n_classes = len(totals)
    counts = np.bincount(codes * n_classes + noisy, minlength=n_classes**2).reshape(n_classes, n_classes)
    return [_none_for_nan(row) for row in _shares(counts, totals[:, None])]


def _shares(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return counts as fractions of totals; NaN where there is nothing to count."""
    return np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)


def _none_for_nan(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
