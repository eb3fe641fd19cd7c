"""Finding wrong labels: one training run against cleanlab's five folds, same data, student and epochs."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from benchmarks.cells.catalogue import PROFILES
from benchmarks.cells.cell import Cell, check_data, noisy_subset
from benchmarks.cells.environment import environment
from benchmarks.cells.rows import rounded
from benchmarks.cells.store import RESULTS, append, newest, read
from benchmarks.studies.defaults._data import make_split
from noisylabel import MentorNetClassifier
from noisylabel.audit import default_auditor
from noisylabel.exceptions import InvalidDataError
from noisylabel.utils import progress_bar

FILE = RESULTS / "detection.jsonl"
_KEYS = ("profile", "noise", "rate", "seed")
_MADE = (("symmetric", 0.2), ("symmetric", 0.4), ("asymmetric", 0.4), ("pair", 0.3), ("instance", 0.4))
#: Noises of the profiles; of the data sets of the study of defaults that are tables.
CELLS = {
    "digits": _MADE,
    "fashion-10k": _MADE,
    "cifar10-5k": (*_MADE, ("human_worst", None)),
    "letter": _MADE,
    "satellite": _MADE,
}
TABLES = ("letter", "satellite")
SEEDS = (10, 11, 12)  # what the audit goes by was chosen on seed 0
EPOCHS = {"cifar10-5k": 30}  # instead of the profile's
_TUNED_EPOCHS = 10  # of tables
DETECTORS: dict[str, Callable[..., MentorNetClassifier]] = {
    "audit": lambda kind, settings: default_auditor(kind, 1_000).set_params(verbose=0, **settings),
    "plain": lambda kind, settings: MentorNetClassifier("uniform", filter_alpha=0.05, **settings),
}
DEFAULT_SCORE = {"cleanlab": "self_confidence", "cleanlab_tuned": "self_confidence"}  # ours is label_quality


def add_arguments(parser: ArgumentParser) -> None:
    """Add the study's options."""
    parser.add_argument("--profile", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--noise", nargs="+", help="only these, such as asymmetric (all)")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="arithmetic of all (%(default)s)")
    parser.add_argument("--ablation", action="store_true", help="average precision of each score instead")


def run(options: Namespace) -> None:
    """Run the missing cells."""
    run_detection(options.profile, options.seeds, noises=options.noise, precision=options.precision)


def report(options: Namespace) -> str:
    """Return the tables of the profiles asked for."""
    table = detection_table()
    return detection_markdown(table[table["profile"].isin(options.profile)], options.ablation)


def run_detection(
    names: list[str], seeds: list[int], path: Path = FILE, noises: list[str] | None = None, precision: str = "fp32"
) -> None:
    """Run the missing cells: each a profile, a noise and a seed, with all detectors and cleanlab in one process."""
    cells = [(name, noise) for name in names for noise in CELLS[name] if noises is None or noise[0] in noises]
    wanted = [Cell(name, *noise, "detection", seed) for seed in seeds for name, noise in cells]
    done = {tuple(row[key] for key in _KEYS) for row in read(path) if "audit" in row["detectors"]}
    missing = [cell for cell in wanted if tuple(getattr(cell, key) for key in _KEYS) not in done]
    check_data([cell for cell in missing if cell.profile not in TABLES])
    for cell in progress_bar(missing, desc="detection", unit="cell"):
        append(path, rounded(detect(cell, precision)))


@dataclass(frozen=True)
class _Task:
    """Rows with true and noisy labels, and how networks learn them."""

    X: Any
    y: np.ndarray
    noisy_y: np.ndarray
    kind: str
    settings: dict[str, Any]
    tuned_epochs: int


def _task(cell: Cell) -> _Task:
    if cell.profile in TABLES:
        split = make_split(cell.profile, f"{cell.noise}-{cell.rate:g}", cell.seed)
        settings = {"max_epochs": 50, "standardize": True}
        codes = np.searchsorted(np.unique(split.y), np.stack([split.y, split.noisy_y]))  # as cleanlab wants them
        return _Task(split.X, *codes, "table", settings, _TUNED_EPOCHS)
    profile = PROFILES[cell.profile]
    settings = profile.settings | {"max_epochs": EPOCHS.get(cell.profile, profile.max_epochs)}
    settings.setdefault("standardize", True)
    kind = "images" if settings.get("augment") else "table"
    rows = noisy_subset(profile, cell.noise, cell.rate, cell.seed)[:3]
    return _Task(*rows, kind, settings, profile.tuned_epochs)


def detect(cell: Cell, precision: str = "fp32") -> dict[str, Any]:
    """Return what each detector finds in the data of a cell, ready for JSON."""
    task = _task(cell)
    X, noisy_y, is_wrong = task.X, task.noisy_y, task.noisy_y != task.y
    settings = task.settings | {"random_state": cell.seed, "precision": precision}
    found = {}
    for name, make in DETECTORS.items():
        clf = make(task.kind, settings)
        found[name] = _timed(lambda clf=clf: _ours(clf.fit(X, noisy_y), noisy_y), is_wrong)
    for name, changes in (("cleanlab", {}), ("cleanlab_tuned", {"max_epochs": task.tuned_epochs})):
        student = MentorNetClassifier("uniform", **(settings | changes))
        found[name] = _timed(lambda student=student: _cleanlab(student, X, noisy_y, cell.seed), is_wrong)
    return {
        "profile": cell.profile,
        "noise": cell.noise,
        "rate": cell.rate,
        "seed": cell.seed,
        "n_rows": len(noisy_y),
        "precision": precision,
        "true_rate": float(is_wrong.mean()),
        "detectors": found,
        "environment": environment(),
    }


def _timed(find: Callable[[], tuple[dict[str, np.ndarray], np.ndarray, float]], is_wrong: np.ndarray) -> dict[str, Any]:
    """Measure a detector that returns scores (low is bad), which rows it flags, and its noise rate."""
    wall, cpu = time.perf_counter(), time.process_time()
    scores, flagged, rate = find()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "noise_rate": rate,
        "precision": float(is_wrong[flagged].mean()) if flagged.any() else None,
        "recall": float(flagged[is_wrong].mean()),
        "average_precision": {name: float(average_precision_score(is_wrong, -s)) for name, s in scores.items()},
        "auroc": {name: float(roc_auc_score(is_wrong, -s)) for name, s in scores.items()},
    }


def _ours(clf: MentorNetClassifier, noisy_y: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray, float]:
    """Read the table of issues, and other scores from the same record."""
    issues = clf.label_issues()
    by_row = issues.sort_index()
    record = clf.record_.to_frame()
    scores = {
        "label_quality": by_row["label_quality"].to_numpy(),
        "last_loss": -record["loss"].to_numpy(),
        "mean_margin": record["margin_mean"].to_numpy(),
        "mean_proba": record["proba_mean"].to_numpy(),
        "forgetting": -record["forgetting"].to_numpy(dtype=float),
        "mean_weight": record["weight_mean"].fillna(1.0).to_numpy(),
    }
    return scores, by_row["is_label_issue"].to_numpy(), issues.attrs["noise_rate"]


def _cleanlab(
    student: MentorNetClassifier, X: np.ndarray, noisy_y: np.ndarray, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray, float]:
    """Predict each row by a network of the other four folds, and let cleanlab judge."""
    from cleanlab.count import num_label_issues
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    proba = cross_val_predict(student, X, noisy_y, cv=folds, method="predict_proba").astype(np.float64)
    proba /= proba.sum(axis=1, keepdims=True)
    kinds = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
    scores = {kind: get_label_quality_scores(noisy_y, proba, method=kind) for kind in kinds}
    flagged = find_label_issues(noisy_y, proba, n_jobs=1)
    return scores, flagged, num_label_issues(noisy_y, proba) / len(noisy_y)


def detection_table(path: Path = FILE) -> pd.DataFrame:
    """Return a row for each cell and detector.

    Raises
    ------
    InvalidDataError
        If nothing has been run.
    """
    rows = []
    for result in newest((row for row in read(path) if "audit" in row["detectors"]), _KEYS):
        reference = result["detectors"]["cleanlab"]
        for name, found in result["detectors"].items():
            score = DEFAULT_SCORE.get(name, "label_quality")
            rows.append(
                {
                    "profile": result["profile"],
                    "noise": f"{result['noise']} {40 if result['rate'] is None else round(100 * result['rate'])} %",
                    "seed": result["seed"],
                    "detector": name,
                    "AP": found["average_precision"][score],
                    "AUROC": found["auroc"][score],
                    "precision": found["precision"],
                    "recall": found["recall"],
                    "rate error": found["noise_rate"] - result["true_rate"],
                    "time": found["cpu_seconds"] / reference["cpu_seconds"],
                    **{f"AP of {kind}": value for kind, value in found["average_precision"].items()},
                }
            )
    if not rows:
        raise InvalidDataError(f"There are no results in {path}. Run python -m benchmarks detection first.")
    return pd.DataFrame(rows)


def detection_markdown(table: pd.DataFrame, ablation: bool = False) -> str:
    """Return Markdown tables of means and deviations over seeds, one for each profile.

    They are of the measures of each detector or, for the ``ablation``, of the average precision of each score.
    """
    shown = ["AP", "AUROC", "precision", "recall", "rate error", "time"]
    if ablation:
        table = table[~table["detector"].str.startswith("cleanlab")]
        shown = [name for name in table if name.startswith("AP of ") and table[name].notna().any()]
    parts = []
    for profile, runs in table.groupby("profile", sort=False):
        by = runs.groupby(["noise", "detector"], sort=False)
        lines = [["noise", "detector", "n", *(name.removeprefix("AP of ") for name in shown)]]
        lines.append(["---"] * len(lines[0]))
        lines += [[*key, len(part), *(_spread(part[name]) for name in shown)] for key, part in by]
        parts.append(f"**{profile}**\n\n" + "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines))
    return "\n\n".join(parts)


def _spread(values: pd.Series) -> str:
    """Return mean and standard deviation over seeds; a measure that a seed does not have makes it a dash."""
    if values.isna().any():
        return "-"
    return f"{values.mean():.3f}" + (f" ± {values.std():.3f}" if len(values) > 1 else "")
