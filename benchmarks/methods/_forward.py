"""Forward correction by an estimated transition matrix."""

from typing import Any

from sklearn.base import clone

from noisylabel import MentorNetClassifier
from noisylabel.losses import ForwardCorrection, Loss, estimate_transition


class ForwardClassifier(MentorNetClassifier):
    """Plain training, from which the matrix is estimated, then training from new weights with the corrected loss.

    Each of the two has ``max_epochs`` epochs. What the callbacks see at last is the second.
    """

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, y_trusted: Any = None) -> "ForwardClassifier":
        """Train twice; see :meth:`MentorNetClassifier.fit`."""
        parameters = {name: value for name, value in self.get_params(deep=False).items() if name != "callbacks"}
        changes = {"curriculum": "uniform", "checkpoint_dir": None}  # only the second training goes on after a kill
        first = clone(MentorNetClassifier(**parameters | changes)).fit(X, y, sample_weight)
        self._matrix = estimate_transition(first.predict_proba(X))
        return super().fit(X, y, sample_weight, y_trusted)

    def make_loss(self) -> Loss:
        """See :meth:`MentorNetClassifier.make_loss`."""
        return ForwardCorrection(self._matrix)
