"""The table of suspicious labels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from noisylabel.exceptions import InvalidParameterError
from noisylabel.issues._judge import JUDGED
from noisylabel.issues._scores import estimate_issue_rate, wrong_probabilities
from noisylabel.nets import SampleRecord

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("wrong", "unclear", "outlier", "fine")
_FEWEST_TO_RANK = 20
_TWICE = 2.0  # what fits best fits twice as well as what comes next, or it is unclear
_TWO_FIT = 0.7  # of two classes together, or none fits


@dataclass(frozen=True)
class Evidence:
    """What a classifier knows of the labels that it was given.

    Attributes
    ----------
    record : SampleRecord
        Of all N rows.
    codes : ndarray of shape (N,)
        Given label codes.
    classes : ndarray of shape (C,)
        The labels that they stand for.
    has_say : ndarray of shape (N,) or None
        False for rows without weight; None if all have.
    judged : ndarray of shape (N, 5) or None
        See :func:`judge_rows`; NaN for rows that were held out.
    noise_rate : float or None
        If it is known; of labels that are not judged.
    right_codes : ndarray of shape (N,) or None
        Codes of the labels that are known to be right, the number of classes where unknown.
    """

    record: SampleRecord
    codes: np.ndarray
    classes: np.ndarray
    has_say: np.ndarray | None = None
    judged: np.ndarray | None = None
    noise_rate: float | None = None
    right_codes: np.ndarray | None = None

    @property
    def is_open(self) -> np.ndarray:
        """Which rows' right label is not known, (N,)."""
        if self.right_codes is None:
            return np.ones(len(self.codes), dtype=bool)
        return self.right_codes == len(self.classes)


def label_issues(evidence: Evidence, sort: bool = True, precision: float | None = None) -> "pd.DataFrame":
    """Rank the given labels, the least believable first; see :meth:`BaseNoisyLabelClassifier.label_issues`."""
    import pandas as pd

    codes, classes = evidence.codes, evidence.classes
    seen = evidence.record.to_frame()
    if seen["loss_mean"].isna().any():
        raise InvalidParameterError(
            "There are no losses of unmixed samples to judge the labels by: plain mixup (curriculum='uniform' with "
            "'mixup_alpha' above 0) never works them out. Use another curriculum, or mixup_alpha=0."
        )
    is_trained_on = seen["weight"].notna().to_numpy()
    counts = is_trained_on if evidence.has_say is None else is_trained_on & evidence.has_say
    wrong = _wrong(evidence, seen, is_trained_on, counts & evidence.is_open)
    if evidence.right_codes is not None:
        wrong = np.where(evidence.is_open, wrong, evidence.right_codes != codes)
    rate = float(wrong[counts].mean()) if counts.any() else 0.0
    is_issue = _flag(wrong, seen["loss_mean"].to_numpy(np.float64), counts, rate, precision)
    other = evidence.record.column("elected").cpu().numpy().astype(np.int64)
    suggestions = _suggest(evidence, wrong, is_issue, other)
    table = pd.DataFrame(
        {
            "row": np.arange(len(codes)),
            "given_label": classes[codes],
            **suggestions,
            "predicted_label": classes[np.where(seen["margin_mean"] < 0, other, codes)],
            "label_quality": 1 - wrong,
            "wrong_probability": wrong,
            "verdict": _verdicts(evidence.judged, is_issue),
            "is_label_issue": is_issue,
            "loss": seen["loss_mean"],
            "margin": seen["margin_mean"],
            "weight": seen["weight_mean"].where(is_trained_on),
            "forgetting": seen["forgetting"],
        }
    )
    if evidence.right_codes is not None:
        _write_known(table, ~evidence.is_open, classes[evidence.right_codes[~evidence.is_open]])
    if sort:
        table = table.iloc[np.lexsort((-seen["loss_mean"].to_numpy(), -wrong))]
    table.attrs["noise_rate"] = rate
    return table


def _write_known(table: "pd.DataFrame", is_known: np.ndarray, right: np.ndarray) -> None:
    """Write what is certain of the rows whose right label is known."""
    is_wrong = table.loc[is_known, "wrong_probability"] == 1
    known = {
        "suggested_label": right,
        "suggested_probability": 1.0,
        "second_label": None,
        "second_probability": 0.0,
        "verdict": np.where(is_wrong, "wrong", "fine"),
        "is_label_issue": is_wrong,
    }
    for name in known.keys() & set(table.columns):
        table.loc[is_known, name] = known[name]


def _wrong(evidence: Evidence, seen: "pd.DataFrame", is_trained_on: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return how likely each label is wrong, (N,), those of held-out rows on the scale of the others."""
    losses, margins = seen["loss_mean"].to_numpy(np.float64), seen["margin_mean"].to_numpy()
    wrong = np.zeros(len(losses))
    if evidence.judged is not None:
        wrong[is_trained_on] = evidence.judged[is_trained_on, 0]
    elif counts.any():
        rate = evidence.noise_rate
        rate = estimate_issue_rate(losses[counts], margins[counts]) if rate is None else rate
        wrong[counts] = wrong_probabilities(losses[counts], rate)
        others = is_trained_on & ~counts
        wrong[others] = _at_places(_places_among(losses[others], losses[counts]), wrong[counts])
    held_out = losses[~is_trained_on]
    if len(held_out) and counts.any():
        wrong[~is_trained_on] = _at_places(_places(held_out, losses[counts]), wrong[counts])
    return wrong


def _places(losses: np.ndarray, of_trained: np.ndarray) -> np.ndarray:
    """Return where the losses of held-out rows stand in the ranking, from 0 to 1.

    A label is learned by heart where it is trained on, so held-out rows have other losses. They are drawn at random, so
    that as many of them are wrong: they are ranked among themselves. Too few of them do not tell where in the ranking
    one is; they are ranked among the others.
    """
    if len(losses) < _FEWEST_TO_RANK:
        return _places_among(losses, of_trained)
    places: np.ndarray = (rankdata(losses) - 0.5) / len(losses)
    return places


def _places_among(losses: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(others), losses) / len(others)


def _at_places(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.quantile(values, places) if len(places) else places


def _flag(
    wrong: np.ndarray, losses: np.ndarray, counts: np.ndarray, rate: float, precision: float | None
) -> np.ndarray:
    """Return which labels are called issues: as many as are wrong, or as many as keep a precision.

    Of rows that are as likely wrong, those of the larger loss come first.
    """
    order = np.lexsort((losses[counts], wrong[counts]))[::-1]
    in_order = wrong[counts][order]
    if precision is None:
        n_issues = round(rate * len(in_order))
    else:
        keeps = np.cumsum(in_order) / np.arange(1, len(in_order) + 1) >= precision
        n_issues = int(keeps.nonzero()[0].max(initial=-1)) + 1
    if n_issues == 0:
        return np.zeros(len(wrong), dtype=bool)
    last, its_loss = in_order[n_issues - 1], losses[counts][order[n_issues - 1]]
    flagged: np.ndarray = (wrong > last) | ((wrong == last) & (losses >= its_loss))
    return flagged


def _suggest(evidence: Evidence, wrong: np.ndarray, is_issue: np.ndarray, elected: np.ndarray) -> dict[str, np.ndarray]:
    """Return the labels to be suggested and the second best, with their probabilities where they are known."""
    codes, classes = evidence.codes, evidence.classes
    if evidence.judged is None:
        unknown = np.full(len(codes), np.nan)
        best = np.where(is_issue, elected, codes)
        return {"suggested_label": classes[best], "suggested_probability": unknown}
    first, first_probability, second, second_probability = evidence.judged[:, 1:].T.astype(np.float64)
    first = np.where(np.isnan(first), elected, first).astype(np.int64)
    next_best = np.where(is_issue, second, first)
    is_known = ~np.isnan(next_best)
    second_label = np.full(len(codes), None, dtype=object)
    second_label[is_known] = classes[next_best[is_known].astype(np.int64)]
    return {
        "suggested_label": classes[np.where(is_issue, first, codes)],
        "suggested_probability": np.where(is_issue, first_probability, 1 - wrong),
        "second_label": second_label,
        "second_probability": np.where(is_issue, second_probability, first_probability),
    }


def _verdicts(judged: np.ndarray | None, is_issue: np.ndarray) -> np.ndarray:
    """Return one of :data:`VERDICTS` for each row; held-out ones are wrong or fine."""
    verdicts = np.where(is_issue, "wrong", "fine").astype(object)
    if judged is None:
        return verdicts
    columns = dict(zip(JUDGED, judged.T.astype(np.float64), strict=True))
    rivals = np.stack([1 - columns["wrong_probability"], columns["first_probability"], columns["second_probability"]])
    best, next_best = np.sort(np.nan_to_num(rivals), axis=0)[:0:-1]
    is_known = ~np.isnan(judged[:, 0])
    verdicts[is_known & (best < _TWICE * next_best)] = "unclear"
    verdicts[is_known & (best + next_best < _TWO_FIT)] = "outlier"
    return verdicts
