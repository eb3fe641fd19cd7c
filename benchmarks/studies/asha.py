"""Sweeps that stop trials early (ASHA): the configuration that they find, and the epochs that they save."""

import tempfile
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.studies._runs import as_markdown, run_once, runs_of
from sweeps.config import SweepConfig
from sweeps.problem import load_problem, make_search
from sweeps.report import best_trial

N_TRIALS, EPOCHS, SEEDS = 40, 50, (0, 1, 2)
SEARCHES = {"full random search": ("random", "none"), "random, ASHA": ("random", "asha"), "TPE, ASHA": ("tpe", "asha")}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the study's options."""
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="(%(default)s)")


def run(options: Namespace) -> None:
    """Sweep digits at 40 % noise with and without ASHA; with random search both see the same configurations."""
    for seed in options.seeds:
        for name, (searcher, scheduler) in SEARCHES.items():
            run_once("asha", f"{searcher}-{scheduler}-seed{seed}", partial(_sweep, name, searcher, scheduler, seed))


def _sweep(name: str, searcher: str, scheduler: str, seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        config = SweepConfig(
            out=str(Path(folder) / "sweep"),
            dataset="digits",
            noise="symmetric",
            rate=0.4,
            epochs=EPOCHS,
            trials=N_TRIALS,
            searcher=searcher,
            scheduler=scheduler,
            seed=seed,
        )
        problem = load_problem(config)
        search = make_search(config, problem)
        search.run_trials(problem.X, problem.noisy_y, test_data=problem.test_data)
        results = search.sweep_
    best = best_trial(results)
    return {
        "search": name,
        "seed": seed,
        "score": float(best["score"]),
        "test_score": float(best["test_score"]),
        "best_test_score": float(results.trials["test_score"].max()),
        "epochs": int(results.trials["epochs"].sum()),
        "states": results.trials["state"].value_counts().to_dict(),
        "seconds": results.manifest["seconds"],
        "params": best["params"],
    }


def report(options: Namespace) -> str:
    """Return a table of the searches: the chosen configuration's test accuracy, and the epochs spent."""
    runs = runs_of("asha")
    full = runs[runs["search"] == "full random search"].set_index("seed")
    rows = []
    for name in SEARCHES:
        own = runs[runs["search"] == name].set_index("seed")
        seeds = own.index.intersection(full.index)
        behind = 100 * (full.loc[seeds, "test_score"] - own.loc[seeds, "test_score"])
        epochs = 100 * own.loc[seeds, "epochs"] / full.loc[seeds, "epochs"]
        rows.append(
            {
                "search": name,
                "test accuracy": _mean_std(100 * own["test_score"]),
                "behind full random search": f"{_mean_std(behind)} ({_each(behind, '+.1f')})",
                "epochs, % of full": f"{_mean_std(epochs)} ({_each(epochs, '.0f')})",
                "n": len(own),
            }
        )
    return as_markdown(pd.DataFrame(rows))


def _each(values: pd.Series, form: str) -> str:
    return ", ".join(f"{value:{form}}" for value in values)


def _mean_std(values: pd.Series) -> str:
    return f"{values.mean():.1f}" + (f" ± {values.std():.1f}" if len(values) > 1 else "")
