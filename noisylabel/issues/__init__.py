"""Which labels are wrong."""

from noisylabel.issues._judge import (
    JUDGED,
    LOOKS_OF_AVERAGED,
    LOOKS_OF_LEARNED,
    judge_rows,
    pack_judged,
    packed_type,
    unpack_judged,
)
from noisylabel.issues._scores import estimate_issue_rate, label_quality, wrong_probabilities
from noisylabel.issues._table import VERDICTS, Evidence, label_issues

__all__ = [
    "JUDGED",
    "LOOKS_OF_AVERAGED",
    "LOOKS_OF_LEARNED",
    "VERDICTS",
    "Evidence",
    "estimate_issue_rate",
    "judge_rows",
    "label_issues",
    "label_quality",
    "pack_judged",
    "packed_type",
    "unpack_judged",
    "wrong_probabilities",
]
