"""The label noise of the tables, by name, for each data set."""

from typing import Any

import numpy as np

from noisylabel import corrupt
from noisylabel.datasets import fetch_cifarn_labels
from noisylabel.exceptions import DatasetNotFoundError
from noisylabel.noise import AsymmetricCIFAR10Noise, HumanNoise, Noise, NoiseManifest, TransitionNoise

HUMAN = "human_"  # before the name of a set of CIFAR-N labels
HUMAN_RATE = 0.4  # which settings that were published by rate count for human labels
# Mistakes between look-alikes. Digits: Patrini et al., CVPR 2017 (theirs are MNIST's). Fashion-MNIST: Zhang and
# Sabuncu, NeurIPS 2018: ankle boot to sneaker, sneaker to sandal, pullover to shirt, coat and dress to each other.
_LOOK_ALIKES = {
    "digits": {2: 7, 3: 8, 5: 6, 6: 5, 7: 1},
    "fashion_mnist": {9: 7, 7: 5, 2: 6, 4: 3, 3: 4},
}


def is_here(noise: str) -> bool:
    """Whether the labels of human noise are in the data home; of noise that is made, always."""
    try:
        return not noise.startswith(HUMAN) or bool(fetch_cifarn_labels(noise.removeprefix(HUMAN)))
    except DatasetNotFoundError:
        return False


def make_noise(dataset: str, noise: str, rate: float | None, rows: np.ndarray) -> Noise | str:
    """Return the noise object, or the name under which ``corrupt`` knows it.

    Parameters
    ----------
    dataset : str
        Key of ``noisylabel.datasets.DATASETS``.
    noise : str
        ``"asymmetric"``, ``"human_KIND"``, or a name that ``noisylabel.corrupt`` takes.
    rate : float or None
        Nominal rate; None for human labels.
    rows : ndarray of int
        Which rows of the data set are used.
    """
    if noise.startswith(HUMAN):
        kind = noise.removeprefix(HUMAN)
        return HumanNoise(fetch_cifarn_labels(kind).noisy[rows], source=f"CIFAR-10N {kind}")
    if noise != "asymmetric":
        return noise
    assert rate is not None
    if dataset == "cifar10":
        return AsymmetricCIFAR10Noise(rate)
    targets = np.arange(10)
    targets[list(_LOOK_ALIKES[dataset])] = list(_LOOK_ALIKES[dataset].values())
    return TransitionNoise((1 - rate) * np.eye(10) + rate * np.eye(10)[targets])


def make_noisy(
    dataset: str, noise: tuple[str, float | None], data: Any, rows: np.ndarray, seed: int
) -> tuple[np.ndarray, NoiseManifest]:
    """Return noisy labels of the chosen rows, and the manifest."""
    made = make_noise(dataset, *noise, rows)
    parameters = {"rate": noise[1]} if isinstance(made, str) else {}
    X = data.data[rows] if made == "instance" else None
    return corrupt(data.target[rows], made, X, random_state=seed, **parameters)


def known_rate(noise: str, rate: float | None) -> float:
    """Return the noise rate that goes to methods which must be told it.

    That is the nominal rate, as in the papers; of asymmetric noise half of it, since five of the ten classes move; of
    human labels 0.4.
    """
    if rate is None:
        return HUMAN_RATE
    return rate / 2 if noise.startswith("asymmetric") else rate
