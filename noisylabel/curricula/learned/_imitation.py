"""Learn to give the weights that another curriculum gave."""

import time
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from noisylabel._support.random import draw_seed
from noisylabel.curricula.learned._features import MentorFeatures
from noisylabel.curricula.learned._fit import learn_mentornet
from noisylabel.curricula.learned._mentornet import MentorNet
from noisylabel.exceptions import InvalidDataError

_HELD_OUT = 0.2
_LARGEST = 0.99  # quantile of the weights that becomes 1, where some are above 1


def learn_from_weights(
    features: MentorFeatures,
    weights: Tensor,
    rows: Tensor,
    *,
    n_steps: int = 4000,
    random_state: Any = None,
    **options: Any,
) -> MentorNet:
    """Learn a MentorNet that imitates a curriculum, from the weights that it gave while a student trained.

    What a MentorNet sees may not be all that the curriculum goes by (its memory, other samples of the batch, trusted
    rows). Then the imitation learns the mean weight of samples that look alike to it.

    Weights above 1 are divided by their 99 % quantile and cut off at 1, since a MentorNet's are in [0, 1]; the card has
    the divisor as ``weight_scale``. With Adam a common factor of all weights changes next to nothing; with SGD it
    divides the learning rate. A fifth of the rows (all visits of each) is left out and measures the result.

    Parameters
    ----------
    features : MentorFeatures
        Of n visits; :class:`noisylabel.callbacks.MentorRecorder` records them.
    weights : Tensor of shape (n,)
        At least 0.
    rows : Tensor of shape (n,)
        Number of the sample that each visit is of.
    n_steps : int, default=4000
        Steps of the optimiser.
    random_state : int, RandomState or None, default=None
        Seed of the split and of the network.
    **options
        See :func:`learn_mentornet`.

    Returns
    -------
    MentorNet
        Its ``card["fit"]`` is what :func:`imitation_error` says of the visits left out.

    Raises
    ------
    InvalidDataError
        If a weight is negative or not finite, all are the same, or there are too few rows.

    References
    ----------
    Jiang et al., "MentorNet", ICML 2018, Sec. 3.1: one network approximates any curriculum.

    Examples
    --------
    >>> import torch
    >>> loss, rows = torch.linspace(0, 3, 300), torch.arange(300)
    >>> features = MentorFeatures.of(loss, loss - 1, torch.zeros(300), torch.full((300,), 50))
    >>> imitation = learn_from_weights(features, (loss < 1).float() * 2, rows, n_steps=500, random_state=0)
    >>> imitation.card["learned_from"]["weight_scale"], imitation.card["fit"]["mean_absolute_error"] < 0.05
    (2.0, True)
    """
    scale = _scale_of(features, weights)
    targets = (weights / scale).clamp(max=1)
    seed = draw_seed(random_state)
    drawn = np.random.default_rng(seed).random(int(rows.max()) + 1) < _HELD_OUT
    held_out = torch.as_tensor(drawn)[rows]
    if not bool(held_out.any()) or bool(held_out.all()):
        raise InvalidDataError(
            f"Visits of {len(rows.unique())} rows are too few to learn from and to measure the result."
        )
    start = time.perf_counter()
    learned = learn_mentornet(
        features.take(~held_out), targets[~held_out], n_steps=n_steps, random_state=seed + 1, **options
    )
    seconds = round(time.perf_counter() - start, 1)
    learned.card = {
        "name": "imitation",
        "learned_from": {
            "n_visits": len(weights),
            "n_rows": len(rows.unique()),
            "weight_scale": scale,
            "share_cut_off": round((weights > scale).float().mean().item(), 4),
            "seed": seed,
        },
        "fit": {**imitation_error(learned, features.take(held_out), targets[held_out]), "seconds": seconds},
    }
    return learned


def _scale_of(features: MentorFeatures, weights: Tensor) -> float:
    """Check the weights, and return what they are divided by."""
    if weights.shape != (len(features),) or len(weights) == 0:
        raise InvalidDataError(
            f"'weights' must hold one weight for each of {len(features)} visits, at least one. Got shape "
            f"{tuple(weights.shape)}."
        )
    lowest, highest = weights.min().item(), weights.max().item()
    if not (lowest >= 0 and np.isfinite(highest)):
        raise InvalidDataError(f"'weights' must be finite and at least 0. Got values from {lowest:g} to {highest:g}.")
    if lowest == highest:
        raise InvalidDataError(
            f"Every weight is {lowest:g}: there is nothing to imitate. With loss_percentile='auto' that is so where no "
            "noise is seen; give a number, such as 0.7."
        )
    return 1.0 if highest <= 1 else max(1.0, round(float(np.quantile(weights.numpy(), _LARGEST)), 6))


@torch.no_grad()
def imitation_error(mentornet: MentorNet, features: MentorFeatures, targets: Tensor) -> dict[str, Any]:
    """Return how close an imitation comes.

    Parameters
    ----------
    mentornet : MentorNet
        The imitation.
    features : MentorFeatures
        Of n visits.
    targets : Tensor of shape (n,)
        The weights that the curriculum gave, in [0, 1] (scaled as the imitation's are).

    Returns
    -------
    dict
        ``mean_absolute_error`` of the weights; ``error_of_time_alone``, that of the mean weight at each percent of
        training, which needs no losses; ``rank_correlation`` (Spearman), absent if all weights of a kind are the same;
        ``n``.
    """
    logits = mentornet.network(features.loss, features.loss_diff, features.label, features.epoch_percent)
    weights, percent = logits.sigmoid(), features.epoch_percent
    n_at = percent.bincount(minlength=100).clamp_min(1)
    mean_at = percent.bincount(targets.double(), minlength=100) / n_at
    found: dict[str, Any] = {
        "mean_absolute_error": round((weights - targets).abs().mean().item(), 5),
        "error_of_time_alone": round((mean_at[percent] - targets).abs().mean().item(), 5),
    }
    ranks = [rankdata(values.numpy()) for values in (weights, targets)]
    if all(np.ptp(rank) > 0 for rank in ranks):
        found["rank_correlation"] = round(float(np.corrcoef(ranks)[0, 1]), 4)
    return {**found, "n": len(targets)}
