"""What the command line and a YAML file say about a sweep."""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from noisylabel.datasets import DATASETS
from noisylabel.exceptions import DatasetNotFoundError, InvalidFileError, InvalidParameterError
from noisylabel.utils import check_choice, check_count, check_number, local_path
from sweeps.spaces import SPACES, check_limit

NOISE_NAMES = ("none", "symmetric", "pair", "asymmetric_cifar10", "ring_cifar100", "instance", "human_worst")
SEARCHER_NAMES = ("tpe", "tpe_grouped", "random")
SCHEDULER_NAMES = ("asha", "none", "pbt")
OBJECTIVE_NAMES = ("score", "seconds")
TRACKER_NAMES = ("tensorboard", "mlflow", "wandb")


def _passing(check: Callable[..., Any], *allowed: Any, **more: Any) -> BeforeValidator:
    """Return a validator that applies one of the checks of the package, for the sake of its messages."""

    def checked(value: Any, info: ValidationInfo) -> Any:
        return check(info.field_name, value, *allowed, **more)

    return BeforeValidator(checked)


def _check_place(name: str, value: Any) -> str:
    """Return the path of a file or folder on this machine, with ``~`` expanded."""
    return str(local_path(name, value))


def _check_method(name: str, value: Any) -> Any:
    return value if ":" in str(value) else check_choice(name, value, SPACES)


Text = Annotated[str, Field(strict=True, min_length=1)]
Place = Annotated[str, _passing(_check_place)]
Count = Annotated[int, _passing(check_count)]
Tracker = Annotated[str, _passing(check_choice, TRACKER_NAMES)]
Objective = Annotated[str, _passing(check_choice, OBJECTIVE_NAMES)]
Limit = Annotated[Any, BeforeValidator(lambda value: check_limit("limit", value))]


class SweepConfig(BaseModel):
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
    trials, searcher, scheduler, scoring, objectives, validation, seed
        As ``n_trials``, ``searcher``, ... of :class:`sweeps.CurriculumSearch`.
    cpus_per_trial, gpus_per_trial : float
        What a trial gets. With GPUs, trials train on ``"cuda"``.
    address : str, optional
        Of a Ray cluster.
    trackers : list of str
        See ``TRACKER_NAMES``.

    Raises
    ------
    pydantic.ValidationError
        :func:`make_config` says the same as an ``InvalidParameterError``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    out: Place = "noisylabel-sweep"
    dataset: Annotated[str, _passing(check_choice, DATASETS)] | None = None
    data: Place | None = None
    label: Text | None = None
    samples: Annotated[int, _passing(check_count, 10)] | None = None
    noise: Annotated[str, _passing(check_choice, NOISE_NAMES)] = "none"
    rate: Annotated[float, _passing(check_number, 0, 1, hint="It is a fraction: 0.4 for 40 %.")] | None = None
    method: Annotated[Text, _passing(_check_method)] = "mentornet"
    estimator: dict[str, Any] = Field(default_factory=dict)
    limits: dict[str, Limit] = Field(default_factory=dict)
    epochs: Count | None = None
    trials: Count = 40
    searcher: Annotated[str, _passing(check_choice, SEARCHER_NAMES)] = "tpe"
    scheduler: Annotated[str, _passing(check_choice, SCHEDULER_NAMES)] = "asha"
    scoring: Text = "accuracy"
    objectives: list[Objective] = Field(default_factory=lambda: ["score"])
    validation: Annotated[float, _passing(check_number, 0, 0.5, closed="right")] = 0.2
    seed: Annotated[int, _passing(check_count, 0)] = 0
    cpus_per_trial: Annotated[float, _passing(check_number, 0, closed="right")] = 1
    gpus_per_trial: Annotated[float, _passing(check_number, 0, 1024)] = 0
    address: Text | None = None
    trackers: list[Tracker] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        """Check what depends on each other: where the data come from, and what noise they get."""
        if (self.dataset is None) == (self.data is None):
            raise InvalidParameterError(
                f"Give 'dataset', one of {list(DATASETS)}, or 'data', a table of your own, and not both."
            )
        if self.data is not None:
            _check_table(self)
        needs_rate = self.noise not in ("none", "human_worst")
        if needs_rate and self.rate is None:
            raise InvalidParameterError(f"noise {self.noise!r} needs a 'rate' in [0, 1], such as 0.4.")
        if not needs_rate and self.rate is not None:
            raise InvalidParameterError(f"'rate' is {self.rate}, but noise {self.noise!r} has none. Leave it out.")
        if self.noise == "human_worst" and self.dataset != "cifar10":
            raise InvalidParameterError("noise 'human_worst' are labels of the images of dataset 'cifar10'.")
        return self


def _check_table(config: SweepConfig) -> None:
    if config.label is None:
        raise InvalidParameterError("'data' is a table: say with 'label' which column holds the labels.")
    if config.noise != "none":
        raise InvalidParameterError("'data' has noisy labels of its own. Leave 'noise' out.")


Position = tuple[str | int, ...]  # ("limits", "lr") is where the limit of the learning rate stands


def make_config(
    values: Mapping[str, Any], source: str = "", lines: Mapping[Position, int] | None = None
) -> SweepConfig:
    """Return a configuration.

    Parameters
    ----------
    values : mapping
        By the names of :class:`SweepConfig`.
    source : str
        The file that has the lines.
    lines : mapping, optional
        The line, from 1, of each value that comes from that file.

    Raises
    ------
    InvalidParameterError
        Listing all mistakes: each with its line, the name, what is allowed and what came, and for a name that does
        not exist, the nearest one that does.
    """
    try:
        return SweepConfig.model_validate(values)
    except ValidationError as error:
        found = sorted((_line(mistake["loc"], lines or {}), _sentence(mistake)) for mistake in error.errors())
        mistakes = [f"{source}, line {line}: {sentence}" if line else sentence for line, sentence in found]
        head = [f"There are {len(mistakes)} mistakes:"] if len(mistakes) > 1 else []
        raise InvalidParameterError("\n- ".join([*head, *mistakes])) from None


def _line(place: Position, lines: Mapping[Position, int]) -> int:
    """Return the line of a value, or of what it is in; 0 if none is known."""
    return next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), 0)


def _sentence(mistake: Any) -> str:
    """Return what one of pydantic's mistakes is; below the top level, with the names that lead to it."""
    names = ".".join(map(str, mistake["loc"]))
    if mistake["type"] == "extra_forbidden":
        near = get_close_matches(names, SweepConfig.model_fields, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        return f"There is no key {names!r}.{guess} The keys are {', '.join(SweepConfig.model_fields)}."
    if "error" in mistake.get("ctx", {}):
        sentence = str(mistake["ctx"]["error"])
        return f"{names}: {sentence}" if len(mistake["loc"]) > 1 else sentence
    must_be = re.sub(r"^\w+ should", "must", mistake["msg"])
    return f"{names!r} {must_be}. Got {mistake['input']!r}."


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
        If it is no YAML mapping, or sets a name twice.
    InvalidParameterError
        See :func:`make_config`.
    """
    values, lines = ({}, {}) if path is None else _read_yaml(path)
    given = {name: value for name, value in options.items() if value is not None}
    kept = {place: line for place, line in lines.items() if place[0] not in given}
    return make_config({**values, **given}, "" if path is None else str(path), kept)


def _read_yaml(path: Path) -> tuple[dict[str, Any], dict[Position, int]]:
    """Return what a YAML file holds, and the line of each value."""
    if not path.is_file():
        raise DatasetNotFoundError(f"There is no file {path}. Give the path of a YAML file.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = yaml.safe_load(text)
        places = list(_places(yaml.compose(text, yaml.SafeLoader)))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise InvalidFileError(f"{path} is no YAML: {error}") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise InvalidFileError(f"{path} must map names to values, such as 'trials: 40'. It holds {values!r}.")
    lines: dict[Position, int] = {}
    for place, line in places:
        if lines.setdefault(place, line) != line:
            name = ".".join(map(str, place))
            raise InvalidFileError(f"{path} sets {name!r} twice, in lines {lines[place]} and {line}. Keep one of them.")
    return values, lines


def _places(node: yaml.Node | None, above: Position = ()) -> Iterator[tuple[Position, int]]:
    """Yield where each value below a node stands, and its line."""
    if isinstance(node, yaml.MappingNode):
        children = [(key.value, key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    elif isinstance(node, yaml.SequenceNode):
        children = [(number, value, value) for number, value in enumerate(node.value)]
    else:
        return
    for name, start, value in children:
        yield (*above, name), start.start_mark.line + 1
        yield from _places(value, (*above, name))
