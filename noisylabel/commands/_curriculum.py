"""``noisylabel curriculum learn | records | plot | list``."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisylabel.exceptions import InvalidParameterError


def add_curriculum_commands(commands: Any) -> None:
    """Add ``curriculum`` and what stands under it to the ``noisylabel`` command."""
    about = "Learn, record, plot and list curricula (MentorNets)."
    curriculum = commands.add_parser("curriculum", help=about, description=about)
    nested = curriculum.add_subparsers(title="commands", required=True)
    _add_learn(nested)
    _add_records(nested)
    _add_plot(nested)
    listing = nested.add_parser("list", help="the MentorNets that come with the package")
    listing.add_argument("--cards", action="store_true", help="print the whole cards")
    listing.set_defaults(run=_list)


def _add_learn(nested: Any) -> None:
    about = "Learn a MentorNet from a closed form or from the records of a student."
    learn = nested.add_parser("learn", help=about, description=about)
    source = learn.add_mutually_exclusive_group(required=True)
    source.add_argument("--vstar", metavar="NAME", help="closed form: a curriculum's name, such as mentornet_pd")
    source.add_argument(
        "--records",
        nargs="+",
        metavar="FILE",
        help="CSV or Parquet with sample_id, epoch, noisy_label, clean_label, loss; several files are learned together",
    )
    learn.add_argument("--gamma", type=float, help="with --vstar: parameter of the closed form")
    learn.add_argument("--samples", type=int, help="with --vstar: rows drawn from the synthetic grid (100000)")
    learn.add_argument(
        "--percentile",
        type=_numbers,
        metavar="P[,P...]",
        help="with --records: percentile of the losses to compare with; several give a MentorNet each (75)",
    )
    learn.add_argument("--history-length", type=int, help="with --records: last records of a sample to read (1)")
    learn.add_argument(
        "--loss-scales",
        type=_numbers,
        metavar="LOW,HIGH",
        help="with --records: for students with smaller or larger losses; 1,1 for the recorded student alone (0.1,3)",
    )
    learn.add_argument("--steps", type=int, default=4000, help="steps of the optimiser (%(default)s)")
    learn.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    learn.add_argument("--out", type=Path, required=True, help="safetensors file; the card stands beside it")
    learn.set_defaults(run=_learn)


def _add_records(nested: Any) -> None:
    about = "Train a student on noisy labels and record its losses on rows whose right label is known."
    records = nested.add_parser("records", help=about, description=about)
    source = records.add_mutually_exclusive_group(required=True)
    source.add_argument("--dataset", metavar="NAME", help="a data set of ours, whose labels are then corrupted")
    source.add_argument("--table", type=Path, metavar="FILE", help="your CSV or Parquet")
    records.add_argument("--label", metavar="COLUMN", help="with --table: the noisy labels")
    records.add_argument("--trusted-label", metavar="COLUMN", help="with --table: the right labels, empty if not known")
    records.add_argument("--noise", default="symmetric", help="with --dataset (%(default)s)")
    records.add_argument("--rate", type=float, default=0.4, help="with --dataset: noise rate (%(default)s)")
    records.add_argument("--samples", type=int, help="with --dataset: training rows (all)")
    records.add_argument("--trusted", type=int, default=1000, help="with --dataset: trusted rows (%(default)s)")
    records.add_argument("--at", type=_percents, default=None, metavar="P,P,...", help="percents of training to record")
    records.add_argument("--curriculum", default="uniform", help="what the student is trained with (%(default)s)")
    records.add_argument(
        "--percentile",
        type=_fraction_or_word,
        default=0.7,
        help="its loss percentile: a fraction or auto (%(default)s)",
    )
    records.add_argument("--student", default="auto", help="(%(default)s)")
    records.add_argument("--epochs", type=int, default=50, help="(%(default)s)")
    records.add_argument("--batch-size", type=int, default=128, help="(%(default)s)")
    records.add_argument("--optimizer", default="adamw", help="(%(default)s)")
    records.add_argument("--lr", type=float, default=0.002, help="(%(default)s)")
    records.add_argument("--weight-decay", type=float, default=0.0005, help="(%(default)s)")
    records.add_argument("--augment", help="shift_flip or shift, for images (none)")
    records.add_argument("--precision", default="fp32", help="fp32 or bf16 (%(default)s)")
    records.add_argument("--device", default="cpu", help="(%(default)s)")
    records.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    records.add_argument("--out", type=Path, required=True, help="CSV, or Parquet for .parquet")
    records.set_defaults(run=_records)


def _add_plot(nested: Any) -> None:
    about = "Draw a curriculum as a sheet of panels (PNG), an animation (GIF) and a page with a slider (HTML)."
    plot = nested.add_parser("plot", help=about, description=about)
    plot.add_argument("curriculum", help="a safetensors file, zoo:NAME, or a curriculum's name")
    plot.add_argument("--epochs", type=_percents, default=None, metavar="P,P,...", help="percents of training to draw")
    plot.add_argument("--loss-bound", type=float, default=5.0, help="largest loss (%(default)s)")
    plot.add_argument("--vstar", metavar="NAME", help="closed form beside it (the one that it was learned from)")
    plot.add_argument("--out", type=Path, help="start of the files' names (the name of the curriculum)")
    plot.set_defaults(run=_plot)


def _fraction_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"wants numbers with commas between, such as 40,50,60; got {text!r}") from None


def _percents(text: str) -> list[int]:
    """Read ``0,10,18,20,...,99``: the dots go on in the last step, up to the number after them."""
    found: list[int] = []
    parts = [part.strip() for part in text.split(",")]
    try:
        for position, part in enumerate(parts):
            if part in ("...", "…"):
                step = found[-1] - found[-2]
                if step < 1:
                    raise ValueError(text)
                found.extend(range(found[-1] + step, int(parts[position + 1]), step))
            else:
                found.append(int(part))
    except (ValueError, IndexError):
        found = [-1]
    if not found or not all(0 <= percent <= 99 for percent in found):
        raise argparse.ArgumentTypeError(f"wants whole percents from 0 to 99, such as 0,10,20,...,99; got {text!r}")
    return found


_BELONGS = {"vstar": ("gamma", "samples"), "records": ("percentile", "history_length", "loss_scales")}


def _learn(options: argparse.Namespace) -> int:
    source, other = ("vstar", "records") if options.vstar else ("records", "vstar")
    for name in _BELONGS[other]:
        if getattr(options, name) is not None:
            raise InvalidParameterError(
                f"--{name.replace('_', '-')} belongs to --{other}. Leave it out with --{source}."
            )
    return _learn_vstar(options) if options.vstar else _learn_records(options)


def _given(options: argparse.Namespace, **names: str) -> dict[str, Any]:
    """Return the options that were given, under the names that the function has for them."""
    found = {argument: getattr(options, name) for argument, name in names.items()}
    return {argument: value for argument, value in found.items() if value is not None}


def _learn_vstar(options: argparse.Namespace) -> int:
    from noisylabel._support.validation import check_choice
    from noisylabel.curricula import CURRICULA
    from noisylabel.curricula.learned import learn_from_vstar

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
    print(f"{path}: mean absolute error {fit['mean_absolute_error']:.4f}, {fit['wrong_side']:.2%} of held-out points")
    print(
        f"on the wrong side of 0.5; agreement by stage {fit['agreement']}; {fit['seconds']} s on {options.steps} steps"
    )
    return 0


def _learn_records(options: argparse.Namespace) -> int:
    from noisylabel.curricula.learned import learn_from_records, read_records

    tables = [read_records(file) for file in options.records]
    rows, percentiles = {}, options.percentile or [75.0]
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
        learned.save(out)
        rows[percentile] = {**learned.card["fit"], "file": out.name}
    print(pd.DataFrame(rows).T.rename_axis("percentile").to_string())
    print("Measured on a fifth of the samples, left out of learning; cross-entropy in nats.")
    return 0


def _records(options: argparse.Namespace) -> int:
    from noisylabel.callbacks import StudentRecorder
    from noisylabel.estimators import MentorNetClassifier

    X, y, y_trusted = _table(options) if options.table else _dataset(options)
    at = {} if options.at is None else {"at": options.at}
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
    clf.fit(X, y)
    found = recorder.records_
    wrong = (found["noisy_label"] != found["clean_label"]).mean()
    print(f"{options.out}: {len(found)} records of {found['sample_id'].nunique()} samples, {wrong:.1%} mislabelled.")
    return 0


def _table(options: argparse.Namespace) -> tuple[Any, Any, Any]:
    from noisylabel.datasets import load_table

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
    from noisylabel._support.validation import check_choice
    from noisylabel.datasets import DATASETS
    from noisylabel.noise import corrupt

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


def _plot(options: argparse.Namespace) -> int:
    from noisylabel.curricula import resolve_curriculum
    from noisylabel.plots import (
        animate_curriculum,
        learned_from,
        plot_curriculum,
        save_curriculum_figure,
        write_curriculum_page,
    )

    curriculum = resolve_curriculum(options.curriculum)
    vstar = options.vstar or learned_from(curriculum)
    shown = {"vstar": vstar, "loss_bound": options.loss_bound}
    percents = {} if options.epochs is None else {"percents": options.epochs}
    start = options.out or Path(Path(options.curriculum.removeprefix("zoo:")).stem)
    figure = plot_curriculum(curriculum, **percents, **shown)
    for path in (
        save_curriculum_figure(figure, start.with_name(start.name + ".png")),
        animate_curriculum(curriculum, start.with_name(start.name + ".gif"), **shown),
        write_curriculum_page(curriculum, start.with_name(start.name + ".html"), **shown),
    ):
        print(path)
    return 0


def _list(options: argparse.Namespace) -> int:
    import json

    from noisylabel.curricula import list_zoo

    cards = list_zoo()
    if options.cards:
        print(json.dumps(cards, indent=2))
        return 0
    for name, card in cards.items():
        learned, fit = card["learned_from"], card["fit"]
        source = f"closed form {learned['vstar']}" if "vstar" in learned else ", ".join(learned["records"])
        print(f"{name:<22} from {source}")
        print(" " * 23 + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in fit.items()))
    print('\nUse one as curriculum="zoo:NAME"; mentornet_dd also by that name alone.')
    return 0
