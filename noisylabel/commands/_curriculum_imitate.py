"""``noisylabel curriculum imitate``: a MentorNet that gives the weights of another curriculum."""

import argparse
from typing import Any

import numpy as np
import pandas as pd

from noisylabel.commands._curriculum_training import (
    Rows,
    add_data_options,
    add_recording_options,
    add_training_options,
    classifier_of,
    recorder_of,
    rows_of,
    trusted_for,
)
from noisylabel.commands._options import add_command, place, print_written, whole
from noisylabel.estimators import Imitation, imitate

_HELD_OUT = 0.2  # of a table, to measure on


def add_imitate_command(commands: Any) -> None:
    """Add ``imitate`` to ``noisylabel curriculum``."""
    about = "Train under a curriculum, learn a MentorNet that gives its weights, and say how close it comes."
    command = add_command(commands, "imitate", about, _imitate)
    command.add_argument("--curriculum", required=True, metavar="NAME", help="what is imitated, such as self_paced")
    add_data_options(command, trusted=100)
    add_recording_options(command)
    add_training_options(command)
    command.add_argument("--steps", type=whole, default=4000, help="steps in which the MentorNet is learned")
    command.add_argument("--trainings", type=whole, default=3, help="seeds with which accuracies are compared")
    command.add_argument("--out", type=place, required=True, help="safetensors file; the card stands beside it")


def _imitate(options: argparse.Namespace) -> None:
    rows = rows_of(options, is_trusted_needed=False)
    rows, test, measured = _with_test_rows(rows, options.seed)
    clf = classifier_of(options, options.curriculum)
    given = trusted_for(clf, rows)
    found = imitate(clf, rows.X, rows.y, recorder=recorder_of(options), n_steps=options.steps, **given)
    found.mentornet.card["name"] = options.out.stem
    path = found.mentornet.save(options.out)
    _say(found)
    seeds = range(options.seed, options.seed + options.trainings)
    accuracies = found.compare(rows.X, rows.y, *test, seeds=seeds, **given)
    table = pd.DataFrame({"mean": accuracies.mean(), "std": accuracies.std()})
    print(
        f"Accuracy of training, mean of {len(seeds)}, against the {measured} labels of rows that were not trained on:"
    )
    print(table.dropna(axis="columns").T.round(4).to_string())  # of one training there is no spread
    print_written([path, path.with_suffix(".json")])
    percentile = found.recorder.loss_percentile_
    print(f"Use it as MentorNetClassifier({str(path)!r}, loss_percentile={percentile!r}, burn_in=0).")


def _say(found: Imitation) -> None:
    fit, learned_from = found.mentornet.card["fit"], found.mentornet.card["learned_from"]
    scale, cut_off = learned_from["weight_scale"], learned_from["share_cut_off"]
    correlation = fit.get("rank_correlation", float("nan"))
    print(
        f"Mean absolute error of the weights {fit['mean_absolute_error']:.4f} ({fit['error_of_time_alone']:.4f} if "
        f"only the percent of training were known), rank correlation {correlation:.3f}, on "
        f"{fit['n']} of {learned_from['n_visits']} visits, of rows left out."
    )
    if scale > 1:
        print(f"Weights were above 1: they are divided by {scale:g}, and {cut_off:.1%} of them cut off at 1.")


def _with_test_rows(rows: Rows, seed: int) -> tuple[Rows, tuple[Any, Any], str]:
    """Return rows to train on, rows to measure on with their labels, and whose labels those are.

    Of a table a fifth is left out, and measured against trusted labels if there are any among them.
    """
    if rows.test is not None:
        return rows, rows.test, "right"
    is_test = np.random.default_rng(seed).permutation(len(rows.y)) < _HELD_OUT * len(rows.y)
    X, y, trusted = rows.X, np.asarray(rows.y), rows.y_trusted
    kept = Rows(X[~is_test], y[~is_test], None if trusted is None else trusted[~is_test])
    known = is_test if trusted is None else is_test & trusted.notna().to_numpy()
    if trusted is None or not known.any():
        return kept, (X[is_test], y[is_test]), "given"
    return kept, (X[known], np.asarray(trusted[known])), "trusted"
