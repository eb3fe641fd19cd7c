"""Record the losses of trusted rows while a student trains."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from skorch.callbacks import Callback

from noisylabel._support.sklearn_compat import column_or_1d
from noisylabel._support.trusted import trusted_codes
from noisylabel.curricula.learned import write_records
from noisylabel.exceptions import InvalidParameterError, NoisyLabelWarning
from noisylabel.schedules import percent_of_training


class StudentRecorder(Callback):
    """Record, at some percents of training, the loss of each trusted row at its last visit.

    These are the losses that a mentor sees: against the given label, in training mode, with augmentation. A MentorNet
    is learned from them by :func:`noisylabel.curricula.learned.learn_from_records`.

    Parameters
    ----------
    y : array-like of shape (N,)
        The given labels, as in ``fit``. Rows must not be held out: ``validation_fraction`` is 0.
    y_trusted : array-like of shape (N,) or pair (mask, labels)
        The right label where it is known; -1, NaN or None elsewhere.
    at : sequence of int in [1, 99], default=(18, 30, 45, 60, 75, 90, 99)
        Percents of training. A row without a visit so far is left out.
    path : str or Path, optional
        Where to write the records when training ends: CSV, or Parquet for ``.parquet``.

    Attributes
    ----------
    records_ : DataFrame
        Columns ``sample_id`` (row number), ``epoch`` (percent of training), ``noisy_label``, ``clean_label``, ``loss``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from noisylabel import MentorNetClassifier
    >>> from noisylabel.noise import corrupt
    >>> X, y = load_digits(return_X_y=True)
    >>> noisy_y, _ = corrupt(y, "symmetric", rate=0.4, random_state=0)
    >>> y_trusted = np.where(np.arange(len(y)) < 300, y, -1)
    >>> recorder = StudentRecorder(noisy_y, y_trusted, at=(20, 75))
    >>> clf = MentorNetClassifier(max_epochs=10, callbacks=[recorder], random_state=0).fit(X, noisy_y)
    >>> recorder.records_.groupby("epoch").size().to_dict()
    {20: 300, 75: 300}
    """

    def __init__(
        self, y: Any, y_trusted: Any, at: Sequence[int] = (18, 30, 45, 60, 75, 90, 99), path: str | Path | None = None
    ) -> None:
        self.y = y
        self.y_trusted = y_trusted
        self.at = at
        self.path = path

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Check the labels and forget earlier runs."""
        noisy = column_or_1d(np.asarray(self.y))
        if len(noisy) != len(X):
            raise InvalidParameterError(
                f"StudentRecorder has {len(noisy)} labels, but training has {len(X)} rows. Give it the y of fit, and "
                "set validation_fraction=0."
            )
        if not self.at or not all(isinstance(p, (int, np.integer)) and 1 <= p <= 99 for p in self.at):
            raise InvalidParameterError(f"'at' must hold whole percents of training from 1 to 99. Got {self.at!r}.")
        classes = np.unique(noisy)
        codes = trusted_codes(self.y_trusted, len(noisy), classes)
        rows = np.flatnonzero(codes >= 0)
        clean = classes[codes[rows]]
        self.table_ = pd.DataFrame({"sample_id": rows, "noisy_label": noisy[rows], "clean_label": clean})
        self.losses_ = torch.full((len(noisy),), torch.nan, device=net.device)
        self.pending_ = sorted(set(self.at))
        self.parts_: list[pd.DataFrame] = []

    def on_batch_end(self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any) -> None:
        """Remember the batch's losses; at a percent that is due, those of all trusted rows."""
        if not training:
            return
        if "losses" not in kwargs:
            raise InvalidParameterError(
                "StudentRecorder needs the losses of unmixed samples, and plain mixup (curriculum='uniform' with "
                "'mixup_alpha' above 0) never works them out. Use another curriculum, or mixup_alpha=0."
            )
        self.losses_.index_copy_(0, batch.rows, kwargs["losses"])
        percent = percent_of_training(net.clock_.progress)
        while self.pending_ and percent >= self.pending_[0]:
            loss = self.losses_.cpu().numpy()[self.table_["sample_id"]]
            part = self.table_.assign(epoch=self.pending_.pop(0), loss=loss)
            self.parts_.append(part[~np.isnan(loss)])

    def state_dict(self) -> dict[str, Any]:
        """Return what to remember across a restart."""
        parts = [part.to_dict("list") for part in self.parts_]
        return {"losses": self.losses_, "pending": self.pending_, "parts": parts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.losses_.copy_(state["losses"])
        self.pending_ = list(state["pending"])
        self.parts_ = [pd.DataFrame(part).astype({"loss": np.float32}) for part in state["parts"]]

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Put the records together and write them."""
        if self.pending_:
            warnings.warn(
                f"Training ended before {self.pending_} percent, so there are no records of them.",
                NoisyLabelWarning,
                stacklevel=2,
            )
        nothing = self.table_.assign(epoch=0, loss=0.0).head(0)
        self.records_ = pd.concat(self.parts_ or [nothing], ignore_index=True)
        self.records_ = self.records_[["sample_id", "epoch", "noisy_label", "clean_label", "loss"]]
        del self.losses_, self.parts_, self.table_
        if self.path is not None:
            write_records(self.records_, self.path)
