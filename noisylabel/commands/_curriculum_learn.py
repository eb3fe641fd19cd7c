"""``noisylabel curriculum learn``: a MentorNet from a closed form, or from the records of a student."""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from noisylabel._support.validation import check_choice
from noisylabel.commands._options import add_command, fractions, numbers, place, print_written, whole
from noisylabel.curricula import CURRICULA
from noisylabel.curricula.learned import learn_from_records, learn_from_vstar, read_records
from noisylabel.exceptions import InvalidParameterError

_BELONGS = {"vstar": ("gamma", "samples"), "records": ("percentile", "history_length", "loss_scales")}


def add_learn_command(commands: Any) -> None:
    """Add ``learn`` to ``noisylabel curriculum``."""
    about = "Learn a MentorNet from a closed form or from the records of a student."
    learn = add_command(commands, "learn", about, _learn)
    source = learn.add_mutually_exclusive_group(required=True)
    source.add_argument("--vstar", metavar="NAME", help="closed form: a curriculum's name, such as mentornet_pd")
    source.add_argument(
        "--records",
        nargs="+",
        metavar="FILE",
        help="CSV or Parquet with sample_id, epoch, noisy_label, clean_label, loss; several files are learned together",
    )
    learn.add_argument("--gamma", type=float, help="with --vstar: parameter of the closed form")
    learn.add_argument("--samples", type=whole, help="with --vstar: rows drawn from the synthetic grid (100000)")
    learn.add_argument(
        "--percentile",
        type=fractions,
        metavar="P[,P...]",
        help="with --records: percentile of the losses to compare with, as a fraction; several give a MentorNet each "
        "(0.75)",
    )
    learn.add_argument("--history-length", type=whole, help="with --records: last records of a sample to read (1)")
    learn.add_argument(
        "--loss-scales",
        type=numbers,
        metavar="LOW,HIGH",
        help="with --records: for students with smaller or larger losses; 1,1 for the recorded student alone (0.1,3)",
    )
    learn.add_argument("--steps", type=whole, default=4000, help="steps of the optimiser")
    learn.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    learn.add_argument("--out", type=place, required=True, help="safetensors file; the card stands beside it")


def _learn(options: argparse.Namespace) -> None:
    source, other = ("vstar", "records") if options.vstar else ("records", "vstar")
    for name in _BELONGS[other]:
        if getattr(options, name) is not None:
            raise InvalidParameterError(
                f"--{name.replace('_', '-')} belongs to --{other}. Leave it out with --{source}."
            )
    if options.vstar:
        _learn_vstar(options)
    else:
        _learn_records(options)


def _given(options: argparse.Namespace, **names: str) -> dict[str, Any]:
    """Return the options that were given, under the names that the function has for them."""
    found = {argument: getattr(options, name) for argument, name in names.items()}
    return {argument: value for argument, value in found.items() if value is not None}


def _learn_vstar(options: argparse.Namespace) -> None:
    check_choice("--vstar", options.vstar, [name for name in CURRICULA if name not in ("mentornet_dd", "data_driven")])
    vstar = CURRICULA[options.vstar]()
    if options.gamma is not None:
        if "gamma" not in vstar.get_params():
            raise InvalidParameterError(f"--gamma: {options.vstar!r} has no such parameter. Leave it out.")
        vstar.set_params(gamma=options.gamma)
    given = _given(options, n_samples="samples")
    learned = learn_from_vstar(vstar, n_steps=options.steps, random_state=options.seed, verbose=1, **given)
    learned.card["learned_from"]["vstar"] = options.vstar
    learned.card["name"] = options.out.stem
    path = learned.save(options.out)
    fit = learned.card["fit"]
    print(
        f"Mean absolute error {fit['mean_absolute_error']:.4f}, {fit['wrong_side']:.2%} of held-out points on the "
        f"wrong side of 0.5; agreement by stage {fit['agreement']}; {fit['seconds']} s for {options.steps} steps."
    )
    print_written([path, path.with_suffix(".json")])


def _learn_records(options: argparse.Namespace) -> None:
    tables = [read_records(file) for file in options.records]
    rows, paths, percentiles = {}, [], options.percentile or [0.75]
    given = _given(options, history_length="history_length", loss_scales="loss_scales")
    for percentile in percentiles:
        learned = learn_from_records(
            tables,
            percentile=percentile,
            n_steps=options.steps,
            random_state=options.seed,
            verbose=1,
            **given,
        )
        out = options.out
        if len(percentiles) > 1:
            out = out.with_name(f"{out.name.removesuffix('.safetensors')}_percentile_{percentile:g}.safetensors")
        learned.card["name"] = out.stem
        learned.card["learned_from"]["records"] = [Path(file).name for file in options.records]
        path = learned.save(out)
        paths += [path, path.with_suffix(".json")]
        rows[percentile] = {**learned.card["fit"], "file": out.name}
    print(pd.DataFrame(rows).T.rename_axis("percentile").to_string())
    print("Measured on a fifth of the samples, left out of learning; cross-entropy in nats.")
    print_written(paths)
