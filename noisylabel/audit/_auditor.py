"""What an audit trains, and for how long."""

import numpy as np
import torch
from sklearn.base import clone

from noisylabel._support.progress import progress_bar
from noisylabel._support.random import numpy_generator
from noisylabel.audit.reading import AuditData
from noisylabel.audit.reading._labels import FEW_ROWS
from noisylabel.curricula import Uniform
from noisylabel.estimators import MentorNetClassifier
from noisylabel.estimators._pilot import fewest_rows, pilot_epochs, pilot_rounds
from noisylabel.mentors import AutoPercentileMentor

EPOCHS = {"table": (12, 25, 50), "images": (12, 25)}  # to choose from; of images, 50 take minutes
_RIGHT_OF_FEW = 0.8
_MEMORY = 0.05  # of the averaged predictions: the latest visit's share
_TINY = 1e-6


def default_auditor(kind: str, n_rows: int) -> MentorNetClassifier:
    """Return the classifier that an audit trains.

    Tables have that of ``MentorNetClassifier()``. Images are learned by plain training: with augmentation it does not
    learn labels by heart so soon, and its averaged predictions tell wrong labels better than those of a network that
    has put doubtful rows aside. Both find out the noise by short trainings first.

    Parameters
    ----------
    kind : {"table", "images"}
        What it will get.
    n_rows : int
        How many rows it will get. Below 100 the share of right labels, which guides the training, is taken to be 0.8:
        an estimate needs more rows.

    Returns
    -------
    MentorNetClassifier
        Not fitted; with ``verbose=1``, a progress bar.

    Examples
    --------
    >>> default_auditor("table", 60).loss_percentile, default_auditor("images", 500).student
    (0.8, 'cnn')
    """
    clf = MentorNetClassifier(random_state=0, verbose=1)
    if kind == "table":
        clf.set_params(standardize=False)  # done column by column; a text's lesser dimensions are to stay lesser
    else:
        clf.set_params(curriculum=AutoPercentileMentor(Uniform()), filter_alpha=_MEMORY)
        clf.set_params(student="cnn", optimizer="sgd", lr=0.1, weight_decay=0.001, augment="shift_flip")
    if n_rows < FEW_ROWS:
        clf.set_params(curriculum="mentornet_pd", percentile_by_class=True, loss_percentile=_RIGHT_OF_FEW)
    return clf


def quick_precision(device: str) -> str:
    """Return the arithmetic in which networks of images train fastest: ``"bf16"`` where the processor has it."""
    is_cpu = torch.device("cpu" if device == "auto" and not torch.cuda.is_available() else device).type == "cpu"
    if not is_cpu:
        return "bf16"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "fp32"


def choose_epochs(data: AuditData, clf: MentorNetClassifier) -> int:
    """Return for how many epochs to train: 12, 25 or, for a table, 50, before the network learns wrong labels by heart.

    Networks learn a part of the rows for as long as the short trainings before the main one would, and predict the
    rest; the number whose short training gives the held-out labels the highest likelihood is taken.

    Parameters
    ----------
    data : AuditData
    clf : MentorNetClassifier
        Unfitted; with the number returned as ``max_epochs`` its short trainings are as long as is best.

    Returns
    -------
    int
        Its own ``max_epochs`` if there are too few rows to tell.
    """
    n_rows, n_classes = len(data.X), len(np.unique(data.noisy_y))
    if n_rows < fewest_rows(n_classes):
        return int(clf.max_epochs)
    n_folds, _ = pilot_rounds(n_rows)
    is_held_out = numpy_generator(0).permutation(n_rows) % n_folds == 0
    losses = []
    for n_epochs in progress_bar(EPOCHS[data.kind], "how long to train", unit="try", leave=False, delay=2):
        short = clone(clf).set_params(max_epochs=n_epochs).make_pilot(n_rows)
        short.fit(data.X[~is_held_out], data.noisy_y[~is_held_out])
        losses.append(_held_out_loss(short, data.X[is_held_out], data.noisy_y[is_held_out]))
    return EPOCHS[data.kind][int(np.argmin(losses))]


def times_as_long(data: AuditData, n_epochs: int) -> float:
    """Return how many times as long the audit's training takes as :func:`choose_epochs` did, by passes over rows."""
    n_folds, n_rounds = pilot_rounds(len(data.X))
    share = 1 - 1 / n_folds
    tried = share * sum(pilot_epochs(tried) for tried in EPOCHS[data.kind])
    return (n_epochs + n_rounds * n_folds * share * pilot_epochs(n_epochs)) / tried


def _held_out_loss(clf: MentorNetClassifier, X: np.ndarray, y: np.ndarray) -> float:
    """Return the mean cross entropy of labels, where one of a class that was not learned is hardly possible."""
    place = np.searchsorted(clf.classes_, y).clip(max=len(clf.classes_) - 1)
    proba = np.where(clf.classes_[place] == y, clf.predict_proba(X)[np.arange(len(y)), place], 0)
    return float(-np.log(proba.clip(_TINY)).mean())
