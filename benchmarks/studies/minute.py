"""Clean CIFAR-10 as fast as it goes: seconds of loading, training and predicting, and the accuracy that they give.

Plain training on right labels, by the presets of the fast networks. Each number is said as soon as it is known, and
each training kept as a line. The goals are those of the original images; on images that were re-encoded as JPEG, as
some copies of the data set are, every network is some points below.
"""

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from benchmarks.cells.environment import environment
from benchmarks.cells.store import RESULTS, append, read
from benchmarks.studies._runs import as_markdown
from noisylabel import MentorNetClassifier
from noisylabel.datasets import fetch_cifar10, get_data_home
from noisylabel.estimators import RECIPES

_FILE = "minute.jsonl"
GOALS = {"94": ("speed_m", 15), "96": ("speed_l", 75)}  # what is to be reached, with which preset, in how many epochs
_N_IMAGES = 50_000


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this study."""
    parser.add_argument("--device", default="cpu", help="where to train, such as cuda (%(default)s)")
    parser.add_argument("--goals", nargs="+", choices=GOALS, default=list(GOALS), help="percent right; both by default")
    parser.add_argument("--preset", choices=RECIPES, help="instead of the goals' own")
    parser.add_argument("--epochs", type=int, help="instead of the goals' own")
    parser.add_argument(
        "--rows", type=int, default=_N_IMAGES, help="training images; with fewer than all, as a proof, nothing is kept"
    )
    parser.add_argument("--batch-size", type=int, default=1024, help="the learning rate follows it (%(default)s)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")
    parser.add_argument("--compile", action="store_true", help="compile the network first")


def run(options: Namespace) -> None:
    """Train for each goal and seed; all images, and the images of the test set, are loaded once."""
    decoded, start = _decoded_files(), time.perf_counter()
    data = fetch_cifar10()
    loading = {"load_s": time.perf_counter() - start, "was_decoded": _decoded_files() == decoded}
    _say(loading)
    torch.backends.cudnn.benchmark = True  # of its ways to convolve, take the fastest on this machine
    for goal in options.goals:
        for seed in options.seeds:
            clf = _classifier(goal, options, seed)
            row = _measure(clf, data, options)
            if options.rows == _N_IMAGES:
                append(options.results / _FILE, _named(goal, clf, options) | loading | row)


def _decoded_files() -> set[Path]:
    """Return the files of decoded images that an earlier load may have left; a first load adds some."""
    folders = (get_data_home() / "cache", Path.home() / ".cache" / "noisylabel")
    return {file for folder in folders for file in folder.glob("cifar10-*.npz")}


def _classifier(goal: str, options: Namespace, seed: int) -> MentorNetClassifier:
    preset, epochs = GOALS[goal]
    recipe = RECIPES[options.preset or preset]
    return MentorNetClassifier.from_preset(
        options.preset or preset,
        curriculum="uniform",
        net_params=recipe["net_params"] | ({"compile": True} if options.compile else {}),
        max_epochs=options.epochs or epochs,
        batch_size=options.batch_size,
        lr=recipe["lr"] * options.batch_size / recipe["batch_size"],
        device=options.device,
        random_state=seed,
    )


def _measure(clf: MentorNetClassifier, data: Any, options: Namespace) -> dict[str, Any]:
    """Return seconds and accuracy; each is said as soon as it is known."""
    n, every = options.rows, max(1, len(data.test_data) // options.rows)  # the test images are in the order of classes
    row: dict[str, Any] = {}
    with _Seconds(row, "fit_s", options.device):
        clf.fit(data.data[:n], data.target[:n])
    row |= {"first_epoch_s": clf.history_["dur"][0], "train_loss": [round(x, 4) for x in clf.history_["train_loss"]]}
    _say(row)
    for name, flipped in (("accuracy", False), ("accuracy_flipped", True)):
        clf.set_params(predict_flipped=flipped)
        seen: dict[str, Any] = {}
        with _Seconds(seen, name.replace("accuracy", "predict_s"), options.device):
            seen[name] = clf.score(data.test_data[::every], data.test_target[::every])
        _say(seen)
        row |= seen
    return row


class _Seconds:
    """Write the seconds that a block takes, the device's work included, into a row."""

    def __init__(self, row: dict[str, Any], name: str, device: str) -> None:
        self.row, self.name, self.is_cuda = row, name, device.startswith("cuda")

    def __enter__(self) -> None:
        self.start = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        if self.is_cuda:
            torch.cuda.synchronize()
        self.row[self.name] = time.perf_counter() - self.start


def _named(goal: str, clf: MentorNetClassifier, options: Namespace) -> dict[str, Any]:
    return {
        "goal": goal,
        "student": repr(clf.student),
        "epochs": clf.max_epochs,
        "batch_size": clf.batch_size,
        "seed": clf.random_state,
        "environment": environment(options.device),
    }


def _say(row: dict[str, Any]) -> None:
    shown = {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}
    print("  ".join(f"{name} {value}" for name, value in shown.items()), flush=True)


def report(options: Namespace) -> str:
    """Return a table of the runs that are kept, the newest last."""
    columns = ["goal", "student", "epochs", "seed", "load_s", "fit_s", "accuracy", "accuracy_flipped", "device"]
    rows = [row | {"device": row["environment"]["device"]} for row in read(options.results / _FILE)]
    return as_markdown(pd.DataFrame(rows, columns=columns).round(4))
