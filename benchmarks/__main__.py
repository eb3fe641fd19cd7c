"""``python -m benchmarks run | report | trusted | detection | audits | speed``."""

import argparse
import sys
from pathlib import Path

from benchmarks.audits import audit_table
from benchmarks.detection import CELLS as DETECTION_CELLS
from benchmarks.detection import detection_markdown, detection_table, run_detection
from benchmarks.methods import METHODS
from benchmarks.profiles import PROFILES
from benchmarks.report import markdown, markdown_by_noise, markdown_collapse, report_table
from benchmarks.run import run_profile
from benchmarks.speed import TIMINGS, run_speed
from benchmarks.store import RESULTS
from benchmarks.trusted import plot_trusted
from noisylabel._files import written_whole
from noisylabel.exceptions import NoisyLabelError


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
    run.add_argument("--profile", choices=PROFILES, required=True)
    run.add_argument("--methods", nargs="+", choices=METHODS)
    run.add_argument("--seeds", nargs="+", type=int)
    run.add_argument("--noises", nargs="+", help="only these, such as symmetric or human_worst")
    run.add_argument(
        "--rates", nargs="+", type=float, help="only noises of these nominal rates; human labels have none"
    )
    run.add_argument("--precision", choices=["fp32", "bf16"], help="instead of the profile's, where that is slow")
    _add_report(commands.add_parser("report", help="mean and standard deviation over seeds"))
    trusted = commands.add_parser("trusted", help="plot of accuracy against the number of trusted labels")
    trusted.add_argument("--profile", choices=PROFILES, default="cifar10-10k")
    trusted.add_argument("--out", type=Path, default=Path("trusted.png"), help="PNG (%(default)s)")
    for command in (run, trusted):
        command.add_argument("--results", type=Path, default=RESULTS, help="folder of results")
    _add_detection(commands.add_parser("detection", help="wrong labels found, against cleanlab; then the table"))
    commands.add_parser("audits", help="what noisylabel audit finds in four files, as in its page")
    speed = commands.add_parser("speed", help="ratios against bare torch and stock skorch")
    speed.add_argument("--json", action="store_true", help="one JSON object a line")
    speed.add_argument("--fused", action="store_true", help="fused optimisers for the bare loop and skorch too")
    speed.add_argument("--only", nargs="+", choices=TIMINGS)
    return parser


def _add_detection(detection: argparse.ArgumentParser) -> None:
    detection.add_argument("--profile", nargs="+", choices=DETECTION_CELLS, default=list(DETECTION_CELLS))
    detection.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    detection.add_argument("--report", action="store_true", help="only print the table of what has been run")
    detection.add_argument("--ablation", action="store_true", help="average precision of each score instead")


def _add_report(report: argparse.ArgumentParser) -> None:
    report.add_argument("--csv", type=Path, help="also write the table there")
    report.add_argument("--profile", nargs="+", choices=PROFILES, help="only these")
    report.add_argument("--rates", nargs="+", type=float, help="only noises of these rates")
    report.add_argument("--methods", nargs="+", choices=METHODS, help="only these, in this order")
    report.add_argument("--markdown", action="store_true", help="print the tables as Markdown, as in the README")
    report.add_argument("--by-noise", action="store_true", help="Markdown, last epoch only, a column for each noise")
    report.add_argument("--collapse", action="store_true", help="Markdown, last against best epoch, and classes lost")
    report.add_argument("--results", type=Path, default=RESULTS, help="folder of results")


def _dispatch(options: argparse.Namespace) -> None:
    if options.command == "run":
        only = {"method": options.methods, "seed": options.seeds, "noise": options.noises, "rate": options.rates}
        run_profile(options.profile, only, options.results, options.precision)
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
    elif options.command == "speed":
        run_speed(options.only, as_json=options.json, fused=options.fused)
    else:
        _report(options)


def _report(options: argparse.Namespace) -> None:
    table = report_table(options.results)
    for column, wanted in (("profile", options.profile), ("rate", options.rates), ("method", options.methods)):
        if wanted:
            table = table[table[column].isin(wanted)]
    if options.methods:
        table = table.sort_values("method", key=lambda names: names.map(options.methods.index), kind="stable")
        table = table.sort_values(["profile", "noise", "rate"], kind="stable")
    if options.by_noise or options.collapse:
        print(markdown_by_noise(table) if options.by_noise else markdown_collapse(table))
    else:
        print(markdown(table) if options.markdown else table.round(4).to_string(index=False))
    if options.csv:
        written_whole(options.csv, lambda partial: table.to_csv(partial, index=False))


if __name__ == "__main__":
    sys.exit(main())
