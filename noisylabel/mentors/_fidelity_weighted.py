"""A mentor with a teacher that says how sure it is: a Gaussian process on what the network makes of trusted rows."""

import logging
import math
import time
import warnings
from collections.abc import Hashable
from typing import Any, Self

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from torch import Tensor
from torch.nn.functional import one_hot

from noisylabel._support.trusted import known_rows
from noisylabel._support.validation import check_count, check_number
from noisylabel.functional import fidelity_weights
from noisylabel.mentors._base import Mentor, Observation, Trainee, check_burn_in
from noisylabel.mentors._student_features import check_has_features, student_features
from noisylabel.schedules import percent_of_training

_TO_FIT = 300  # rows from which it learns length scale and noise
_LONG = 3.0  # seconds that the log tells of
_LOGGER = logging.getLogger(__name__)


class FidelityWeightedMentor(Mentor):
    r"""Let a teacher that knows the trusted rows say what each row is, and how sure it is of it.

    During the burn-in the network learns the given labels. Then a Gaussian process, the teacher, is fitted to trusted
    rows: from the network's features (what enters its last linear layer) to their right labels. Of every row x it has a
    mean, made into class probabilities :math:`g(x)`, and an uncertainty :math:`S(x)`. From then on the network learns

    .. math:: \frac{1}{B} \sum_i \exp(-\beta\, S(x_i))\; H\big(g(x_i), p_w(x_i)\big)

    with the cross entropy H: the given labels have no say any more, and where the teacher knows little, the steps are
    small. Trusted rows have their right label as target, and count fully. :math:`S` is the variance of the process at
    x as a share of what it is far from every trusted row: 0 to 1.

    The weight of a row is the part of its given label in what is learned of it.

    Parameters
    ----------
    beta : float in [0, inf), default=1.0
        How much the uncertainty slows the network down; 0 not at all.
    n_trusted : int, default=1000
        Trusted rows that the teacher learns from at most, at least 1: as many of each class as possible, drawn at
        random. Its time grows with this number squared for each row, and its memory too.
    burn_in : float, 0 or in [1, 100], default=18
        Percent of training after which the teacher is asked. Early, before the network knows wrong labels by heart: its
        features then tell more of rows that nobody checked.

    Attributes
    ----------
    table_ : Tensor of shape (n_samples, C) or None
        What is learned of each row: the teacher's probabilities times its confidence; None during the burn-in.

    Notes
    -----
    The process is scikit-learn's, with one kernel for all classes, RBF plus white noise, on standardised features.
    Length scale and noise maximise the likelihood of at most 300 rows. It runs once, on the CPU, in parts of 1,024
    rows; ``logging`` tells of it if it takes 3 seconds or more. A checkpoint holds the table, so that a training that
    goes on asks no second time. The table takes 4 bytes for each row and class.

    A class of which no row is trusted is unknown to the teacher, and lost after the burn-in.

    References
    ----------
    After Dehghani, Mehrjou, Gouws, Kamps and Schölkopf, "Fidelity-weighted learning", ICLR 2018,
    https://arxiv.org/abs/1711.02799. The kernel, the scale of S, and that the network goes on rather than
    begins a second training, are choices of ours.

    Examples
    --------
    >>> FidelityWeightedMentor(beta=5).check_parameters()
    FidelityWeightedMentor(beta=5)
    """

    uses_trusted = needs_trusted = True

    def __init__(self, *, beta: float = 1.0, n_trusted: int = 1000, burn_in: float = 18) -> None:
        self.beta = beta
        self.n_trusted = n_trusted
        self.burn_in = burn_in

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        check_number("beta", self.beta, 0)
        check_count("n_trusted", self.n_trusted)
        check_burn_in(self.burn_in)
        return self

    def tell(self, right_labels: Tensor | None, groups: Tensor | None) -> None:
        """See :meth:`Mentor.tell`.

        Raises
        ------
        InvalidDataError
            If no right label is known.
        """
        rows = known_rows(right_labels, "fidelity_weighted")
        assert right_labels is not None
        self.trusted_ = rows, right_labels[rows]

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`."""
        self.shape_, self.device_ = (n_samples, n_classes), generator.device
        self.table_: Tensor | None = None
        self.trainee_: Trainee | None = None

    def meet(self, trainee: Trainee) -> None:
        """See :meth:`Mentor.meet`."""
        check_has_features(trainee.module)
        self.trainee_ = trainee

    def advance(self, progress: float) -> None:
        """See :meth:`Mentor.advance`; after the burn-in the teacher learns, and says what it knows of all rows."""
        if self.table_ is not None or self.trainee_ is None or percent_of_training(progress) < self.burn_in:
            return
        began = time.monotonic()
        self.table_ = self._ask(self.trainee_)
        self.trainee_ = None
        if (seconds := time.monotonic() - began) >= _LONG:
            _LOGGER.info("The teacher of 'fidelity_weighted' took %.0f s for %d rows.", seconds, self.shape_[0])

    def _ask(self, trainee: Trainee) -> Tensor:
        """Return what a teacher of the trusted rows says of each row: probabilities times confidence."""
        (n_samples, n_classes), (trusted, right) = self.shape_, self.trusted_
        chosen = spread_over_classes(right, self.n_trusted)
        teacher = GaussianTeacher(torch.cat([*student_features(trainee, trusted[chosen])]), right[chosen], n_classes)
        table = torch.empty(n_samples, n_classes, device=self.device_)
        done = 0
        for features in student_features(trainee, torch.arange(n_samples, device=self.device_)):
            proba, uncertainty = teacher(features)
            said = proba * fidelity_weights(uncertainty, self.beta)[:, None]
            table[done : done + len(said)] = said.to(table)
            done += len(said)
        table[trusted] = one_hot(right, n_classes).to(table)
        return table

    def stage(self, progress: float) -> Hashable | None:
        """See :meth:`Mentor.stage`."""
        return self.table_ is None

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`; the part of the given label in what is learned."""
        if self.table_ is None:
            self.advance(seen.progress)  # in case nobody has called it
        return torch.ones_like(seen.losses) if self.table_ is None else self.table_[seen.rows, seen.labels]

    def targets(self, seen: Observation) -> Tensor | None:
        """See :meth:`Mentor.targets`."""
        return None if self.table_ is None else self.table_[seen.rows]

    def metrics(self) -> dict[str, float]:
        """Return the teacher's mean confidence; NaN before it is asked."""
        return {"fidelity": math.nan if self.table_ is None else float(self.table_.sum(1).mean())}

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        return {"table": self.table_}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        self.table_ = None if state["table"] is None else state["table"].to(self.device_, copy=True)


class GaussianTeacher:
    """A Gaussian process that has learned the classes of some rows from their features.

    Parameters
    ----------
    features : Tensor of shape (n, D)
    right_labels : Tensor of shape (n,)
        Class codes.
    n_classes : int
    """

    def __init__(self, features: Tensor, right_labels: Tensor, n_classes: int) -> None:
        self.n_classes = n_classes
        self.deviation = math.sqrt((1 - 1 / n_classes) / n_classes)  # of an indicator of a class among as many
        raw = _array(features)
        self.mean, self.std = raw.mean(0), raw.std(0)
        self.std[self.std < 1e-6 * max(self.std.max(), 1e-6)] = 1.0
        X = (raw - self.mean) / self.std
        Y = (np.eye(n_classes)[right_labels.cpu().numpy()] - 1 / n_classes) / self.deviation
        drawn = np.random.default_rng(0).permutation(len(X))[:_TO_FIT]
        length = _median_distance(X[drawn])
        kernel = RBF(length, (length / 100, 100 * length)) + WhiteKernel(0.1, (1e-4, 1.0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a bound of a parameter is as good as any
            learned = GaussianProcessRegressor(kernel, alpha=1e-8).fit(X[drawn], Y[drawn]).kernel_
        self.process = GaussianProcessRegressor(learned, alpha=1e-8, optimizer=None).fit(X, Y)

    def __call__(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return class probabilities (n, C) and uncertainty in [0, 1], (n,), float64 on the CPU."""
        X = (_array(features) - self.mean) / self.std
        mean, std = self.process.predict(X, return_std=True)
        proba = torch.as_tensor(mean.reshape(len(X), -1) * self.deviation + 1 / self.n_classes).clamp_min(1e-12)
        variance = torch.as_tensor(std.reshape(len(X), -1)[:, 0]) ** 2 - self.process.kernel_.k2.noise_level
        return proba / proba.sum(1, keepdim=True), variance.clamp(0, 1)


def _array(features: Tensor) -> np.ndarray:
    """Return features in float64, finite: training itself says that it has diverged."""
    array: np.ndarray = features.double().nan_to_num(0.0, 0.0, 0.0).cpu().numpy()
    return array


def _median_distance(X: np.ndarray) -> float:
    """Return the median distance of rows that are not the same; 1 if all are."""
    distances = torch.pdist(torch.as_tensor(X))
    distances = distances[distances > 0]
    return float(distances.median()) if len(distances) else 1.0


def spread_over_classes(labels: Tensor, n_most: int) -> Tensor:
    """Return the places of at most so many labels, as many of each class as possible, drawn at random.

    Examples
    --------
    >>> labels = torch.tensor([0, 0, 0, 0, 1, 2, 2])
    >>> labels[spread_over_classes(labels, 5)].bincount()
    tensor([2, 1, 2])
    """
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    codes = labels.cpu()[shuffled]
    order = codes.argsort(stable=True)
    sizes = codes.bincount()
    rank = torch.arange(len(codes)) - (sizes.cumsum(0) - sizes)[codes[order]]
    chosen = shuffled[order[rank.argsort(stable=True)[:n_most]]]
    return chosen.sort().values.to(labels.device)
