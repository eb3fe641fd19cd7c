"""One network on one and on two workers: seconds of an epoch where computing dominates, and accuracy with batch norm.

The study ``scale`` runs it. Seconds are the fewest of an epoch of several trainings, in turns, since other processes of
the machine only add to them. On a machine that is never idle the seconds of the processor tell more: those that the
first worker's process used, in which it waited for nobody.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from skorch.callbacks import Callback

from benchmarks.cells.environment import environment
from benchmarks.cells.store import append, read
from noisylabel import MentorNetClassifier, corrupt
from noisylabel.datasets import load_digits
from noisylabel.students import SmallCNN
from noisylabel.utils import progress_bar, ray_session

SECONDS, ACCURACY, SYNCHRONIZED = "workers", "workers, accuracy", "workers, accuracy, sync_batchnorm"
KINDS = (SECONDS, ACCURACY, SYNCHRONIZED)
N_WORKERS = (1, 2)
SEEDS = (0, 1, 2)
_N_IMAGES = 2_048
_TURNS = 3


class ProcessorClock(Callback):
    """Seconds of the processor that each epoch takes this process, all of its threads together.

    Attributes
    ----------
    seconds_ : list of float
    """

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget earlier trainings."""
        self.seconds_: list[float] = []

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Start."""
        self.start_ = time.process_time()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Stop."""
        self.seconds_.append(time.process_time() - self.start_)


def run_workers(path: Path, again: bool = False) -> None:
    """Measure what has no result yet, or ``again`` all, and keep it."""
    done = [] if again else [_key(row) for row in read(path) if row["kind"] in KINDS]
    wanted = [(SECONDS, n, turn) for turn in range(_TURNS) for n in N_WORKERS]
    wanted += [(ACCURACY, n, seed) for seed in SEEDS for n in N_WORKERS]
    wanted += [(SYNCHRONIZED, max(N_WORKERS), seed) for seed in SEEDS]
    todo = [case for case in wanted if case not in done]
    if not todo:
        return
    with ray_session():
        for kind, n_workers, seed in progress_bar(todo, desc="workers", unit="training"):
            found = seconds(n_workers, seed) if kind == SECONDS else accuracy(n_workers, seed, kind == SYNCHRONIZED)
            row = {"kind": kind, "n_workers": n_workers, "seed": seed, **found, "environment": environment()}
            append(path, row)


def _key(row: dict[str, Any]) -> tuple[str, int, int]:
    return row["kind"], row["n_workers"], row["seed"]


def seconds(n_workers: int, seed: int, n_samples: int = _N_IMAGES, epochs: int = 6) -> dict[str, Any]:
    """Train a network of convolutions on images of 32 x 32, and return the fewest seconds of an epoch."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, (n_samples, 3, 32, 32), dtype=np.uint8)
    clock = ProcessorClock()
    clf = MentorNetClassifier(
        "mentornet_pd",
        loss_percentile=0.7,
        student=SmallCNN((32, 64, 64)),
        max_epochs=epochs,
        batch_size=256,
        n_workers=n_workers,
        callbacks=[clock],
        random_state=seed,
    )
    clf.fit(X, rng.integers(0, 10, n_samples))
    return {
        "n_samples": n_samples,
        "epochs": epochs,
        "seconds_per_epoch": round(float(clf.history_["dur"][1:].min()), 4),  # the first warms up
        "processor_seconds_per_epoch": round(min(clock.seconds_[1:]), 4),
    }


def accuracy(n_workers: int, seed: int, sync_batchnorm: bool = False, epochs: int = 30) -> dict[str, Any]:
    """Train a network with batch normalisation on noisy digits, as images, and return its accuracy on right labels."""
    digits = load_digits()
    noisy_y, _ = corrupt(digits.target, "symmetric", rate=0.4, random_state=seed)
    clf = MentorNetClassifier(
        student=SmallCNN((16, 32, 32)),
        max_epochs=epochs,
        n_workers=n_workers,
        sync_batchnorm=sync_batchnorm,
        random_state=seed,
    )
    clf.fit(_as_images(digits.data), noisy_y)
    found = clf.score(_as_images(digits.test_data), digits.test_target)
    return {"n_samples": len(noisy_y), "epochs": epochs, "accuracy": round(found, 4)}


def _as_images(table: np.ndarray) -> np.ndarray:
    return table.reshape(-1, 1, 8, 8).astype(np.float32)


def workers_markdown(path: Path) -> str:
    """Return the table as Markdown: of the seconds, how many times an equal part of one worker's they are.

    Empty until all has been measured.
    """
    rows = pd.DataFrame([row for row in read(path) if row["kind"] in KINDS])
    if rows.empty or set(rows["kind"]) < set(KINDS):
        return ""
    rows = rows.drop_duplicates(["kind", "n_workers", "seed"], keep="last")
    names = ["seconds_per_epoch", "processor_seconds_per_epoch"]
    fewest = rows[rows["kind"] == SECONDS].groupby("n_workers")[names].min()
    found = rows[rows["kind"] == ACCURACY].groupby("n_workers")["accuracy"]
    one = rows[rows["kind"] == SYNCHRONIZED].groupby("n_workers")["accuracy"]
    heads = ["workers", "seconds of an epoch", "times its part", "of the processor", "times its part", "accuracy"]
    lines = [f"| {' | '.join([*heads, 'with `sync_batchnorm`'])} |", "|---" * 7 + "|"]
    for n in sorted(rows["n_workers"].unique()):
        parts = [f"{fewest.loc[n, name]:.2f} | {fewest.loc[n, name] * n / fewest.loc[1, name]:.2f}" for name in names]
        spreads = [_spread(groups.get_group(n)) if n in groups.groups else "" for groups in (found, one)]
        lines.append(f"| {n} | {' | '.join([*parts, *spreads])} |")
    return "\n".join(lines)


def _spread(values: pd.Series) -> str:
    return f"{values.mean():.4f} ± {values.std():.4f} ({len(values)} seeds)"
