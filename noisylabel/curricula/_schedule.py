"""One curriculum after the other."""

from collections.abc import Hashable, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from noisylabel.curricula._base import Curriculum
from noisylabel.exceptions import InvalidParameterError


class CurriculumSchedule(Curriculum):
    """Change the curriculum in the course of training.

    The estimators also take it as a text, in the notation that the papers have for numbers: ``curriculum=
    "uniform,18,self_paced,40,mentornet_pd,42"``. During the estimator's burn-in every weight is 1, whatever the stage.
    Population-based training finds such schedules (see :mod:`sweeps`).

    Parameters
    ----------
    stages : sequence of (Curriculum, int)
        Each curriculum and for how many percent of training it holds; they add up to 100.

    Examples
    --------
    >>> import torch
    >>> from noisylabel.curricula import CurriculumSchedule, SelfPaced, Uniform
    >>> schedule = CurriculumSchedule([(Uniform(), 30), (SelfPaced(), 70)])
    >>> loss, loss_diff = torch.tensor([0.1, 3.0]), torch.tensor([-1.0, 1.9])
    >>> schedule.weights(loss, loss_diff, torch.zeros(2), 29), schedule.weights(loss, loss_diff, torch.zeros(2), 30)
    (tensor([1., 1.]), tensor([1., 0.]))
    """

    def __init__(self, stages: Sequence[tuple[Curriculum, int]]) -> None:
        self.stages = stages

    def check_parameters(self) -> Self:
        """Check each stage."""
        for curriculum, _ in self._checked():
            curriculum.check_parameters()
        return self

    @property
    def history_length(self) -> int:  # type: ignore[override]
        """How many of a sample's last losses the stage with the longest memory reads."""
        return max(curriculum.history_length for curriculum, _ in self._checked())

    def to(self, device: torch.device) -> "CurriculumSchedule":
        """Return the schedule with each stage on a device."""
        return CurriculumSchedule([(curriculum.to(device), percent) for curriculum, percent in self._checked()])

    def check_classes(self, n_classes: int) -> None:
        """See :meth:`Curriculum.check_classes`."""
        for curriculum, _ in self.stages:
            curriculum.check_classes(n_classes)

    def stage(self, epoch_percent: float) -> Hashable | None:
        """See :meth:`Curriculum.stage`; a curriculum that could read the percent as a tensor gets it as a number."""
        curriculum = self.at(epoch_percent)
        stage = curriculum.stage(epoch_percent)
        if stage is None:
            return None
        return id(curriculum), stage, epoch_percent if curriculum.takes_percent_tensor else None

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        """See :meth:`Curriculum.weights`."""
        curriculum = self.at(epoch_percent)
        if loss.ndim == 2:  # another stage reads more losses of the past
            length = curriculum.history_length
            loss, loss_diff = (x[:, -1] if length == 1 else x[:, -length:] for x in (loss, loss_diff))
        percent: Any = epoch_percent
        if curriculum.takes_percent_tensor:
            percent = torch.full((), min(int(epoch_percent), 99), device=loss.device)
        return curriculum.weights(loss, loss_diff, label, percent)

    def at(self, epoch_percent: float) -> Curriculum:
        """Return the curriculum that holds at a percent of training in [0, 99]."""
        end = 0
        for curriculum, percent in self.stages:
            end += percent
            if epoch_percent < end:
                return curriculum
        return self.stages[-1][0]

    def _checked(self) -> Sequence[tuple[Curriculum, int]]:
        percents = [percent for _, percent in self.stages]
        if not percents or min(percents) <= 0 or sum(percents) != 100 or any(p != int(p) for p in percents):
            raise InvalidParameterError(
                "'stages' must be pairs of a curriculum and a whole percent of training, and the percents must add up "
                f"to 100. Got percents {percents}."
            )
        return self.stages
