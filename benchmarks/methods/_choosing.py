"""A default that would let go of its curriculum where held-out rows say that it does not help."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from noisylabel import MentorNetClassifier

_HELD_OUT = 0.2


class HeldOutChoiceClassifier(MentorNetClassifier):
    """The default or plain training, whichever agrees better with the noisy labels of held-out rows, on all rows.

    Its score of either is kept as ``scores_``: two trainings on four fifths of the rows, and one more.
    """

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, y_trusted: Any = None) -> "HeldOutChoiceClassifier":
        """Choose and train; see :meth:`MentorNetClassifier.fit`."""
        counts = np.unique(y, return_counts=True)[1]
        parts = train_test_split(
            X, y, test_size=_HELD_OUT, stratify=y if counts.min() > 1 else None, random_state=self.random_state
        )
        learned, held_out, y_learned, y_held_out = parts
        tried = MentorNetClassifier(**clone(self).get_params(deep=False))
        self.scores_ = {
            name: clone(tried).set_params(curriculum=name).fit(learned, y_learned).score(held_out, y_held_out)
            for name in ("auto", "uniform")
        }
        self.curriculum = max(self.scores_, key=self.scores_.__getitem__)
        return super().fit(X, y, sample_weight, y_trusted)
