"""A curriculum with memory becomes a MentorNet: train under it, record, learn."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from noisylabel._support.progress import stop_if_interrupted
from noisylabel.callbacks import MentorRecorder
from noisylabel.curricula import MentorNet
from noisylabel.curricula.learned import learn_from_weights
from noisylabel.estimators._mentornet import MentorNetClassifier

if TYPE_CHECKING:
    import pandas as pd

_IN_THE_NETWORK = {"burn_in": 0, "example_dropout": None, "fixed_epoch_after_burn_in": False}


@dataclass(frozen=True)
class Imitation:
    """What :func:`imitate` found.

    Attributes
    ----------
    mentornet : MentorNet
        The imitation. Its card says how close it comes, and which ``loss_percentile`` to use it with.
    original : MentorNetClassifier
        Fitted under the curriculum that was recorded.
    recorder : MentorRecorder
        What was recorded.
    """

    mentornet: MentorNet
    original: MentorNetClassifier
    recorder: MentorRecorder

    def classifier(self) -> MentorNetClassifier:
        """Return a classifier, not fitted, that is the original under the imitation.

        It has no burn-in and no drop-out of examples: their mean is in the weights that were recorded.
        """
        own: MentorNetClassifier = clone(self.original)
        percentile = own.loss_percentile if own.percentile_by_class else self.recorder.loss_percentile_
        return own.set_params(curriculum=self.mentornet, loss_percentile=percentile, **_IN_THE_NETWORK)

    def compare(
        self, X: Any, y: Any, X_test: Any, y_test: Any, *, seeds: Sequence[int] = (0, 1, 2), **fit_params: Any
    ) -> "pd.DataFrame":
        """Train under the curriculum, under its imitation and plainly, and return the accuracies.

        Parameters
        ----------
        X, y : array-like
            Rows to train on and their given labels, as for ``fit``.
        X_test, y_test : array-like
            Rows to measure on and their right labels.
        seeds : sequence of int, default=(0, 1, 2)
            Of the trainings.
        **fit_params
            What ``fit`` of the original needs, such as ``y_trusted``. The other two trainings do without.

        Returns
        -------
        DataFrame
            A row a seed; columns ``original``, ``imitation`` and ``plain``.
        """
        import pandas as pd

        kinds = {
            "original": (self.original, fit_params),
            "imitation": (self.classifier(), {}),
            "plain": (clone(self.original).set_params(curriculum="uniform"), {}),
        }
        scores: dict[str, list[float]] = {name: [] for name in kinds}
        for seed in seeds:
            for name, (clf, given) in kinds.items():
                fitted = clone(clf).set_params(random_state=seed).fit(X, y, **given)
                stop_if_interrupted(fitted)
                scores[name].append(fitted.score(X_test, y_test))
        return pd.DataFrame(scores, index=pd.Index(seeds, name="seed"))


def imitate(
    classifier: MentorNetClassifier,
    X: Any,
    y: Any,
    *,
    recorder: MentorRecorder | None = None,
    n_steps: int = 4000,
    **fit_params: Any,
) -> Imitation:
    """Train under a curriculum, record which weights it gives, and learn a MentorNet that gives them.

    The imitation knows loss, loss difference and percent of training. It is a file of numbers, is used as any learned
    curriculum, and needs no trusted rows, groups, history or teacher where the curriculum needs them.

    Parameters
    ----------
    classifier : MentorNetClassifier
        Its ``curriculum`` is recorded: a name, an object, a function or a mentor of one's own. Not changed.
    X, y : array-like
        As for ``fit``.
    recorder : MentorRecorder, optional
        Says how many visits to record, how many losses of a sample the imitation reads, and the loss percentile for
        curricula that have none.
    n_steps : int, default=4000
        Steps in which the MentorNet is learned.
    **fit_params
        What else ``fit`` needs, such as ``y_trusted``.

    Returns
    -------
    Imitation

    Raises
    ------
    InvalidDataError
        If the curriculum gave every sample the same weight.
    KeyboardInterrupt
        If the training was interrupted.

    Examples
    --------
    >>> from noisylabel import MentorNetClassifier, corrupt
    >>> from noisylabel.datasets import load_digits
    >>> digits = load_digits()
    >>> noisy_y, _ = corrupt(digits.target, "symmetric", rate=0.4, random_state=0)
    >>> clf = MentorNetClassifier("self_paced", loss_percentile=0.6, max_epochs=20, random_state=0)
    >>> imitation = imitate(clf, digits.data, noisy_y)
    >>> imitation.mentornet.card["fit"]["mean_absolute_error"] < 0.05
    True
    >>> accuracies = imitation.compare(digits.data, noisy_y, digits.test_data, digits.test_target, seeds=[1])
    >>> bool(abs(accuracies["imitation"] - accuracies["original"]).max() < 0.05)
    True
    """
    recorder = MentorRecorder() if recorder is None else copy.copy(recorder)
    original = clone(classifier)
    callbacks = original.callbacks
    original.set_params(callbacks=[*(callbacks or []), recorder]).fit(X, y, **fit_params)
    stop_if_interrupted(original.set_params(callbacks=callbacks))
    mentornet = learn_from_weights(
        recorder.features_,
        recorder.weights_,
        recorder.rows_,
        n_steps=n_steps,
        random_state=original.random_state,
    )
    curriculum = original.curriculum
    name = str(curriculum) if isinstance(curriculum, (str, Path)) else _name_of(curriculum)
    mentornet.card["name"] = f"imitation of {name}"
    mentornet.card["learned_from"] |= {
        "curriculum": name,
        "loss_percentile": recorder.loss_percentile_,
        "history_length": recorder.history_length,
    }
    return Imitation(mentornet, original, recorder)


def _name_of(curriculum: Any) -> str:
    return str(getattr(curriculum, "__name__", type(curriculum).__name__))
