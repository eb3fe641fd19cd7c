"""Seconds as ratios: ours against a bare torch loop and stock skorch, in one process, taking turns.

Each side uses what it has: our named optimisers are torch's fused ones; the bare loop and stock skorch have torch's
defaults, but for the bare loop whose name says fused. On a GPU a fit makes hundreds of steps, so that the capture of
graphs, which is done once, does not hide what a step costs; both are in the line.
"""

import json
import sys
import traceback
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.cells.environment import environment
from benchmarks.cells.store import RESULTS, append, newest, read
from benchmarks.studies._runs import as_markdown
from benchmarks.studies.timings._comparisons import TIMINGS
from benchmarks.studies.timings._timing import How, Target
from noisylabel.estimators import resolve_device
from noisylabel.exceptions import InvalidDataError, NoisyLabelError

PRINTS = True  # each line as soon as it is known
_FILE = "speed.jsonl"
_GPU_TIMES = 3  # repetitions there, where no other program takes turns

#: Of those that have one, by the type of device.
TARGETS: dict[str, dict[str, Target]] = {
    "cpu": {
        "mentornet_resnet_vs_torch": Target(1.02),
        "mentormix_resnet_vs_torch": Target(1.34),
        "mentornet_mlp_vs_fused_torch": Target(1.15),
        "record_vs_none_mlp": Target(1.05),
        "skorch_vs_mentornet_mlp_fit": Target(2.5, at_least=True),
    },
    "cuda": {"mentornet_resnet_vs_torch": Target(0.6), "mentormix_resnet_vs_torch": Target(0.9)},
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the study's options."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--device", default="cpu", help="where to train, such as cuda (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=TIMINGS, metavar="NAME", help=", ".join(TIMINGS))
    parser.add_argument("--times", type=int, metavar="N", help="repetitions, instead of each one's own number")
    parser.add_argument("--keep", action="store_true", help="append each line to the results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")


def run(options: Namespace) -> None:
    """Measure, and print each timing as soon as it is known; kept only if that is asked for.

    Raises
    ------
    NoisyLabelError
        At the end, if a timing has failed.
    """
    resolve_device(options.device)
    if not options.json:
        print(_HEAD, flush=True)
    failed = []
    for name in options.only or _usual(options.device):
        try:
            row = _measured(name, options.device, options.times)
        except Exception:  # of one, which is no reason to lose the others
            failed.append(name)
            traceback.print_exc(file=sys.stderr)
            continue
        if options.keep:
            append(options.results / _FILE, row)
        print(json.dumps(row) if options.json else _line(row), flush=True)
    if failed:
        raise NoisyLabelError(f"{len(failed)} timings failed: {', '.join(failed)}. The others are done.")


def _usual(device: str) -> list[str]:
    """Return what is timed if nothing is named: all, but on a CPU nothing that is compiled, which takes minutes."""
    return [name for name in TIMINGS if device.startswith("cuda") or "compiled" not in name]


def _measured(name: str, device: str, times: int | None) -> dict[str, Any]:
    """Return the row of a timing."""
    measure, n = TIMINGS[name]
    timing = measure(How(times or (min(n, _GPU_TIMES) if device.startswith("cuda") else n), device))
    target = TARGETS[device.split(":")[0]].get(name)
    return {
        **timing.to_row(),
        "target": None if target is None else str(target),
        "met": None if target is None else target.is_met(timing.ratio),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": environment(device),
    }


_COLUMNS = ("ratio", "first s", "second s", "n", "steady", "set-up s", "replayed", "target", "met")
_HEAD = f"{'name':42s} " + " ".join(f"{column:>8s}" for column in _COLUMNS)


def _values(row: dict[str, Any]) -> list[str]:
    """Return a row's values as text, in the order of the columns."""
    numbers = [row["ratio"], *row["medians"], row["n"], row["steady_ratio"], row["setup_seconds"]]
    met = {None: "", True: "yes", False: "no"}[row["met"]]
    return [*map(_text, numbers), row["replayed"] or "", row["target"] or "", met]


def _text(value: float | None) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else str(value)


def _line(row: dict[str, Any]) -> str:
    return (f"{row['name']:42s} " + " ".join(f"{value:>8s}" for value in _values(row))).rstrip()


def report(options: Namespace) -> str:
    """Return a table of the timings that have been kept, the newest of each on each machine.

    Raises
    ------
    InvalidDataError
        If none has been kept.
    """
    rows = [row | {"on": _machine(row["environment"])} for row in read(options.results / _FILE)]
    if not rows:
        raise InvalidDataError(f"{options.results / _FILE} has no timings. Measure some with --keep.")
    names = ("on", "name", *_COLUMNS)
    table = [[row["on"], row["name"], *_values(row)] for row in newest(rows, ["on", "name"])]
    return as_markdown(pd.DataFrame(table, columns=names))


def _machine(environment: dict[str, Any]) -> str:
    """Return what the training ran on: the GPU, or the processor."""
    return str(environment["cpu"] if environment["device"] == "cpu" else environment["device"])
