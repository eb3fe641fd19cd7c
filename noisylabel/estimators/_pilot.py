"""What networks that never learned a row's label say of it: short trainings on parts of the rows."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from noisylabel._support.random import private_torch_stream
from noisylabel.estimators._run import Split, TrainingRun
from noisylabel.estimators.inputs._training_data import TrainingData

_ROWS_OF_CLASS = 20  # on average
_SHARE = 0.15  # of the epochs
_AS_MANY_ROWS = 4_000  # as short trainings may present in an epoch, all together; more only if two halves do
_FOLDS, _MOST_ROUNDS = 5, 3  # of few rows
_FEWEST_STEPS = {2: 100, _FOLDS: 50}  # by parts; of five, the networks learn more rows, and several make a mean
_SMALLEST_BATCH = 4


def fewest_rows(n_classes: int) -> int:
    """Return how many rows it takes: 20 a class on average.

    Examples
    --------
    >>> fewest_rows(2)
    40
    """
    return _ROWS_OF_CLASS * n_classes


def pilot_epochs(max_epochs: int) -> int:
    """Return the epochs of each short training: 15 % of those of the main one.

    Examples
    --------
    >>> pilot_epochs(50), pilot_epochs(1)
    (8, 1)
    """
    return max(1, round(_SHARE * max_epochs))


def pilot_rounds(n_rows: int) -> tuple[int, int]:
    """Return in how many parts the rows are cut, each predicted by a network that learned the others, and how often.

    Two halves, once. Of few rows a half teaches too little, and there is time for more: five parts, up to three times.

    Examples
    --------
    >>> pilot_rounds(10_000), pilot_rounds(1_000), pilot_rounds(300)
    ((2, 1), (5, 1), (5, 3))
    """
    n_rounds = _AS_MANY_ROWS // ((_FOLDS - 1) * n_rows)
    return (_FOLDS, min(n_rounds, _MOST_ROUNDS)) if n_rounds else (2, 1)


def pilot_batch_size(n_rows: int, n_epochs: int, batch_size: int) -> int:
    """Return the largest batch with which a short training has steps enough, at most ``batch_size`` and at least 4.

    Halves make 100 steps, parts of five 50.

    Examples
    --------
    >>> pilot_batch_size(10_000, 8, 128), pilot_batch_size(300, 8, 128)
    (128, 38)
    """
    n_folds, _ = pilot_rounds(n_rows)
    n_learned = n_rows - n_rows // n_folds
    return max(min(batch_size, n_learned * n_epochs // _FEWEST_STEPS[n_folds]), min(_SMALLEST_BATCH, batch_size))


def predict_by_others(
    pilot: Any, data: TrainingData, rows: np.ndarray, rounds: tuple[int, int], seed: int, shows_bar: bool = False
) -> Tensor:
    """Predict each row by networks that learned others.

    Parameters
    ----------
    pilot : MentorNetClassifier
        Unfitted, with the parameters of each training.
    data : TrainingData
    rows : ndarray of shape (n,)
        Increasing row numbers, at least :func:`fewest_rows`; the parts are drawn.
    rounds : pair of int
        See :func:`pilot_rounds`.
    seed : int
    shows_bar : bool, default=False
        Show the progress of each training.

    Returns
    -------
    Tensor of shape (n, C)
        Class probabilities, the mean of all rounds, on the training device.

    Raises
    ------
    KeyboardInterrupt
        If one of the trainings was interrupted.
    """
    data = replace(data, class_weight=None)  # what is predicted is how likely each label is
    n_folds, n_rounds = rounds
    rng = np.random.default_rng(seed)
    turns = [rng.permutation(len(rows)) % n_folds for _ in range(n_rounds)]
    parts = [turn == part for turn in turns for part in range(n_folds)]
    proba = torch.zeros(len(rows), data.n_classes, device=data.device)
    for number, is_left_out in enumerate(parts):
        bar = f"short training {number + 1} of {len(parts)}" if shows_bar else None
        net = _train(pilot, data, rows[~is_left_out], seed + 5 + number, bar)
        with private_torch_stream(seed + 5 + number, data.device):
            logits = torch.cat(list(net.forward_iter(data.samples.take(rows[is_left_out]))))
        proba[torch.as_tensor(is_left_out, device=data.device)] += logits.to(proba).softmax(1) / n_rounds
    return proba


def _train(pilot: Any, data: TrainingData, rows: np.ndarray, seed: int, bar: str | None) -> Any:
    """Return the net that has learned some rows."""
    mentor = pilot.make_mentor().check_parameters()
    fitted = TrainingRun(pilot, data, partial(pilot.make_net, mentor), Split(rows, rows[:0]), seed, bar=bar).train()
    if fitted.trained.interrupt is not None:
        raise KeyboardInterrupt(f"In a short training before the main one: {fitted.trained.interrupt}")
    return fitted.net
