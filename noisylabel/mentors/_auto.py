"""A mentor that finds the loss percentile by itself."""

import math
import warnings
from collections.abc import Hashable
from typing import Any, Self

import torch
from torch import Tensor

from noisylabel._support.validation import check_number
from noisylabel.curricula import Curriculum
from noisylabel.exceptions import InvalidParameterError, NoisyLabelWarning
from noisylabel.functional.noise_rate import estimate_noise_rate
from noisylabel.mentors._base import Observation
from noisylabel.mentors._percentile import PercentileMentor
from noisylabel.schedules import Schedule, constant_schedule, percent_of_training

_N_PROBES = 2000
_FEWEST_PROBES = 20
_FEWEST_ROWS = 50  # two fifths of them are as many
_MOST_VALUES = 2**24  # in the table of probes: 64 MiB
# Surer than always saying the most common label, as a share of the way to certainty: 0.02 on CIFAR-10 with 80 % noise,
# where the network knows nothing yet and the estimated rate is too high to tell how much it should know; from 0.08 on
# elsewhere.
_SURE_OF_SOMETHING = 0.04


def probe_share(n_samples: int, n_classes: int = 2) -> float:
    """Share of the rows to hold back: 2,000 rows, but at least a fifth and at most two fifths of all.

    Of many rows in many classes it is fewer, as many as fit in a table of 64 MiB: 16,777 of a thousand classes.

    Examples
    --------
    >>> probe_share(1000), probe_share(8000), probe_share(10**6)
    (0.4, 0.25, 0.2)
    >>> round(2_400_000 * probe_share(2_400_000, n_classes=1000))
    16777
    """
    return min(max(_N_PROBES / n_samples, 0.2), 0.4, _MOST_VALUES / n_classes / n_samples)


class AutoPercentileMentor(PercentileMentor):
    """Percentile mentor that estimates the share of right labels at the end of the burn-in and uses it as percentile.

    During burn-in a share of the rows (:func:`probe_share`), drawn at random, has weight 0: the network passes over
    them without learning their labels. What it says of them, averaged over their visits, gives the noise rate when the
    burn-in ends. Fewer than 50 rows are too few for that: none is held back then, every weight is 1 throughout, and a
    warning says so before training. So it is, from the end of the burn-in on, if too few rows were visited until then.

    Parameters
    ----------
    curriculum : Curriculum
        From features to weights.
    percentile_decay, percentile_by_class, burn_in, example_dropout, fixed_epoch_after_burn_in
        As in :class:`PercentileMentor`; ``burn_in`` must be above 0.

    Attributes
    ----------
    noise_rate_ : float
        Estimated share of wrong labels; NaN until the burn-in is over, and where there are too few rows.
    share_learned_ : float
        How sure the network is of the held-back rows when the burn-in is over: 0 as always saying the most common
        label, or hardly surer than that; 1 as a calibrated network that is always right. NaN until then.

    Examples
    --------
    >>> from noisylabel.curricula import SelfPaced
    >>> AutoPercentileMentor(SelfPaced())
    AutoPercentileMentor(curriculum=SelfPaced())
    """

    def __init__(
        self,
        curriculum: Curriculum,
        *,
        percentile_decay: float = 0.5,
        percentile_by_class: bool = False,
        burn_in: float = 18,
        example_dropout: float | str | None = None,
        fixed_epoch_after_burn_in: bool = False,
    ) -> None:
        self.curriculum = curriculum
        self.percentile_decay = percentile_decay
        self.percentile_by_class = percentile_by_class
        self.burn_in = burn_in
        self.example_dropout = example_dropout
        self.fixed_epoch_after_burn_in = fixed_epoch_after_burn_in

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        super().check_parameters()
        if not 0 < check_number("burn_in", self.burn_in, 0, 100) < 100:
            raise InvalidParameterError(
                f"'loss_percentile' is 'auto', which watches the burn-in and acts after it, but 'burn_in' is "
                f"{self.burn_in!r}. Set 'burn_in' between (18 is the default) or give 'loss_percentile' a number."
            )
        return self

    def start(
        self, n_samples: int, n_classes: int, generator: torch.Generator, sample_weight: Tensor | None = None
    ) -> None:
        """See :meth:`Mentor.start`; rows of ``sample_weight`` 0, (N,), cannot say anything."""
        super().start(n_samples, n_classes, generator)
        device = generator.device
        self.noise_rate_ = self.share_learned_ = float("nan")
        draws = torch.rand(n_samples, generator=generator, device=device)
        counting = draws if sample_weight is None else draws[sample_weight > 0]
        self.gave_up_ = len(counting) < _FEWEST_ROWS
        is_probe = draws < probe_share(n_samples, n_classes)
        if self.gave_up_:
            is_probe[:] = False
            _warn_of_few(f"{len(counting)} rows that count are too few for that: it needs {_FEWEST_ROWS}.")
        else:
            is_probe |= draws <= counting.kthvalue(_FEWEST_PROBES).values  # as many as it takes, by no chance
        self._make_table(is_probe, n_classes)

    def _make_table(self, is_probe: Tensor, n_classes: int) -> None:
        """Make the table of the probes, and say where in it each row is: the last place is that of all others."""
        rows = is_probe.nonzero()[:, 0]
        device, n_probes = is_probe.device, len(rows)
        self.place_ = torch.full((len(is_probe),), n_probes, dtype=torch.int32, device=device)
        self.place_[rows] = torch.arange(n_probes, dtype=torch.int32, device=device)
        self.proba_ = torch.full((n_probes + 1, n_classes), torch.nan, device=device)
        self.labels_ = torch.zeros(n_probes + 1, dtype=torch.long, device=device)

    @property
    def is_probe_(self) -> Tensor:
        """Which rows are held back during burn-in, (N,)."""
        return self.place_ < len(self.proba_) - 1

    def _percentile_schedule(self) -> Schedule:
        return constant_schedule(0.5)

    def advance(self, progress: float) -> None:
        """See :meth:`Mentor.advance`; the first step after the burn-in finds the noise rate known."""
        if self._is_due(progress):
            self._estimate()
        super().advance(progress)

    def stage(self, progress: float) -> Hashable | None:
        """See :meth:`Mentor.stage`."""
        if self.gave_up_:
            return "gave up", self.dropout_schedule_(progress)
        return super().stage(progress)

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`."""
        if self._is_due(seen.progress):  # nobody has called advance
            self.advance(seen.progress)
        if seen.held_back is not None:
            self._watch(seen)
        weights = super().weigh(seen)
        return weights if seen.held_back is None else torch.where(seen.held_back, 0.0, weights)

    def curriculum_weights(self, seen: Observation, loss: Tensor, loss_diff: Tensor) -> Tensor:
        """See :meth:`PercentileMentor.curriculum_weights`; 1 where there were too few rows to estimate from."""
        return torch.ones_like(seen.losses) if self.gave_up_ else super().curriculum_weights(seen, loss, loss_diff)

    @property
    def always_one(self) -> bool:
        """Never: rows are held back."""
        return False

    def held_back(self, rows: Tensor, progress: float) -> Tensor | None:
        """Return which rows (B,) are held back to learn the noise rate from; None after the burn-in."""
        return self.place_[rows] < len(self.proba_) - 1 if self._is_watching(progress) else None

    def _is_watching(self, progress: float) -> bool:
        return not self.gave_up_ and percent_of_training(progress) < self.burn_in

    def _is_due(self, progress: float) -> bool:
        return math.isnan(self.noise_rate_) and not (self.gave_up_ or self._is_watching(progress))

    def _watch(self, seen: Observation) -> None:
        """Average each probe's predictions over its visits, the latest counting half."""
        places = self.place_[seen.rows].long()
        proba, before = seen.logits.softmax(1), self.proba_[places]
        proba = torch.where(before.isnan(), proba, 0.5 * (before + proba))
        if seen.sample_weight is not None:
            proba = proba.masked_fill((seen.sample_weight == 0)[:, None], torch.nan)  # they do not count: no say
        self.proba_[places] = proba
        self.labels_[places] = seen.labels

    def _estimate(self) -> None:
        """Turn the probes' predictions into the noise rate and the percentile; a row never visited is left out."""
        known = ~self.proba_[:-1, 0].isnan()
        if known.sum() < _FEWEST_PROBES:
            self.gave_up_ = True
            return _warn_of_few(
                f"only {int(known.sum())} held-back rows were seen before the burn-in ended, and it needs "
                f"{_FEWEST_PROBES}. Raise 'max_epochs' or 'burn_in'."
            )
        proba, labels = self.proba_[:-1][known], self.labels_[:-1][known]
        agreement = float((proba.argmax(1) == labels).float().mean())
        most_common = float(labels.bincount().max() / len(labels))
        if agreement < most_common + 2 * (most_common * (1 - most_common) / len(labels)) ** 0.5:
            warnings.warn(
                f"When the burn-in ended, the network agreed with {agreement:.0%} of the held-back labels, no better "
                f"than always saying the most common one ({most_common:.0%}). The estimated noise rate means little: "
                "raise 'max_epochs' or 'burn_in', or give 'loss_percentile' a number.",
                NoisyLabelWarning,
                stacklevel=2,
            )
        self.noise_rate_ = estimate_noise_rate(proba, labels)
        surer = float(proba.max(1).values.mean()) - most_common  # as the agreement, if calibrated; far less scatter
        is_something = surer >= _SURE_OF_SOMETHING * (1 - most_common)
        self.share_learned_ = surer / max(1 - self.noise_rate_ - most_common, 1e-6) if is_something else 0.0
        self.percentile_schedule_ = constant_schedule(1 - self.noise_rate_)
        if not self.percentile_by_class:
            self.threshold_ = None

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        tables = {"place": self.place_, "proba": self.proba_, "labels": self.labels_}
        found = {"noise_rate": self.noise_rate_, "learned": self.share_learned_, "gave_up": self.gave_up_}
        return {**super().state_dict(), **tables, **found}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        super().load_state_dict(state)
        device = self.generator_.device
        proba, labels = (state[name].to(device, copy=True) for name in ("proba", "labels"))
        if "place" in state:
            self.place_, self.proba_, self.labels_ = state["place"].to(device, copy=True), proba, labels
        else:  # an older checkpoint, with a table of all rows
            is_probe = state["is_probe"].to(device)
            self._make_table(is_probe, proba.shape[1])
            self.proba_[:-1], self.labels_[:-1] = proba[is_probe], labels[is_probe]
        self.noise_rate_, self.share_learned_ = state["noise_rate"], state["learned"]
        self.gave_up_ = state.get("gave_up", False)
        if not math.isnan(self.noise_rate_):
            self.percentile_schedule_ = constant_schedule(1 - self.noise_rate_)


def _warn_of_few(why: str) -> None:
    warnings.warn(
        f"'loss_percentile' is 'auto', which holds rows back to learn the noise rate from; {why} Every row has weight "
        "1, as in plain training. Give 'loss_percentile' a number, 0.7 if three in ten labels may be wrong.",
        NoisyLabelWarning,
        stacklevel=3,
    )
