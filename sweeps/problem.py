"""From a configuration to data and a search."""

import importlib
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.audit import read_audit_table
from noisylabel.datasets import DATASETS, fetch_cifarn_labels
from noisylabel.exceptions import InvalidParameterError
from noisylabel.noise import HumanNoise, NoiseManifest
from noisylabel.preprocessing import LEFT_OUT, column_kind
from noisylabel.utils import stop_if_interrupted
from sweeps.config import SweepConfig
from sweeps.search import CurriculumSearch
from sweeps.spaces import SPACES, Space

_ESTIMATORS: dict[str, Any] = {
    "mentornet": MentorNetClassifier,
    "mentormix": MentorMixClassifier,
    "filterkd": FilterKDClassifier,
    "plain": MentorNetClassifier,
}


@dataclass(frozen=True)
class Problem:
    """The data of a sweep.

    Attributes
    ----------
    X : ndarray or DataFrame of N rows
    noisy_y : ndarray of shape (N,)
    test_data : pair (X, y) or None
        Other rows, with right labels.
    noise_manifest : NoiseManifest or None
        What noise was added, if any.
    notes : tuple of str
        What a person should know of the data, as sentences.
    is_encoded : bool
        Whether X are the columns of a table made into other numbers.
    """

    X: Any
    noisy_y: np.ndarray
    test_data: tuple[Any, np.ndarray] | None
    noise_manifest: NoiseManifest | None
    notes: tuple[str, ...] = ()
    is_encoded: bool = False


def load_problem(config: SweepConfig) -> Problem:
    """Load the data of a configuration, and add its noise.

    Parameters
    ----------
    config : SweepConfig
        Its seed draws the rows and the noise.

    Raises
    ------
    InvalidDataError
        If a table cannot be read, or its labels or columns are none to learn from.
    InvalidParameterError
        If more rows are asked for than there are.
    """
    rng = np.random.default_rng(config.seed)
    if config.data is not None:
        return _load_own_table(config, rng)
    assert config.dataset is not None
    data = DATASETS[config.dataset]()
    rows = _some_rows(config, len(data.data), rng)
    X, y = data.data[rows], data.target[rows]
    noisy_y, manifest = _add_noise(config, X, y, rows)
    notes = () if manifest is None else (manifest.check(),)
    return Problem(X, noisy_y, (data.test_data, data.test_target), manifest, notes)


def _load_own_table(config: SweepConfig, rng: np.random.Generator) -> Problem:
    """Read a table as an audit does: the same rows, labels and columns, and the same encoding of texts and dates."""
    assert config.data is not None
    assert config.label is not None
    data = read_audit_table(config.data, label=config.label)
    rows = _some_rows(config, len(data.noisy_y), rng)
    assert data.table is not None
    numbers = _complete_numbers(data.table)
    X = data.X[rows] if numbers is None else numbers.iloc[rows]
    return Problem(X, data.noisy_y[rows], None, None, tuple(data.notes), numbers is None)


def _complete_numbers(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return the columns to learn from as they are if all are numbers and none is missing, else None.

    A classifier of these can predict further rows of such a table, without their being encoded.
    """
    kinds = {str(name): column_kind(str(name), table[name]).kind for name in table.columns}
    used = table[[name for name, kind in kinds.items() if kind not in LEFT_OUT]]
    if any(not pd.api.types.is_numeric_dtype(used[name]) or kinds[name] != "number" for name in used.columns):
        return None
    return used if np.isfinite(used.to_numpy(float, na_value=np.nan)).all() else None


def _some_rows(config: SweepConfig, n_rows: int, rng: np.random.Generator) -> np.ndarray:
    if config.samples is None:
        return np.arange(n_rows)
    if config.samples > n_rows:
        raise InvalidParameterError(f"'samples' is {config.samples}, and there are {n_rows} rows. Ask for fewer.")
    return rng.permutation(n_rows)[: config.samples]


def _add_noise(
    config: SweepConfig, X: np.ndarray, y: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, NoiseManifest | None]:
    if config.noise == "none":
        return y, None
    if config.noise == "human_worst":
        human = HumanNoise(fetch_cifarn_labels("worst").noisy[rows], source="CIFAR-10N worst")
        return corrupt(y, human, random_state=config.seed)
    return corrupt(y, config.noise, X, rate=config.rate, random_state=config.seed)


def make_search(config: SweepConfig, problem: Problem, *, refit: bool = False, verbose: int = 1) -> CurriculumSearch:
    """Return the search of a configuration, to be fitted on the problem.

    Raises
    ------
    InvalidParameterError
        If ``method`` names no space, or ``estimator`` a parameter that the classifier does not have.
    """
    space = SPACES[config.method]() if config.method in SPACES else _import_space(config.method)
    device = {"device": "cuda"} if config.gpus_per_trial else {}
    epochs = {} if config.epochs is None else {"max_epochs": config.epochs}
    kind = _ESTIMATORS.get(config.method, MentorNetClassifier)
    unknown = config.estimator.keys() - kind().get_params(deep=False).keys()
    if unknown:
        raise InvalidParameterError(
            f"'estimator' has {sorted(unknown)[0]!r}, which is no parameter of {kind.__name__}. It has "
            f"{sorted(kind().get_params(deep=False))}."
        )
    search = CurriculumSearch(
        kind(**({"random_state": config.seed} | device | epochs | config.estimator)),
        space,
        limits=config.limits,
        n_trials=config.trials,
        searcher=config.searcher,
        scheduler=config.scheduler,
        scoring=config.scoring,
        objectives=config.objectives,
        validation_fraction=config.validation,
        resources={"cpu": config.cpus_per_trial, "gpu": config.gpus_per_trial},
        address=config.address,
        out=config.out,
        refit=refit,
        trackers=config.trackers,
        random_state=config.seed,
        verbose=verbose,
    )
    search._described = _describe(config, problem)
    return search


def export_best(search: CurriculumSearch, problem: Problem, params: dict[str, Any], folder: Path) -> None:
    """Train a configuration on all rows, and save it for ``noisylabel.load_checkpoint``.

    Parameters
    ----------
    search : CurriculumSearch
        As :func:`make_search` returns it.
    problem : Problem
        What to train on.
    params : dict
        The configuration.
    folder : Path
        New or empty.

    Raises
    ------
    InvalidParameterError
        If there are files in the folder.
    """
    from sweeps.trial.draws import configure

    if folder.exists() and any(folder.iterdir()):
        raise InvalidParameterError(f"--export {str(folder)!r} must be a new or an empty folder, and it has files.")
    clf = configure(search.estimator, params)
    bar = int(sys.stderr.isatty())
    stop_if_interrupted(clf.set_params(checkpoint_dir=folder, verbose=bar).fit(problem.X, problem.noisy_y))


def _describe(config: SweepConfig, problem: Problem) -> dict[str, Any]:
    """Return what the manifest says beyond what the search knows."""
    made = problem.noise_manifest
    source = config.dataset or Path(str(config.data)).name
    noise = "" if made is None else f", {config.noise} noise" + ("" if config.rate is None else f" {config.rate:g}")
    return {
        "name": f"on {source}{noise}",
        "dataset": source,
        "noise": None if made is None else config.noise,
        "rate": config.rate,
        "realised_rate": None if made is None else made.realised_rate,
        "command": command_of(config),
        "config": config.model_dump(),
    }


def command_of(config: SweepConfig) -> str:
    """Return a command that runs this sweep."""
    words = ["python", "-m", "sweeps", "run"]
    for name, value in config.model_dump(exclude_defaults=True).items():
        if not isinstance(value, dict):
            words += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    rest = {name: getattr(config, name) for name in ("estimator", "limits") if getattr(config, name)}
    return shlex.join(words) + (f"  # with a --config of {rest}" if rest else "")


def _import_space(name: str) -> Space:
    """Return the space that ``module:Name`` stands for."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InvalidParameterError(
            f"'method' {name!r} must be one of {list(SPACES)} or module:Name of a sweeps.Space that can be imported "
            f"from here: {error}."
        ) from error
    space = found() if isinstance(found, type) else found
    if not isinstance(space, Space):
        raise InvalidParameterError(f"'method' {name!r} is no sweeps.Space. Got {type(space).__name__}.")
    return space
