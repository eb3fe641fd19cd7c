"""Which labels are wrong."""

from noisylabel.issues._scores import estimate_issue_rate, label_quality
from noisylabel.issues._table import label_issues

__all__ = ["estimate_issue_rate", "label_issues", "label_quality"]
