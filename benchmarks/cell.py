"""One cell of a table: a data set, a noise, a method and a seed."""

import os
import platform
import resource
import subprocess
import time
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import psutil
import sklearn
import skorch
import torch
from skorch.callbacks import Callback

import noisylabel
from benchmarks.methods import METHODS, make_classifier, trusted_rows
from benchmarks.profiles import PROFILES, Profile
from noisylabel import corrupt
from noisylabel.datasets import DATASETS, fetch_cifarn_labels
from noisylabel.functional import expected_calibration_error
from noisylabel.nets import TensorData
from noisylabel.noise import HumanNoise, NoiseManifest


@dataclass(frozen=True)
class Cell:
    """Name of one run.

    Attributes
    ----------
    profile, noise, method : str
    rate : float or None
        Nominal noise rate.
    seed : int
        Of the subset, the noise and the training.
    """

    profile: str
    noise: str
    rate: float | None
    method: str
    seed: int

    @property
    def name(self) -> str:
        """File name of the result, without suffix."""
        noise = self.noise if self.rate is None else f"{self.noise}-{self.rate:g}"
        return f"{noise}_{self.method}_seed{self.seed}"


def cells(profile: str) -> list[Cell]:
    """Return all cells of a profile, each once, seed by seed, so that a stopped run has whole seeds."""
    p = PROFILES[profile]
    blocks = [(noise, method) for noises, methods in p.grid for noise in noises for method in methods]
    return [Cell(profile, *noise, method, seed) for seed in p.seeds for noise, method in dict.fromkeys(blocks)]


@cache
def _load(dataset: str) -> Any:
    return DATASETS[dataset]()


def check_data(wanted: list[Cell]) -> None:
    """Load what the cells need, so that a missing file is said at once and not after an hour."""
    for cell in wanted:
        _load(PROFILES[cell.profile].dataset)
        if cell.noise == "human_worst":
            fetch_cifarn_labels("worst")


def noisy_subset(profile: Profile, noise: str, rate: float | None, seed: int) -> tuple[Any, Any, Any, NoiseManifest]:
    """Return X, true and noisy labels of the cell's training and validation samples, and the manifest."""
    data = _load(profile.dataset)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(data.data))[: profile.n_train + profile.n_valid]
    y = data.target[rows]
    if noise == "human_worst":
        human = HumanNoise(fetch_cifarn_labels("worst").noisy[rows], source="CIFAR-10N worst")
        noisy_y, manifest = corrupt(y, human, random_state=seed)
    else:
        noisy_y, manifest = corrupt(y, noise, rate=rate, random_state=seed)
    return data.data[rows], y, noisy_y, manifest


class TestCurve(Callback):
    """Measure the accuracy on the clean test set during training, for the columns ``last`` and ``oracle``.

    And, at the last epoch, the calibration error. In two stages of training, what remains is of the second.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, every: int) -> None:
        self.X = X
        self.y = y
        self.every = every

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget earlier runs."""
        self.data_ = TensorData(torch.as_tensor(self.X))
        self.curve_: dict[int, float] = {}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Measure every so many epochs, and at the last one."""
        epoch = len(net.history)
        if epoch % self.every == 0 or epoch == net.max_epochs:
            logits = torch.cat(list(net.forward_iter(self.data_)))
            self.curve_[epoch] = float((logits.argmax(1).numpy() == self.y).mean())
            self.ece_ = calibration_error(logits.softmax(1), self.y)


def calibration_error(proba: Any, y: np.ndarray) -> float:
    """Return the expected calibration error, of ten bins."""
    return float(expected_calibration_error(torch.as_tensor(proba), torch.as_tensor(y)))


def run_cell(cell: Cell, precision: str | None = None) -> dict[str, Any]:
    """Train and measure one cell.

    Parameters
    ----------
    cell : Cell
    precision : {"fp32", "bf16"}, optional
        Arithmetic, instead of the profile's: a processor may be slow at one of them.

    Returns
    -------
    dict
        ``cell``, ``metrics``, ``manifest``, ``settings``, ``environment``; ready for JSON.
    """
    profile = PROFILES[cell.profile]
    data = _load(profile.dataset)
    X, y, noisy_y, manifest = noisy_subset(profile, cell.noise, cell.rate, cell.seed)
    curve = TestCurve(data.test_data, data.test_target, profile.test_every)
    clf = make_classifier(cell.method, cell.rate, profile, cell.seed, [("test_curve", curve)])
    if precision is not None:
        clf.set_params(precision=precision)
    labels, trusted = _with_trusted(cell, profile, y, noisy_y)
    start = time.perf_counter()
    clf.fit(X, labels, y_trusted=trusted, sample_weight=_counts(cell, y, noisy_y))
    seconds = time.perf_counter() - start
    proba = clf.predict_proba(data.test_data)
    selected = float((proba.argmax(1) == data.test_target).mean())
    accuracy = list(curve.curve_.values())
    return {
        "cell": asdict(cell),
        "dataset": profile.dataset,
        "metrics": {
            "last": accuracy[-1],
            "selected": selected,
            "oracle": max([*accuracy, selected]),
            "selected_epoch": clf.best_epoch_,
            "ece": curve.ece_,  # of the last epoch
            "ece_selected": calibration_error(proba, data.test_target),
            "curve": curve.curve_,
            "noise_rate": getattr(clf, "noise_rate_", None),  # estimated, or among the trusted rows
            "mentornet": getattr(getattr(clf, "curriculum_", None), "card", None),  # of a learned curriculum
            **_weight_shares(clf.sample_weight_, y, noisy_y),
            "lowest_utilization": float(clf.history_["data_utilization"].min()),  # of all epochs
            "seconds": round(seconds, 1),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        },
        "manifest": asdict(manifest),
        "settings": {
            k: v if isinstance(v, (int, float, str, type(None))) else repr(v) for k, v in _settings(clf).items()
        },
        "environment": environment(),
    }


def _with_trusted(
    cell: Cell, profile: Profile, y: np.ndarray, noisy_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the labels to train on, and the trusted ones of a method that learns its curriculum from them."""
    rows = trusted_rows(cell.method, profile, cell.seed)
    if len(rows) == 0:
        return noisy_y, None
    if METHODS[cell.method].corrects:
        corrected = noisy_y.copy()
        corrected[rows] = y[rows]
        return corrected, None
    trusted = np.full(len(y), -1)
    trusted[rows] = y[rows]
    return noisy_y, trusted


def _counts(cell: Cell, y: np.ndarray, noisy_y: np.ndarray) -> np.ndarray | None:
    """Return 0 for the wrongly labelled rows if the method is told them; they still select the epoch."""
    return (y == noisy_y).astype(np.float32) if METHODS[cell.method].knows_wrong else None


def _settings(clf: Any) -> dict[str, Any]:
    return {k: v for k, v in clf.get_params(deep=False).items() if k != "callbacks"}


def _weight_shares(weights: np.ndarray, y: np.ndarray, noisy_y: np.ndarray) -> dict[str, Any]:
    """Mean final weight of rightly and of wrongly labelled training samples."""
    known, wrong = ~np.isnan(weights), y != noisy_y
    return {
        "weight_right": float(weights[known & ~wrong].mean()),
        "weight_wrong": float(weights[known & wrong].mean()) if (known & wrong).any() else 0.0,
        "weight_right_by_class": [round(float(weights[known & ~wrong & (y == c)].mean()), 4) for c in np.unique(y)],
    }


@cache
def environment() -> dict[str, Any]:
    """Return versions, commit and machine of this run."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "noisylabel": noisylabel.__version__,
        "commit": commit or "unknown",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
        "skorch": skorch.__version__,
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "threads": torch.get_num_threads(),
    }


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
