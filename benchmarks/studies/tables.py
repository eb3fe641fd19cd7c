"""Clean tables: the default network against the earlier one, a random forest and histogram gradient boosting.

Eight real tables: four files of the data home (``tables/NAME.parquet``, label in column ``label``) and four that come
with scikit-learn. All methods get the same numbers, have their defaults, and one core.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from benchmarks.cells.environment import environment
from benchmarks.cells.store import RESULTS, append, newest, read
from benchmarks.studies._runs import as_markdown
from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.datasets import get_data_home
from noisylabel.exceptions import InvalidFileError
from noisylabel.preprocessing import TableEncoder

PRINTS = True
_FILE = "tables.jsonl"
_OF_SKLEARN: dict[str, Callable[..., Any]] = {
    "digits": load_digits, "breast_cancer": load_breast_cancer, "wine": load_wine, "iris": load_iris,
}  # fmt: skip
TABLES = ("letter", "satellite", "spambase", "soybean", *_OF_SKLEARN)
_MOST_ROWS = 5_000
_PD: dict[str, Any] = {"curriculum": "mentornet_pd", "loss_percentile": 0.7}
METHODS: dict[str, Callable[[int], Any]] = {
    "forest": lambda seed: RandomForestClassifier(random_state=seed),
    "boosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
    "plain_mlp": lambda seed: MentorNetClassifier("uniform", student="mlp", random_state=seed),
    "plain": lambda seed: MentorNetClassifier("uniform", random_state=seed),
    "mentornet_mlp": lambda seed: MentorNetClassifier(**_PD, student="mlp", random_state=seed),
    "mentornet": lambda seed: MentorNetClassifier(**_PD, random_state=seed),
    "mentormix_mlp": lambda seed: MentorMixClassifier("mentornet_pd", student="mlp", random_state=seed),
    "mentormix": lambda seed: MentorMixClassifier("mentornet_pd", random_state=seed),
}
"""From a name to a classifier with a seed: tree ensembles, plain training, MentorNet-PD and MentorMix with it."""
_TREES = ["forest", "boosting"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this study."""
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES), metavar="NAME")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="NAME")
    parser.add_argument(
        "--noise", type=float, default=0.0, help="share of symmetric noise on training labels (%(default)s)"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(100, 105)), help="of split and method")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")


def run(options: Namespace) -> None:
    """Train every method on 70 % of each table, at most 5,000 rows, for each seed; the rest is for testing."""
    torch.set_num_threads(1)
    where = environment("cpu")
    for name in options.tables:
        for method in options.methods:
            for seed in options.seeds:
                row = {"table": name, "method": method, "noise": options.noise, "seed": seed}
                row |= _measure(name, method, options.noise, seed)
                append(options.results / _FILE, row | {"environment": where})
                print(f"{name:14}{method:12}{seed:4}  {100 * row['accuracy']:6.2f} %  {row['cpu_s']:.2f} s", flush=True)


def _measure(name: str, method: str, noise: float, seed: int) -> dict[str, Any]:
    X, y = load_table(name)
    rows, rest = split_rows(y, seed)
    X_train, y_train, X_test, y_test = X[rows], y[rows], X[rest], y[rest]
    if noise:
        y_train, _ = corrupt(y_train, "symmetric", rate=noise, random_state=seed)
    clf = METHODS[method](seed)
    start, busy = time.perf_counter(), time.process_time()
    with threadpool_limits(1):
        clf.fit(X_train, y_train)
    took = {"fit_s": time.perf_counter() - start, "cpu_s": time.process_time() - busy}
    accuracy = float(np.mean(clf.predict(X_test) == y_test))
    return {"accuracy": accuracy, **took, "n_train": len(rows), "n_test": len(X_test), "n_columns": X.shape[1]}


def split_rows(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on, 70 % of each class and at most 5,000 in all, and the others."""
    n_rows = min(_MOST_ROWS, int(0.7 * len(y)))
    rows, rest = train_test_split(np.arange(len(y)), train_size=n_rows, random_state=seed, stratify=y)
    return rows, rest


@cache
def load_table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a table as numbers, (N, D), and its labels; columns of categories as ``noisylabel audit`` reads them.

    Raises
    ------
    InvalidFileError
        If the data home does not have it, or it has no labels.
    """
    if name in _OF_SKLEARN:
        X, y = _OF_SKLEARN[name](return_X_y=True)
        return X, y
    table = read_file(f"tables/{name}.parquet", "the UCI table, its label in the column 'label'", ["label"])
    y = table.pop("label").to_numpy()
    is_numeric = all(map(pd.api.types.is_any_real_numeric_dtype, table.dtypes))
    return table.to_numpy(np.float64) if is_numeric else TableEncoder().fit_transform(table), y


def read_file(name: str, what: str, columns: list[str]) -> pd.DataFrame:
    """Return a Parquet file of the data home.

    Parameters
    ----------
    name : str
        Its path there.
    what : str
        What it holds, for who does not have it.
    columns : list of str
        Columns that it must have.

    Raises
    ------
    InvalidFileError
        If it is not there, or lacks a column.
    """
    path = get_data_home() / name
    if not path.is_file():
        raise InvalidFileError(f"There is no {path}. Put {what}, there.")
    table = pd.read_parquet(path)
    missing = [column for column in columns if column not in table]
    if missing:
        raise InvalidFileError(f"{path} must hold {what}. It has no {', '.join(map(repr, missing))}.")
    return table


def report(options: Namespace) -> str:
    """Return mean accuracies and seconds, and how far the networks are above the better of the two tree ensembles."""
    rows = pd.DataFrame(newest(read(options.results / _FILE), ["table", "method", "noise", "seed"]))
    return "\n\n".join(text for noise, part in rows.groupby("noise") for text in _tables_of(float(noise), part))


def _tables_of(noise: float, rows: pd.DataFrame) -> list[str]:
    percent = rows.assign(percent=100 * rows["accuracy"]).pivot_table("percent", "table", ["method", "seed"])
    order = [name for name in TABLES if name in percent.index]
    methods = [name for name in METHODS if name in percent]
    mean, spread = ({m: kind(percent[m].loc[order]) for m in methods} for kind in (_mean, _spread))
    shown = pd.DataFrame({m: [f"{a:.1f} ± {b:.1f}" for a, b in zip(mean[m], spread[m], strict=True)] for m in methods})
    titles = [f"Accuracy (%) with {noise:.0%} noise, {rows['seed'].nunique()} splits", "Seconds of a fit, one core"]
    seconds = rows.pivot_table("cpu_s", "table", "method").loc[order, methods].round(2)
    texts = [titles[0], as_markdown(shown.set_axis(order).reset_index(names="table"))]
    if set(_TREES) <= set(methods):
        means = pd.DataFrame(mean)
        gaps = means.drop(columns=_TREES).sub(means[_TREES].max(axis=1), axis=0)
        gaps.loc["mean"] = gaps.mean()
        texts += [
            "Points above the better of forest and boosting",
            as_markdown(gaps.round(2).reset_index(names="table")),
        ]
    return [*texts, titles[1], as_markdown(seconds.reset_index())]


def _mean(percent: pd.DataFrame) -> pd.Series:
    return percent.mean(axis=1)


def _spread(percent: pd.DataFrame) -> pd.Series:
    return percent.std(axis=1)
