"""One cell of a table: a data set, a noise, a method and a seed."""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.cells.catalogue import PROFILES, Profile
from benchmarks.cells.classifier import changed_settings, make_classifier, trusted_rows
from benchmarks.cells.environment import environment
from benchmarks.cells.metrics import AccuracyCurve, PeakMemory, calibration_error, detection_precision, weight_shares
from benchmarks.cells.noises import HUMAN, known_rate, make_noisy
from benchmarks.cells.rows import rounded
from benchmarks.methods import find_method
from noisylabel.datasets import DATASETS, fetch_cifarn_labels
from noisylabel.estimators import resolve_device
from noisylabel.noise import NoiseManifest
from noisylabel.utils import stop_if_interrupted


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
        """Short name, such as ``symmetric-0.4_plain_seed0``; without the profile."""
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
    for dataset, noise in dict.fromkeys((PROFILES[cell.profile].dataset, cell.noise) for cell in wanted):
        _load(dataset)
        if noise.startswith(HUMAN):
            fetch_cifarn_labels(noise.removeprefix(HUMAN))


def noisy_subset(profile: Profile, noise: str, rate: float | None, seed: int) -> tuple[Any, Any, Any, NoiseManifest]:
    """Return X, true and noisy labels of the cell's training and validation samples, and the manifest."""
    data = _load(profile.dataset)
    rows = np.random.default_rng(seed).permutation(len(data.data))[: profile.n_train + profile.n_valid]
    noisy_y, manifest = make_noisy(profile.dataset, (noise, rate), data, rows, seed)
    return data.data[rows], data.target[rows], noisy_y, manifest


def run_cell(
    cell: Cell,
    precision: str | None = None,
    device: str = "cpu",
    checkpoint_dir: Path | None = None,
    profile: Profile | None = None,
) -> dict[str, Any]:
    """Train and measure one cell.

    Parameters
    ----------
    cell : Cell
    precision : {"fp32", "bf16"}, optional
        Arithmetic, instead of the profile's: a processor may be slow at one of them.
    device : str, default="cpu"
        Where to train.
    checkpoint_dir : Path, optional
        Where training saves itself after each epoch, to go on from there.
    profile : Profile, optional
        Instead of the cell's own, for a trial of two steps.

    Returns
    -------
    dict
        The row for the profile's file: ``cell``, ``dataset``, ``measured`` (UTC), ``metrics``, ``manifest`` (what the
        noise came to), ``settings`` (what the method changes of the profile's) and ``environment``.
    """
    profile, device = profile or PROFILES[cell.profile], str(resolve_device(device))
    data = _load(profile.dataset)
    X_test, y_test = data.test_data[: profile.n_test], data.test_target[: profile.n_test]
    X, y, noisy_y, manifest = noisy_subset(profile, cell.noise, cell.rate, cell.seed)
    curve = AccuracyCurve(X_test, y_test, profile.test_every)
    told = known_rate(cell.noise, cell.rate)
    clf = make_classifier(cell.method, told, profile, cell.seed, [("test_curve", curve)])
    clf.set_params(precision=precision or clf.precision, device=device, checkpoint_dir=checkpoint_dir)
    labels, trusted = _with_trusted(cell, profile, y, noisy_y)
    start = time.perf_counter()
    with PeakMemory(torch.device(device)) as memory:
        clf.fit(X, labels, y_trusted=trusted, sample_weight=_counts(cell, y, noisy_y))
    stop_if_interrupted(clf)
    seconds = time.perf_counter() - start
    row = {
        "cell": asdict(cell),
        "dataset": profile.dataset,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "metrics": {
            **_accuracies(clf, curve, X_test, y_test),
            "detection_ap": detection_precision(clf.record_, labels != y),
            "noise_rate": _known(getattr(clf, "noise_rate_", None)),  # estimated, or among the trusted rows
            "mentornet": getattr(getattr(clf, "curriculum_", None), "card", None),  # of a learned curriculum
            **weight_shares(clf.sample_weight_, y, noisy_y),
            "lowest_utilization": float(clf.history_["data_utilization"].min()),  # of all epochs
            **_replays(clf.history_),
            "seconds": round(seconds, 1),
            **memory.metrics_,
        },
        "manifest": {"realised_rate": manifest.realised_rate, "hash": manifest.hash},
        "settings": changed_settings(clf, profile, told, cell.seed),
        "environment": environment(device),
    }
    return rounded(row)


def _replays(history: pd.DataFrame) -> dict[str, int]:
    """Return how many steps were replays of a recorded one, of a training on a GPU."""
    return {name: int(history[name].sum()) for name in ("replayed_steps",) if name in history}


def _known(number: float | None) -> float | None:
    """Return None for NaN, which JSON has not."""
    return None if number is None or np.isnan(number) else float(number)


def _accuracies(clf: Any, curve: AccuracyCurve, X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return accuracy and calibration on the test set: of the last epoch, the selected one, and the best."""
    proba = clf.predict_proba(X)
    selected = float((proba.argmax(1) == y).mean())
    accuracy = list(curve.curve_.values())
    return {
        "last": accuracy[-1],
        "selected": selected,
        "oracle": max([*accuracy, selected]),
        "selected_epoch": getattr(clf, "best_epoch_", None),  # None where no row is held out
        "ece": curve.ece_,  # of the last epoch
        "ece_selected": calibration_error(proba, y),
        **curve.measured(),
    }


def _with_trusted(
    cell: Cell, profile: Profile, y: np.ndarray, noisy_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the labels to train on, and the trusted ones of a method that learns its curriculum from them."""
    rows = trusted_rows(cell.method, profile, cell.seed)
    rows = rows[np.isin(y[rows], noisy_y)]  # in a proof on few rows, a class may be among the right labels alone
    if len(rows) == 0:
        return noisy_y, None
    if find_method(cell.method).corrects:
        corrected = noisy_y.copy()
        corrected[rows] = y[rows]
        return corrected, None
    trusted = np.full(len(y), -1)
    trusted[rows] = y[rows]
    return noisy_y, trusted


def _counts(cell: Cell, y: np.ndarray, noisy_y: np.ndarray) -> np.ndarray | None:
    """Return 0 for the wrongly labelled rows if the method is told them; they still select the epoch."""
    return (y == noisy_y).astype(np.float32) if find_method(cell.method).knows_wrong else None
