"""Apply a noise to labels."""

import inspect
from numbers import Integral
from typing import Any

import numpy as np

from noisylabel._support.labels import codes_of, label_array, label_to_json, label_values
from noisylabel._support.random import draw_seed, numpy_generator
from noisylabel._support.validation import check_choice
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.noise._asymmetric import AsymmetricCIFAR10Noise, RingCIFAR100Noise
from noisylabel.noise._base import Noise
from noisylabel.noise._human import HumanNoise
from noisylabel.noise._instance import InstanceNoise
from noisylabel.noise._manifest import NoiseManifest, build_manifest
from noisylabel.noise._margin import MarginNoise
from noisylabel.noise._pair import PairNoise
from noisylabel.noise._symmetric import SymmetricNoise
from noisylabel.noise._transition import TransitionNoise

NOISES: dict[str, type[Noise]] = {
    "symmetric": SymmetricNoise,
    "asymmetric_cifar10": AsymmetricCIFAR10Noise,
    "ring_cifar100": RingCIFAR100Noise,
    "pair": PairNoise,
    "transition": TransitionNoise,
    "instance": InstanceNoise,
    "margin": MarginNoise,
    "human": HumanNoise,
}
"""Classes of noise by name."""


def corrupt(
    y: Any, noise: str | Noise, X: Any = None, *, random_state: Any = None, **parameters: Any
) -> tuple[np.ndarray, NoiseManifest]:
    """Make noisy labels from true ones, and a manifest that says what was done.

    Parameters
    ----------
    y : array-like of shape (N,)
        True labels: integers, strings, booleans, bytes or dates.
    noise : str or Noise
        An object, or a name with its ``parameters``: ``"symmetric"`` (rate, include_true, exact), ``"pair"`` (rate),
        ``"asymmetric_cifar10"`` (rate), ``"ring_cifar100"`` (rate), ``"transition"`` (matrix), ``"instance"`` (rate,
        spread; needs ``X``), ``"margin"`` (posterior, kind, rate), ``"human"`` (labels, source).
    X : array-like of shape (N, ...), optional
        Samples, for noise that depends on them.
    random_state : int, RandomState, Generator or None, default=None
        Seed or source of the random numbers. An int gives the same labels each time.
    **parameters
        Parameters of a noise given by name, such as ``rate=0.4``.

    Returns
    -------
    noisy_y : ndarray of shape (N,)
        Labels of the same type as ``y``. (Of a list whose texts differ by a NUL at the end, or of integers that no
        type of NumPy's holds, an array of Python's objects.)
    manifest : NoiseManifest
        Nominal and realised rates, matrices, seed and hash.

    Raises
    ------
    InvalidParameterError
        If the noise is unknown, or its parameters do not fit it or the data.
    InvalidDataError
        If ``y`` is empty, not one-dimensional, has missing or masked labels, labels that cannot be compared or written
        to JSON, or has only one class; if ``X`` is sparse or has masked values.

    Examples
    --------
    >>> noisy_y, manifest = corrupt(["cat", "dog"] * 500, "symmetric", rate=0.4, random_state=0)
    >>> manifest.nominal_rate, round(manifest.realised_rate, 1)
    (0.4, 0.2)
    """
    labels = label_array("y", y)
    if len(labels) == 0:
        raise InvalidDataError("y must have at least one label. Got none.")
    noise = _resolve_noise(noise, parameters)
    classes = noise.find_classes(labels)
    if len(classes) < 2:
        raise InvalidDataError(f"Labels of one class cannot be confused. Got only {classes[0]!r}.")
    for label in label_values(classes):
        label_to_json(label)  # refuses now what no manifest can hold
    codes, values = codes_of(labels, classes), None if X is None else _samples(X)
    seed = None
    if not isinstance(random_state, np.random.Generator):
        seed = int(random_state) if isinstance(random_state, Integral) else draw_seed(random_state)
    rng = random_state if seed is None else numpy_generator(seed)
    in_codes = noise.for_classes(classes)
    noisy = _codes(noise, in_codes.sample(codes, len(classes), values, rng), len(codes), len(classes))
    return classes[noisy], build_manifest(noise, in_codes, classes, codes, noisy, seed)


def _samples(X: Any) -> np.ndarray:
    if hasattr(X, "toarray"):
        raise InvalidDataError("X is a sparse matrix, which no noise reads. Pass X.toarray().")
    if np.ma.isMaskedArray(X) and np.ma.getmaskarray(X).any():
        raise InvalidDataError("X has masked values, which NumPy would unmask. Fill them in, by its method filled().")
    return np.asarray(X)


def _codes(noise: Noise, noisy: Any, n_samples: int, n_classes: int) -> np.ndarray:
    """Return what a noise drew, if it is a code for each label: NumPy would take -1 for the last class."""
    codes = np.asarray(noisy)
    is_whole = codes.shape == (n_samples,) and codes.dtype.kind in "iu"
    if not is_whole or codes.min() < 0 or codes.max() >= n_classes:
        raise InvalidParameterError(
            f"{type(noise).__name__}.sample must return {n_samples} integer codes in 0..{n_classes - 1}. Got "
            f"{codes.dtype} of shape {codes.shape}{f', from {codes.min()} to {codes.max()}' if is_whole else ''}."
        )
    return codes.astype(np.int64)


def _resolve_noise(noise: str | Noise, parameters: dict[str, Any]) -> Noise:
    if isinstance(noise, Noise):
        if parameters:
            raise InvalidParameterError(f"'noise' is an object already; set {sorted(parameters)} on it instead.")
        return noise
    cls = NOISES[check_choice("noise", noise, NOISES)]
    signature = inspect.signature(cls)
    try:
        signature.bind(**parameters)
    except TypeError as error:
        needed = [name for name, p in signature.parameters.items() if p.default is p.empty]
        raise InvalidParameterError(
            f"The noise {noise!r} takes {', '.join(signature.parameters)} and needs {', '.join(needed)}. "
            f"Got {sorted(parameters) or 'nothing'}."
        ) from error
    return cls(**parameters)
