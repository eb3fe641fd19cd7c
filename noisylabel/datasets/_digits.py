"""Handwritten digits, embedded in scikit-learn."""

import numpy as np
from sklearn.datasets import load_digits as _load_digits
from sklearn.utils import Bunch


def load_digits(*, as_images: bool = False) -> Bunch:
    """Load the 1,797 digits of 8x8 pixels, split into 1,200 for training and 597 for testing.

    The order is the data set's own: people who wrote the test digits did not, for the most part, write the others.

    Parameters
    ----------
    as_images : bool, default=False
        Return images (N, 1, 8, 8) instead of a table (N, 64).

    Returns
    -------
    Bunch
        ``data`` and ``test_data`` float32 in [0, 1], ``target`` and ``test_target`` (N,), ``target_names``.

    Examples
    --------
    >>> load_digits().data.shape
    (1200, 64)
    """
    digits = _load_digits()
    values = (digits.data / 16).astype(np.float32)
    if as_images:
        values = values.reshape(-1, 1, 8, 8)
    return Bunch(
        data=values[:1200],
        target=digits.target[:1200],
        test_data=values[1200:],
        test_target=digits.target[1200:],
        target_names=[str(name) for name in digits.target_names],
        DESCR=digits.DESCR,
    )
