"""The training step of MentorMix: weigh, sample, mix, weigh again."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot
from torch.nn.modules.batchnorm import _NormBase

from noisylabel.functional import draw_beta, draw_partners, mix, mixing_ratios
from noisylabel.mentors import Mentor, MixedLossMentor, Observation
from noisylabel.nets._base import Step
from noisylabel.nets._record import SampleRecord
from noisylabel.nets._weighted import Weighed, WeightedNet, learn_from, mean_of_all, mean_weight
from noisylabel.nets.data import Batch


class KeptStatistics:
    """The running statistics of normalisation layers, to be put back after a pass that should not count.

    Parameters
    ----------
    module : nn.Module
    """

    def __init__(self, module: nn.Module) -> None:
        norms = [m for m in module.modules() if isinstance(m, _NormBase) and m.track_running_stats]
        buffers = [buffer for norm in norms for buffer in norm.buffers() if buffer is not None]
        self.pairs = [
            (group, [torch.empty_like(buffer) for buffer in group])
            for group in ([b for b in buffers if b.is_floating_point() == is_float] for is_float in (True, False))
            if group
        ]

    def keep(self) -> None:
        """Remember them."""
        for buffers, kept in self.pairs:
            torch._foreach_copy_(kept, buffers)

    def put_back(self) -> None:
        """Let them be what they were."""
        for buffers, kept in self.pairs:
            torch._foreach_copy_(buffers, kept)

    def put_back_unless(self, counts: Tensor) -> None:
        """Let them be what they were if ``counts``, a tensor of shape (), is not true."""
        for buffers, kept in self.pairs:
            torch._foreach_copy_(buffers, [torch.where(counts, *pair) for pair in zip(buffers, kept, strict=True)])


class MixingNet(WeightedNet):
    """Net that learns from mixes of samples; the mentor's weights choose partners and shares.

    A first pass, without gradient, gives the losses that the mentor weighs. Then each sample is mixed with a partner,
    and only the mix is learned from. Where the mentor has nothing to do (:attr:`noisylabel.mentors.Mentor.is_idle`),
    the samples are learned as they are.

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
        self.statistics_ = KeptStatistics(self.module_)

    def advance(self) -> None:
        """Also tell the second mentor."""
        super().advance()
        if self.mixed_mentor is not None:
            self.mixed_mentor.advance(self.clock_.progress)

    def stage(self) -> Hashable | None:
        """See :meth:`IndexedNet.stage`; both mentors decide."""
        return super().stage() if self.mixed_mentor is None else self.mixed_mentor.stage(self.clock_.progress)

    def train_step_single(self, batch: Batch, **fit_params: Any) -> Step:
        """Weigh the plain batch, mix it by the weights, and back-propagate the loss of the mix."""
        if self.mentor.is_idle:
            return super().train_step_single(batch)
        X, y = batch
        plain, weighed = self._weigh_plain(batch)
        counts = batch.sample_weight
        drawable = None if counts is None else torch.where(counts.any(), counts, 1.0)  # if none counts, nothing moves
        believed = weighed.weights.clamp(max=1)  # above 1, a sample counts more, and is not more right
        partners = draw_partners(believed, self.mix_generator, drawable)
        shares = draw_beta(len(y), self.mixup_alpha, self.mix_generator)
        ratios = mixing_ratios(shares, believed, self.mix_ratio)
        if counts is not None:
            self.statistics_.keep()
        logits = self.infer(mix(X if X.is_floating_point() else X.float(), partners, ratios))
        targets = one_hot(y, logits.shape[1]).float() if weighed.targets is None else weighed.targets
        targets = mix(targets, partners, ratios)
        losses = cross_entropy(logits, targets, reduction="none")
        labels = torch.where(ratios >= 0.5, y, y[partners])
        mixed_weights = self._weigh_mixed(batch, losses, logits, labels, counts)
        if self.class_weight is not None:  # which the mentor's losses know nothing of
            losses = cross_entropy(logits, targets, weight=self.class_weight, reduction="none")
        loss = learn_from(losses, mixed_weights, counts)
        if counts is not None:
            self.statistics_.put_back_unless(counts.any())
        step = self.step_of(batch, loss, weighed, {"y_pred": logits, "mixed_y_pred": logits, **plain})
        mixed = mean_weight(mixed_weights, counts)
        step.numbers |= {f"mixed_{name}": value for name, value in mixed.items()}
        step["mean_weight"] = mixed["mean"]
        return step

    def _weigh_plain(self, batch: Batch) -> tuple[dict[str, Tensor], Weighed]:
        """Return logits and losses of the unmixed batch, by name, and its weights.

        Where all weights are 1 anyway (plain mixup) the pass is saved, and there are no logits and losses.
        """
        X, y = batch
        if self.mentor.always_one:
            weights = torch.ones(len(y), device=y.device)
            return {}, Weighed(weights)
        self.statistics_.keep()
        with torch.no_grad():
            logits = self.infer(X)
            losses = cross_entropy(logits, y, reduction="none")
            self.statistics_.put_back()
        return {"y_pred": logits, "losses": losses}, self.weigh(batch, losses, logits)

    def note_step(self, batch: Batch, step: Step) -> None:
        """See :meth:`WeightedNet.note_step`; of samples that were only seen mixed the record knows no logits."""
        if self.mentor.always_one:
            step = Step({"y_pred": torch.full_like(step["y_pred"], torch.nan)}, step.noted, step.numbers)
        super().note_step(batch, step)

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
        del self.statistics_

    def record_epoch(self, numbers: Mapping[str, np.ndarray], sizes: np.ndarray) -> None:
        """Add the mean weight of the mixes."""
        super().record_epoch(numbers, sizes)
        if self.mixed_mentor is None or self.mentor.is_idle:
            return
        self.note_utilization("mixed_data_utilization", mean_of_all(numbers, sizes, "mixed"), "mix")
        for name, value in self.mixed_mentor.metrics().items():
            self.history.record(name, value)
