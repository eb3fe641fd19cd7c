"""Labels for the rows that have none."""

from typing import Any

import numpy as np
import pandas as pd

from noisylabel.audit.reading import PLACE_COLUMNS, AuditData


def predict_unlabelled(data: AuditData, clf: Any) -> pd.DataFrame | None:
    """Return the rows without a label with the one that a fitted classifier predicts, the surest first.

    Parameters
    ----------
    data : AuditData
        What was read.
    clf : classifier with ``predict_proba``
        Fitted on its rows with labels.

    Returns
    -------
    DataFrame of M rows or None
        As ``Audit.issues``, with ``suggested_label`` and ``suggested_probability``; None if all rows have a label.
    """
    if data.unlabelled is None:
        return None
    X, rows = data.unlabelled
    probabilities = clf.predict_proba(X)
    suggested = pd.DataFrame(
        {
            "suggested_label": clf.classes_[probabilities.argmax(1)],
            "suggested_probability": probabilities.max(1).astype(np.float64),
        }
    )
    places = [name for name in PLACE_COLUMNS if name in rows]
    found = pd.concat([rows[places], suggested, rows[data.columns]], axis=1)
    return found.sort_values("suggested_probability", ascending=False, kind="stable")
