"""Record what a MentorNet would see of samples, and which weight they are given, while any curriculum runs."""

from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor

from noisylabel._support.validation import check_count
from noisylabel.curricula import Curriculum
from noisylabel.curricula.learned import MentorFeatures
from noisylabel.exceptions import InvalidParameterError
from noisylabel.mentors import ListeningMentor, Mentor, Observation, PercentileMentor
from noisylabel.schedules import percent_of_training

_OF_PERCENTILES = ("percentile_decay", "percentile_by_class")


class MentorRecorder(Callback):
    """Record a sample of the visits of training: losses, loss differences, label, percent of training, and the weight.

    A MentorNet that imitates the curriculum is learned from them by
    :func:`noisylabel.curricula.learned.learn_from_weights`; :func:`noisylabel.estimators.imitate` does both. A
    curriculum that compares losses with a moving percentile is seen with its own. For any other a percentile is
    followed here as :class:`noisylabel.mentors.PercentileMentor` does it, so that the imitation can be used as any
    learned curriculum.

    Parameters
    ----------
    history_length : int, default=1
        How many of a sample's last losses to record.
    n_visits : int, default=100_000
        Most visits to keep, evenly over training.
    loss_percentile : float in [0, 1] or str, default=0.7
        Percentile of the losses to compare with, as a fraction, for curricula that have none; where they know the noise
        rate, it is 1 minus that.

    Attributes
    ----------
    features_ : MentorFeatures
        Of the n visits that were kept.
    weights_ : Tensor of shape (n,)
        What the curriculum gave each; at least 0. Where it gives targets, how much it believed the label.
    rows_ : Tensor of shape (n,)
        Row number of each among the rows that were trained on.
    loss_percentile_ : float or str
        The percentile that losses were compared with, for the imitation to be used with.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from noisylabel import MentorNetClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> recorder = MentorRecorder(n_visits=1000)
    >>> options = {"loss_percentile": 0.9, "max_epochs": 5, "callbacks": [recorder], "random_state": 0}
    >>> clf = MentorNetClassifier("self_paced", **options).fit(X, y)
    >>> late = recorder.features_.epoch_percent >= 18
    >>> bool(((recorder.features_.loss_diff[late, 0] <= 0) == (recorder.weights_[late] == 1)).all())
    True
    """

    def __init__(self, history_length: int = 1, n_visits: int = 100_000, loss_percentile: float | str = 0.7) -> None:
        self.history_length = history_length
        self.n_visits = n_visits
        self.loss_percentile = loss_percentile

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Forget earlier runs, and make room."""
        check_count("history_length", self.history_length)
        self.n_visits_ = len(X) * net.max_epochs
        n_kept = min(check_count("n_visits", self.n_visits), self.n_visits_)
        device, mentor = torch.device(net.device), net.mentor
        self.loss_percentile_ = _percentile_of(mentor, self.loss_percentile)
        shared = {name: getattr(mentor, name) for name in _OF_PERCENTILES if hasattr(mentor, name)}
        self.noting_ = _Noting(self.history_length)
        self.watcher_ = PercentileMentor(self.noting_, loss_percentile=self.loss_percentile_, burn_in=0, **shared)
        self.watcher_.check_parameters().start(len(X), net.record.n_classes, torch.Generator(device))
        self.watcher_.fraction_by_class_ = getattr(mentor, "fraction_by_class_", None)
        self.n_seen_ = self.n_kept_ = 0
        self.kept_ = {
            "loss": torch.zeros((n_kept, self.history_length), device=device),
            "loss_diff": torch.zeros((n_kept, self.history_length), device=device),
            "label": torch.zeros(n_kept, dtype=torch.long, device=device),
            "percent": torch.zeros(n_kept, dtype=torch.long, device=device),
            "row": torch.zeros(n_kept, dtype=torch.long, device=device),
            "weight": torch.zeros(n_kept, device=device),
            "counts": torch.ones(n_kept, dtype=torch.bool, device=device),
        }

    def on_batch_end(self, net: Any, batch: Any = None, training: bool = False, **kwargs: Any) -> None:
        """Follow the percentile, and keep as many of the batch's visits as are due; its order is one of chance."""
        if not training:
            return
        if "losses" not in kwargs or "weights" not in kwargs:
            raise InvalidParameterError(
                "MentorRecorder needs the losses and weights of unmixed samples, and this training does not work them "
                "out (plain mixup, or a student that learns from a teacher). Use another curriculum."
            )
        progress = (net.clock_.step - 1) / net.clock_.n_steps  # as the mentor saw it
        labels, counts = batch[1], batch.sample_weight
        seen = Observation(kwargs["losses"].detach(), kwargs["y_pred"].detach(), labels, batch.rows, progress, counts)
        self.watcher_.advance(progress)
        self.watcher_.weigh(seen)
        self.n_seen_ += len(labels)
        n = len(self.kept_["row"]) * self.n_seen_ // self.n_visits_ - self.n_kept_
        place = slice(self.n_kept_, self.n_kept_ + n)
        loss, loss_diff = self.noting_.seen
        self.kept_["percent"][place] = percent_of_training(progress)
        values = {"loss": loss, "loss_diff": loss_diff, "label": labels, "row": batch.rows, "weight": kwargs["weights"]}
        if counts is not None:
            values["counts"] = counts > 0
        for name, value in values.items():
            self.kept_[name][place] = value[:n].reshape(self.kept_[name][place].shape)
        self.n_kept_ += n

    def state_dict(self) -> dict[str, Any]:
        """Return what to remember across a restart."""
        done = {"n_seen": self.n_seen_, "n_kept": self.n_kept_}
        return {"kept": self.kept_, "watcher": self.watcher_.state_dict(), **done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        for name, value in state["kept"].items():
            self.kept_[name].copy_(value)
        self.n_seen_, self.n_kept_ = state["n_seen"], state["n_kept"]
        self.watcher_.load_state_dict(state["watcher"])

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Put the records together; rows whose weight in ``fit`` is 0 are not in them."""
        kept = {name: value[: self.n_kept_].cpu() for name, value in self.kept_.items()}
        kept = {name: value[kept["counts"]] for name, value in kept.items()}
        self.features_ = MentorFeatures(kept["loss"], kept["loss_diff"], kept["label"], kept["percent"])
        self.weights_, self.rows_ = kept["weight"], kept["row"]
        del self.kept_, self.watcher_, self.noting_


class _Noting(Curriculum):
    """What a percentile mentor shows its curriculum, kept until the next batch."""

    seen: tuple[Tensor, Tensor]

    def __init__(self, history_length: int) -> None:
        self.history_length = history_length

    def weights(self, loss: Tensor, loss_diff: Tensor, label: Tensor, epoch_percent: float) -> Tensor:
        self.seen = loss, loss_diff
        return torch.ones_like(loss)


def _percentile_of(mentor: Mentor, default: float | str) -> float | str:
    """Return the fraction, or the schedule of fractions, that a mentor's percentile is of."""
    if isinstance(mentor, PercentileMentor):
        own = getattr(mentor, "loss_percentile", "auto")
        is_named = isinstance(own, str) and "," not in own
        return float(mentor.percentile_schedule_(0.0)) if is_named else own
    if isinstance(mentor, ListeningMentor) and mentor.noise_ is not None:
        return 1 - mentor.noise_rate_
    return default
