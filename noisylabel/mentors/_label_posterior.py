"""A mentor that knows how labels come to be wrong, and what each row's class may be instead."""

from collections.abc import Hashable
from typing import Any, Self

import torch
from torch import Tensor

from noisylabel._support.validation import check_number
from noisylabel.exceptions import InvalidParameterError
from noisylabel.functional.label_posterior import label_posteriors, unmix
from noisylabel.functional.noise_matrix import NoiseEstimate, estimate_noise
from noisylabel.mentors._base import Mentor, Observation
from noisylabel.schedules import percent_of_training

_MEMORY = 0.7  # of beliefs: the share of the past, as in early-learning regularisation
_LOOKS = 3.0  # as how many looks at a row the beliefs count in the end, against the one at its label
_MOST_ROWS = 50_000  # looked at, drawn at random, and unmixed in one go
_FEW_ROWS, _UNKNOWN = 1_000, 0.4  # of few rows, an interval from 0 to so much or more tells nothing
_GROWING = 50.0  # percent of training in which they come to count so much


class LabelPosteriorMentor(Mentor):
    """Believe each label as far as the noise allows and others' view of the row speaks for it.

    Before training, :meth:`listen` is told what networks say of rows whose labels they have not learned. That gives the
    noise matrix, which labels become which (:func:`noisylabel.functional.estimate_noise`), and a first *belief* of each
    row's class. By Bayes' rule each row then has a probability of each class, given belief and label
    (:func:`noisylabel.functional.label_posteriors`). The network learns all of them as its target; that of the given
    label is the row's weight. The beliefs count more and more, up to the middle of training; after the burn-in they
    follow, as an average, what the network itself says.

    If the lower bound of the noise rate is 0, every weight is 1 and the labels are the targets: training is plain
    training to the last bit. But 1,000 rows or fewer may be too few to tell: where the upper bound is 0.4 or more, half
    of it is taken for the rate, spread evenly over the classes, at most half of that of labels drawn by chance.

    Parameters
    ----------
    burn_in : float, 0 or in [1, 100]
        Percent of training at the start during which the beliefs stay as they are.

    Attributes
    ----------
    noise_ : NoiseEstimate or None
        What is known of the noise; None if nobody has told.
    assumed_rate_ : float or None
        The rate that was taken where it could not be told.

    References
    ----------
    Learning from posteriors over the true class: Mnih and Hinton, "Learning to label aerial images from noisy data",
    ICML 2012. Averaged predictions: Liu et al., "Early-learning regularization prevents memorization of noisy labels",
    NeurIPS 2020.

    Examples
    --------
    >>> LabelPosteriorMentor(burn_in=18)
    LabelPosteriorMentor()
    """

    def __init__(self, *, burn_in: float = 18) -> None:
        self.burn_in = burn_in

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        percent = check_number("burn_in", self.burn_in, 0, 100, hint="It is a percent of training.")
        if 0 < percent < 1:
            raise InvalidParameterError(f"'burn_in' is a percent of training: 18 for 18 %. Got {self.burn_in!r}.")
        return self

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
        self.noise_: NoiseEstimate | None = estimate_noise(proba[chosen], labels[chosen])
        self.beliefs_: Tensor | None = None
        self.assumed_rate_ = _assumed_rate(self.noise_, len(chosen))
        matrix = self.noise_.matrix if self.assumed_rate_ is None else _even_noise(self.assumed_rate_, proba.shape[1])
        self.matrix_ = _without_unknown(matrix.to(proba), self.noise_)
        if self.noise_.rate_interval[0] > 0 or self.assumed_rate_ is not None:
            self.beliefs_ = torch.cat([unmix(part, self.matrix_) for part in proba.split(_MOST_ROWS)])

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`; it remembers what it was told, and without that sees no noise."""
        self.device_ = generator.device
        self.looks_ = torch.ones((), device=self.device_)
        if not hasattr(self, "noise_"):
            self.noise_ = self.beliefs_ = self.assumed_rate_ = None
            self.matrix_ = torch.eye(n_classes, device=self.device_)

    def advance(self, progress: float) -> None:
        """See :meth:`Mentor.advance`; the beliefs come to count more."""
        self.looks_.fill_(1 + (_LOOKS - 1) * min(100 * progress / _GROWING, 1.0))

    def stage(self, progress: float) -> Hashable | None:
        """See :meth:`Mentor.stage`."""
        return self.is_idle, percent_of_training(progress) < self.burn_in

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`; the probability that the given label is right."""
        self.targets_: Tensor | None = None
        if self.beliefs_ is None:
            return torch.ones_like(seen.losses)
        beliefs = self.beliefs_[seen.rows]
        if percent_of_training(seen.progress) >= self.burn_in:
            beliefs = _MEMORY * beliefs + (1 - _MEMORY) * seen.logits.float().softmax(1)
            self.beliefs_[seen.rows] = beliefs
        self.targets_ = label_posteriors(beliefs, self.matrix_[:, seen.labels].T, self.looks_)
        return self.targets_.gather(1, seen.labels[:, None])[:, 0]

    def targets(self, seen: Observation) -> Tensor | None:
        """See :meth:`Mentor.targets`."""
        return self.targets_

    @property
    def is_idle(self) -> bool:
        """See :attr:`Mentor.is_idle`; where no noise is seen."""
        return self.beliefs_ is None

    def metrics(self) -> dict[str, float]:
        """Return the estimated noise rate; NaN if nobody has told."""
        return {"noise_rate": float("nan") if self.noise_ is None else self.noise_.rate}

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        noise = None if self.noise_ is None else dict(vars(self.noise_))
        return {"beliefs": self.beliefs_, "matrix": self.matrix_, "noise": noise, "assumed_rate": self.assumed_rate_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        for name in ("beliefs", "matrix"):
            saved = state[name]
            setattr(self, f"{name}_", None if saved is None else saved.to(self.device_, copy=True))
        self.noise_ = None if state["noise"] is None else NoiseEstimate(**state["noise"])
        self.assumed_rate_ = state["assumed_rate"]


def _assumed_rate(noise: NoiseEstimate, n_rows: int) -> float | None:
    """Return half of the upper bound if nothing is known of the rate, as rows are few; else None.

    A rate beyond that of labels drawn by chance would call the labels a lie, of which there is no sign.
    """
    low, high = noise.rate_interval
    by_chance = 1 - 1 / len(noise.class_prior)
    return min(high, by_chance) / 2 if low == 0 and high >= _UNKNOWN and n_rows <= _FEW_ROWS else None


def _even_noise(rate: float, n_classes: int) -> Tensor:
    """Return the matrix of noise that is spread evenly."""
    wrong = torch.full((n_classes, n_classes), rate / (n_classes - 1))
    return wrong.fill_diagonal_(1 - rate)


def _without_unknown(matrix: Tensor, noise: NoiseEstimate) -> Tensor:
    """Return a noise matrix in which labels of a class of which nothing is known, as it is too rare, are right."""
    low, high = noise.rate_by_class_interval
    unknown = ((low <= 0) & (high >= 1)).to(matrix.device)
    matrix = matrix.masked_fill(unknown[None, :] | unknown[:, None], 0.0)
    matrix = matrix + torch.diag(unknown.to(matrix))
    return matrix / matrix.sum(1, keepdim=True)
