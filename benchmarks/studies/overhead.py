"""What a sweep costs beyond its trainings: time, and memory of the shared data."""

import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch
from skorch.callbacks import Callback

from benchmarks.studies._store import as_markdown, load, run_once
from noisylabel import MentorNetClassifier
from noisylabel.students import SmallCNN
from sweeps.config import SweepConfig
from sweeps.problem import load_problem, make_search
from sweeps.search import CurriculumSearch

N_TRIALS = 3


#: Data set, rows and epochs: epochs of about a second, and of 20 milliseconds, in which reporting weighs most.
OVERHEAD = {"fashion_mnist": (1_500, 50), "digits": (None, 1200)}


def run_overhead() -> None:
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


class MemoryProbe(Callback):
    """Note how much memory of its own this process has at the end of each epoch.

    Parameters
    ----------
    path : str
        File to which megabytes are appended.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Append a line."""
        own = psutil.Process().memory_full_info().uss / 2**20
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{own}\n")


def run_memory() -> None:
    """Measure a trial's own memory with 1,000 and with all 50,000 images of CIFAR-10, two trials at a time."""
    for n_images in (1_000, 50_000):
        run_once("memory", f"cifar10-{n_images}", partial(_memory, n_images))


def _memory(n_images: int) -> dict[str, Any]:
    from noisylabel.datasets import fetch_cifar10

    data = fetch_cifar10()
    # all images are trained on, and 500 of the test images held out, so that the two runs differ in nothing else
    X = np.concatenate([data.data[:n_images], data.test_data[:500]])
    y = np.concatenate([data.target[:n_images], data.test_target[:500]])
    trusted = np.where(np.arange(len(y)) < n_images, -1, y)
    with tempfile.TemporaryDirectory() as folder:
        probe = MemoryProbe(str(Path(folder) / "megabytes"))
        estimator = MentorNetClassifier(
            "uniform", student=SmallCNN((4, 4, 4)), max_epochs=2, batch_size=500, callbacks=[probe], random_state=0
        )
        limits = {"curriculum": "uniform", "example_dropout": None}
        search = CurriculumSearch(estimator, limits=limits, n_trials=2, scheduler="none", refit=False, random_state=0)
        search.run_trials(X, y, y_trusted=trusted)
        megabytes = [float(line) for line in Path(probe.path).read_text(encoding="utf-8").split()]
    return {"n_images": n_images, "data_mb": X[:n_images].nbytes / 2**20, "own_mb": megabytes}


def report() -> str:
    """Return what sweeps cost, in two tables."""
    times = [_time_row(run) for run in load("overhead").to_dict("records")]
    small, large = load("memory").sort_values("n_images").to_dict("records")
    rows = [
        {
            "images": f"{run['n_images']:,}",
            "data, MB": f"{run['data_mb']:.0f}",
            "own memory of two trials after two epochs, MB": ", ".join(f"{own:.0f}" for own in run["own_mb"]),
        }
        for run in (small, large)
    ]
    more = min(large["own_mb"]) - min(small["own_mb"])  # a copy of the data would be in the least of them too
    share = 100 * more / (large["data_mb"] - small["data_mb"])
    return (
        f"{as_markdown(pd.DataFrame(times))}\n\n{as_markdown(pd.DataFrame(rows))}\n\n"
        f"The least with all images is {more:.0f} MB above the least with few: {share:.1f} % of the data."
    )


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
