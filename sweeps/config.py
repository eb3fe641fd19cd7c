"""What the command line and a YAML file say about a sweep."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noisylabel.datasets import DATASETS
from noisylabel.exceptions import DatasetNotFoundError, InvalidFileError, InvalidParameterError
from noisylabel.noise import NOISES
from noisylabel.utils import check_choice, check_count, check_number
from sweeps.spaces import SPACES, check_limits

NOISE_NAMES = ("none", "symmetric", "pair", "asymmetric_cifar10", "ring_cifar100", "instance", "human_worst")
SEARCHER_NAMES = ("tpe", "tpe_grouped", "random")
SCHEDULER_NAMES = ("asha", "none", "pbt")
TRACKER_NAMES = ("tensorboard", "mlflow", "wandb")
assert {name for name in NOISE_NAMES if name not in ("none", "human_worst")} <= NOISES.keys()


@dataclass(frozen=True)
class SweepConfig:
    """Everything that ``python -m sweeps run`` can be told; a YAML file has the same names.

    Attributes
    ----------
    out : str
        Folder of the sweep.
    dataset : str, optional
        A key of ``noisylabel.datasets.DATASETS``, with right labels to which ``noise`` is added.
    data, label : str, optional
        Instead: a .csv or .parquet file with noisy labels, and its column of labels.
    samples : int, optional
        Training rows to use, drawn at random; all by default.
    noise : str
        One of ``NOISE_NAMES``; ``human_worst`` are the labels of CIFAR-10N.
    rate : float, optional
        Noise rate in [0, 1].
    method : str
        A key of ``sweeps.spaces.SPACES``, or ``module:Name`` of a space of one's own.
    estimator : dict
        Parameters of the classifier that are not tuned.
    limits : dict
        See :class:`sweeps.CurriculumSearch`.
    epochs : int, optional
        Of a training; the classifier's default.
    trials, searcher, scheduler, scoring, validation, seed
        As ``n_trials``, ``searcher``, ... of :class:`sweeps.CurriculumSearch`.
    cpus_per_trial, gpus_per_trial : float
        What a trial gets. With GPUs, trials train on ``"cuda"``.
    address : str, optional
        Of a Ray cluster.
    trackers : list of str
        See ``TRACKER_NAMES``.
    """

    out: str = "noisylabel-sweep"
    dataset: str | None = None
    data: str | None = None
    label: str | None = None
    samples: int | None = None
    noise: str = "none"
    rate: float | None = None
    method: str = "mentornet"
    estimator: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    epochs: int | None = None
    trials: int = 40
    searcher: str = "tpe"
    scheduler: str = "asha"
    scoring: str = "accuracy"
    validation: float = 0.2
    seed: int = 0
    cpus_per_trial: float = 1
    gpus_per_trial: float = 0
    address: str | None = None
    trackers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            check(name, getattr(self, name))
        _check_source(self)


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(f"{name!r} must be a text. Got {value!r}.")


def _optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], None]:
    def checked(name: str, value: Any) -> None:
        if value is not None:
            check(name, value)

    return checked


def _choice(allowed: Any) -> Callable[[str, Any], Any]:
    return lambda name, value: check_choice(name, value, allowed)


def _number(low: float, high: float, hint: str = "") -> Callable[[str, Any], Any]:
    return lambda name, value: check_number(name, value, low, high, hint=hint)


def _mapping(name: str, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidParameterError(f"{name!r} must map names of parameters to values. Got {value!r}.")


def _limits(name: str, value: Any) -> None:
    _mapping(name, value)
    check_limits(value)


def _method(name: str, value: Any) -> None:
    _text(name, value)
    if ":" not in value:
        check_choice(name, value, SPACES)


def _trackers(name: str, value: Any) -> None:
    if not isinstance(value, list | tuple):
        raise InvalidParameterError(f"{name!r} must be a list, of {list(TRACKER_NAMES)}. Got {value!r}.")
    for entry in value:
        check_choice(name, entry, TRACKER_NAMES)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "out": _text,
    "dataset": _optional(_choice(DATASETS)),
    "data": _optional(_text),
    "label": _optional(_text),
    "samples": _optional(lambda name, value: check_count(name, value, 10)),
    "noise": _choice(NOISE_NAMES),
    "rate": _optional(_number(0, 1, "It is a fraction: 0.4 for 40 %.")),
    "method": _method,
    "estimator": _mapping,
    "limits": _limits,
    "epochs": _optional(check_count),
    "trials": check_count,
    "searcher": _choice(SEARCHER_NAMES),
    "scheduler": _choice(SCHEDULER_NAMES),
    "scoring": _text,
    "validation": lambda name, value: check_number(name, value, 0, 0.5, closed="right"),
    "seed": lambda name, value: check_count(name, value, 0),
    "cpus_per_trial": lambda name, value: check_number(name, value, 0, closed="right"),
    "gpus_per_trial": _number(0, 1024),
    "address": _optional(_text),
    "trackers": _trackers,
}


def _check_source(config: SweepConfig) -> None:
    """Check what depends on each other: where the data come from, and what noise they get."""
    if (config.dataset is None) == (config.data is None):
        raise InvalidParameterError(
            f"Give 'dataset', one of {list(DATASETS)}, or 'data', a table of your own, and not both."
        )
    if config.data is not None:
        if config.label is None:
            raise InvalidParameterError("'data' is a table: say with 'label' which column holds the labels.")
        if config.noise != "none":
            raise InvalidParameterError("'data' has noisy labels of its own. Leave 'noise' out.")
    needs_rate = config.noise not in ("none", "human_worst")
    if needs_rate and config.rate is None:
        raise InvalidParameterError(f"noise {config.noise!r} needs a 'rate' in [0, 1], such as 0.4.")
    if not needs_rate and config.rate is not None:
        raise InvalidParameterError(f"'rate' is {config.rate}, but noise {config.noise!r} has none. Leave it out.")
    if config.noise == "human_worst" and config.dataset != "cifar10":
        raise InvalidParameterError("noise 'human_worst' are labels of the images of dataset 'cifar10'.")


def read_config(path: Path | None, options: Mapping[str, Any]) -> SweepConfig:
    """Return the configuration of a YAML file, in which the options of the command line replace what they name.

    Parameters
    ----------
    path : Path or None
    options : mapping
        Those that are None count as not given.

    Raises
    ------
    DatasetNotFoundError
        If there is no such file.
    InvalidFileError
        If it is no YAML mapping.
    InvalidParameterError
        Naming the key that is unknown or has a value that is not allowed.
    """
    values: dict[str, Any] = {} if path is None else _read_yaml(path)
    known = [entry.name for entry in dataclasses.fields(SweepConfig)]
    for name in values:
        check_choice(f"key of {path}", name, known)
    values |= {name: value for name, value in options.items() if value is not None}
    try:
        return SweepConfig(**values)
    except InvalidParameterError as error:
        raise InvalidParameterError(str(error) if path is None else f"{path}: {error}") from error


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    if not path.is_file():
        raise DatasetNotFoundError(f"There is no file {path}. Give the path of a YAML file.")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InvalidFileError(f"{path} is no YAML: {error}") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise InvalidFileError(f"{path} must map names to values, such as 'trials: 40'. It holds {values!r}.")
    return values
