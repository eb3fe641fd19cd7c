"""A mentor that weighs rows by how unsure the network has been of their labels."""

from collections.abc import Hashable
from typing import Any, Self

import torch
from torch import Tensor

from noisylabel._support.validation import check_choice
from noisylabel.functional import prediction_variance_weights, threshold_closeness_weights
from noisylabel.mentors._base import Mentor, Observation, check_burn_in
from noisylabel.schedules import percent_of_training

_FORMS = ("variance", "closeness")


class ActiveBiasMentor(Mentor):
    r"""Give more weight to rows whose label's probability keeps changing, or has been near one half.

    Each row has a history :math:`H_i`: the probabilities that its given label had at all of its visits so far, those of
    the burn-in included, as the training step saw them before it learned. With ``form="variance"``

    .. math:: v_i \propto s_i + \bar s, \qquad s_i = \sqrt{\mathrm{var}(H_i) + \mathrm{var}(H_i)^2 / (|H_i| - 1)},

    and with ``form="closeness"``, from the mean :math:`\bar p_i` of the history,

    .. math:: v_i \propto c_i + \bar c, \qquad c_i = \bar p_i (1 - \bar p_i).

    The means :math:`\bar s`, :math:`\bar c` are those of the batch, in which the weights have mean 1: a step is as long
    as in plain training. A row that was seen once has :math:`s_i = 0`, one never seen :math:`c_i = 0` too.

    It is made for right labels. A wrong label that is being learned by heart changes its probability too, so it gets
    more weight, not less.

    Parameters
    ----------
    form : {"variance", "closeness"}, default="variance"
        SGD-WPV or SGD-WTC in the paper.
    burn_in : float, 0 or in [1, 100], default=18
        Percent of training at the start during which every weight is 1, and the history begins.

    Attributes
    ----------
    history_ : Tensor of shape (N, 3)
        Of each row the number of visits, the mean of its probabilities, and the sum of their squared distances from it.

    References
    ----------
    After Chang, Learned-Miller and McCallum, "Active bias: training more accurate neural networks by emphasizing high
    variance samples", NeurIPS 2017, https://arxiv.org/abs/1704.07433

    Examples
    --------
    >>> import torch
    >>> mentor = ActiveBiasMentor(burn_in=0).check_parameters()
    >>> mentor.start(n_samples=2, n_classes=2, generator=torch.Generator())
    >>> logits, labels, rows = torch.zeros(2, 2), torch.tensor([0, 1]), torch.arange(2)
    >>> for proba in ([0.2, 0.7], [0.6, 0.7], [0.4, 0.7], [0.4, 0.7]):
    ...     weights = mentor.weigh(Observation(-torch.tensor(proba).log(), logits, labels, rows, progress=0.5))
    >>> weights
    tensor([1.5000, 0.5000])
    """

    def __init__(self, *, form: str = "variance", burn_in: float = 18) -> None:
        self.form = form
        self.burn_in = burn_in

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        check_choice("form", self.form, _FORMS)
        check_burn_in(self.burn_in)
        return self

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`."""
        self.history_ = torch.zeros(n_samples, 3, device=generator.device)

    def stage(self, progress: float) -> Hashable | None:
        """See :meth:`Mentor.stage`."""
        return percent_of_training(progress) < self.burn_in

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`; the visit enters the history after it is weighed."""
        before = self.history_[seen.rows]
        self.history_[seen.rows] = _with_visit(before, torch.exp(-seen.losses.float()))
        if percent_of_training(seen.progress) < self.burn_in:
            return torch.ones_like(seen.losses)
        n_visits, mean, squares = before.unbind(1)
        if self.form == "variance":
            weights = prediction_variance_weights(squares / n_visits.clamp_min(1), n_visits, seen.sample_weight)
        else:
            weights = threshold_closeness_weights(mean, seen.sample_weight)
        return weights.to(seen.losses.dtype)

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        return {"history": self.history_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        self.history_.copy_(state["history"])


def _with_visit(history: Tensor, proba: Tensor) -> Tensor:
    """Return histories (B, 3) with one more probability each, (B,): Welford's update."""
    n_visits, mean, squares = history.unbind(1)
    n_visits = n_visits + 1
    moved = mean + (proba - mean) / n_visits
    return torch.stack([n_visits, moved, squares + (proba - mean) * (proba - moved)], dim=1)
