"""The table of suspicious labels."""

from typing import TYPE_CHECKING

import numpy as np

from noisylabel.exceptions import InvalidParameterError
from noisylabel.issues._scores import estimate_issue_rate, label_quality
from noisylabel.nets import SampleRecord

if TYPE_CHECKING:
    import pandas as pd


def label_issues(
    record: SampleRecord, codes: np.ndarray, classes: np.ndarray, has_say: np.ndarray | None = None
) -> "pd.DataFrame":
    """Rank the given labels, the least believable first; see :meth:`BaseNoisyLabelClassifier.label_issues`."""
    import pandas as pd

    seen = record.to_frame()
    quality = label_quality(seen["loss_mean"].to_numpy())
    if np.isnan(quality).any():
        raise InvalidParameterError(
            "There are no losses of unmixed samples to judge the labels by: plain mixup (curriculum='uniform' with "
            "'mixup_alpha' above 0) never works them out. Use another curriculum, or mixup_alpha=0."
        )
    counts = seen["weight"].notna().to_numpy()  # not held out
    if has_say is not None:
        counts = counts & has_say
    rate = estimate_issue_rate(seen["loss_mean"][counts].to_numpy(), seen["margin_mean"][counts].to_numpy())
    n_issues = round(rate * counts.sum())
    is_issue = quality <= (np.sort(quality[counts])[n_issues - 1] if n_issues else -1)
    other = seen["other"].to_numpy(dtype=np.int64)
    predicted = np.where(seen["margin_mean"] < 0, other, codes)
    table = pd.DataFrame(
        {
            "row": np.arange(len(codes)),
            "given_label": classes[codes],
            "suggested_label": classes[np.where(is_issue, other, codes)],
            "predicted_label": classes[predicted],
            "label_quality": quality,
            "is_label_issue": is_issue,
            "loss": seen["loss_mean"],
            "margin": seen["margin_mean"],
            "weight": seen["weight_mean"].where(seen["weight"].notna()),
            "forgetting": seen["forgetting"],
        }
    )
    table = table.iloc[np.argsort(quality, kind="stable")]
    table.attrs["noise_rate"] = rate
    return table
