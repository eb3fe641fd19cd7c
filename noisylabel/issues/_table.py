"""The table of suspicious labels."""

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from noisylabel.exceptions import InvalidParameterError
from noisylabel.issues._scores import estimate_issue_rate, label_quality
from noisylabel.nets import SampleRecord

if TYPE_CHECKING:
    import pandas as pd

_FEWEST_TO_RANK = 20


def label_issues(  # noqa: PLR0913 - a record, what it is of, and what is wanted
    record: SampleRecord,
    codes: np.ndarray,
    classes: np.ndarray,
    has_say: np.ndarray | None = None,
    sort: bool = True,
    noise_rate: float | None = None,
) -> "pd.DataFrame":
    """Rank the given labels, the least believable first; see :meth:`BaseNoisyLabelClassifier.label_issues`.

    The noise rate, if it is not known, is estimated from the record.
    """
    import pandas as pd

    seen = record.to_frame()
    losses = seen["loss_mean"].to_numpy()
    if np.isnan(losses).any():
        raise InvalidParameterError(
            "There are no losses of unmixed samples to judge the labels by: plain mixup (curriculum='uniform' with "
            "'mixup_alpha' above 0) never works them out. Use another curriculum, or mixup_alpha=0."
        )
    is_trained_on = seen["weight"].notna().to_numpy()
    counts = is_trained_on if has_say is None else is_trained_on & has_say
    quality = label_quality(_on_one_scale(losses, is_trained_on, counts))
    rate = noise_rate
    if rate is None:
        rate = estimate_issue_rate(seen["loss_mean"][counts].to_numpy(), seen["margin_mean"][counts].to_numpy())
    n_issues = round(rate * counts.sum())
    is_issue = quality <= (np.sort(quality[counts])[n_issues - 1] if n_issues else -1)
    other = record.column("elected").cpu().numpy().astype(np.int64)
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
            "weight": seen["weight_mean"].where(is_trained_on),
            "forgetting": seen["forgetting"],
        }
    )
    if sort:
        table = table.iloc[np.argsort(quality, kind="stable")]
    table.attrs["noise_rate"] = rate
    return table


def _on_one_scale(losses: np.ndarray, is_trained_on: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the losses, those of held-out rows as the losses of the trained rows at the same places of their ranking.

    A label is learned by heart where it is trained on, so held-out rows have other losses. They are drawn at random, so
    that as many of them are wrong; too few of them do not tell where in the ranking one is, and keep their own.
    """
    held_out = losses[~is_trained_on]
    if len(held_out) < _FEWEST_TO_RANK:
        return losses
    places = (rankdata(held_out) - 0.5) / len(held_out)
    found = losses.copy()
    found[~is_trained_on] = np.quantile(losses[counts], places)
    return found
