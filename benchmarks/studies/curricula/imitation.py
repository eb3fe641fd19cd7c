"""One network that imitates curricula: how close it comes, and whether training under it is as good.

Digits with 40 % symmetric and asymmetric noise (digits that look alike become each other). For each curriculum and
seed: train under it and record, learn a MentorNet from the record, train under that, and under the one that was
recorded with the noise of the next seed. The curricula that need trusted rows have a hundred; the imitations know of
none.
"""

from argparse import ArgumentParser, Namespace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.cells.environment import environment
from benchmarks.cells.noises import make_noisy
from benchmarks.cells.store import RESULTS, append, newest, read
from benchmarks.studies._runs import as_markdown
from noisylabel import MentorNetClassifier
from noisylabel.curricula import MentorNet
from noisylabel.datasets import load_digits
from noisylabel.estimators import Imitation, imitate
from noisylabel.mentors import NAMED

_FILE = "imitation.jsonl"
_CLOSED = ("self_paced", "mentornet_pd", "data_driven")
_N_TRUSTED, _STEPS = 100, 1000
_KEYS = ("curriculum", "noise")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this study."""
    names = [*_CLOSED, *NAMED]
    parser.add_argument("--curricula", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--noise", nargs="+", choices=["symmetric", "asymmetric"], default=["symmetric", "asymmetric"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of noise and training")
    parser.add_argument("--epochs", type=int, default=50, help="passes over the rows (%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")


def run(options: Namespace) -> None:
    """Measure what has no result yet, a row a curriculum and noise, and say each as soon as it is known."""
    torch.set_num_threads(1)
    path = options.results / _FILE
    done = {tuple(row[key] for key in _KEYS) for row in read(path)}
    for name in options.curricula:
        for noise in options.noise:
            if (name, noise) in done:
                continue
            row = {"curriculum": name, "noise": noise} | _measure_all(name, noise, options)
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            append(path, row | _where())


def _measure_all(name: str, noise: str, options: Namespace) -> dict[str, Any]:
    """Return what is measured with each seed, a list each."""
    seeds = options.seeds
    found = [_imitate(name, noise, seed, options.epochs) for seed in seeds]
    others = [*found[1:], found[0]]
    rows = [_measure(one, other.mentornet, noise, seed) for one, other, seed in zip(found, others, seeds, strict=True)]
    return {"seeds": seeds, "epochs": options.epochs} | pd.DataFrame(rows).to_dict("list")


def _rows(noise: str, seed: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the data, noisy labels, and the labels that are trusted."""
    data = load_digits()
    noisy, _ = make_noisy("digits", (noise, 0.4), data, np.arange(len(data.target)), seed)
    trusted = np.random.default_rng(seed).permutation(len(noisy)) < _N_TRUSTED
    return data, noisy, np.where(trusted, data.target, -1)


def _imitate(name: str, noise: str, seed: int, epochs: int) -> Imitation:
    data, noisy, trusted = _rows(noise, seed)
    clf = MentorNetClassifier(name, loss_percentile=0.6, max_epochs=epochs, random_state=seed)
    given = {"y_trusted": trusted} if clf.make_mentor().uses_trusted else {}
    return imitate(clf, data.data, noisy, n_steps=_STEPS, **given)


def _measure(found: Imitation, other: MentorNet, noise: str, seed: int) -> dict[str, Any]:
    """Return accuracies on right labels, and how close the imitation comes on rows left out."""
    data, noisy, _ = _rows(noise, seed)
    kinds = {
        "imitation": found.classifier(),
        "of_other_noise": found.classifier().set_params(curriculum=other),
    }
    fitted = {"original": found.original} | {name: clf.fit(data.data, noisy) for name, clf in kinds.items()}
    scores = {name: round(clf.score(data.test_data, data.test_target), 4) for name, clf in fitted.items()}
    scores["plain"] = _plain(noise, seed, found.original.max_epochs)
    fit, learned_from = found.mentornet.card["fit"], found.mentornet.card["learned_from"]
    return scores | {
        "mae": round(fit["mean_absolute_error"], 4),
        "mae_time": round(fit["error_of_time_alone"], 4),
        "rank": round(fit.get("rank_correlation", 0.0), 3),
        "scale": round(learned_from["weight_scale"], 3),
    }


@cache
def _plain(noise: str, seed: int, epochs: int) -> float:
    """Return the accuracy of training without a curriculum."""
    data, noisy, _ = _rows(noise, seed)
    clf = MentorNetClassifier("uniform", max_epochs=epochs, random_state=seed).fit(data.data, noisy)
    return round(clf.score(data.test_data, data.test_target), 4)


def _where() -> dict[str, Any]:
    """Return what of the environment tells runs apart, in few words."""
    where = environment("cpu")
    return {"environment": {key: where[key] for key in ("noisylabel", "commit", "torch", "cores", "threads", "device")}}


def report(options: Namespace) -> str:
    """Return accuracies (%), and how close imitations come, by curriculum and noise."""
    rows = sorted(newest(read(options.results / _FILE), list(_KEYS)), key=lambda row: row["noise"], reverse=True)
    return as_markdown(pd.DataFrame([_line(row) for row in rows]))


def _line(row: dict[str, Any]) -> dict[str, str]:
    """Return a line of the table: means over seeds, and of accuracies the standard deviation."""
    line = {"noise": f"{row['noise']} 40 %", "curriculum": f"`{row['curriculum']}`"}
    for kind in ("original", "imitation", "of_other_noise", "plain"):
        percent = 100 * np.array(row[kind])
        line[kind.replace("_", " ")] = f"{percent.mean():.1f} ± {percent.std(ddof=min(1, len(percent) - 1)):.1f}"
    line |= {"MAE": f"{np.mean(row['mae']):.4f}", "MAE, time alone": f"{np.mean(row['mae_time']):.4f}"}
    return line | {"rank correlation": f"{np.mean(row['rank']):.2f}", "n": str(len(row["seeds"]))}
