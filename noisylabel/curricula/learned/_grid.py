"""The synthetic samples from which a MentorNet learns a closed form."""

import torch
from torch import Tensor

from noisylabel.curricula._base import Curriculum
from noisylabel.curricula.learned._features import MentorFeatures
from noisylabel.exceptions import InvalidParameterError

N_GRID = 1_200_000


def grid_features() -> MentorFeatures:
    """Return the grid of the released code: every loss with every loss difference at every percent of training.

    Losses are 0, 0.1, ..., 9.9, 10, 11, ..., 29 and differences -5, -4.9, ..., 4.9; the label is 0.

    Returns
    -------
    MentorFeatures
        1,200,000 rows, percent by percent.

    Examples
    --------
    >>> len(grid_features())
    1200000
    """
    loss = torch.cat([torch.arange(100) / 10, torch.arange(10.0, 30.0)])
    diff = (torch.arange(100) - 50) / 10
    percent, losses, diffs = torch.meshgrid(torch.arange(100.0), loss, diff, indexing="ij")
    label = torch.zeros(N_GRID, dtype=torch.long)
    return MentorFeatures(losses.reshape(-1, 1), diffs.reshape(-1, 1), label, percent.reshape(-1).long())


def grid_targets(vstar: Curriculum, features: MentorFeatures) -> Tensor:
    """Return the weights (n,) that ``vstar`` gives on the grid, asked once for each percent of training."""
    per_percent = zip(features.loss[:, 0].chunk(100), features.loss_diff[:, 0].chunk(100), strict=True)
    label = features.label[: N_GRID // 100]
    targets = torch.cat(
        [vstar.weights(loss, diff, label, percent) for percent, (loss, diff) in enumerate(per_percent)]
    ).float()
    if not bool(((targets >= 0) & (targets <= 1)).all()):
        raise InvalidParameterError(
            f"'vstar' must give weights in [0, 1]. {vstar!r} gave values from {float(targets.min()):g} to "
            f"{float(targets.max()):g} on losses from 0 to 29 and differences from -5 to 4.9."
        )
    return targets
