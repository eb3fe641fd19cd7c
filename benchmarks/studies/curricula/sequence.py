"""Whether a MentorNet that reads a sample's last K losses does better than one that reads the last.

Each is learned in training from 100 rows whose right label is known; rows, noise and student are those of the profiles.
"""

from argparse import ArgumentParser, Namespace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.cells import PROFILES, RESULTS
from benchmarks.cells.cell import noisy_subset
from benchmarks.cells.classifier import make_classifier, trusted_rows
from benchmarks.cells.environment import environment
from benchmarks.cells.metrics import weight_shares
from benchmarks.cells.noises import known_rate
from benchmarks.cells.rows import rounded
from benchmarks.cells.store import append, newest, read
from benchmarks.studies._runs import as_markdown
from noisylabel.curricula import DataDriven
from noisylabel.datasets import DATASETS

_FILE = "sequence.jsonl"
_KEYS = ["data", "noise", "losses"]
_METHOD = "data_driven_100"
_PROFILES = {"digits": "digits", "cifar10": "cifar10-10k"}
_NOISES = {"symmetric": 0.4, "asymmetric": 0.4}
LOSSES = (1, 3, 5, 10)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this study."""
    parser.add_argument("--data", nargs="+", choices=_PROFILES, default=["digits"], metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (%(default)s)")
    parser.add_argument("--device", default="cpu", help="where to train, such as cuda (%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")


def run(options: Namespace) -> None:
    """Train what has no result yet."""
    path = options.results / _FILE
    done = {tuple(row[key] for key in _KEYS) for row in read(path)}
    for name, noise, losses in product(options.data, _NOISES, LOSSES):
        if (name, noise, losses) not in done:
            runs = [measure(name, noise, losses, seed, options.device) for seed in range(options.seeds)]
            row = {"data": name, "noise": noise, "losses": losses, "rate": _NOISES[noise]}
            row |= {key: [run[key] for run in runs] for key in runs[0]}
            append(path, rounded(row) | {"environment": environment(options.device)})


def measure(name: str, noise: str, losses: int, seed: int, device: str = "cpu") -> dict[str, float]:
    """Return the accuracy on clean test rows, and the mean weights of right and wrong labels in the end."""
    profile, rate = PROFILES[_PROFILES[name]], _NOISES[noise]
    data = DATASETS[profile.dataset]()
    X, y, noisy_y, _ = noisy_subset(profile, noise, rate, seed)
    clf = make_classifier(_METHOD, known_rate(noise, rate), profile, seed, [])
    clf.set_params(curriculum=DataDriven(history_length=losses), device=device)
    checked = trusted_rows(_METHOD, profile, seed)
    trusted = np.full_like(y, -1)
    trusted[checked] = y[checked]
    clf.fit(X, noisy_y, y_trusted=trusted)
    shares = weight_shares(clf.sample_weight_, y, noisy_y)
    weights = {key: shares[key] for key in ("weight_right", "weight_wrong")}
    return {"accuracy": clf.score(data.test_data, data.test_target), **weights}


def report(options: Namespace) -> str:
    """Return mean and standard deviation over seeds of the accuracy, and the mean weights, in percent."""
    rows = newest(read(options.results / _FILE), _KEYS)
    return as_markdown(pd.DataFrame([_line(row) for row in rows if row["data"] in options.data]))


def _line(row: dict[str, Any]) -> dict[str, str]:
    accuracy = 100 * np.array(row["accuracy"])
    spread = f" ± {accuracy.std(ddof=1):.1f}" if len(accuracy) > 1 else ""
    weights = {f"weight of {kind} labels": f"{np.mean(row[f'weight_{kind}']):.2f}" for kind in ("right", "wrong")}
    return {
        "data": row["data"],
        "noise": row["noise"],
        "losses read": str(row["losses"]),
        "n": str(len(accuracy)),
        "accuracy": f"{accuracy.mean():.1f}{spread}",
        **weights,
    }
