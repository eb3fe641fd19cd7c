"""The contract of a noise."""

import numpy as np

from noisylabel.noise import Noise, corrupt


def check_noise(noise: Noise, n_classes: int) -> None:
    """Check that a noise makes valid labels, gives the same ones for the same seed, and keeps to its transition matrix.

    Parameters
    ----------
    noise : Noise
    n_classes : int of at least 2
        Number of classes to try it with.

    Raises
    ------
    AssertionError
        Says which rule is broken.

    Examples
    --------
    >>> from noisylabel.noise import PairNoise
    >>> check_noise(PairNoise(0.2), n_classes=3)
    """
    rng = np.random.default_rng(0)
    y = rng.integers(0, n_classes, 1000 * n_classes)
    X = rng.normal(size=(len(y), 6))
    before = y.copy()
    noisy, manifest = corrupt(y, noise, X, random_state=1)
    again, _ = corrupt(y, noise, X, random_state=1)
    assert np.array_equal(noisy, again), "the same random_state must give the same labels"
    assert np.array_equal(y, before), "the true labels were written to"
    assert noisy.shape == y.shape, f"got {noisy.shape} noisy labels for {y.shape}"
    assert set(noisy) <= set(manifest.classes), "labels appeared that are no class"
    assert manifest.verify(noisy), "the manifest does not recognise its labels"
    assert noise.definition(), "definition() must say what happens"
    matrix = noise.transition_matrix(n_classes)
    if matrix is not None:
        assert np.allclose(matrix.sum(axis=1), 1), "rows of the matrix must sum to 1"
        error = np.abs(np.asarray(manifest.realised_matrix, dtype=float) - matrix).max()
        assert error < 5 * 0.5 / np.sqrt(900), f"frequencies differ from the matrix by up to {error:.3f}"
    if noise.nominal_rate():
        assert manifest.realised_rate > 0, "no label changed"
