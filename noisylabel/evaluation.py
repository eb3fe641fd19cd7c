"""Evaluate the checkpoints of a training, while it runs or after it."""

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisylabel._support.files import local_path, written_whole
from noisylabel._support.spreadsheet import no_formula, write_csv
from noisylabel.estimators.inputs._datasets import take_scored
from noisylabel.estimators.inputs._labels import score_codes
from noisylabel.estimators.saving._checkpoints import read_checkpoint
from noisylabel.estimators.saving._load_checkpoint import classifier_of
from noisylabel.exceptions import InvalidDataError, InvalidFileError, NoisyLabelWarning
from noisylabel.nets import CHECKPOINT_FILE


def evaluate_checkpoint(folder: str | Path, X: Any, y: Any, student: Any = None, device: Any = "cpu") -> dict[str, Any]:
    """Measure the network of a checkpoint on labelled samples.

    Parameters
    ----------
    folder : str or Path
        The ``checkpoint_dir`` of the training.
    X : array-like of shape (N, ...)
        Samples like those of the training.
    y : array-like of shape (N,)
        Their labels, of the training's kind: its names or its numbers.
    student : nn.Module, class or callable, optional
        Needed only if the training's student was a network or function of the user's: the same.
    device : str or torch.device, default="cpu"
        Where to predict.

    Returns
    -------
    dict
        ``epoch``, ``accuracy`` in [0, 1], ``loss`` (mean cross-entropy in nats, over the labels that training knew).

    Raises
    ------
    InvalidDataError
        If no label of ``y`` is one of the training's, one is missing, or X and y differ in length.
    InvalidFileError
        If there is no checkpoint, or it is damaged.

    Warns
    -----
    NoisyLabelWarning
        If some labels were not among those trained on: they count as wrong.

    Examples
    --------
    >>> import tempfile
    >>> from noisylabel import MentorNetClassifier
    >>> from noisylabel.datasets import load_digits
    >>> digits, folder = load_digits(), tempfile.mkdtemp()
    >>> clf = MentorNetClassifier(max_epochs=5, checkpoint_dir=folder, random_state=0).fit(digits.data, digits.target)
    >>> found = evaluate_checkpoint(folder, digits.test_data, digits.test_target)
    >>> found["epoch"], found["accuracy"] == clf.score(digits.test_data, digits.test_target)
    (5, True)
    """
    return _evaluate(classifier_of(_read(folder), student, device), X, y)


def _read(folder: str | Path) -> dict[str, Any]:
    saved = read_checkpoint(local_path("folder", folder))
    if saved is None:
        raise InvalidFileError(f"There is no checkpoint in {str(folder)!r}. Pass the 'checkpoint_dir' of a training.")
    return saved


def _evaluate(clf: Any, X: Any, y: Any) -> dict[str, Any]:
    X, labels = take_scored(X, y)
    if not len(labels):
        raise InvalidDataError("y is empty. Give at least one sample with its label.")
    codes = score_codes(labels, clf.classes_)
    known = codes >= 0
    if not known.any():
        raise InvalidDataError(
            f"No label in the data, such as {labels.tolist()[0]!r}, is one that was trained on, such as "
            f"{clf.classes_.tolist()[0]!r}."
        )
    if not known.all():
        unknown = labels[~known].tolist()
        warnings.warn(
            f"{len(unknown)} of {len(labels)} labels, such as {unknown[0]!r}, were not among those trained on. They "
            "count as wrong in the accuracy and are left out of the loss.",
            NoisyLabelWarning,
            stacklevel=2,
        )
    proba = clf.predict_proba(X)
    loss = -np.log(np.maximum(proba[known][np.arange(known.sum()), codes[known]], 1e-12)).mean()
    accuracy = float((proba.argmax(axis=1) == codes).mean())
    return {"epoch": clf.n_iter_, "accuracy": accuracy, "loss": float(loss)}


def watch_checkpoints(  # noqa: PLR0913 - what to evaluate, on what, and how patiently
    folder: str | Path,
    X: Any,
    y: Any,
    student: Any = None,
    device: Any = "cpu",
    *,
    every: float = 2.0,
    timeout: float | None = None,
) -> Iterator[dict[str, Any]]:
    """Evaluate each new checkpoint of a training until it is over; if epochs are faster than this, some are skipped.

    Parameters
    ----------
    folder, X, y, student, device
        As in :func:`evaluate_checkpoint`.
    every : float in (0, inf), default=2.0
        Seconds between looks at the folder.
    timeout : float in (0, inf), optional
        Seconds to wait for a new checkpoint; forever by default.

    Yields
    ------
    dict
        As :func:`evaluate_checkpoint` returns. When training is over, a last one of the network that it ends with.

    Raises
    ------
    InvalidFileError
        If no new checkpoint came within ``timeout``.

    Examples
    --------
    >>> for found in watch_checkpoints("run1", X_test, y_test):  # doctest: +SKIP
    ...     print(found["epoch"], found["accuracy"])
    """
    path, seen, since = local_path("folder", folder) / CHECKPOINT_FILE, 0, time.monotonic()
    latest: dict[str, Any] = {}
    while True:
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if changed != seen:
            saved = _read(folder)
            result = _evaluate(classifier_of(saved, student, device), X, y)
            if result != latest:
                yield result
            seen, latest, since = changed, result, time.monotonic()
            if saved["finished"]:
                return
        elif timeout is not None and time.monotonic() - since > timeout:
            raise InvalidFileError(
                f"No new checkpoint in {str(folder)!r} for {timeout:g} seconds. Is the training still running?"
            )
        else:
            time.sleep(every)


def save_evaluation(rows: list[dict[str, Any]], folder: str | Path) -> Path:
    """Add to ``evaluation.csv`` in a folder, and plot it as ``evaluation.png`` beside it.

    A row takes the place of an earlier one of the same epoch and, if the rows say what they were measured on, the same
    ``data``; the plot is of the data of the last row.

    Parameters
    ----------
    rows : list of dict
        At least one, as :func:`evaluate_checkpoint` returns, perhaps with ``data``: the name of what was measured on.
    folder : str or Path
        Usually the ``checkpoint_dir`` of the training.

    Returns
    -------
    Path
        Of the table.

    Raises
    ------
    InvalidFileError
        If there is such a table that cannot be added to.

    Examples
    --------
    >>> import tempfile
    >>> save_evaluation([{"epoch": 1, "accuracy": 0.8, "loss": 0.7}], tempfile.mkdtemp()).name
    'evaluation.csv'
    """
    from noisylabel.plots import plot_evaluation

    path, table = local_path("folder", folder) / "evaluation.csv", pd.DataFrame(rows).map(no_formula)
    last = table.iloc[-1]
    if path.exists():
        table = pd.concat([_earlier(path), table])
    keys = [key for key in ("data", "epoch") if key in table]
    table = table.drop_duplicates(keys, keep="last").sort_values(keys, ignore_index=True)
    write_csv(table, path)
    shown = table[table["data"] == last["data"]] if "data" in last else table
    figure = plot_evaluation(shown)
    written_whole(path.with_suffix(".png"), lambda partial: figure.savefig(partial, dpi=120))
    return path


def _earlier(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype={"data": str})
        if not {"epoch", "accuracy", "loss"} <= set(table):
            raise ValueError(f"its columns are {list(table)}")
    except ValueError as error:
        raise InvalidFileError(
            f"{path} is no table of evaluations: {str(error).strip()}. Move it away; a new one is then begun."
        ) from error
    return table
