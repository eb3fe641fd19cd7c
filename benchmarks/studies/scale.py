"""Seconds and memory as data grow: tables, images, a file larger than the memory allowed; one network on two workers.

Each size is measured in a process of its own. Memory is what the process has of its own (``RssAnon``), above what it
had with the data loaded and nothing fitted; pages of a mapped file are not its own: the system takes them back at will.
"""

import resource
import tempfile
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

from benchmarks.cells.environment import environment
from benchmarks.cells.store import RESULTS, append, newest, read
from benchmarks.studies._runs import in_new_process
from benchmarks.studies.timings.workers import run_workers, workers_markdown
from noisylabel import MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidDataError
from noisylabel.students import MLP, SmallCNN
from noisylabel.utils import progress_bar

FILE = RESULTS / "scale.jsonl"
_KEYS = ("kind", "method", "n_samples")
SIZES = {
    "table": (10_000, 100_000, 1_000_000),
    "images": (1_000, 10_000, 50_000),
    "mapped": (100_000, 500_000, 1_500_000),
}
CLASSIFIERS = {
    "mentornet": partial(MentorNetClassifier, loss_percentile=0.7),
    "mentormix": partial(MentorMixClassifier, loss_percentile=0.7),
    "mentornet, auto": partial(MentorNetClassifier, "mentornet_pd", loss_percentile="auto"),
    "mentormix, auto": partial(MentorMixClassifier, "mentornet_pd", loss_percentile="auto"),
}
ALLOWED_GIB = 2.5  # of its own, for the process that trains on a mapped file of up to 5.7 GiB
_N_CLASSES = 10
_N_FEATURES = {"table": 20, "mapped": 1024}
_SAMPLES_SEEN = {"table": 2_000_000, "images": 100_000, "mapped": 0}  # small data get more epochs, at least two


class MappedRows(Dataset):
    """Rows of a file of float32, read when asked for.

    Parameters
    ----------
    path : Path
    n_features : int
    """

    def __init__(self, path: Path, n_features: int) -> None:
        self.rows = np.memmap(path, np.float32, mode="r").reshape(-1, n_features)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> torch.Tensor:
        return torch.from_numpy(np.array(self.rows[row]))


class OwnMemory:
    """The most memory of its own that this process has inside a ``with`` block, looked at every 20 ms.

    Attributes
    ----------
    before_, peak_ : int
        In bytes.
    """

    def __enter__(self) -> "OwnMemory":
        self.before_ = self.peak_ = own_memory()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.peak_ = max(self.peak_, own_memory())

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


def own_memory() -> int:
    """Return the bytes that this process has in memory and that no file backs."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def measure(kind: str, method: str, n_samples: int) -> dict[str, Any]:
    """Train on so many samples of a kind and return seconds and bytes, ready for JSON."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, _N_CLASSES, n_samples)
    epochs = max(2, _SAMPLES_SEEN[kind] // n_samples)
    student = SmallCNN((16, 32, 32)) if kind == "images" else MLP(hidden=(64, 64))
    clf = CLASSIFIERS[method](
        student=student,
        optimizer="sgd",
        lr=0.01,
        max_epochs=epochs,
        batch_size=256,
        random_state=0,
    )
    with tempfile.TemporaryDirectory() as folder:
        X = _MAKERS[kind](rng, n_samples, y, Path(folder))
        start = time.perf_counter()
        with OwnMemory() as memory:
            clf.fit(X, y)
        seconds = time.perf_counter() - start
    per_epoch = float(np.median(clf.history_["dur"].to_numpy()[1:]))  # the first warms up
    return {
        "kind": kind,
        "method": method,
        "n_samples": n_samples,
        "epochs": epochs,
        "seconds_per_epoch": round(per_epoch, 4),
        "seconds_outside_epochs": round(seconds - float(clf.history_["dur"].sum()), 4),
        "memory": memory.peak_ - memory.before_,
        "environment": environment(),
    }


def _make_table(rng: np.random.Generator, n_samples: int, y: np.ndarray, folder: Path) -> np.ndarray:
    X = rng.standard_normal((n_samples, _N_FEATURES["table"]), dtype=np.float32)
    X[np.arange(n_samples), y] += 2
    return X


def _make_images(rng: np.random.Generator, n_samples: int, y: np.ndarray, folder: Path) -> np.ndarray:
    X = rng.integers(0, 156, (n_samples, 3, 32, 32), dtype=np.uint8)
    X[np.arange(n_samples), 0, y] += 100  # the class is a bright line
    return X


def _make_mapped(rng: np.random.Generator, n_samples: int, y: np.ndarray, folder: Path) -> Dataset:
    """Write the rows in parts, then forbid this process to have more memory than it is allowed."""
    path, n_features = folder / "rows.f32", _N_FEATURES["mapped"]
    with open(path, "wb") as file:
        for labels in np.array_split(y, max(1, n_samples // 20_000)):
            part = rng.standard_normal((len(labels), n_features), dtype=np.float32)
            part[np.arange(len(labels)), labels] += 4
            part.tofile(file)
    allowed = int(ALLOWED_GIB * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    return MappedRows(path, n_features)


_MAKERS: dict[str, Callable[[np.random.Generator, int, np.ndarray, Path], Any]] = {
    "table": _make_table,
    "images": _make_images,
    "mapped": _make_mapped,
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the study's options."""
    parser.add_argument("--only", nargs="+", choices=[*SIZES, "workers"], default=[*SIZES, "workers"])
    parser.add_argument("--most", type=int, help="leave out what has more samples")
    parser.add_argument("--again", action="store_true", help="also measure what has a result; that stays, too")


def run(options: Namespace) -> None:
    """Measure the sizes that have no result."""
    run_scale([kind for kind in options.only if kind in SIZES], most=options.most, again=options.again)
    if "workers" in options.only:
        run_workers(FILE, again=options.again)


def report(options: Namespace) -> str:
    """Return the table of the kinds asked for."""
    kinds = set(options.only) & set(SIZES)
    table = scale_table() if kinds else pd.DataFrame()
    sizes = scale_markdown(table[table["kind"].isin(kinds)]) if kinds else ""
    return "\n\n".join(filter(None, [sizes, workers_markdown(FILE) if "workers" in options.only else ""]))


def run_scale(kinds: list[str], path: Path = FILE, most: int | None = None, again: bool = False) -> None:
    """Measure what has no result yet, or ``again`` all, each in a new process, and keep it."""
    done = set() if again else {tuple(row.get(key) for key in _KEYS) for row in read(path)}
    sizes = {kind: [n for n in SIZES[kind] if most is None or n <= most] for kind in kinds}
    wanted = [(kind, method, n) for kind in kinds for method in CLASSIFIERS for n in sizes[kind]]
    for size in progress_bar([size for size in wanted if size not in done], desc="scale", unit="size"):
        append(path, in_new_process(__name__, f"measure{size!r}", "{}, {}, {} samples".format(*size)))


def scale_table(path: Path = FILE) -> pd.DataFrame:
    """Return a row a kind, method and size: microseconds per sample and epoch, megabytes, bytes per sample.

    Raises
    ------
    InvalidDataError
        If nothing has been measured.
    """
    results = newest([row for row in read(path) if row["kind"] in SIZES], _KEYS)
    if not results:
        raise InvalidDataError(f"There are no results in {path}. Run python -m benchmarks scale first.")
    table = pd.DataFrame(results).sort_values(["kind", "method", "n_samples"]).reset_index(drop=True)
    table["microseconds"] = 1e6 * table["seconds_per_epoch"] / table["n_samples"]
    table["megabytes"] = table["memory"] / 2**20
    groups = table.groupby(["kind", "method"])
    # what a further sample takes: the libraries' own share is the same at all sizes
    table["bytes_per_sample"] = groups["memory"].diff() / groups["n_samples"].diff()
    return table[["kind", "method", "n_samples", "microseconds", "megabytes", "bytes_per_sample"]]


def scale_markdown(table: pd.DataFrame) -> str:
    """Return the table as Markdown."""
    names = ["samples", "µs per sample and epoch", "own memory, MB", "bytes per further sample"]
    lines = [f"| data | method | {' | '.join(names)} |", "|---" * 6 + "|"]
    for _, row in table.iterrows():
        further = "" if pd.isna(row["bytes_per_sample"]) else f"{row['bytes_per_sample']:.0f}"
        numbers = [f"{row['n_samples']:,}", f"{row['microseconds']:.1f}", f"{row['megabytes']:.0f}", further]
        lines.append(f"| {' | '.join([row['kind'], row['method'], *numbers])} |")
    return "\n".join(lines)
