"""``noisylabel demo``: digits with more and more wrong labels, plain training against what believes them less."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from joblib import Parallel, delayed
from sklearn.base import clone

from noisylabel._support.files import local_path, written_whole
from noisylabel._support.notes import as_note, take_notes
from noisylabel._support.progress import progress_bar, stop_if_interrupted
from noisylabel.commands._options import add_command, place, print_written, whole
from noisylabel.datasets import load_digits
from noisylabel.estimators import MentorMixClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise import SymmetricNoise, corrupt

METHODS: dict[str, MentorNetClassifier] = {
    "plain": MentorNetClassifier("uniform"),
    "self_paced": MentorNetClassifier("self_paced"),
    "mentornet": MentorNetClassifier(),
    "mentormix": MentorMixClassifier(),
}
RATES = (0.0, 0.2, 0.4, 0.6, 0.8)


def add_demo_command(commands: Any) -> None:
    """Add ``demo`` to the ``noisylabel`` command."""
    about = "Train on digits with up to 80 percent random labels; table and plot of plain training and the defaults."
    demo = add_command(commands, "demo", about, _demo)
    demo.add_argument("--out", type=place, default="noisylabel-demo", help="folder for the tables and the plot")
    demo.add_argument("--seeds", type=whole, default=3, help="repetitions")
    demo.add_argument("--jobs", type=whole, help="processes (all cores)")


def _demo(options: argparse.Namespace) -> None:
    run_demo(options.out, n_seeds=options.seeds, n_jobs=options.jobs)


def run_demo(out: str | os.PathLike[str] = "noisylabel-demo", *, n_seeds: int = 3, n_jobs: int | None = None) -> Path:
    """Run every method at every noise rate, print the table, and write it and its plot.

    Parameters
    ----------
    out : path
        Folder for ``digits.csv`` (a row a run), ``digits-summary.csv`` and ``digits.png``.
    n_seeds : int, default=3
        Repetitions.
    n_jobs : int, optional
        Processes; all cores by default.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InvalidParameterError
        If ``out`` is a file.
    """
    folder = local_path("out", out).resolve()
    if folder.is_file():
        raise InvalidParameterError(f"'out' is {folder}, which is a file. Give the name of a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    print("Digits with wrong labels: plain training against three curricula.")
    print("0 to 80 % of 1,200 training labels are replaced by random ones; accuracy is on 597 clean test digits.\n")
    jobs = [(method, rate, seed) for rate in RATES for seed in range(n_seeds) for method in METHODS]
    parallel = Parallel(n_jobs=n_jobs or os.cpu_count(), return_as="generator")
    results = parallel(delayed(_run_with_notes)(*job) for job in jobs)
    rows, notes = zip(*progress_bar(results, total=len(jobs), desc="train", unit="fit"), strict=True)
    table = pd.DataFrame(list(rows))
    summary = summarize(table)
    print(f"\nAccuracy (%), mean ± standard deviation over {n_seeds} seeds:\n")
    print(f"{summary.to_string()}\n")
    _print_notes(jobs, notes)
    print_written(_save(table, summary, folder))
    return folder


def _print_notes(jobs: Sequence[tuple[str, float, int]], notes: Sequence[list[str]]) -> None:
    for (method, rate, seed), said in zip(jobs, notes, strict=True):
        for note in said:
            print(as_note(note, f"{method}, {100 * rate:.0f} % noise, seed {seed}"))


def _run_with_notes(method: str, rate: float, seed: int) -> tuple[dict[str, object], list[str]]:
    """Return what :func:`run_one` does, and what our own warnings said meanwhile."""
    with take_notes() as notes:
        row = run_one(method, rate, seed)
    return row, notes


def run_one(method: str, rate: float, seed: int) -> dict[str, object]:
    """Train one classifier on noisy digits and return its accuracy on clean ones.

    Parameters
    ----------
    method : str
        A key of :data:`METHODS`.
    rate : float in [0, 1]
        Share of labels replaced by random ones, the right one among them.
    seed : int
        Of noise and training.

    Returns
    -------
    dict
        ``method``, ``rate``, ``seed``; ``accuracy`` in [0, 1]; ``noise_rate``, the share of labels that are wrong.

    Examples
    --------
    >>> sorted(run_one("self_paced", 0.4, 0))
    ['accuracy', 'method', 'noise_rate', 'rate', 'seed']
    """
    torch.set_num_threads(1)  # small matrices: two processes beat two threads
    digits = load_digits()
    noisy_y, manifest = corrupt(digits.target, SymmetricNoise(rate), random_state=seed)
    clf = clone(METHODS[method]).set_params(random_state=seed).fit(digits.data, noisy_y)
    stop_if_interrupted(clf)
    accuracy = clf.score(digits.test_data, digits.test_target)
    return {"method": method, "rate": rate, "seed": seed, "accuracy": accuracy, "noise_rate": manifest.realised_rate}


def summarize(table: pd.DataFrame) -> pd.DataFrame:
    """Return "mean ± standard deviation" in percent, a row a method and a column a noise rate."""
    groups = 100 * table.groupby(["method", "rate"], sort=False)["accuracy"].agg(["mean", "std"])
    text = groups["mean"].map("{:.1f}".format) + " ± " + groups["std"].fillna(0).map("{:.1f}".format)
    wide = text.unstack("rate")
    wide.columns = [f"{100 * rate:.0f} % noise" for rate in wide.columns]
    return wide.loc[list(dict.fromkeys(table["method"]))]


def _save(table: pd.DataFrame, summary: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the tables and the plot; return where they are."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from noisylabel.plots import plot_accuracy_against_noise

    paths = [folder / name for name in ("digits-summary.csv", "digits.csv", "digits.png")]
    written_whole(paths[0], lambda partial: summary.to_csv(partial))
    written_whole(paths[1], lambda partial: table.round(6).to_csv(partial, index=False))
    with mpl.rc_context({"font.size": 11}):
        figure = Figure(figsize=(7, 4.5), layout="constrained")
        ax = plot_accuracy_against_noise(table, figure.subplots())
        ax.set_title("Digits: what wrong labels cost", loc="left")
        written_whole(paths[2], lambda partial: figure.savefig(partial, dpi=150, format="png"))
    return paths
