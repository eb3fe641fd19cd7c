"""How many labels are wrong, of which class: our estimate, cleanlab's confident joint and dual-T on equal predictions.

Predictions are out of sample, from three folds: logistic regression, and a small network that is trained for two epochs
or for 25. Estimators were chosen on one group of data sets of the study of defaults and are judged on another.
"""

import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.cells.environment import environment
from benchmarks.cells.rows import rounded
from benchmarks.cells.store import RESULTS, append, newest, read
from benchmarks.studies._runs import as_markdown
from benchmarks.studies.defaults._data import GROUPS, SEEDS, group_of, make_split, noises_of
from noisylabel.functional import estimate_noise, estimate_noise_rate

_FILE = "noise_rates.jsonl"
_KEYS = ["data", "noise", "seed", "network"]
_DATA = (*GROUPS["tune"], *GROUPS["judge"])
_MOST_COLUMNS = 100
NETWORKS: dict[str, Callable[[int], Any]] = {
    "logistic": lambda seed: LogisticRegression(max_iter=100),
    "mlp, 2 epochs": lambda seed: MLPClassifier((64,), batch_size=64, max_iter=2, random_state=seed),
    "mlp, 25 epochs": lambda seed: MLPClassifier((64,), batch_size=64, max_iter=25, random_state=seed),
}
Estimate = tuple[float, np.ndarray | None]  # rate, and transition matrix if there is one


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this study."""
    parser.add_argument("--data", nargs="+", choices=_DATA, default=list(_DATA), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds (%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")


def run(options: Namespace) -> None:
    """Estimate what has no result yet."""
    path = options.results / _FILE
    done = {tuple(row[key] for key in _KEYS) for row in read(path)}
    for name, turn in product(options.data, range(options.seeds)):
        seed = SEEDS[group_of(name)][turn]
        for noise, network in product(noises_of(name), NETWORKS):
            if (name, noise, seed, network) not in done:
                row = {"data": name, "noise": noise, "seed": seed, "network": network}
                append(path, rounded(row | measure(name, noise, seed, network)) | {"environment": environment()})


def measure(name: str, noise: str, seed: int, network: str) -> dict[str, Any]:
    """Return the true rates, and what each estimator makes of the same predictions."""
    split = make_split(name, noise, seed)
    classes, truth = np.unique(split.y, return_inverse=True)
    is_known = np.isin(split.noisy_y, classes)
    labels = np.searchsorted(classes, split.noisy_y[is_known])
    truth = truth[is_known]
    proba = _predict(_columns(name, seed)[is_known], labels, network, seed, len(classes))
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (truth, labels), 1)
    right = {"rate": float((labels != truth).mean()), "by_class": _wrong_by_class(counts)}
    found = {kind: _scored(*estimate(proba, labels), right) for kind, estimate in ESTIMATORS.items()}
    ours = estimate_noise(torch.from_numpy(proba), torch.from_numpy(labels))
    (low, high), by_class = ours.rate_interval, ours.rate_by_class_interval.numpy()
    inside = (by_class[0] <= right["by_class"]) & (right["by_class"] <= by_class[1])
    return {
        "true_rate": right["rate"],
        "accuracy": float((proba.argmax(1) == truth).mean()),
        "found": found,
        "low": low,
        "high": high,
        "covered": bool(low <= right["rate"] <= high),
        "classes_covered": float(inside[counts.sum(1) > 0].mean()),
    }


@cache
def _columns(name: str, seed: int) -> np.ndarray:
    """Return the rows of a split, standardised; of many columns the first hundred principal components."""
    X = np.nan_to_num(make_split(name, "clean", seed).X)
    X = StandardScaler().fit_transform(X.reshape(len(X), -1))
    if X.shape[1] <= _MOST_COLUMNS:
        return X
    return StandardScaler().fit_transform(PCA(_MOST_COLUMNS, random_state=0).fit_transform(X))


def _predict(X: np.ndarray, labels: np.ndarray, network: str, seed: int, n_classes: int) -> np.ndarray:
    """Predict each row by a network of the other two thirds."""
    model = NETWORKS[network](seed)
    folds = KFold(3, shuffle=True, random_state=seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # as few epochs as they are
        warnings.filterwarnings("ignore", "Number of classes in training fold")  # whose column is 0 then
        seen = cross_val_predict(model, X, labels, cv=folds, method="predict_proba").astype(np.float64)
    proba = np.zeros((len(X), n_classes))
    proba[:, np.unique(labels)] = seen
    return proba / proba.sum(1, keepdims=True)


def _wrong_by_class(joint: np.ndarray) -> np.ndarray:
    """Return the share of wrong labels of each true class, from a table of true class by given label."""
    return 1 - np.diag(joint) / np.maximum(joint.sum(1), 1e-12)


def _scored(rate: float, matrix: np.ndarray | None, right: dict[str, Any]) -> dict[str, float | None]:
    by_class = None if matrix is None else float(np.abs(1 - np.diag(matrix) - right["by_class"]).mean())
    return {"rate": rate, "error": abs(rate - right["rate"]), "error_by_class": by_class}


def _ours(proba: np.ndarray, labels: np.ndarray) -> Estimate:
    found = estimate_noise(torch.from_numpy(proba), torch.from_numpy(labels))
    return found.rate, found.matrix.numpy()


def _evenly_spread(proba: np.ndarray, labels: np.ndarray) -> Estimate:
    return estimate_noise_rate(torch.from_numpy(proba), torch.from_numpy(labels)), None


def _confident_joint(proba: np.ndarray, labels: np.ndarray) -> Estimate:
    """Northcutt et al., JAIR 2021, as in cleanlab."""
    from cleanlab.count import estimate_joint

    present = np.unique(labels)  # cleanlab takes no class without a label
    joint = estimate_joint(np.searchsorted(present, labels), proba[:, present])
    matrix = np.eye(proba.shape[1])
    shares = (joint / np.maximum(joint.sum(0), 1e-12)).T
    matrix[np.ix_(present, present)] = shares
    return float(1 - np.trace(joint)), matrix


def _dual_t(proba: np.ndarray, labels: np.ndarray) -> Estimate:
    """Yao et al., NeurIPS 2020: probabilities of the surest rows but 3 %, times counts by predicted class."""
    n_classes, limits = proba.shape[1], np.quantile(proba, 0.97, axis=0)
    to_predicted = proba[np.where(proba <= limits, proba, -1).argmax(0)]
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (proba.argmax(1), labels), 1)
    seen = counts.sum(1, keepdims=True)
    matrix = to_predicted @ np.where(seen > 0, counts / np.maximum(seen, 1), np.eye(n_classes))
    prior = (np.linalg.pinv(matrix.T) @ (np.bincount(labels, minlength=n_classes) / len(labels))).clip(0)
    return float(prior @ (1 - np.diag(matrix)) / prior.sum()), matrix


ESTIMATORS: dict[str, Callable[[np.ndarray, np.ndarray], Estimate]] = {
    "ours": _ours,
    "evenly spread": _evenly_spread,
    "confident joint": _confident_joint,
    "dual-T": _dual_t,
}


def report(options: Namespace) -> str:
    """Return mean absolute errors, of the rate / of the rates by class, and how often our intervals hold the truth."""
    rows = pd.DataFrame(newest(read(options.results / _FILE), _KEYS))
    rows = rows[rows["data"].isin(options.data)]
    parts = rows.groupby([rows["data"].map(group_of), "noise"], sort=False)
    return as_markdown(pd.DataFrame([{"set": group, "noise": noise, **_line(part)} for (group, noise), part in parts]))


def _line(part: pd.DataFrame) -> dict[str, str]:
    errors = {}
    for kind in ESTIMATORS:
        found = pd.DataFrame([row[kind] for row in part["found"]])
        by_class = found["error_by_class"]
        errors[kind] = f"{found['error'].mean():.3f}" + ("" if by_class.isna().all() else f" / {by_class.mean():.3f}")
    ours = pd.DataFrame([row["ours"] for row in part["found"]])
    return {
        "n": str(len(part)),
        "true": f"{part['true_rate'].mean():.3f}",
        "rate": f"{ours['rate'].mean():.3f} ({part['low'].mean():.3f} to {part['high'].mean():.3f})",
        **errors,
        "covered": f"{part['covered'].mean():.2f} / {part['classes_covered'].mean():.2f}",
    }
