"""The training step of MentorMix: weigh, sample, mix, weigh again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot
from torch.nn.modules.batchnorm import _NormBase

from noisylabel.functional import draw_beta, draw_partners, mix, mixing_ratios, weighted_loss
from noisylabel.mentors import Mentor, MixedLossMentor, Observation
from noisylabel.nets._record import SampleRecord
from noisylabel.nets._weighted import MeanWeight, Weighed, WeightedNet
from noisylabel.nets.data import Batch


@contextmanager
def statistics_untouched(norms: list[_NormBase]) -> Iterator[None]:
    """Let normalisation layers in training mode use the batch's statistics without adding them to their running ones.

    Parameters
    ----------
    norms : list
        Batch and instance norm layers that track statistics.
    """
    norms = [norm for norm in norms if norm.training]  # the others use their running statistics anyway
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.track_running_stats, norm.momentum = False, 0.0  # batch norm heeds the first, instance norm the second
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.track_running_stats, norm.momentum = True, momentum


class MixingNet(WeightedNet):
    """Net that learns from mixes of samples; the mentor's weights choose partners and shares.

    A first pass, without gradient, gives the losses that the mentor weighs. Then each sample is mixed with a partner,
    and only the mix is learned from.

    Parameters
    ----------
    module : nn.Module
        The network.
    mentor : Mentor
        Started; weighs the plain samples.
    record : SampleRecord
        Where to write what training sees of each row, unmixed.
    mixup_alpha : float in (0, inf)
        Parameter of Beta(alpha, alpha).
    mix_ratio : {"hard", "soft"}
        See :func:`noisylabel.functional.mixing_ratios`.
    mix_generator : torch.Generator
        Stream for partners and shares, on the training device.
    mixed_mentor : MixedLossMentor, optional
        Started; weighs the mixes.
    **kwargs
        See :class:`IndexedNet`.

    References
    ----------
    Jiang et al., "Beyond synthetic noise: deep learning on controlled noisy labels", ICML 2020, Algorithm 1.
    """

    def __init__(  # noqa: PLR0913 - who weighs, and how to mix
        self,
        module: Any,
        *,
        mentor: Mentor,
        record: SampleRecord,
        mixup_alpha: float,
        mix_ratio: str,
        mix_generator: torch.Generator,
        mixed_mentor: MixedLossMentor | None = None,
        **kwargs: Any,
    ) -> None:
        self.mixup_alpha = mixup_alpha
        self.mix_ratio = mix_ratio
        self.mix_generator = mix_generator
        self.mixed_mentor = mixed_mentor
        super().__init__(module, mentor=mentor, record=record, **kwargs)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Look for the layers whose statistics the first pass must leave alone."""
        super().on_train_begin(net, X, y, **kwargs)
        self.norms_ = [m for m in self.module_.modules() if isinstance(m, _NormBase) and m.track_running_stats]
        self.mixed_utilization_ = MeanWeight()

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Weigh the plain batch, mix it by the weights, and back-propagate the loss of the mix."""
        X, y = batch
        plain, weighed = self._weigh_plain(batch)
        counts = _counts(batch, weighed.held_back)
        if counts is not None and not bool(counts.any()):
            with torch.no_grad():
                plain = plain or {"y_pred": self.infer(X)}
            return {"loss": torch.zeros(()), "mean_weight": 0.0, **plain}
        partners = draw_partners(weighed.weights, self.mix_generator, counts)
        shares = draw_beta(len(y), self.mixup_alpha, self.mix_generator)
        ratios = mixing_ratios(shares, weighed.weights, self.mix_ratio)
        logits = self.infer(mix(X if X.is_floating_point() else X.float(), partners, ratios))
        targets = mix(one_hot(y, logits.shape[1]).float(), partners, ratios)
        losses = cross_entropy(logits, targets, reduction="none")
        labels = torch.where(ratios >= 0.5, y, y[partners])
        mixed_weights = self._weigh_mixed(batch, losses, logits, labels, counts)
        weights = mixed_weights
        if self.class_weight is not None:
            weights = weights * mix(self.class_weight[y], partners, ratios)
        loss = weighted_loss(losses, weights, counts)
        loss.backward()
        mean_weight = self.mixed_utilization_.add(mixed_weights, counts)
        return {"loss": loss, "mean_weight": mean_weight, "y_pred": logits, "mixed_y_pred": logits, **plain}

    def _weigh_plain(self, batch: Batch) -> tuple[dict[str, Tensor], Weighed]:
        """Return logits and losses of the unmixed batch, by name, and its weights.

        Where all weights are 1 anyway (plain mixup) the pass is saved, and there are no logits and losses.
        """
        X, y = batch
        if self.mentor.always_one:
            weights = torch.ones(len(y), device=y.device)
            self.record.note(batch.rows, y, weights.new_full((len(y), self.record.n_classes), torch.nan), weights)
            return {}, Weighed(weights, self.utilization_.add(weights, batch.sample_weight))
        with torch.no_grad(), statistics_untouched(self.norms_):
            logits = self.infer(X)
            losses = cross_entropy(logits, y, reduction="none")
        return {"y_pred": logits, "losses": losses}, self.weigh(batch, losses, logits)

    def _weigh_mixed(
        self, batch: Batch, losses: Tensor, logits: Tensor, labels: Tensor, counts: Tensor | None
    ) -> Tensor:
        if self.mixed_mentor is None:
            return torch.ones_like(losses)
        seen = Observation(losses.detach(), logits.detach(), labels, batch.rows, self.clock_.progress, counts)
        return self.mixed_mentor.weigh(seen)

    def training_state(self) -> dict[str, Any]:
        """Add the second mentor's memory."""
        mixed = None if self.mixed_mentor is None else self.mixed_mentor.state_dict()
        return {**super().training_state(), "mixed_mentor": mixed}

    def restore_training(self, state: dict[str, Any]) -> None:
        """See :meth:`IndexedNet.restore_training`."""
        super().restore_training(state)
        if self.mixed_mentor is not None:
            self.mixed_mentor.load_state_dict(state["mixed_mentor"])

    def streams(self) -> list[Any]:
        return [*super().streams(), self.mix_generator]

    def forget_training(self) -> None:
        """Also let go of the second mentor's memory and the random stream."""
        super().forget_training()
        self.__dict__.update(mixed_mentor=None, mix_generator=None)
        del self.norms_

    def record_epoch(self) -> None:
        """Add the mean weight of the mixes."""
        super().record_epoch()
        if self.mixed_mentor is None:
            self.mixed_utilization_.take()  # all mixes count
            return
        self.note_utilization("mixed_data_utilization", self.mixed_utilization_, "mix")
        for name, value in self.mixed_mentor.metrics().items():
            self.history.record(name, value)


def _counts(batch: Batch, held_back: Tensor | None) -> Tensor | None:
    """Return how many times each sample counts (B,), 0 if the mentor holds it back; None if all count once."""
    if held_back is None:
        return batch.sample_weight
    counts = (~held_back).float()
    return counts if batch.sample_weight is None else counts * batch.sample_weight
