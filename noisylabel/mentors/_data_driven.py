"""A mentor that learns its MentorNet from trusted rows while the student trains."""

import warnings
from collections.abc import Hashable, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from noisylabel._support.validation import check_choice
from noisylabel.curricula import DataDriven, MentorNet, MentorNetwork
from noisylabel.curricula.learned import MentorFeatures, learn_from_trusted
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelWarning
from noisylabel.mentors._base import Observation
from noisylabel.mentors._percentile import PercentileMentor
from noisylabel.schedules import Schedule, constant_schedule, percent_of_training

_LEAST_GAP = 0.1


class DataDrivenMentor(PercentileMentor):
    """Percentile mentor whose curriculum is learned from the losses of trusted rows, at set percents of training.

    Until the first update every sample has weight 1. At an update, the last visit of each trusted row (its loss, its
    distance from the moving percentile then, and whether its given label is right) teaches a new MentorNet, which
    weighs all rows until the next update. Trusted rows are trained on like all others, with their given label, so that
    what their losses say holds for the rest.

    Parameters
    ----------
    curriculum : DataDriven
        Says how many losses the network reads.
    update_at : sequence of float in [1, 99], default=(21, 75)
        Percents of training at which a MentorNet is learned; increasing.
    loss_percentile : float in [0, 1], str or "auto", default=0.7
        As in :class:`PercentileMentor`; ``"auto"`` is the share of right labels among the trusted rows.
    percentile_decay, percentile_by_class, burn_in, example_dropout, fixed_epoch_after_burn_in
        As in :class:`PercentileMentor`.

    Attributes
    ----------
    learned_ : MentorNet or None
        The latest MentorNet.
    noise_rate_ : float
        Share of wrong labels among the trusted rows.

    References
    ----------
    Jiang et al., "MentorNet", ICML 2018, Algorithm 1, step 6 and Sec. 4 (updates at 21 and 75 percent).

    Examples
    --------
    >>> DataDrivenMentor(DataDriven(), update_at=(30,))
    DataDrivenMentor(curriculum=DataDriven(), update_at=(30,))
    """

    uses_trusted = needs_trusted = True

    def __init__(
        self,
        curriculum: DataDriven,
        *,
        update_at: Sequence[float] = (21, 75),
        loss_percentile: float | str = 0.7,
        percentile_decay: float = 0.5,
        percentile_by_class: bool = False,
        burn_in: float = 18,
        example_dropout: float | str | None = None,
        fixed_epoch_after_burn_in: bool = False,
    ) -> None:
        super().__init__(
            curriculum,
            loss_percentile=loss_percentile,
            percentile_decay=percentile_decay,
            percentile_by_class=percentile_by_class,
            burn_in=burn_in,
            example_dropout=example_dropout,
            fixed_epoch_after_burn_in=fixed_epoch_after_burn_in,
        )
        self.update_at = update_at

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        super().check_parameters()
        _checked_percents(self.update_at)
        return self

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`."""
        super().start(n_samples, n_classes, generator)
        self.history_ = torch.full((n_samples, self._history_length(), 2), torch.nan, device=generator.device)
        self.pending_ = _checked_percents(self.update_at)
        self.learned_: MentorNet | None = None
        self.is_right_: Tensor | None = None
        self.noise_rate_ = float("nan")

    @staticmethod
    def tells_apart(is_right: Tensor | None) -> bool:
        """Whether there are right and wrong labels among the trusted rows; True if there are no such rows."""
        known = torch.empty(0) if is_right is None else is_right[~is_right.isnan()]
        return len(known) == 0 or bool((known != known[0]).any())

    def teach(self, is_right: Tensor | None) -> None:
        """Say which rows are trusted, before training.

        Parameters
        ----------
        is_right : Tensor of shape (N,) or None
            1 where the given label is known to be right, 0 where it is known to be wrong, NaN elsewhere.

        Raises
        ------
        InvalidDataError
            If there is no right or no wrong label among the trusted rows, or no trusted row at all.
        """
        if is_right is None:
            raise InvalidDataError(
                "The curriculum 'data_driven' learns from rows whose right label is known. Pass them to fit as "
                "y_trusted (the right label where known, -1 elsewhere)."
            )
        is_right = is_right.to(self.generator_.device)
        n_right, n_wrong = int((is_right == 1).sum()), int((is_right == 0).sum())
        if n_right == 0 or n_wrong == 0:
            raise InvalidDataError(
                f"'y_trusted' must tell a right from a wrong label: of the rows that training uses, {n_right} have a "
                f"trusted label equal to 'y' and {n_wrong} another one; both must be above 0. Check more rows, or use "
                "a curriculum that needs none, such as 'mentornet_pd'."
            )
        self.is_right_ = is_right
        self.noise_rate_ = n_wrong / (n_right + n_wrong)
        if self._is_auto():
            self.percentile_schedule_ = constant_schedule(1 - self.noise_rate_)

    def _is_auto(self) -> bool:
        return isinstance(self.loss_percentile, str) and "," not in self.loss_percentile

    def _percentile_schedule(self) -> Schedule:
        if not self._is_auto():
            return super()._percentile_schedule()
        check_choice("loss_percentile", self.loss_percentile, ["auto"])
        return constant_schedule(0.5)  # until teach knows better

    def advance(self, progress: float) -> None:
        """See :meth:`Mentor.advance`; here a MentorNet is learned when it is time."""
        if self._is_due(progress):
            percent = percent_of_training(progress)
            self.pending_ = [later for later in self.pending_ if later > percent]
            self._learn(percent)
        super().advance(progress)

    def _is_due(self, progress: float) -> bool:
        return bool(self.pending_) and percent_of_training(progress) >= self.pending_[0]

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`."""
        if self._is_due(seen.progress):  # nobody has called advance
            self.advance(seen.progress)
        return super().weigh(seen)

    def stage(self, progress: float) -> Hashable | None:
        """See :meth:`Mentor.stage`; another MentorNet is another stage."""
        stage = super().stage(progress)
        return None if stage is None else (len(self.pending_), stage)

    def _learn(self, percent: int) -> None:
        """Learn a new MentorNet from the last visits of the trusted rows."""
        history, is_right = self._last_visits()
        if is_right.unique().numel() < 2:
            warnings.warn(
                f"At {percent} percent of training, {len(is_right)} trusted rows had been visited, and a MentorNet "
                "needs right and wrong labels among them: none was learned. Raise 'max_epochs' or the first of "
                "'update_at'.",
                NoisyLabelWarning,
                stacklevel=2,
            )
            return
        label = torch.zeros(len(is_right), dtype=torch.long)
        features = MentorFeatures(history[..., 0], history[..., 1], label, torch.full_like(label, percent))
        device = self.generator_.device
        seed = int(torch.randint(2**31 - 1, (1,), generator=self.generator_, device=device))
        sharpness = self.curriculum.sharpness
        learned = learn_from_trusted(features, is_right, sharpness=sharpness, random_state=seed)
        self._use(learned)
        fit = learned.card["fit"]
        if fit["weight_right"] - fit["weight_wrong"] < _LEAST_GAP:
            warnings.warn(
                f"At {percent} percent of training, the curriculum learned from {fit['n']} trusted rows hardly tells "
                f"right labels (mean weight {fit['weight_right']:.2f}) from wrong ones ({fit['weight_wrong']:.2f}). "
                "Check more rows, or train longer before the first of 'update_at'.",
                NoisyLabelWarning,
                stacklevel=2,
            )

    def _use(self, learned: MentorNet | None) -> None:
        """Weigh with a learned MentorNet from now on; None forgets."""
        self.learned_ = learned
        self.active_ = (learned or self.curriculum).to(self.generator_.device)

    def _last_visits(self) -> tuple[Tensor, Tensor]:
        """Return the losses and differences (n, K, 2) of the trusted rows visited so far, and which are right (n,)."""
        if self.is_right_ is None or self.history_ is None:
            raise InvalidDataError("DataDrivenMentor.teach must be called between start and the first update.")
        visited = ~self.is_right_.isnan() & ~self.history_[:, 0, 0].isnan()
        return self.history_[visited].cpu(), self.is_right_[visited].cpu()

    def result(self) -> MentorNet | DataDriven:
        """Return the MentorNet learned last; warn if training ended before the first update."""
        if self.learned_ is not None:
            return self.learned_
        warnings.warn(
            f"Training ended before a curriculum was learned ('update_at' is {self.update_at!r}), so every sample had "
            "weight 1. Raise 'max_epochs' or lower the first of 'update_at'.",
            NoisyLabelWarning,
            stacklevel=2,
        )
        return self.curriculum

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        learned = None
        if self.learned_ is not None:
            network = self.learned_.network
            learned = {"config": network.config(), "network": network.state_dict(), "card": self.learned_.card}
        memory = {"is_right": self.is_right_, "pending": self.pending_, "learned": learned}
        return {**super().state_dict(), **memory}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        super().load_state_dict(state)
        self.pending_, self.is_right_, learned = list(state["pending"]), None, state["learned"]
        if state["is_right"] is not None:
            self.teach(state["is_right"].clone())
        if learned is None:
            return self._use(None)
        network = MentorNetwork(**learned["config"])
        network.load_state_dict(learned["network"])
        self._use(MentorNet(network.requires_grad_(False).eval(), learned["card"]))


def _checked_percents(update_at: Any) -> list[float]:
    try:
        percents = [float(percent) for percent in update_at]
    except (TypeError, ValueError):
        percents = []
    if not percents or not all(1 <= p <= 99 for p in percents) or sorted(set(percents)) != percents:
        raise InvalidParameterError(
            "'update_at' must hold percents of training (21 for 21 %) from 1 to 99, increasing, such as (21, 75). "
            f"Got {update_at!r}."
        )
    return percents
