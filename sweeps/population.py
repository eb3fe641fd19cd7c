"""Population-based training: curriculum and percentile change in the course of training, and the best changes stay."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from noisylabel.curricula import resolve_curriculum
from noisylabel.estimators import change_parameters, epochs_done
from noisylabel.exceptions import InvalidParameterError
from noisylabel.utils import check_number, write_whole
from sweeps.configurations import configure
from sweeps.schedulers import TIME, CurriculumPBT

CURRICULA = ("uniform", "self_paced", "spcl_linear", "spcl_logarithmic", "mentornet_pd")
PERCENTILES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_STAGES = "stages.json"
_CHANGES = 10

Stage = tuple[int, str, float]  # from which percent of training on, curriculum, percentile


def population_space(limits: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what a population tries: lists for ``curriculum`` and ``loss_percentile``.

    Parameters
    ----------
    limits : mapping
        Lists instead of the usual ones.

    Raises
    ------
    InvalidParameterError
        If a limit is of another parameter, is no list, or has a value that cannot change during training.
    """
    space: dict[str, list[Any]] = {"curriculum": list(CURRICULA), "loss_percentile": list(PERCENTILES)}
    for name, values in limits.items():
        if name not in space or not isinstance(values, list | tuple) or len(values) == 0:
            raise InvalidParameterError(
                f"scheduler='pbt' changes 'curriculum' and 'loss_percentile' during training, and 'limits' may have a "
                f"list for each. Got limits[{name!r}] = {values!r}. Set other parameters on the estimator."
            )
        space[name] = list(values)
    for name in space["curriculum"]:
        if not isinstance(name, str) or "," in name or resolve_curriculum(name).history_length > 1:
            raise InvalidParameterError(
                f"scheduler='pbt' takes names of curricula that look at the latest loss only. Got {name!r}."
            )
    space["loss_percentile"] = sorted(
        check_number("limits['loss_percentile']", value, 0, 1) for value in space["loss_percentile"]
    )
    return space


def make_pbt(space: Mapping[str, Sequence[Any]], max_epochs: int, warm_up: int) -> CurriculumPBT:
    """Return a scheduler by which the worst quarter goes on from the best, at each tenth after the burn-in."""
    interval = change_interval(max_epochs)
    first = interval * math.ceil((warm_up + 1) / interval)  # a trial has a checkpoint at multiples of the interval only
    return CurriculumPBT(
        time_attr=TIME,
        perturbation_interval=interval,
        burn_in_period=first,
        hyperparam_mutations={name: list(values) for name, values in space.items()},
        quantile_fraction=0.25,
        resample_probability=0.25,
        log_config=False,
    )


def change_interval(max_epochs: int) -> int:
    """Return the epochs between two changes."""
    return max(1, round(max_epochs / _CHANGES))


def as_schedule(stages: Sequence[Stage]) -> dict[str, Any]:
    """Return the parameters that train as the stages did.

    Examples
    --------
    >>> as_schedule([(0, "uniform", 0.7), (40, "self_paced", 0.6)])
    {'curriculum': 'uniform,40,self_paced,60', 'loss_percentile': '0.7,40,0.6,60'}
    """
    if len(stages) == 1:
        return {"curriculum": stages[0][1], "loss_percentile": stages[0][2]}
    ends = [*(start for start, _, _ in stages[1:]), 100]
    lengths = [end - start for (start, _, _), end in zip(stages, ends, strict=True)]
    curricula = ",".join(f"{name},{length}" for (_, name, _), length in zip(stages, lengths, strict=True))
    percentiles = ",".join(f"{value:g},{length}" for (_, _, value), length in zip(stages, lengths, strict=True))
    return {"curriculum": curricula, "loss_percentile": percentiles}


def continue_with(config: Mapping[str, Any], estimator: BaseEstimator, folder: Path) -> dict[str, Any]:
    """Return a trial's parameters, as schedules of what it and those that it was copied from did before.

    Parameters
    ----------
    config : mapping
        ``curriculum`` and ``loss_percentile`` are for the training to come.
    estimator : BaseEstimator
    folder : Path
        Holds the checkpoint to go on from, if any, and the stages so far. Both are brought up to date.
    """
    stages = _read(folder)
    done = epochs_done(folder)
    percent = math.ceil(100 * done / estimator.max_epochs)
    now = (config["curriculum"], float(config["loss_percentile"]))
    if not stages or stages[-1][1:] != now:
        stages = [*(stage for stage in stages if stage[0] < percent), (percent if stages else 0, *now)]
    write_whole(folder / _STAGES, json.dumps(stages).encode())
    params = {**config, **as_schedule(stages)}
    if done:
        change_parameters(folder, configure(estimator, params))
    return params


def _read(folder: Path) -> list[Stage]:
    path = folder / _STAGES
    return [(int(s), str(c), float(p)) for s, c, p in json.loads(path.read_text())] if path.exists() else []
