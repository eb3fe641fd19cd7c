"""Whether the trials of a sweep share the data in memory, or each has a copy."""

import tempfile
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from skorch.callbacks import Callback

from benchmarks.studies._runs import as_markdown, run_once, runs_of
from noisylabel import MentorNetClassifier
from noisylabel.datasets import fetch_cifar10
from noisylabel.students import SmallCNN
from sweeps import CurriculumSearch


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


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the study has no options."""


def run(options: Namespace) -> None:
    """Measure a trial's own memory with 1,000 and with all 50,000 images of CIFAR-10, two trials at a time."""
    for n_images in (1_000, 50_000):
        run_once("memory", f"cifar10-{n_images}", partial(_memory, n_images))


def _memory(n_images: int) -> dict[str, Any]:
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


def report(options: Namespace) -> str:
    """Return a table of the memory, and in words how much of the data a trial holds itself."""
    small, large = runs_of("memory").sort_values("n_images").to_dict("records")
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
        f"{as_markdown(pd.DataFrame(rows))}\n\n"
        f"From the first row to the second, the least changes by {more:+.0f} MB, {share:+.1f} % of the change in data."
    )
