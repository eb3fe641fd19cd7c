"""Evaluate the checkpoints of a training, while it runs or after it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from noisylabel._files import written_whole
from noisylabel.callbacks import CHECKPOINT_FILE
from noisylabel.estimators import load_checkpoint
from noisylabel.exceptions import InvalidDataError, InvalidFileError


def evaluate_checkpoint(folder: str | Path, X: Any, y: Any, student: Any = None, device: Any = "cpu") -> dict[str, Any]:
    """Measure the network of a checkpoint on labelled samples.

    Parameters
    ----------
    folder : str or Path
        The ``checkpoint_dir`` of the training.
    X, y : array-like
        Samples, and labels of the training's kind.
    student, device
        As in :func:`noisylabel.load_checkpoint`.

    Returns
    -------
    dict
        ``epoch``, ``accuracy`` in [0, 1], ``loss`` (mean cross-entropy in nats, over the labels that training knew).

    Raises
    ------
    InvalidDataError
        If no label of ``y`` is one of the training's.
    """
    clf = load_checkpoint(folder, student, device)
    labels = np.asarray(y)
    known = np.isin(labels, clf.classes_)
    if not known.any():
        raise InvalidDataError(
            f"No label in the data, such as {labels.tolist()[0]!r}, is one that was trained on, such as "
            f"{clf.classes_.tolist()[0]!r}."
        )
    proba = clf.predict_proba(X)
    codes = np.searchsorted(clf.classes_, labels[known])
    loss = -np.log(np.maximum(proba[known][np.arange(known.sum()), codes], 1e-12)).mean()
    accuracy = float((clf.classes_[proba.argmax(axis=1)] == labels).mean())
    return {"epoch": clf.n_iter_, "accuracy": accuracy, "loss": float(loss)}


def is_finished(folder: str | Path) -> bool:
    """Whether the training of a checkpoint is over."""
    path = Path(folder) / CHECKPOINT_FILE
    return path.exists() and bool(torch.load(path, map_location="cpu", weights_only=True)["finished"])


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
    every : float
        Seconds between looks at the folder.
    timeout : float, optional
        Seconds to wait for a new checkpoint; forever by default.

    Yields
    ------
    dict
        As :func:`evaluate_checkpoint` returns.

    Raises
    ------
    InvalidFileError
        If no new checkpoint came within ``timeout``.
    """
    path, seen, epoch, since = Path(folder) / CHECKPOINT_FILE, 0, -1, time.monotonic()
    while True:
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if changed != seen:
            finished = is_finished(folder)
            result = evaluate_checkpoint(folder, X, y, student, device)
            if result["epoch"] != epoch:
                yield result
            seen, epoch, since = changed, result["epoch"], time.monotonic()
            if finished:
                return
        elif timeout is not None and time.monotonic() - since > timeout:
            raise InvalidFileError(
                f"No new checkpoint in {str(folder)!r} for {timeout:g} seconds. Is the training still running?"
            )
        else:
            time.sleep(every)


def save_evaluation(rows: list[dict[str, Any]], folder: str | Path) -> Path:
    """Write ``evaluation.csv`` and a plot of it, ``evaluation.png``, into a folder; return the table's path."""
    from noisylabel.inspection._evaluation_plot import plot_evaluation

    table = pd.DataFrame(rows)
    path = Path(folder) / "evaluation.csv"
    written_whole(path, lambda partial: table.to_csv(partial, index=False))
    figure = plot_evaluation(table)
    written_whole(path.with_suffix(".png"), lambda partial: figure.savefig(partial, dpi=120))
    return path
