"""What networks that never learned a row's label say of it: two short trainings on one half of the rows each."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from noisylabel._support.random import private_torch_stream
from noisylabel.estimators._run import Split, TrainingRun
from noisylabel.estimators.inputs._training_data import TrainingData

_ROWS_OF_CLASS = 20  # on average, 10 in each half
_SHARE = 0.15  # of the epochs
_FEWEST_STEPS, _SMALLEST_BATCH = 100, 4


def fewest_rows(n_classes: int) -> int:
    """Return how many rows it takes: 20 a class on average.

    Examples
    --------
    >>> fewest_rows(2)
    40
    """
    return _ROWS_OF_CLASS * n_classes


def pilot_epochs(max_epochs: int) -> int:
    """Return the epochs of each of the two trainings: 15 % of those of the main one, which two halves cost once.

    Examples
    --------
    >>> pilot_epochs(50), pilot_epochs(1)
    (8, 1)
    """
    return max(1, round(_SHARE * max_epochs))


def pilot_batch_size(n_rows: int, n_epochs: int, batch_size: int) -> int:
    """Return the largest batch with which half of the rows make 100 steps, at most ``batch_size`` and at least 4.

    Examples
    --------
    >>> pilot_batch_size(10_000, 8, 128), pilot_batch_size(300, 8, 128)
    (128, 12)
    """
    return max(min(batch_size, n_rows // 2 * n_epochs // _FEWEST_STEPS), min(_SMALLEST_BATCH, batch_size))


def predict_by_others(pilot: Any, data: TrainingData, rows: np.ndarray, seed: int, shows_bar: bool = False) -> Tensor:
    """Train on each half of the rows, and predict the other.

    Parameters
    ----------
    pilot : MentorNetClassifier
        Unfitted, with the parameters of both trainings.
    data : TrainingData
    rows : ndarray of shape (n,)
        Increasing row numbers, at least :func:`fewest_rows`; the halves are drawn.
    seed : int
    shows_bar : bool, default=False
        Show the progress of each training.

    Returns
    -------
    Tensor of shape (n, C)
        Class probabilities, on the training device.

    Raises
    ------
    KeyboardInterrupt
        If one of the trainings was interrupted.
    """
    data = replace(data, class_weight=None)  # what is predicted is how likely each label is
    is_second = np.random.default_rng(seed).permutation(len(rows)) % 2 == 1
    proba = torch.empty(len(rows), data.n_classes, device=data.device)
    for number, learns in enumerate((is_second, ~is_second)):
        split = Split(rows[learns], rows[:0])
        mentor = pilot.make_mentor().check_parameters()
        bar = f"short training {number + 1} of 2" if shows_bar else None
        fitted = TrainingRun(pilot, data, partial(pilot.make_net, mentor), split, seed + 5 + number, bar=bar).train()
        if fitted.trained.interrupt is not None:
            raise KeyboardInterrupt(f"In a short training before the main one: {fitted.trained.interrupt}")
        with private_torch_stream(seed + 5 + number, data.device):
            logits = torch.cat(list(fitted.net.forward_iter(data.samples.take(rows[~learns]))))
        proba[torch.as_tensor(~learns, device=data.device)] = logits.to(proba).softmax(1)
    return proba
