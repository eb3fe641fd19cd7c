"""What the commands share that train a student to see what its curriculum, or its losses, do."""

import argparse
from typing import Any, NamedTuple

import numpy as np

from noisylabel._support.validation import check_choice
from noisylabel.callbacks import MentorRecorder
from noisylabel.commands._options import fraction, fraction_or_word, place, whole
from noisylabel.datasets import DATASETS, load_table
from noisylabel.estimators import MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise import corrupt

_OTHERWISE = 0.7  # percentile to record by for curricula that have none


class Rows(NamedTuple):
    """Rows to train on, their given labels, and what is trusted, as ``fit`` takes it; None if nothing is.

    ``test`` has rows to measure on and their right labels, or None.
    """

    X: Any
    y: Any
    y_trusted: Any
    test: tuple[Any, Any] | None = None


def add_data_options(parser: Any, dataset: str | None = None, trusted: int = 1000) -> None:
    """Add the options that say what to train on; without a default ``dataset`` they must."""
    source = parser.add_mutually_exclusive_group(required=dataset is None)
    source.add_argument(
        "--dataset", metavar="NAME", default=dataset, help="a data set of ours; its labels get corrupted"
    )
    source.add_argument("--table", type=place, metavar="FILE", help="your CSV or Parquet")
    parser.add_argument("--label", metavar="COLUMN", help="with --table: the noisy labels")
    parser.add_argument("--trusted-label", metavar="COLUMN", help="with --table: the right labels, empty if not known")
    parser.add_argument("--noise", default="symmetric", help="with --dataset: kind of noise")
    parser.add_argument("--rate", type=fraction, default=0.4, help="with --dataset: noise rate, a fraction")
    parser.add_argument("--samples", type=whole, help="with --dataset: training rows (all)")
    parser.add_argument("--trusted", type=whole, default=trusted, help="with --dataset: trusted rows")


def add_training_options(parser: Any, percentile: float | str = "auto") -> None:
    """Add the options that say how to train."""
    parser.add_argument(
        "--percentile",
        type=fraction_or_word,
        metavar="P",
        default=percentile,
        help="its loss percentile: a fraction, or auto",
    )
    parser.add_argument("--student", default="auto", help="name of the network")
    parser.add_argument("--epochs", type=whole, default=50, help="passes over the rows")
    parser.add_argument("--batch-size", type=whole, default=128, help="rows a step")
    parser.add_argument("--optimizer", default="adamw", help="adamw or sgd")
    parser.add_argument("--lr", type=float, default=0.002, help="learning rate")
    parser.add_argument("--weight-decay", type=float, default=0.0005, help="of the optimiser")
    parser.add_argument("--augment", help="shift_flip or shift, for images (none)")
    parser.add_argument("--precision", default="fp32", help="fp32 or bf16")
    parser.add_argument("--device", default="cpu", help="where to train")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")


def add_recording_options(command: Any) -> None:
    """Add the options of a :class:`MentorRecorder`."""
    command.add_argument("--visits", type=whole, default=100_000, help="most visits to record, evenly over training")
    command.add_argument("--history-length", type=whole, default=1, help="last losses of a sample to read")


def recorder_of(options: argparse.Namespace) -> MentorRecorder:
    """Return the recorder that the options describe."""
    is_number = not isinstance(options.percentile, str) or "," in options.percentile
    percentile = options.percentile if is_number else _OTHERWISE
    return MentorRecorder(options.history_length, options.visits, percentile)


def trusted_for(clf: MentorNetClassifier, rows: Rows) -> dict[str, Any]:
    """Return what ``fit`` needs of the trusted rows: nothing, if the curriculum makes no use of them."""
    is_used = rows.y_trusted is not None and clf.make_mentor().uses_trusted
    return {"y_trusted": rows.y_trusted} if is_used else {}


def classifier_of(options: argparse.Namespace, curriculum: str) -> MentorNetClassifier:
    """Return the classifier that the options describe."""
    return MentorNetClassifier(
        curriculum=curriculum,
        loss_percentile=options.percentile,
        student=options.student,
        max_epochs=options.epochs,
        batch_size=options.batch_size,
        optimizer=options.optimizer,
        lr=options.lr,
        weight_decay=options.weight_decay,
        augment=options.augment,
        precision=options.precision,
        device=options.device,
        random_state=options.seed,
        verbose=1,
    )


def rows_of(options: argparse.Namespace, is_trusted_needed: bool = True) -> Rows:
    """Return the rows that the options name."""
    return _table(options, is_trusted_needed) if options.table else _dataset(options)


def _table(options: argparse.Namespace, is_trusted_needed: bool) -> Rows:
    if not options.label or (is_trusted_needed and not options.trusted_label):
        wanted = "--label COLUMN and --trusted-label COLUMN" if is_trusted_needed else "--label COLUMN"
        raise InvalidParameterError(f"--table needs {wanted}.")
    table, trusted = load_table(options.table, label=options.label), options.trusted_label
    if not trusted:
        return Rows(table.data, table.target, None)
    if trusted not in table.data.columns:
        raise InvalidParameterError(
            f"--trusted-label: {options.table} has no column {trusted!r}. It has {list(table.data.columns)}."
        )
    return Rows(table.data.drop(columns=trusted), table.target, table.data[trusted])


def _dataset(options: argparse.Namespace) -> Rows:
    data = DATASETS[check_choice("--dataset", options.dataset, DATASETS)]()
    n_rows = len(data.data) if options.samples is None else options.samples
    if not 1 <= options.trusted <= n_rows <= len(data.data):
        raise InvalidParameterError(
            f"--trusted must be from 1 to --samples, and --samples at most {len(data.data)}. Got {options.trusted} and "
            f"{n_rows}."
        )
    rng = np.random.default_rng(options.seed)
    rows = rng.permutation(len(data.data))[:n_rows]
    X, y = data.data[rows], data.target[rows]
    noisy_y, _ = corrupt(y, options.noise, rate=options.rate, random_state=options.seed)
    is_trusted = rng.permutation(n_rows) < options.trusted
    return Rows(X, noisy_y, (is_trusted, y), (data.test_data, data.test_target))
