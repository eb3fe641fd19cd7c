"""A stand-in for a classifier that an audit trains."""

import numpy as np
import pandas as pd


class Judge:
    """Stands in for a classifier: doubts the labels of known rows."""

    n_iter_ = 3

    def __init__(self, doubted=(), suggested=None):
        self.doubted, self.suggested = list(doubted), suggested

    def get_params(self):
        return {"doubted": self.doubted}

    def fit(self, X, y, sample_weight=None, y_trusted=None):
        self.y, self.classes_, self.sample_weight, self.y_trusted = y, np.unique(y), sample_weight, y_trusted
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def label_issues(self):
        n_rows = len(self.y)
        quality = np.linspace(0.7, 1, n_rows)
        quality[self.doubted] = np.linspace(0.01, 0.2, len(self.doubted))
        flagged = np.isin(np.arange(n_rows), self.doubted)
        found = pd.DataFrame({"row": np.arange(n_rows), "given_label": self.y, "suggested_label": self.y})
        found.loc[flagged, "suggested_label"] = self.suggested
        if self.y_trusted is not None:
            found["suggested_label"] = np.where(pd.isna(self.y_trusted), found["suggested_label"], self.y_trusted)
        found = found.assign(
            predicted_label=found["suggested_label"],
            label_quality=quality,
            is_label_issue=flagged,
            loss=-np.log(quality),
        )
        found = found.assign(margin=np.where(flagged, -1, 1), weight=1.0, forgetting=0).sort_values("label_quality")
        found.attrs["noise_rate"] = len(self.doubted) / n_rows
        return found
