"""``python -m sweeps``: run a sweep, go on with one, report on it, and export what it found."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisylabel.datasets import DATASETS
from noisylabel.exceptions import InvalidFileError, InvalidParameterError, NoisyLabelError
from noisylabel.utils import local_path, short_warnings
from sweeps.engine.manifest import read_manifest
from sweeps.engine.session import check_installed, prepare_ray
from sweeps.spaces import SPACES

if TYPE_CHECKING:
    from sweeps.config import SweepConfig

ALL_TRAINED, SOME_FAILED, USAGE, UNFINISHED = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default the process's own.

    Returns
    -------
    int
        0 if every trial was trained or stopped by the scheduler; 1 if one or more failed; 2 if something was asked for
        that cannot be done; 3 if the sweep was interrupted and can go on.
    """
    try:
        check_installed()
        options = _parser().parse_args(arguments)
        prepare_ray()
        with short_warnings():
            return int(options.run(options))
    except (NoisyLabelError, OSError) as error:
        print(f"sweeps: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("sweeps: stopped. The same command, or 'resume' with the folder, goes on.", file=sys.stderr)
        return UNFINISHED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sweeps", description="Which curriculum, and how it is set.")
    commands = parser.add_subparsers(title="commands", required=True)
    run = commands.add_parser(
        "run", help=(about := "Run a sweep; the same command goes on with it."), description=about
    )
    _add_run_options(run)
    run.set_defaults(run=_run)
    resume = commands.add_parser("resume", help=(about := "Go on with a sweep that was stopped."), description=about)
    resume.add_argument("folder")
    resume.add_argument("--address", help="of the Ray cluster, if the sweep ran on one")
    resume.add_argument("--trials", type=int, help="extend the sweep to so many (as many as before)")
    own_space = "module:Name, if the sweep searches a space of your own: nothing that a folder names is imported"
    resume.add_argument("--method", help=own_space)
    resume.set_defaults(run=_resume)
    about = "Write tables and a page about sweeps, finished or not."
    report = commands.add_parser("report", help=about, description=about)
    report.add_argument("folders", nargs="+", metavar="folder")
    report.add_argument("--out", help="the page (report.html in the folder; of several, sweeps.html here)")
    report.set_defaults(run=_report)
    about = "Show the best configuration; with --export, train it on all rows and save the classifier."
    best = commands.add_parser("best", help=about, description=about)
    best.add_argument("folder")
    best.add_argument("--export", metavar="DIR", help="for noisylabel.load_checkpoint")
    best.add_argument("--method", help=own_space)
    best.set_defaults(run=_best)
    return parser


def _add_run_options(run: argparse.ArgumentParser) -> None:
    from sweeps.config import NOISE_NAMES, OBJECTIVE_NAMES, SCHEDULER_NAMES, SEARCHER_NAMES, TRACKER_NAMES, SweepConfig

    defaults = {name: entry.default for name, entry in SweepConfig.model_fields.items()}

    def add(name: str, help: str, **more: Any) -> None:
        default = defaults[name.replace("-", "_")]
        shown = f" ({default})" if isinstance(default, str | int | float) else ""
        run.add_argument(f"--{name}", help=help + shown, **more)

    run.add_argument("--config", metavar="FILE.yaml", help="any of these options by name, and 'estimator', "
                     "'limits': parameters by name; options on the command line come first")  # fmt: skip
    add("out", "folder of the sweep", metavar="DIR")
    add("dataset", "data with right labels, to which noise is added", choices=list(DATASETS))
    add("data", "instead: a .csv or .parquet table with noisy labels", metavar="FILE")
    add("label", "with --data: the column of labels", metavar="COLUMN")
    add("samples", "training rows to use (all)", type=int)
    add("noise", "made on the labels of --dataset", choices=NOISE_NAMES)
    add("rate", "of the noise, in [0, 1]", type=float)
    add("method", f"what is tuned: {', '.join(SPACES)}, or module:Name of a space of your own")
    add("epochs", "of a training (the classifier's default)", type=int)
    add("trials", "configurations to try; with pbt the size of the population", type=int)
    add("searcher", "how configurations are chosen", choices=SEARCHER_NAMES)
    add("scheduler", "which trials are stopped early", choices=SCHEDULER_NAMES)
    add("scoring", "as in scikit-learn")
    run.add_argument("--objectives", nargs="+", choices=OBJECTIVE_NAMES,
                     help="what is sought: score, or both, with --scheduler none (score)")  # fmt: skip
    add("validation", "share of the rows, with their noisy labels, to compare by", type=float)
    add("seed", "of everything", type=int)
    add("cpus-per-trial", "cores of a trial", type=float)
    add("gpus-per-trial", "share of a GPU; above 0, trials train on cuda", type=float)
    add("address", "of a Ray cluster, such as auto (a Ray of its own, on loopback)")
    run.add_argument("--trackers", nargs="+", choices=TRACKER_NAMES, help="log the trials there too (none)")


def _run(options: argparse.Namespace) -> int:
    from sweeps.config import SweepConfig, read_config

    given = {name: getattr(options, name, None) for name in SweepConfig.model_fields}
    path = None if options.config is None else local_path("config", options.config)
    return _sweep(read_config(path, given))


def _resume(options: argparse.Namespace) -> int:
    from sweeps.config import make_config

    folder = local_path("folder", options.folder)
    config = _config_of(folder, options.method)
    if options.address is None and config.address is not None:
        raise InvalidParameterError(
            f"The sweep in {folder} ran on a Ray cluster. Name it again, if it is one of yours: "
            f"--address {config.address}"
        )
    trials = config.trials if options.trials is None else options.trials
    return _sweep(make_config(config.model_dump() | {"address": options.address, "trials": trials}))


def _config_of(folder: Path, method: str | None = None) -> "SweepConfig":
    """Return what a sweep was told, with the folder where it is now; its own space is the caller's to name."""
    from sweeps.config import make_config

    manifest = read_manifest(folder)
    if "config" not in manifest:
        raise InvalidFileError(
            f"The sweep in {folder} was run from Python. Go on with it, or get its best_estimator_, by fitting "
            "the same CurriculumSearch again."
        )
    config = make_config(manifest["config"] | {"out": str(folder)})
    if method != (config.method if ":" in config.method else None):
        raise InvalidParameterError(
            f"The sweep in {folder} searches the space {config.method!r}. "
            + (f"It is code; if you trust it, name it: --method {config.method}" if ":" in config.method
               else "It comes with the package: leave --method out.")
        )  # fmt: skip
    return config


def _sweep(config: "SweepConfig") -> int:
    """Run a sweep to its end, and say what came of it."""
    from sweeps.problem import load_problem, make_search
    from sweeps.report import best_trial
    from sweeps.report.tables import describe_params

    problem = load_problem(config)
    for note in problem.notes:
        print(note)
    search = make_search(config, problem)
    search.run_trials(problem.X, problem.noisy_y, test_data=problem.test_data)
    results = search.sweep_
    counts = results.trials["state"].value_counts().to_dict()
    print(f"\n{', '.join(f'{n} {state}' for state, n in counts.items())}.")
    if counts.get("done"):
        best = best_trial(results)
        print(f"Best: {best['trial']}, score {best['score']:.4f} on held-out rows: {describe_params(best['params'])}")
    unfinished = counts.get("unfinished", 0) > 0 or len(results.trials) < config.trials
    if len(results.trials):
        _write_tables(results, Path(config.out))
        _write_page([results], Path(config.out) / "report.html")
    if unfinished:
        print(f"Not finished. Go on with: python -m sweeps resume {config.out}")
        return UNFINISHED
    for error in results.trials.loc[results.trials["state"] == "failed", "error"].head(3):
        print(f"Failed: {error}")
    print(f"Next: look at {config.out}/report.html; python -m sweeps best {config.out} --export model")
    return SOME_FAILED if counts.get("failed") else ALL_TRAINED


def _report(options: argparse.Namespace) -> int:
    folders = [local_path("folder", folder) for folder in options.folders]
    usual = Path("sweeps.html") if len(folders) > 1 else folders[0] / "report.html"
    page = usual if options.out is None else local_path("out", options.out)
    results = [_read(folder) for folder in folders]
    for folder, found in zip(folders, results, strict=True):
        _write_tables(found, folder)
    if len(results) > 1:
        for folder, found in zip(folders, results, strict=True):
            found.manifest["name"] += f" ({folder.name})"
    _write_page(results, page)
    print(f"Written: {page}, and trials.csv, trials.parquet and curves.parquet in each folder.")
    return 0


def _read(folder: Path) -> Any:
    from sweeps.engine.run import read_results

    return read_results(folder)


def _write_tables(results: Any, folder: Path) -> None:
    from sweeps.engine.searchers import save_study
    from sweeps.report import save_tables

    save_tables(results, folder)
    if results.study is not None:
        save_study(results.study, folder)


def _write_page(results: list[Any], page: Path) -> None:
    from sweeps.report import write_report

    write_report(results if len(results) > 1 else results[0], page)


def _best(options: argparse.Namespace) -> int:
    import json

    from sweeps.problem import export_best, load_problem, make_search
    from sweeps.report import best_trial, near_ties
    from sweeps.report.tables import describe_params

    folder = local_path("folder", options.folder)
    export = None if options.export is None else local_path("export", options.export)
    results = _read(folder)
    best = best_trial(results)
    print(f"{best['trial']}: score {best['score']:.4f} on held-out rows. {describe_params(best['params'])}")
    print(json.dumps(best["params"], indent=1))
    ties = near_ties(results)
    if len(ties) > 1:
        print(f"Cannot be told from it: {', '.join(ties['trial'][1:])}.")
    if export is not None:
        config = _config_of(folder, options.method)
        problem = load_problem(config)
        export_best(make_search(config, problem), problem, best["params"], export)
        print(f"Written: {export}. Next: noisylabel.load_checkpoint({str(export)!r}).predict(X)")
        if problem.is_encoded:
            print(
                f"X as the sweep had it: noisylabel.audit.read_audit_table({config.data!r}, label={config.label!r}).X"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
