"""Right labels of a few rows: given to ``fit`` as ``y_trusted``, written over the wrong ones, or a teacher's."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from benchmarks.cells.rows import rounded
from benchmarks.cells.store import RESULTS
from benchmarks.studies._runs import as_markdown, run_once, runs_of
from benchmarks.studies.defaults._data import Split, make_split
from noisylabel import MentorNetClassifier

FILE = RESULTS / "checked.jsonl"
DATA, NOISES, SEEDS = ("digits", "letter", "satellite"), ("symmetric-0.4", "asymmetric-0.4", "pair-0.3"), (0, 1, 2)
_SHARE = 0.1  # of the rows are checked
_CHECKED = {"those that look worst": "worst", "drawn at random": "random"}
WAYS = {
    "none checked": "none", "`y_trusted`": "trusted", "written into `y`": "corrected", '`"data_driven"`': "data_driven",
}  # fmt: skip


@dataclass(frozen=True)
class Checks:
    """A way to use right labels, and of which rows they are."""

    way: str
    rows: str


ALL = [Checks("none", "worst"), *(Checks(w, r) for r in _CHECKED.values() for w in WAYS.values() if w != "none")]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the study's options."""
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))


def run(options: Namespace) -> None:
    """Train where there is no result yet."""
    for seed in options.seeds:
        for data in options.data:
            for noise in NOISES:
                split, audited = make_split(data, noise, seed), None
                for checks in ALL:
                    name = f"{data}-{noise}-{checks.way}-{checks.rows}-seed{seed}"
                    audited = audited or _Audited(split, seed)
                    run_once("checked", name, partial(_measure, audited, checks, (data, noise, seed)), FILE)


class _Audited:
    """A split and what the default says of it, worked out when it is first asked for."""

    def __init__(self, split: Split, seed: int) -> None:
        self.split, self.seed = split, seed
        self._ranking: np.ndarray | None = None

    def checked(self, how: str) -> np.ndarray:
        """Return which rows are checked, a mask (N,)."""
        n_rows = len(self.split.y)
        if how == "random":
            ranking = np.random.default_rng(self.seed).permutation(n_rows)
        else:
            if self._ranking is None:
                clf = MentorNetClassifier(random_state=self.seed).fit(self.split.X, self.split.noisy_y)
                self._ranking = clf.label_issues()["row"].to_numpy()
            ranking = self._ranking
        return np.isin(np.arange(n_rows), ranking[: round(_SHARE * n_rows)])


def _measure(audited: _Audited, checks: Checks, cell: tuple[str, str, int]) -> dict[str, Any]:
    split = audited.split
    is_checked = audited.checked(checks.rows)
    y_trusted = np.array([y if known else None for y, known in zip(split.y, is_checked, strict=True)], dtype=object)
    fits: dict[str, Callable[[MentorNetClassifier], Any]] = {
        "none": lambda clf: clf.fit(split.X, split.noisy_y),
        "trusted": lambda clf: clf.fit(split.X, split.noisy_y, y_trusted=y_trusted),
        "corrected": lambda clf: clf.fit(split.X, np.where(is_checked, split.y, split.noisy_y)),
        "data_driven": lambda clf: clf.set_params(curriculum="data_driven").fit(
            split.X, split.noisy_y, y_trusted=y_trusted
        ),
    }
    clf = MentorNetClassifier(random_state=audited.seed)
    fits[checks.way](clf)
    of_rest = clf.label_issues(sort=False)["wrong_probability"].to_numpy()[~is_checked]
    is_wrong = (split.y != split.noisy_y)[~is_checked]
    found = {
        "accuracy": float(clf.score(split.X_test, split.y_test)),
        "average_precision": float(average_precision_score(is_wrong, of_rest)),
        "expected_left": float(of_rest.mean()),
        "left": float(is_wrong.mean()),
        "noise_rate": float(clf.noise_rate_),
    }
    return {**dict(zip(("data", "noise", "seed"), cell, strict=True)), **vars(checks), **rounded(found)}


def report(options: Namespace) -> str:
    """Return a table: test accuracy, and what is said of the rows that nobody checked, means of data and seeds."""
    runs = runs_of("checked", FILE)
    runs = runs[runs["data"].isin(options.data)]
    runs["error"] = (runs["expected_left"] - runs["left"]).abs()
    lines = []
    for rows, how in _CHECKED.items():
        for way, short in WAYS.items():
            own = runs[(runs["way"] == short) & (runs["rows"] == ("worst" if short == "none" else how))]
            if short == "none" and how == "random":
                continue
            for noise in NOISES:
                part = own[own["noise"] == noise]
                lines.append({"checked": rows, "used as": way, "noise": noise, "n": len(part)} | _of_part(part))
    return as_markdown(pd.DataFrame(lines))


def _of_part(part: pd.DataFrame) -> dict[str, str]:
    """Return the columns of some runs; the deviation is over seeds of the mean over data sets."""
    by_seed = part.groupby("seed")[["accuracy", "average_precision", "error"]].mean()
    names = {"accuracy": "test accuracy", "average_precision": "AP of the rest", "error": "share left: mean error"}
    return {name: f"{by_seed[key].mean():.3f} ± {by_seed[key].std():.3f}" for key, name in names.items()}
