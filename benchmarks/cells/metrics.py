"""What is measured of a training run."""

import resource
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from skorch.callbacks import Callback

from noisylabel.functional import expected_calibration_error
from noisylabel.issues import label_quality
from noisylabel.nets import TensorData


class AccuracyCurve(Callback):
    """Measure the accuracy on the clean test set during training, for the columns ``last`` and ``oracle``.

    And, at the last epoch, the calibration error. In two stages of training, what remains is of the second.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, every: int) -> None:
        self.X = X
        self.y = y
        self.every = every

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget earlier runs."""
        self.data_ = TensorData(torch.as_tensor(self.X).to(net.device))
        self.curve_: dict[int, float] = {}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Measure every so many epochs, and at the last one."""
        epoch = len(net.history)
        if epoch % self.every == 0 or epoch == net.max_epochs:
            logits = torch.cat(list(net.forward_iter(self.data_)))
            self.curve_[epoch] = float((logits.argmax(1).numpy() == self.y).mean())
            self.ece_ = calibration_error(logits.softmax(1), self.y)

    def measured(self) -> dict[str, Any]:
        """Return the accuracies as ``curve``, and at which epochs.

        Those are ``curve_every``, twice it, and so on; any others are listed, as ``curve_epochs``.
        """
        return {"curve": list(self.curve_.values()), **_epochs(list(self.curve_), self.every)}

    def state_dict(self) -> dict[str, Any]:
        """Return what a run that goes on must still know."""
        return {"curve": self.curve_, "ece": getattr(self, "ece_", None)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.curve_, self.ece_ = dict(state["curve"]), state["ece"]


def _epochs(epochs: list[int], every: int) -> dict[str, Any]:
    regular = [every * (at + 1) for at in range(len(epochs))]
    return {"curve_every": every} if epochs == regular else {"curve_epochs": epochs}


def calibration_error(proba: Any, y: np.ndarray) -> float:
    """Return the expected calibration error, of ten bins."""
    return float(expected_calibration_error(torch.as_tensor(proba), torch.as_tensor(y)))


def detection_precision(record: Any, is_wrong: np.ndarray) -> float | None:
    """Return the average precision with which the record's label quality finds the wrong labels.

    As in ``label_issues()``, held-out rows included. None if nothing is wrong, or if there are no losses of unmixed
    samples to judge by.
    """
    quality = label_quality(record.to_frame()["loss_mean"].to_numpy())
    if np.isnan(quality).any() or not is_wrong.any():
        return None
    return float(average_precision_score(is_wrong, -quality))


def weight_shares(weights: np.ndarray, y: np.ndarray, noisy_y: np.ndarray) -> dict[str, Any]:
    """Mean final weight of rightly and of wrongly labelled training samples; None of a class without right labels."""
    known, wrong = ~np.isnan(weights), y != noisy_y
    return {
        "weight_right": _mean(weights[known & ~wrong]),
        "weight_wrong": _mean(weights[known & wrong]) or 0.0,
        "weight_right_by_class": [_mean(weights[known & ~wrong & (y == c)]) for c in np.unique(y)],
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


class PeakMemory:
    """The most memory that this process holds inside a ``with`` block, and the most of the GPU's.

    Attributes
    ----------
    metrics_ : dict
        ``peak_memory_mb``, and on a GPU ``peak_gpu_memory_mb``.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def __enter__(self) -> "PeakMemory":
        forget = Path("/proc/self/clear_refs")
        if forget.exists():
            forget.write_text("5", encoding="ascii")  # Linux: the peak so far is that of an earlier cell
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        return self

    def __exit__(self, *error: object) -> None:
        self.metrics_ = {"peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
        if self.device.type == "cuda":
            self.metrics_["peak_gpu_memory_mb"] = torch.cuda.max_memory_allocated(self.device) // 2**20
