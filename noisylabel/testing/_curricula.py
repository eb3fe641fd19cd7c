"""The contract of a curriculum."""

import copy

import torch
from sklearn.base import clone

from noisylabel.curricula import Curriculum


def check_curriculum(curriculum: Curriculum) -> None:
    """Check that a curriculum's weights have the right shape and range at every stage of training, and no side effects.

    Parameters
    ----------
    curriculum : Curriculum

    Raises
    ------
    AssertionError
        Says which rule is broken.

    Examples
    --------
    >>> from noisylabel.curricula import SelfPaced
    >>> check_curriculum(SelfPaced())
    """
    for dtype in (torch.float32, torch.float64):
        loss = torch.cat([torch.zeros(1), torch.linspace(0, 12, 31)]).to(dtype)
        label = torch.arange(32) % 3
        for percent in (0, 17, 18, 19, 50, 89, 90, 99):
            for threshold in (0.0, 0.5, 3.0):
                _check_weights(curriculum, loss, loss - threshold, label, percent)
    assert clone(curriculum).get_params() == curriculum.get_params(), "parameters must survive clone"


def _check_weights(
    curriculum: Curriculum, loss: torch.Tensor, diff: torch.Tensor, label: torch.Tensor, percent: int
) -> None:
    before = copy.deepcopy((loss, diff, label, curriculum.__dict__))
    weights = curriculum.weights(loss, diff, label, percent)
    assert weights.shape == loss.shape, f"weights have shape {tuple(weights.shape)} for losses {tuple(loss.shape)}"
    assert bool(((weights >= 0) & (weights <= 1)).all()), f"weights outside [0, 1] at {percent} percent: {weights}"
    again = curriculum.weights(loss, diff, label, percent)
    assert torch.equal(weights, again), "the same features must give the same weights: a curriculum has no memory"
    assert all(torch.equal(a, b) for a, b in zip(before[:3], (loss, diff, label), strict=True)), (
        "inputs were written to"
    )
    assert repr(before[3]) == repr(curriculum.__dict__), "a curriculum must not store anything when it weighs"
