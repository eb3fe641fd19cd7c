"""cleanlab's recipe: find the wrong labels by cross-validation, leave them out, train again."""

from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from noisylabel import MentorNetClassifier

_FOLDS = 5


class PruneAndRefitClassifier(MentorNetClassifier):
    """Plain training on what confident learning leaves: five trainings to find out, and one more.

    Each of the six has ``max_epochs`` epochs. Pruned rows have ``sample_weight`` 0.

    References
    ----------
    Northcutt, Jiang, Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 2021; the pruning is
    cleanlab's own ``find_label_issues`` with its defaults.
    """

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, y_trusted: Any = None) -> "PruneAndRefitClassifier":
        """Prune and train; see :meth:`MentorNetClassifier.fit`."""
        from cleanlab.filter import find_label_issues

        parameters = {name: value for name, value in self.get_params(deep=False).items() if name != "callbacks"}
        changes = {"curriculum": "uniform", "validation_fraction": 0.0, "checkpoint_dir": None}
        plain = MentorNetClassifier(**parameters | changes)
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=self.random_state)
        proba = cross_val_predict(plain, X, y, cv=folds, method="predict_proba").astype(np.float64)
        codes = np.unique(y, return_inverse=True)[1]
        pruned = find_label_issues(codes, proba / proba.sum(axis=1, keepdims=True), n_jobs=1)
        counts = np.ones(len(codes)) if sample_weight is None else np.asarray(sample_weight)
        return super().fit(X, y, np.where(pruned, 0.0, counts), y_trusted)
