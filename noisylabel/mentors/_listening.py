"""What mentors share that are told, before training, what networks say of rows that they have not learned."""

from typing import Any

import torch
from torch import Tensor

from noisylabel.functional.label_posterior import unmix
from noisylabel.functional.learnability import Learnability, measure_learnability
from noisylabel.functional.noise_matrix import NoiseEstimate, estimate_noise
from noisylabel.mentors._base import Mentor

_MOST_ROWS = 50_000  # looked at, drawn at random
_AT_A_TIME = 50_000  # rows that are unmixed in one go
_FEW_ROWS, _UNKNOWN = 1_000, 0.4  # of few rows, an interval from 0 to so much or more tells nothing


class ListeningMentor(Mentor):
    """A mentor that learns the noise, which labels become which, before training.

    If the lower bound of the noise rate is 0, there is nothing to do: training is plain training to the last bit. But
    1,000 rows or fewer may be too few to tell: where the upper bound is 0.4 or more, half of it is taken for the rate,
    at most half of that of labels drawn by chance.

    Attributes
    ----------
    noise_ : NoiseEstimate or None
        What is known of the noise; None if nobody has told.
    assumed_rate_ : float or None
        The rate that was taken where it could not be told.
    learnability_ : Learnability or None
        How well the networks predict labels that they have not learned.
    heard_ : Tensor of shape (n_samples, C) or None
        What the networks say of each row.
    """

    deed: str = "The curriculum took that share of the labels for wrong."  # what training does about wrong labels
    noise_: NoiseEstimate | None = None
    assumed_rate_: float | None = None
    learnability_: Learnability | None = None
    heard_: Tensor | None = None

    def listen(self, proba: Tensor, labels: Tensor, counts: Tensor | None = None) -> None:
        """Learn the noise from what networks say of rows that they have not learned; before :meth:`start`.

        Parameters
        ----------
        proba : Tensor of shape (n_samples, C)
            Class probabilities, on the training device.
        labels : Tensor of shape (n_samples,)
            Given label codes.
        counts : Tensor of shape (n_samples,), optional
            True for rows that have a say.
        """
        rows = torch.arange(len(labels)) if counts is None else counts.nonzero()[:, 0].cpu()
        chosen = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[:_MOST_ROWS]]
        chosen = chosen.sort().values.to(proba.device)
        self.noise_ = estimate_noise(proba[chosen], labels[chosen])
        self.assumed_rate_ = _assumed_rate(self.noise_, len(chosen))
        self.learnability_ = measure_learnability(proba[chosen], labels[chosen])
        self.heard_ = proba

    @property
    def noise_matrix_(self) -> Tensor:
        """The matrix (C, C) to go by; after :meth:`listen`."""
        assert self.noise_ is not None
        if self.assumed_rate_ is None:
            return self.noise_.matrix
        return even_noise(self.assumed_rate_, len(self.noise_.class_prior))

    def row_beliefs(self) -> tuple[Tensor, Tensor] | None:
        """Return what to judge labels by; None if nobody has told.

        Returns
        -------
        beliefs : Tensor of shape (n_samples, C)
            Class probabilities of each row, whatever its label.
        matrix : Tensor of shape (C, C)
            Probabilities of the labels of each class.
        """
        return None if self.heard_ is None else (unmixed(self.heard_, self.noise_matrix_), self.noise_matrix_)

    @property
    def listens(self) -> bool:
        """Whether it wants to be told."""
        return True

    @property
    def is_idle(self) -> bool:
        """See :attr:`Mentor.is_idle`; where no noise is seen."""
        return self.noise_ is None or (self.noise_.rate_interval[0] == 0 and self.assumed_rate_ is None)

    @property
    def noise_rate_(self) -> float:
        """Share of wrong labels to go by; NaN if nobody has told."""
        if self.noise_ is None:
            return float("nan")
        return self.noise_.rate if self.assumed_rate_ is None else self.assumed_rate_

    def noise_state(self) -> dict[str, Any]:
        """Return what is known of the noise as tensors and numbers."""
        kept = {"noise": self.noise_, "learnability": self.learnability_}
        said = {name: None if value is None else dict(vars(value)) for name, value in kept.items()}
        return said | {"assumed_rate": self.assumed_rate_, "heard": self.heard_}

    def load_noise_state(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`noise_state` returned."""
        self.noise_ = None if state["noise"] is None else NoiseEstimate(**state["noise"])
        learnable = state.get("learnability")  # not in checkpoints of earlier versions
        self.learnability_ = None if learnable is None else Learnability(**learnable)
        self.assumed_rate_, self.heard_ = state["assumed_rate"], state.get("heard")


def unmixed(proba: Tensor, matrix: Tensor) -> Tensor:
    """Return :func:`noisylabel.functional.unmix` of many rows, (n, C)."""
    matrix = matrix.to(proba)
    return torch.cat([unmix(part, matrix) for part in proba.split(_AT_A_TIME)])


def even_noise(rate: float, n_classes: int) -> Tensor:
    """Return the matrix (C, C) of noise that is spread evenly."""
    wrong = torch.full((n_classes, n_classes), rate / (n_classes - 1))
    return wrong.fill_diagonal_(1 - rate)


def _assumed_rate(noise: NoiseEstimate, n_rows: int) -> float | None:
    """Return half of the upper bound if nothing is known of the rate, as rows are few; else None.

    A rate beyond that of labels drawn by chance would call the labels a lie, of which there is no sign.
    """
    by_chance = 1 - 1 / len(noise.class_prior)
    return min(noise.rate_interval[1], by_chance) / 2 if tells_nothing(noise.rate_interval, n_rows) else None


def tells_nothing(rate_interval: tuple[float, float], n_rows: int) -> bool:
    """Whether rows are few, and the interval of their noise rate goes from 0 to 0.4 or more."""
    low, high = rate_interval
    return low == 0 and high >= _UNKNOWN and n_rows <= _FEW_ROWS
