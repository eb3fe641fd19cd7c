"""What a row of a table is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from noisylabel import FilterKDClassifier, MentorNetClassifier


@dataclass(frozen=True)
class Method:
    """What a method changes of the classifier, and what it may know.

    Attributes
    ----------
    settings : dict
        Parameters of the classifier.
    by_rate : callable
        More parameters, of the noise rate that the method is told.
    estimator : type
        The classifier.
    tuned : bool
        Whether it gets the profile's ``tuned_epochs``.
    epochs : float
        Share of the profile's ``max_epochs``; of a method in two stages, for each.
    n_trusted : int
        Training rows whose right label it may know, on average over the draws of the held-out rows.
    corrects : bool
        Whether these labels replace the given ones, instead of teaching the curriculum.
    patience : float, optional
        Stop after so many epochs, as a share of ``max_epochs``, without a better accuracy on the held-out rows.
    knows_wrong : bool
        A bound, not a method: it is told which training labels are wrong, and leaves those rows out.
    """

    settings: dict[str, Any]
    by_rate: Callable[[float], dict[str, Any]] = lambda rate: {}
    estimator: type[MentorNetClassifier | FilterKDClassifier] = MentorNetClassifier
    tuned: bool = False
    epochs: float = 1.0
    n_trusted: int = 0
    corrects: bool = False
    patience: float | None = None
    knows_wrong: bool = False
