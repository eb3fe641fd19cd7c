"""Co-teaching: two networks that choose samples for each other."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from noisylabel import MentorNetClassifier
from noisylabel.estimators import NetParts
from noisylabel.mentors import Mentor
from noisylabel.nets import Batch, SampleRecord, Step, Weighed, WeightedNet
from noisylabel.students import Student, resolve_student

_RAMP = 0.05  # of training, over which ever more samples are left out: 10 of 200 epochs


class Pair(nn.Module):
    """Two networks of one kind; both speak in training, the first alone in evaluation.

    Parameters
    ----------
    first, second : nn.Module
    """

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, X: Tensor) -> Tensor:
        """Return the logits (B, C), in training of both, (2, B, C)."""
        return torch.stack([self.first(X), self.second(X)]) if self.training else self.first(X)


class PairOf(Student):
    """Two networks of a student.

    Parameters
    ----------
    student : str, Student, nn.Module or callable
        As the classifiers take it.
    """

    def __init__(self, student: Any) -> None:
        self.student = student

    def build(self, sample_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """See :meth:`Student.build`."""
        maker = resolve_student(self.student, sample_shape)
        return Pair(maker.build(sample_shape, n_classes), maker.build(sample_shape, n_classes))


def share_kept(progress: float, noise_rate: float) -> float:
    """Return the share of each batch that is learned: from all, down to the share of right labels.

    References
    ----------
    Han et al., "Co-teaching: robust training of deep neural networks with extremely noisy labels", NeurIPS 2018,
    Algorithm 1, with ``R(T) = 1 - noise_rate * min(T / T_k, 1)``.
    """
    return 1 - noise_rate * min(progress / _RAMP, 1.0)


class CoTeachingNet(WeightedNet):
    """Net of two networks, each learning what has the smallest losses for the other.

    The record is of the first network.

    Parameters
    ----------
    module : Pair
    noise_rate : float in [0, 1]
        Known to the method.
    **kwargs
        See :class:`noisylabel.nets.WeightedNet`.
    """

    def __init__(self, module: Any, *, noise_rate: float, **kwargs: Any) -> None:
        self.noise_rate = noise_rate
        super().__init__(module, **kwargs)

    def train_step_single(self, batch: Batch, **fit_params: Any) -> Step:
        """Exchange the samples of smallest loss, and learn."""
        X, y = batch
        first, second = self.infer(X)
        losses = [cross_entropy(logits.float(), y, reduction="none") for logits in (first, second)]
        n_kept = max(1, round(share_kept(self.clock_.progress, self.noise_rate) * len(y)))
        chosen = [one.detach().argsort()[:n_kept] for one in losses]
        loss = losses[0][chosen[1]].mean() + losses[1][chosen[0]].mean()
        loss.backward()
        weights = torch.zeros_like(losses[0].detach()).index_fill_(0, chosen[1], 1.0)
        return self.step_of(
            batch, loss.detach(), Weighed(weights, weights), {"y_pred": first, "losses": losses[0].detach()}
        )

    def stage(self) -> None:
        """See :meth:`WeightedNet.stage`: how many samples are exchanged changes from step to step."""
        return


class CoTeachingClassifier(MentorNetClassifier):
    """Co-teaching; ``loss_percentile`` is the share of right labels, which the method must know."""

    def make_student(self, sample_shape: tuple[int, ...]) -> Student:
        """See :meth:`MentorNetClassifier.make_student`."""
        return PairOf(self.student)

    def make_net(self, mentor: Mentor, parts: NetParts) -> WeightedNet:
        """See :meth:`MentorNetClassifier.make_net`."""
        mentor.start(parts.n_samples, parts.n_classes, parts.generator)
        record = SampleRecord(parts.n_samples, parts.n_classes, parts.generator.device)
        rate = 1 - float(self.loss_percentile)
        return CoTeachingNet(parts.network, noise_rate=rate, mentor=mentor, record=record, **parts.options)
