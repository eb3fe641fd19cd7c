"""What time a sweep costs beyond its trainings."""

import os
import tempfile
import time
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from benchmarks.studies._runs import as_markdown, run_once, runs_of
from sweeps.config import SweepConfig
from sweeps.problem import load_problem, make_search

N_TRIALS = 3
#: Data set, rows and epochs: epochs of about a second, and of 20 milliseconds, in which reporting weighs most.
OVERHEAD = {"fashion_mnist": (1_500, 50), "digits": (None, 1200)}


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the study has no options."""


def run(options: Namespace) -> None:
    """Time trials, one at a time, against the same trainings without Ray."""
    for dataset, (samples, epochs) in OVERHEAD.items():
        run_once("overhead", f"{dataset}-{epochs}-epochs", partial(_overhead, dataset, samples, epochs))


def _overhead(dataset: str, samples: int | None, epochs: int) -> dict[str, Any]:
    limits = {"curriculum": "self_paced", "loss_percentile": 0.6, "percentile_by_class": False, "burn_in": 18}
    cores = os.cpu_count() or 1
    torch.set_num_threads(cores)  # as in a trial that has all of them
    with tempfile.TemporaryDirectory() as folder:
        config = SweepConfig(
            out=str(Path(folder) / "sweep"), dataset=dataset, samples=samples, noise="symmetric", rate=0.4,
            epochs=epochs, trials=N_TRIALS, searcher="random", scheduler="none", limits=limits, cpus_per_trial=cores,
        )  # fmt: skip
        problem = load_problem(config)
        search = make_search(config, problem)
        sweep = search.run_trials(problem.X, problem.noisy_y)
        trials, wall = search.sweep_.trials, search.sweep_.manifest["seconds"]
        start = time.perf_counter()
        for params in trials["params"]:
            sweep.setup.estimator.set_params(**params).fit(sweep.data["X"], sweep.data["y"])
        bare = time.perf_counter() - start
    return {
        "dataset": dataset,
        "n_trials": N_TRIALS, "epochs": epochs, "sweep_seconds": wall, "trial_seconds": trials["seconds"].tolist(),
        "bare_seconds": bare,
    }  # fmt: skip


def report(options: Namespace) -> str:
    """Return a table of the times."""
    return as_markdown(pd.DataFrame([_time_row(run) for run in runs_of("overhead").to_dict("records")]))


def _time_row(run: dict[Any, Any]) -> dict[str, str]:
    n_trials, wall, trials = run["n_trials"], run["sweep_seconds"], sum(run["trial_seconds"])
    return {
        "data": run["dataset"],
        "trials": str(n_trials),
        "epochs": str(run["epochs"]),
        "seconds of a trial": f"{trials / n_trials:.0f}",
        "the same without Ray": f"{run['bare_seconds'] / n_trials:.0f}",
        "sweep, seconds": f"{wall:.0f}",
        "over the trials": f"{100 * (wall / trials - 1):.1f} %",
        "over trainings without Ray": f"{100 * (wall / run['bare_seconds'] - 1):.1f} %",
    }
