"""``python -m benchmarks run | report | trusted | detection | audits | speed | scale``."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from benchmarks.cells.catalogue import GROUPS, PROFILES
from benchmarks.cells.run import RunOptions, run_profile
from benchmarks.cells.store import RESULTS
from benchmarks.methods import METHODS
from benchmarks.report.page import write_report
from benchmarks.report.regimes import markdown_regimes, regimes
from benchmarks.report.tables import (
    SHOWN,
    load_results,
    markdown,
    markdown_by_noise,
    markdown_collapse,
    result_table,
    summary,
)
from benchmarks.report.trusted import plot_trusted
from benchmarks.studies.audits import audit_table
from benchmarks.studies.detection import CELLS as DETECTION_CELLS
from benchmarks.studies.detection import detection_markdown, detection_table, run_detection
from benchmarks.studies.scale import SIZES, run_scale, scale_markdown, scale_table
from benchmarks.studies.speed import TIMINGS, run_speed
from noisylabel.exceptions import InvalidDataError, NoisyLabelError
from noisylabel.utils import written_whole


def main() -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args()
    try:
        _dispatch(options)
    except NoisyLabelError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=sys.modules["benchmarks"].__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train the cells that have no result yet")
    run.add_argument("--profile", choices=[*PROFILES, *GROUPS], required=True)
    run.add_argument("--methods", nargs="+", choices=METHODS)
    run.add_argument("--seeds", nargs="+", type=int)
    run.add_argument("--noise", nargs="+", help="only these, such as symmetric or human_worst")
    run.add_argument(
        "--rates", nargs="+", type=float, help="only noises of these nominal rates; human labels have none"
    )
    run.add_argument("--precision", choices=["fp32", "bf16"], help="instead of the profile's, where that is slow")
    run.add_argument("--device", default="cpu", help="where to train, such as cuda (%(default)s)")
    run.add_argument("--jobs", type=int, default=1, help="cells at a time; with --ray and cuda, on each GPU")
    run.add_argument("--ray", metavar="ADDRESS", help="run on this Ray cluster; auto, or local for a new one here")
    run.add_argument("--resume", action="store_true", help="go on inside cells too: they save themselves each epoch")
    run.add_argument("--proof", action="store_true", help="only two steps of each cell, on 6 samples; saves nothing")
    _add_report(commands.add_parser("report", help="mean and standard deviation over seeds"))
    trusted = commands.add_parser("trusted", help="plot of accuracy against the number of trusted labels")
    trusted.add_argument("--profile", choices=PROFILES, default="cifar10-10k")
    trusted.add_argument("--out", type=Path, default=Path("trusted.png"), help="PNG (%(default)s)")
    for command in (run, trusted):
        command.add_argument("--results", type=Path, default=RESULTS, help="folder of results")
    _add_detection(commands.add_parser("detection", help="wrong labels found, against cleanlab; then the table"))
    commands.add_parser("audits", help="what noisylabel audit finds in four files, as in its page")
    scale = commands.add_parser("scale", help="seconds and memory per sample as the data grow; then the table")
    scale.add_argument("--only", nargs="+", choices=SIZES, default=list(SIZES))
    scale.add_argument("--report", action="store_true", help="only print the table of what has been measured")
    speed = commands.add_parser("speed", help="ratios against bare torch and stock skorch")
    speed.add_argument("--json", action="store_true", help="one JSON object a line")
    speed.add_argument("--fused", action="store_true", help="fused optimisers for the bare loop and skorch too")
    speed.add_argument("--device", default="cpu", help="where to train, such as cuda (%(default)s)")
    speed.add_argument("--only", nargs="+", choices=TIMINGS)
    return parser


def _add_detection(detection: argparse.ArgumentParser) -> None:
    detection.add_argument("--profile", nargs="+", choices=DETECTION_CELLS, default=list(DETECTION_CELLS))
    detection.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    detection.add_argument("--report", action="store_true", help="only print the table of what has been run")
    detection.add_argument("--ablation", action="store_true", help="average precision of each score instead")


def _add_report(report: argparse.ArgumentParser) -> None:
    report.add_argument("--csv", type=Path, help="also write the table there")
    report.add_argument("--html", type=Path, help="also write a page there: plots, table, published numbers")
    report.add_argument("--profile", nargs="+", choices=PROFILES, help="only these")
    report.add_argument("--rates", nargs="+", type=float, help="only noises of these rates")
    report.add_argument("--methods", nargs="+", choices=METHODS, help="only these, in this order")
    report.add_argument("--markdown", action="store_true", help="print the tables as Markdown, as in the README")
    report.add_argument("--by-noise", action="store_true", help="Markdown, last epoch only, a column for each noise")
    report.add_argument("--collapse", action="store_true", help="Markdown, last against best epoch, and classes lost")
    report.add_argument(
        "--regimes", action="store_true", help="Markdown, who wins only where plain training memorises (CIFAR-10)"
    )
    report.add_argument("--results", type=Path, default=RESULTS, help="folder of results")


def _dispatch(options: argparse.Namespace) -> None:
    if options.command == "run":
        only = {"method": options.methods, "seed": options.seeds, "noise": options.noise, "rate": options.rates}
        how = {name: getattr(options, name) for name in ("precision", "device", "jobs", "ray", "resume", "proof")}
        outcomes = run_profile(options.profile, only, options.results, RunOptions(**how))
        failed = [outcome.cell.name for outcome in outcomes if outcome.error]
        if failed:
            sys.exit(
                f"benchmarks: {len(failed)} of {len(outcomes)} cells failed: {', '.join(failed)}. The others are done."
            )
    elif options.command == "trusted":
        plot_trusted(options.out, options.profile, options.results)
        print(options.out)
    elif options.command == "detection":
        if not options.report:
            run_detection(options.profile, options.seeds)
        table = detection_table()
        print(detection_markdown(table[table["profile"].isin(options.profile)], options.ablation))
    elif options.command == "audits":
        print(audit_table())
    elif options.command == "scale":
        if not options.report:
            run_scale(options.only)
        print(scale_markdown(scale_table()))
    elif options.command == "speed":
        run_speed(options.only, as_json=options.json, fused=options.fused, device=options.device)
    else:
        _report(options)


def _report(options: argparse.Namespace) -> None:
    results = load_results(options.results)
    runs = result_table(results)
    chosen, verdicts = _chosen(runs, options), regimes(runs)
    table = _in_order(summary(chosen), options.methods)
    if options.regimes:
        print(markdown_regimes(_chosen(verdicts, options)))
    elif options.by_noise or options.collapse:
        print(markdown_by_noise(table) if options.by_noise else markdown_collapse(table))
    else:
        print(markdown(table) if options.markdown else table[SHOWN].round(4).to_string(index=False, na_rep=""))
    if options.csv:
        written_whole(options.csv, lambda partial: table.to_csv(partial, index=False))
    if options.html:
        write_report([results[at] for at in chosen.index], verdicts, options.html)


def _chosen(table: pd.DataFrame, options: argparse.Namespace) -> pd.DataFrame:
    """Return the rows that were asked for."""
    for column, wanted in (("profile", options.profile), ("rate", options.rates), ("method", options.methods)):
        if wanted and column in table:
            table = table[table[column].isin(wanted)]
    if table.empty:
        raise InvalidDataError(
            f"{options.results} has nothing of the given --profile, --rates and --methods. Run it, or ask for less."
        )
    return table


def _in_order(table: pd.DataFrame, methods: list[str] | None) -> pd.DataFrame:
    """Sort by noise, then the methods as they were asked for."""
    if not methods:
        return table
    table = table.sort_values("method", key=lambda names: names.map(methods.index), kind="stable")
    return table.sort_values(["profile", "noise", "rate"], kind="stable")


if __name__ == "__main__":
    sys.exit(main())
