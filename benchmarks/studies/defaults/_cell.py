"""One fit: what it came to, or its error."""

import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score
from threadpoolctl import threadpool_limits

from benchmarks.cells.environment import environment
from benchmarks.cells.rows import rounded
from benchmarks.cells.store import Row
from benchmarks.studies.defaults._data import NOISES, make_split
from benchmarks.studies.defaults._methods import OF_SKLEARN, OURS, make_method
from noisylabel.noise import NoiseManifest
from noisylabel.utils import stop_if_interrupted


@dataclass(frozen=True)
class Fit:
    """Name of one fit; split, noise and method have the same seed.

    ``label`` names the state of our defaults. Other methods do not change with it.
    """

    data: str
    noise: str
    seed: int
    method: str
    label: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """What two rows of the same fit have in common."""
        return self.data, self.noise, self.seed, self.method, self.label if self.method in OURS else ""


def fit_of(row: Row) -> Fit:
    """Return which fit a row is of."""
    return Fit(*(row[name] for name in Fit.__dataclass_fields__))


def measure(fit: Fit, machine: dict[str, str]) -> Row:
    """Return the row of a fit, on one thread; of one that fails with the text of its error.

    Parameters
    ----------
    fit : Fit
    machine : dict
        Parameters of networks that say where and with which arithmetic they train.
    """
    torch.set_num_threads(1)
    row = asdict(fit) | {"rate": NOISES[fit.noise][1], "measured": datetime.now(UTC).isoformat(timespec="seconds")}
    row |= {"machine": machine, "environment": environment(machine.get("device", "cpu"))}
    try:
        with threadpool_limits(1), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            row |= _trained(fit, machine)
            row["warnings"] = sorted({str(warning.message) for warning in said})
    except Exception:
        row["error"] = traceback.format_exc()
    return dict(rounded(row))


def _trained(fit: Fit, machine: dict[str, str]) -> Row:
    split = make_split(fit.data, fit.noise, fit.seed)
    manifest = split.manifest
    clf = make_method(fit.method, fit.data, fit.seed, manifest.realised_rate)
    if fit.method not in OF_SKLEARN:
        clf.set_params(**machine)
    start, busy = time.perf_counter(), time.process_time()
    clf.fit(split.X, split.noisy_y)
    stop_if_interrupted(clf)
    seconds = {"fit_s": time.perf_counter() - start, "cpu_s": time.process_time() - busy}
    predicted = clf.predict(split.X_test)
    return {
        "accuracy": float((predicted == split.y_test).mean()),
        "balanced_accuracy": float(balanced_accuracy_score(split.y_test, predicted)),
        **seconds,
        "n_train": len(split.X),
        "true_rate": manifest.realised_rate,
        "true_rate_by_class": _of_classes(manifest, clf.classes_).tolist(),
        **_estimates(clf, manifest),
    }


def _of_classes(manifest: NoiseManifest, classes: np.ndarray) -> np.ndarray:
    """Return the share of wrong labels of each class that has a label, NaN for one that has no true label."""
    return np.array(manifest.realised_rate_per_class, float)[_places(manifest, classes)]


def _places(manifest: NoiseManifest, classes: np.ndarray) -> list[int]:
    return [manifest.classes.index(label) for label in classes.tolist()]


def _estimates(clf: Any, manifest: NoiseManifest) -> Row:
    """Return what a classifier says of the noise and of its training, as far as it says it."""
    names = {"noise_rate_": "rate", "noise_rate_interval_": "interval", "noise_rate_by_class_": "by_class"}
    said = {short: _plain(getattr(clf, name, None)) for name, short in names.items()}
    matrix = getattr(clf, "noise_matrix_", None)
    said["matrix_error"] = None if matrix is None else _matrix_error(np.asarray(matrix), manifest, clf.classes_)
    advice = getattr(clf, "advice_", None)
    return {"estimated": said} | ({} if advice is None else {"advice": str(advice)})


def _plain(value: Any) -> Any:
    return None if value is None else np.asarray(value, float).tolist()


def _matrix_error(matrix: np.ndarray, manifest: NoiseManifest, classes: np.ndarray) -> float:
    """Return half the sum of a row's absolute errors, on average over the classes that have true labels."""
    places = _places(manifest, classes)
    realised = np.array(manifest.realised_matrix, float)[np.ix_(places, places)]
    return float(np.nanmean(np.abs(matrix - realised).sum(axis=1)) / 2)
