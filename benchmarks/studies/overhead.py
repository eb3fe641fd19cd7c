"""What time a sweep costs beyond its trainings."""

import math
import tempfile
import time
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from skorch.callbacks import Callback

from benchmarks.studies._runs import as_markdown, run_once, runs_of
from noisylabel.utils import ray_session
from sweeps.config import SweepConfig
from sweeps.problem import load_problem, make_search

N_TRIALS = 3
#: Data set, rows and epochs: epochs of 20 milliseconds, in which reporting weighs most, and of about a second.
OVERHEAD = {"digits": (None, 400), "fashion_mnist": (1_500, 15)}


class ProcessorTime(Callback):
    """Append to a file the processor time of this process from the begin of a training to its end.

    On a machine that does other work too, it is steadier than the time on the clock. All that a sweep does in the
    process of the trial is in it: scores, checkpoints, reports, and Ray's own threads.

    Parameters
    ----------
    path : str
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Look at the clock."""
        self.start_ = time.process_time()

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Append a line."""
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{time.process_time() - self.start_}\n")


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the study has no options."""


def run(options: Namespace) -> None:
    """Time trials on one core, one at a time, against the same trainings without Ray."""
    for dataset, (samples, epochs) in OVERHEAD.items():
        run_once("overhead", f"{dataset}-{epochs}-epochs-processor", partial(_overhead, dataset, samples, epochs))


def _overhead(dataset: str, samples: int | None, epochs: int) -> dict[str, Any]:
    limits = {"curriculum": "self_paced", "loss_percentile": 0.6, "percentile_by_class": False, "burn_in": 18}
    torch.set_num_threads(1)  # as in a trial that has one core
    with tempfile.TemporaryDirectory() as folder:
        config = SweepConfig(
            out=str(Path(folder) / "sweep"), dataset=dataset, samples=samples, noise="symmetric", rate=0.4,
            epochs=epochs, trials=N_TRIALS, searcher="random", scheduler="none", limits=limits,
        )  # fmt: skip
        problem = load_problem(config)
        search = make_search(config, problem)
        search.estimator.set_params(callbacks=[ProcessorTime(f"{folder}/trials")])
        start = time.perf_counter()
        with ray_session(n_cpus=1):
            sweep = search.run_trials(problem.X, problem.noisy_y)
        trials, wall = search.sweep_.trials, time.perf_counter() - start
        bare = sweep.setup.estimator.set_params(callbacks=[ProcessorTime(f"{folder}/bare")])
        start = time.perf_counter()
        for params in trials["params"]:
            bare.set_params(**params).fit(sweep.data["X"], sweep.data["y"])
        bare_seconds = time.perf_counter() - start
        processor = {name: sum(map(float, Path(folder, name).read_text().split())) for name in ("trials", "bare")}
    return {
        "dataset": dataset, "n_trials": N_TRIALS, "epochs": epochs,
        "sweep_seconds": wall, "trial_seconds": trials["seconds"].tolist(), "bare_seconds": bare_seconds,
        "trials_processor_seconds": processor["trials"], "bare_processor_seconds": processor["bare"],
    }  # fmt: skip


def report(options: Namespace) -> str:
    """Return a table of the times; rows without processor time were measured with Ray Tune, before it was replaced."""
    return as_markdown(pd.DataFrame([_time_row(run) for run in runs_of("overhead").to_dict("records")]))


def _time_row(run: dict[Any, Any]) -> dict[str, str]:
    n_trials, wall, trials = run["n_trials"], run["sweep_seconds"], sum(run["trial_seconds"])
    processor = run.get("trials_processor_seconds", math.nan) / run.get("bare_processor_seconds", math.nan)
    return {
        "data": run["dataset"],
        "trials": str(n_trials),
        "epochs": str(run["epochs"]),
        "trials in": "Ray Tune" if math.isnan(processor) else "our actors",
        "seconds of a trial": f"{trials / n_trials:.0f}",
        "the same without Ray": f"{run['bare_seconds'] / n_trials:.0f}",
        "sweep, seconds": f"{wall:.0f}",
        "trial over training": f"{100 * (trials / run['bare_seconds'] - 1):.1f} %",
        "processor time": "" if math.isnan(processor) else f"{100 * (processor - 1):.1f} %",
    }
