"""A mentor that knows how labels come to be wrong, and what each row's class may be instead."""

from collections.abc import Hashable
from typing import Any, Self

import torch
from torch import Tensor

from noisylabel.functional.label_posterior import label_posteriors
from noisylabel.functional.noise_matrix import NoiseEstimate
from noisylabel.mentors._base import Observation, check_burn_in
from noisylabel.mentors._listening import ListeningMentor, unmixed
from noisylabel.schedules import percent_of_training

_MEMORY = 0.7  # of beliefs: the share of the past, as in early-learning regularisation
_LOOKS = 3.0  # as how many looks at a row the beliefs count in the end, against the one at its label
_GROWING = 50.0  # percent of training in which they come to count so much


class LabelPosteriorMentor(ListeningMentor):
    """Believe each label as far as the noise allows and others' view of the row speaks for it.

    Before training, :meth:`listen` is told what networks say of rows whose labels they have not learned. That gives the
    noise matrix, which labels become which (:func:`noisylabel.functional.estimate_noise`), and a first *belief* of each
    row's class. By Bayes' rule each row then has a probability of each class, given belief and label
    (:func:`noisylabel.functional.label_posteriors`). The network learns all of them as its target; that of the given
    label is the row's weight. The beliefs count more and more, up to the middle of training; after the burn-in they
    follow, as an average, what the network itself says.

    Where a :class:`ListeningMentor` sees no noise, every weight is 1 and the labels are the targets. A rate that it
    assumes is spread evenly over the classes.

    Parameters
    ----------
    burn_in : float, 0 or in [1, 100]
        Percent of training at the start during which the beliefs stay as they are.

    Attributes
    ----------
    noise_, assumed_rate_
        See :class:`ListeningMentor`.

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

    deed = "Each row was learned as what it probably is, given its label and what was predicted for it."
    beliefs_: Tensor | None = None
    is_checked_: Tensor | None = None

    def __init__(self, *, burn_in: float = 18) -> None:
        self.burn_in = burn_in

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        check_burn_in(self.burn_in)
        return self

    def listen(self, proba: Tensor, labels: Tensor, counts: Tensor | None = None) -> None:
        """See :meth:`ListeningMentor.listen`."""
        super().listen(proba, labels, counts)
        assert self.noise_ is not None
        self.matrix_ = _without_unknown(self.noise_matrix_.to(proba), self.noise_)
        if not self.is_idle:
            self.beliefs_, self.heard_ = unmixed(proba, self.matrix_), None

    def row_beliefs(self) -> tuple[Tensor, Tensor] | None:
        """See :meth:`ListeningMentor.row_beliefs`; what the network came to say in training."""
        return super().row_beliefs() if self.beliefs_ is None else (self.beliefs_, self.matrix_)

    def tell(self, right_labels: Tensor | None, groups: Tensor | None) -> None:
        """See :meth:`Mentor.tell`; labels that somebody checked are believed."""
        self.is_checked_ = None if right_labels is None else right_labels >= 0

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`; it remembers what it was told, and without that sees no noise."""
        self.device_ = generator.device
        self.looks_ = torch.ones((), device=self.device_)
        if self.noise_ is None:
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
        if self.is_checked_ is not None:
            certain = torch.zeros_like(self.targets_).scatter(1, seen.labels[:, None], 1.0)
            self.targets_ = torch.where(self.is_checked_[seen.rows, None], certain, self.targets_)
        return self.targets_.gather(1, seen.labels[:, None])[:, 0]

    def targets(self, seen: Observation) -> Tensor | None:
        """See :meth:`Mentor.targets`."""
        return self.targets_

    def metrics(self) -> dict[str, float]:
        """Return the estimated noise rate; NaN if nobody has told."""
        return {"noise_rate": float("nan") if self.noise_ is None else self.noise_.rate}

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        return {"beliefs": self.beliefs_, "matrix": self.matrix_} | self.noise_state()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        for name in ("beliefs", "matrix"):
            saved = state[name]
            setattr(self, f"{name}_", None if saved is None else saved.to(self.device_, copy=True))
        self.load_noise_state(state)


def _without_unknown(matrix: Tensor, noise: NoiseEstimate) -> Tensor:
    """Return a noise matrix in which labels of a class of which nothing is known, as it is too rare, are right."""
    low, high = noise.rate_by_class_interval
    unknown = ((low <= 0) & (high >= 1)).to(matrix.device)
    matrix = matrix.masked_fill(unknown[None, :] | unknown[:, None], 0.0)
    matrix = matrix + torch.diag(unknown.to(matrix))
    return matrix / matrix.sum(1, keepdim=True)
