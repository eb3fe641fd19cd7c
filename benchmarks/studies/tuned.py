"""Tuned curricula against fixed ones and against tuned plain training."""

import tempfile
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.studies._runs import as_markdown, run_once, runs_of
from noisylabel import MentorNetClassifier
from noisylabel.students import SmallCNN
from sweeps.config import SweepConfig
from sweeps.problem import Problem, load_problem, make_search
from sweeps.report import best_trial

_CNN = {
    "student": SmallCNN((32, 64, 64)), "optimizer": "sgd", "lr": 0.1, "weight_decay": 0.001, "augment": "shift_flip",
    "precision": "bf16",
}  # fmt: skip
#: Data set, rows, epochs, noise rates, seeds, trials of the curriculum sweep and of the plain one, and parameters.
SETTINGS: dict[str, dict[str, Any]] = {
    "digits": {"samples": None, "epochs": 50, "rates": (0.2, 0.4, 0.6), "seeds": (0, 1, 2), "trials": 40, "plain": 20},
    "cifar10": {
        "samples": 5000, "epochs": 30, "rates": (0.4,), "seeds": (0,), "trials": 16, "plain": 8, "estimator": _CNN,
    },
}  # fmt: skip
METHODS = ("plain", "published MentorNet-PD", "MentorNet-PD, auto", "tuned plain", "tuned curriculum")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the study's options."""
    parser.add_argument("--dataset", choices=list(SETTINGS), default="digits", help="(%(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", help="(digits: 0 1 2, cifar10: 0)")


def run(options: Namespace) -> None:
    """Train all methods on a data set; the tuned ones are chosen on noisy labels and trained again on all rows."""
    setting = SETTINGS[options.dataset]
    for seed in options.seeds or setting["seeds"]:
        for rate in setting["rates"]:
            for method in METHODS:
                name = f"{options.dataset}-{rate}-{method.replace(' ', '-').replace(',', '')}-seed{seed}"
                run_once("tuned", name, partial(_measure, options.dataset, setting, rate, method, seed))


def _measure(dataset: str, setting: dict[str, Any], rate: float, method: str, seed: int) -> dict[str, Any]:
    space = "plain" if "plain" in method else "mentornet"
    with tempfile.TemporaryDirectory() as folder:
        config = SweepConfig(
            out=str(Path(folder) / "sweep"),
            dataset=dataset,
            samples=setting["samples"],
            noise="symmetric",
            rate=rate,
            method=space,
            epochs=setting["epochs"],
            estimator=setting.get("estimator", {}),
            trials=setting["plain" if space == "plain" else "trials"],
            scheduler="none" if space == "plain" else "asha",
            seed=seed,
        )
        problem = load_problem(config)
        search = make_search(config, problem)
        epochs, params = 0, _fixed(method, rate)
        if method.startswith("tuned"):
            search.run_trials(problem.X, problem.noisy_y, test_data=problem.test_data)
            epochs = int(search.sweep_.trials["epochs"].sum())
            params = best_trial(search.sweep_)["params"]
    accuracy = _accuracy(search.estimator, params, problem)
    return {
        "dataset": dataset, "rate": rate, "method": method, "seed": seed, "test_accuracy": accuracy,
        "sweep_epochs": epochs, "params": params,
    }  # fmt: skip


def _fixed(method: str, rate: float) -> dict[str, Any]:
    """Return the settings of a method that is not tuned; the published percentile knows the noise rate."""
    settings: dict[str, dict[str, Any]] = {
        "plain": {"curriculum": "uniform"},
        "published MentorNet-PD": {"curriculum": "mentornet_pd", "loss_percentile": round(1 - rate, 2), "burn_in": 18},
        "MentorNet-PD, auto": {"curriculum": "mentornet_pd", "loss_percentile": "auto"},
    }
    return settings.get(method, {})


def _accuracy(estimator: MentorNetClassifier, params: dict[str, Any], problem: Problem) -> float:
    from sweeps.trial.draws import configure  # needs Ray, which run_trials sets up first

    assert problem.test_data is not None
    clf = configure(estimator, params).fit(problem.X, problem.noisy_y)
    return float(clf.score(*problem.test_data))


def report(options: Namespace) -> str:
    """Return a table of all data sets: test accuracy by method and noise rate, mean and deviation over seeds."""
    runs = runs_of("tuned")
    rows = []
    for dataset, found in runs.groupby("dataset", sort=False):
        for method in METHODS:
            own: pd.DataFrame = found[found["method"] == method]
            cells = {f"{100 * rate:.0f} %": _cell(own, rate) for rate in sorted(runs["rate"].unique())}
            epochs = f"{own['sweep_epochs'].mean():,.0f}" if len(own) else ""
            rows.append({"data": dataset, "method": method, **cells, "epochs of the sweep": epochs})
    return as_markdown(pd.DataFrame(rows))


def _cell(own: pd.DataFrame, rate: float) -> str:
    values = 100 * own.loc[own["rate"] == rate, "test_accuracy"]
    if len(values) == 0:
        return ""
    return f"{values.mean():.1f}" + (f" ± {values.std():.1f}" if len(values) > 1 else "") + f" (n = {len(values)})"
