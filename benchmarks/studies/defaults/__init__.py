"""Defaults as they come, on clean and on noisy labels, beside what a user could take instead, and their regret.

``MentorNetClassifier()`` and ``MentorMixClassifier()`` are given a random state and nothing else. What they are
compared with is told nothing either, but for one that is told the share of wrong labels. Defaults are chosen on one
group of data sets and judged on another.
"""

import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from itertools import product
from pathlib import Path

from benchmarks.cells.store import RESULTS, Row, append, newest, read
from benchmarks.cells.workers import call_here
from benchmarks.studies.defaults._cell import Fit, fit_of, measure
from benchmarks.studies.defaults._data import GROUPS, NOISES, SEEDS, group_of, noises_of
from benchmarks.studies.defaults._methods import METHODS, OURS, VARIANTS, methods_of
from benchmarks.studies.defaults._tables import CELL, tables
from noisylabel.estimators import resolve_device
from noisylabel.exceptions import InvalidDataError

PRINTS = True
_FILE = "defaults.jsonl"
_DATA = tuple(name for names in GROUPS.values() for name in names)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this study."""
    parser.add_argument(
        "--sets", nargs="+", choices=GROUPS, help="groups of data sets; tune, unless --data says others"
    )
    parser.add_argument("--data", nargs="+", choices=_DATA, metavar="NAME", help=f"only these: {', '.join(_DATA)}")
    parser.add_argument("--noises", nargs="+", choices=NOISES, metavar="NAME", help=f"only these: {', '.join(NOISES)}")
    every = METHODS | VARIANTS
    parser.add_argument("--methods", nargs="+", choices=every, metavar="NAME", help=f"only: {', '.join(every)}")
    parser.add_argument("--seeds", nargs="+", type=int, help="0 1 2 to tune, 10 11 12 to judge, unless given")
    parser.add_argument("--label", help="name of the state of our defaults that is measured, or shown; the newest")
    parser.add_argument("--jobs", type=int, default=1, help="fits at a time, of one thread each")
    parser.add_argument("--device", help="where networks train, such as cuda")
    parser.add_argument("--precision", choices=["fp32", "bf16"], help="arithmetic of networks, where theirs is slow")
    parser.add_argument("--again", action="store_true", help="also what has a result; older results stay")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")


def run(options: Namespace) -> None:
    """Fit what has no result yet, seed by seed and noise by noise; say each as it comes."""
    resolve_device(options.device or "cpu")
    path = options.results / _FILE
    done = set() if options.again else {fit_of(row).key for row in read(path) if "error" not in row}
    wanted, failed = _wanted(options), 0
    missing = [fit for fit in wanted if fit.key not in done]
    print(f"{len(missing)} of {len(wanted)} fits to run.", flush=True)
    chosen = {"device": options.device, "precision": options.precision}
    fitted = partial(measure, machine={name: value for name, value in chosen.items() if value})
    for number, row in enumerate(call_here(fitted, missing, options.jobs), start=1):
        append(path, row)
        failed += "error" in row
        print(f"{number}/{len(missing)}  {_line(row)}", flush=True)
    if failed:
        sys.exit(
            f"benchmarks: {failed} of {len(missing)} fits failed; their rows hold the errors. The others are done."
        )


def _wanted(options: Namespace) -> list[Fit]:
    names = _chosen_data(options) or GROUPS["tune"]
    seeds = {name: options.seeds or SEEDS[group_of(name)] for name in names}
    every = {name: [noise for noise in noises_of(name) if noise in (options.noises or NOISES)] for name in names}
    asked = options.methods or METHODS
    methods = {name: [one for one in [*methods_of(name), *VARIANTS] if one in asked] for name in names}
    return [
        Fit(name, noise, seeds[name][turn], method, options.label or "")
        for turn, noise, name in product(range(max(map(len, seeds.values()))), NOISES, names)
        if noise in every[name]
        for method in methods[name]
    ]


def _chosen_data(options: Namespace) -> list[str]:
    return options.data or [name for group in options.sets or [] for name in GROUPS[group]]


def _line(row: Row) -> str:
    name = f"{row['data']:18}{row['noise']:15}{row['seed']:3}  {row['method']:12}"
    return name + (row["error"] if "error" in row else f"{100 * row['accuracy']:6.2f} %  {row['cpu_s']:8.2f} s")


def report(options: Namespace) -> str:
    """Return accuracies, a table a data set; regrets; estimates of the noise rate; seconds; and what failed.

    Of each cell the newest row counts; with a label, of our defaults those with this label.

    Raises
    ------
    InvalidDataError
        If there are no results of what is asked for.
    """
    path, names = options.results / _FILE, _chosen_data(options) or _DATA
    asked = {"data": names, "noise": options.noises, "method": options.methods, "seed": options.seeds}
    rows = [row for row in read(path) if all(row[name] in values for name, values in asked.items() if values)]
    labels = {row["label"] for row in rows if row["method"] in OURS}
    if options.label not in {None, *labels}:
        raise InvalidDataError(
            f"{path} has no such results of ours with the label {options.label!r}: {sorted(labels)}."
        )
    rows = [row for row in rows if options.label in (None, row["label"]) or row["method"] not in OURS]
    if not rows:
        raise InvalidDataError(f"{path} has no results of these. Run python -m benchmarks studies defaults first.")
    chosen = newest(rows, CELL)
    shown = sorted({row["label"] for row in chosen if row["method"] in OURS})
    failed = sum("error" in row for row in chosen)
    said = f"{len(chosen)} fits, of which {failed} failed. Labels of our defaults: {', '.join(map(repr, shown))}."
    return f"{said}\n\n{tables(chosen)}"
