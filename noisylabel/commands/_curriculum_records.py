"""``noisylabel curriculum records``: what a student's losses are on rows whose right label is known."""

import argparse
from typing import Any

import numpy as np

from noisylabel._support.progress import stop_if_interrupted
from noisylabel._support.validation import check_choice
from noisylabel.callbacks import StudentRecorder
from noisylabel.commands._options import add_command, fraction, fraction_or_word, percents, place, print_written, whole
from noisylabel.datasets import DATASETS, load_table
from noisylabel.estimators import MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise import corrupt


def add_records_command(commands: Any) -> None:
    """Add ``records`` to ``noisylabel curriculum``."""
    about = "Train a student on noisy labels and record its losses on rows whose right label is known."
    records = add_command(commands, "records", about, _records)
    source = records.add_mutually_exclusive_group(required=True)
    source.add_argument("--dataset", metavar="NAME", help="a data set of ours, whose labels are then corrupted")
    source.add_argument("--table", type=place, metavar="FILE", help="your CSV or Parquet")
    records.add_argument("--label", metavar="COLUMN", help="with --table: the noisy labels")
    records.add_argument("--trusted-label", metavar="COLUMN", help="with --table: the right labels, empty if not known")
    records.add_argument("--noise", default="symmetric", help="with --dataset: kind of noise")
    records.add_argument("--rate", type=fraction, default=0.4, help="with --dataset: noise rate, a fraction")
    records.add_argument("--samples", type=whole, help="with --dataset: training rows (all)")
    records.add_argument("--trusted", type=whole, default=1000, help="with --dataset: trusted rows")
    records.add_argument(
        "--percents", type=percents, metavar="P,P,...", help="percents of training to record (18,30,45,60,75,90,99)"
    )
    records.add_argument("--curriculum", default="uniform", help="what the student is trained with")
    records.add_argument(
        "--percentile",
        type=fraction_or_word,
        metavar="P",
        default=0.7,
        help="its loss percentile: a fraction, or auto",
    )
    records.add_argument("--student", default="auto", help="name of the network")
    records.add_argument("--epochs", type=whole, default=50, help="passes over the rows")
    records.add_argument("--batch-size", type=whole, default=128, help="rows a step")
    records.add_argument("--optimizer", default="adamw", help="adamw or sgd")
    records.add_argument("--lr", type=float, default=0.002, help="learning rate")
    records.add_argument("--weight-decay", type=float, default=0.0005, help="of the optimiser")
    records.add_argument("--augment", help="shift_flip or shift, for images (none)")
    records.add_argument("--precision", default="fp32", help="fp32 or bf16")
    records.add_argument("--device", default="cpu", help="where to train")
    records.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    records.add_argument("--out", type=place, required=True, help="CSV, or Parquet for .parquet")


def _records(options: argparse.Namespace) -> None:
    X, y, y_trusted = _table(options) if options.table else _dataset(options)
    at = {} if options.percents is None else {"at": options.percents}
    recorder = StudentRecorder(y, y_trusted, path=options.out, **at)
    clf = MentorNetClassifier(
        curriculum=options.curriculum,
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
        callbacks=[recorder],
        verbose=1,
    )
    stop_if_interrupted(clf.fit(X, y))
    found = recorder.records_
    wrong = (found["noisy_label"] != found["clean_label"]).mean()
    print(f"{len(found)} records of {found['sample_id'].nunique()} samples, {wrong:.1%} of them mislabelled.")
    print_written([options.out])


def _table(options: argparse.Namespace) -> tuple[Any, Any, Any]:
    if not options.label or not options.trusted_label:
        raise InvalidParameterError("--table needs --label COLUMN and --trusted-label COLUMN.")
    table = load_table(options.table, label=options.label)
    if options.trusted_label not in table.data.columns:
        raise InvalidParameterError(
            f"--trusted-label: {options.table} has no column {options.trusted_label!r}. It has "
            f"{list(table.data.columns)}."
        )
    return table.data.drop(columns=options.trusted_label), table.target, table.data[options.trusted_label]


def _dataset(options: argparse.Namespace) -> tuple[Any, Any, Any]:
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
    return X, noisy_y, (is_trusted, y)
