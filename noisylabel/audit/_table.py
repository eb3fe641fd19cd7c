"""The table that an audit writes."""

import re
from pathlib import Path
from typing import Any

from noisylabel._support.files import local_path, written_whole
from noisylabel.audit._training import Audit

_FORMULA = re.compile(r"[=@\t\r\n]|[+-](?![\d.,]*\d\s*%?$|$)")


def save_label_issues(audit: Audit, path: str | Path) -> Path:
    """Write the rows of an audit as CSV, the most doubtful first, in the encoding that spreadsheets expect.

    A text that a spreadsheet would run as a formula (it begins with ``=``, ``@``, a tab or a line end, or with ``+`` or
    ``-`` and goes on as no number does) gets an apostrophe before it, labels and names of columns too.

    Parameters
    ----------
    audit : Audit
        What an audit found.
    path : str or Path
        Where to write.

    Returns
    -------
    Path
        ``path``. Another file of that name is replaced, whole or not at all.

    See Also
    --------
    audit_labels : Has an example.
    """
    path = local_path("path", path)
    table = audit.issues.round({name: 4 for name in ("label_quality", "loss", "margin", "weight")})
    for name in table.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz", "timedelta"]):
        table[name] = table[name].astype(object).map(_no_formula)
    table = table.rename(columns=_no_formula)
    written_whole(path, lambda partial: table.to_csv(partial, index=False, encoding="utf-8-sig"))
    return path


def _no_formula(value: Any) -> Any:
    """Keep a text from being run by a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
