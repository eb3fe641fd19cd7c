"""Population-based training: curriculum and percentile change in the course of training, and the best changes stay."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from noisylabel.curricula import resolve_curriculum
from noisylabel.exceptions import InvalidParameterError
from noisylabel.utils import check_number
from sweeps.engine.schedulers import TIME, CurriculumPBT

CURRICULA = ("uniform", "self_paced", "spcl_linear", "spcl_logarithmic", "mentornet_pd")
PERCENTILES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_CHANGES = 10


def population_space(limits: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what a population tries: lists for ``curriculum`` and ``loss_percentile``.

    Parameters
    ----------
    limits : mapping
        Lists that replace the default ones, by the name of the parameter. Percentiles are fractions in [0, 1].

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
        if not isinstance(name, str) or "," in name or name == "auto" or resolve_curriculum(name).history_length > 1:
            raise InvalidParameterError(
                f"scheduler='pbt' takes names of curricula that look at the latest loss only. Got {name!r}."
            )
    space["loss_percentile"] = sorted(
        check_number("limits['loss_percentile']", value, 0, 1) for value in space["loss_percentile"]
    )
    return space


def make_pbt(space: Mapping[str, Sequence[Any]], max_epochs: int, warm_up: int) -> CurriculumPBT:
    """Return a scheduler that lets the worst quarter of the trials go on from the networks of the best quarter.

    It does so after each tenth of the training, from the end of the burn-in on.

    Parameters
    ----------
    space : mapping
        As :func:`population_space` returns it.
    max_epochs : int
        Of a training.
    warm_up : int
        Epochs of the burn-in.
    """
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
    """Return the epochs between two changes: a tenth of the training, at least one."""
    return max(1, round(max_epochs / _CHANGES))
