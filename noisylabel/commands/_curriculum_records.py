"""``noisylabel curriculum records``: what a student's losses are on rows whose right label is known."""

import argparse
from typing import Any

from noisylabel._support.progress import stop_if_interrupted
from noisylabel.callbacks import StudentRecorder
from noisylabel.commands._curriculum_training import add_data_options, add_training_options, classifier_of, rows_of
from noisylabel.commands._options import add_command, percents, place, print_written


def add_records_command(commands: Any) -> None:
    """Add ``records`` to ``noisylabel curriculum``."""
    about = "Train a student on noisy labels and record its losses on rows whose right label is known."
    records = add_command(commands, "records", about, _records)
    add_data_options(records)
    records.add_argument(
        "--percents", type=percents, metavar="P,P,...", help="percents of training to record (18,30,45,60,75,90,99)"
    )
    records.add_argument("--curriculum", default="uniform", help="what the student is trained with")
    add_training_options(records, percentile=0.7)
    records.add_argument("--out", type=place, required=True, help="CSV, or Parquet for .parquet")


def _records(options: argparse.Namespace) -> None:
    X, y, y_trusted, _ = rows_of(options)
    at = {} if options.percents is None else {"at": options.percents}
    recorder = StudentRecorder(y, y_trusted, path=options.out, **at)
    clf = classifier_of(options, options.curriculum).set_params(callbacks=[recorder])
    stop_if_interrupted(clf.fit(X, y))
    found = recorder.records_
    wrong = (found["noisy_label"] != found["clean_label"]).mean()
    print(f"{len(found)} records of {found['sample_id'].nunique()} samples, {wrong:.1%} of them mislabelled.")
    print_written([options.out])
