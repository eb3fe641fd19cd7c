"""The stages of a trial of population-based training: with which settings it trained, and from when on."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from noisylabel.estimators import change_parameters, epochs_done
from noisylabel.exceptions import InvalidFileError
from noisylabel.utils import write_whole
from sweeps.trial.draws import configure

_STAGES = "stages.json"

Stage = tuple[int, str, float]  # from which percent of training on, curriculum, percentile


def as_schedule(stages: Sequence[Stage]) -> dict[str, Any]:
    """Return the parameters of one training that repeats the stages.

    Parameters
    ----------
    stages : sequence of (percent, curriculum, percentile)
        ``percent`` of training, from 0 to 99, at which the stage starts; percentiles are fractions.

    Returns
    -------
    dict
        ``curriculum`` and ``loss_percentile``: schedules, if there are several stages.

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
    """Return the parameters with which a trial goes on: schedules of what its network was trained with so far, and now.

    Parameters
    ----------
    config : mapping
        ``curriculum`` and ``loss_percentile`` for the training to come.
    estimator : BaseEstimator
        Unfitted.
    folder : Path
        Holds the checkpoint to go on from, if any, and the stages so far. Both are brought up to date.

    Returns
    -------
    dict
        ``config`` with the two parameters as schedules.
    """
    stages = read_stages(folder)
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


def read_stages(folder: Path) -> list[Stage]:
    """Return the stages of a checkpoint; none if it has no such file.

    Raises
    ------
    InvalidFileError
        If the file is damaged.
    """
    path = folder / _STAGES
    try:
        return [(int(s), str(c), float(p)) for s, c, p in json.loads(path.read_bytes())] if path.exists() else []
    except (ValueError, TypeError, OSError) as error:
        raise InvalidFileError(f"{path} is damaged: {error}. Delete it to start anew.") from error
