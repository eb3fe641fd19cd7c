"""``python -m benchmarks run | report | list | trusted | studies | speed | scale | minute | detection | audits``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.cells import GROUPS, PROFILES, RESULTS, RunOptions, load_rows, run_profile
from benchmarks.methods import METHODS
from benchmarks.report.costs import costs, describe_costs
from benchmarks.report.regimes import markdown_regimes, regimes
from benchmarks.report.tables import (
    SHOWN,
    history,
    load_results,
    markdown,
    markdown_by_noise,
    markdown_collapse,
    result_table,
    summary,
)
from benchmarks.report.trusted import plot_trusted
from benchmarks.studies import STUDIES, help_of, run_study
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelError
from noisylabel.utils import check_choice, local_path, short_warnings, write_csv

_PROFILES = ", ".join([*(name for name in PROFILES if not name.startswith("paper-")), *GROUPS])
_OFTEN = ("speed", "scale", "minute", "detection", "audits")  # studies that are commands of their own, too


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, by default the process's own arguments, and return its exit code."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    study = getattr(options, "study", options.command)
    if rest and study not in STUDIES:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        with short_warnings():
            if study in STUDIES:
                run_study(study, rest)
            else:
                _COMMANDS[options.command](options)
    except NoisyLabelError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=sys.modules["benchmarks"].__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_run(commands.add_parser("run", help="train the cells that have no result yet"))
    _add_report(commands.add_parser("report", help="mean and standard deviation over seeds"))
    listed = commands.add_parser("list", help="profiles, their cells, and the seconds that these are expected to take")
    listed.add_argument("--profile", choices=PROFILES, metavar="NAME", help="the methods of this one")
    listed.add_argument("--gpu", action="store_true", help="as runs on a GPU took, instead of a processor alone")
    listed.add_argument("--results", type=_place, default=RESULTS, help="folder of results")
    trusted = commands.add_parser("trusted", help="plot of accuracy against the number of trusted labels")
    trusted.add_argument("--profile", choices=PROFILES, default="cifar10-10k", metavar="NAME")
    trusted.add_argument("--out", type=_place, default=Path("trusted.png"), help="PNG (%(default)s)")
    trusted.add_argument("--results", type=_place, default=RESULTS, help="folder of results")
    studies = commands.add_parser("studies", help="single questions: speed, scale, wrong labels found, sweeps, ...")
    names = studies.add_subparsers(dest="study", required=True)
    for name in STUDIES:
        names.add_parser(name, help=help_of(name), add_help=False)  # the study has its own help
    for name in _OFTEN:
        commands.add_parser(name, help=f"the same as studies {name}", add_help=False)
    return parser


def _place(text: str) -> Path:
    """Read the path of a file or folder on this machine."""
    try:
        return local_path("path", text)
    except InvalidParameterError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("--profile", choices=[*PROFILES, *GROUPS], required=True, metavar="NAME", help=_PROFILES)
    run.add_argument("--methods", nargs="+", metavar="NAME", help="only these, or module:Name of one of your own")
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
    run.add_argument("--proof", action="store_true", help="only two steps of each cell, on few samples; saves nothing")
    run.add_argument("--again", action="store_true", help="also the cells that have a result; older results stay")
    run.add_argument("--results", type=_place, default=RESULTS, help="folder of results")


def _add_report(report: argparse.ArgumentParser) -> None:
    report.add_argument("--csv", type=_place, help="also write the table there")
    report.add_argument("--html", type=_place, help="also write a page there: plots, table, published numbers")
    report.add_argument("--profile", nargs="+", choices=PROFILES, metavar="NAME", help="only these")
    report.add_argument("--rates", nargs="+", type=float, help="only noises of these rates")
    report.add_argument("--methods", nargs="+", metavar="NAME", help="only these, in this order")
    report.add_argument("--markdown", action="store_true", help="print the tables as Markdown, as in the README")
    report.add_argument("--by-noise", action="store_true", help="Markdown, last epoch only, a column for each noise")
    report.add_argument(
        "--published", nargs="+", metavar="METHOD", help="with --by-noise: rows of published numbers, of reference.json"
    )
    report.add_argument("--collapse", action="store_true", help="Markdown, last against best epoch, and classes lost")
    report.add_argument(
        "--regimes", action="store_true", help="Markdown, who wins only where plain training memorises (CIFAR-10)"
    )
    report.add_argument("--history", action="store_true", help="each run, older ones of a cell too, the oldest first")
    report.add_argument("--results", type=_place, default=RESULTS, help="folder of results")


def _run(options: argparse.Namespace) -> None:
    only = {"method": options.methods, "seed": options.seeds, "noise": options.noise, "rate": options.rates}
    names = ("precision", "device", "jobs", "ray", "resume", "proof", "again")
    how = RunOptions(**{name: getattr(options, name) for name in names})
    outcomes = run_profile(options.profile, only, options.results, how)
    failed = [outcome.cell.name for outcome in outcomes if outcome.error]
    if failed:
        sys.exit(
            f"benchmarks: {len(failed)} of {len(outcomes)} cells failed: {', '.join(failed)}. The others are done."
        )


def _trusted(options: argparse.Namespace) -> None:
    plot_trusted(options.out, options.profile, options.results)
    print(options.out)


def _report(options: argparse.Namespace) -> None:
    if options.history:
        runs = _chosen(result_table(load_rows(options.results, history=True)), options)
        print(history(runs).to_string(index=False, na_rep=""))
        return
    results = load_results(options.results)
    runs = result_table(results)
    chosen, verdicts = _chosen(runs, options), regimes(runs)
    table = _in_order(summary(chosen), options.methods)
    if options.regimes:
        print(markdown_regimes(_chosen(verdicts, options)))
    elif options.by_noise or options.collapse:
        print(markdown_by_noise(table, options.published or ()) if options.by_noise else markdown_collapse(table))
    else:
        print(markdown(table) if options.markdown else table[SHOWN].round(4).to_string(index=False, na_rep=""))
    if options.csv:
        write_csv(table, options.csv)
    if options.html:
        from benchmarks.report.page import write_report  # the charts' library is not needed elsewhere

        write_report([results[at] for at in chosen.index], verdicts, options.html)


def _chosen(table: pd.DataFrame, options: argparse.Namespace) -> pd.DataFrame:
    """Return the rows that were asked for."""
    for name in options.methods or []:
        if ":" not in name:
            check_choice("methods", name, METHODS)
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


def _list(options: argparse.Namespace) -> None:
    print(describe_costs(costs(options.profile, options.results, options.gpu)))


_COMMANDS = {"run": _run, "report": _report, "list": _list, "trusted": _trusted}

if __name__ == "__main__":
    sys.exit(main())
