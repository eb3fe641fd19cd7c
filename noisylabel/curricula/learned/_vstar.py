"""Learn a closed form: MentorNet as a function approximator."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from noisylabel._support.random import draw_seed
from noisylabel._support.validation import check_count
from noisylabel.curricula._base import Curriculum
from noisylabel.curricula._closed_forms import CLOSED_FORMS, resolve_closed_form
from noisylabel.curricula.learned._features import MentorFeatures
from noisylabel.curricula.learned._fit import learn_mentornet
from noisylabel.curricula.learned._grid import N_GRID, grid_features, grid_targets
from noisylabel.curricula.learned._mentornet import MentorNet
from noisylabel.exceptions import InvalidParameterError

STAGES = ((0, 18), (19, 89), (90, 99))


def learn_from_vstar(
    vstar: str | Curriculum | Callable[..., Tensor],
    *,
    n_samples: int = 100_000,
    random_state: Any = None,
    verbose: int = 0,
    **options: Any,
) -> MentorNet:
    """Learn a MentorNet that gives the weights of a closed form.

    Parameters
    ----------
    vstar : str, Curriculum or callable
        The closed form: the name of one in :data:`noisylabel.curricula.CURRICULA`, an object, or a function of (loss,
        loss_diff, label, epoch_percent).
    n_samples : int, default=100_000
        Rows drawn from the 1,200,000 of the grid. The first 80 percent are learned, the rest measures the fit.
    random_state : int, RandomState or None, default=None
        Seed of the draw and of the network.
    verbose : int, default=0
        1 shows a progress bar.
    **options
        See :func:`learn_mentornet`.

    Returns
    -------
    MentorNet
        Its ``card["fit"]`` has the errors on the rows left out: ``mean_absolute_error`` of the weights, ``wrong_side``
        (share of rows on the other side of 0.5 than ``vstar``), and ``agreement``, 1 minus that share, for the three
        stages of MentorNet-PD.

    Raises
    ------
    InvalidParameterError
        If ``vstar`` is unknown or leaves [0, 1], or a parameter is outside what it allows.

    References
    ----------
    Jiang et al., "MentorNet", ICML 2018, Sec. 3.1

    Examples
    --------
    >>> mentornet = learn_from_vstar("self_paced", n_samples=5000, n_steps=500, random_state=0)
    >>> mentornet.card["fit"]["wrong_side"] < 0.02
    True
    """
    n_samples = check_count("n_samples", n_samples, 100)
    if n_samples > N_GRID:
        raise InvalidParameterError(f"'n_samples' must be at most {N_GRID}, the size of the grid. Got {n_samples}.")
    curriculum = resolve_closed_form(vstar)
    features = grid_features()
    targets = grid_targets(curriculum, features)
    seed = draw_seed(random_state)
    rows = torch.randperm(N_GRID, generator=torch.Generator().manual_seed(seed))[:n_samples]
    train, test = rows[: int(0.8 * n_samples)], rows[int(0.8 * n_samples) :]
    start = time.perf_counter()
    learned = learn_mentornet(features.take(train), targets[train], random_state=seed + 1, verbose=verbose, **options)
    seconds = round(time.perf_counter() - start, 1)
    name = _name_of(vstar, curriculum)
    learned.card = {
        "name": name,
        "learned_from": {"vstar": name, "parameters": _plain(curriculum), "n_samples": n_samples, "seed": seed},
        "fit": {**fit_error(learned, features.take(test), targets[test]), "seconds": seconds},
    }
    return learned


@torch.no_grad()
def fit_error(mentornet: MentorNet, features: MentorFeatures, targets: Tensor) -> dict[str, Any]:
    """Return how far a MentorNet is from the weights that it should give.

    Parameters
    ----------
    mentornet : MentorNet
        What was learned.
    features : MentorFeatures
        Of n samples.
    targets : Tensor of shape (n,)
        The weight in [0, 1] that each should get.

    Returns
    -------
    dict
        ``mean_absolute_error``, ``wrong_side`` and ``agreement``, as :func:`learn_from_vstar` says; ``n``.
    """
    logits = mentornet.network(features.loss, features.loss_diff, features.label, features.epoch_percent)
    weights = logits.sigmoid()
    wrong = ((weights - 0.5) * (targets - 0.5) < 0).double()
    agreement = {}
    for first, last in STAGES:
        inside = (features.epoch_percent >= first) & (features.epoch_percent <= last)
        if bool(inside.any()):
            agreement[f"{first}-{last}"] = round(1 - wrong[inside].mean().item(), 5)
    return {
        "mean_absolute_error": round((weights - targets).abs().mean().item(), 5),
        "wrong_side": round(wrong.mean().item(), 5),
        "agreement": agreement,
        "n": len(targets),
    }


def _name_of(vstar: Any, curriculum: Curriculum) -> str:
    if isinstance(vstar, str):
        return vstar
    names = [name for name, member in CLOSED_FORMS.items() if member is type(curriculum)]
    return names[0] if names else getattr(vstar, "__name__", type(vstar).__name__)


def _plain(curriculum: Curriculum) -> dict[str, float]:
    """Return the curriculum's numbers, for the card."""
    return {key: value for key, value in curriculum.get_params().items() if isinstance(value, (int, float))}
