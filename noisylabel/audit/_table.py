"""The table that an audit writes."""

from pathlib import Path

from noisylabel._support.files import local_path
from noisylabel._support.spreadsheet import write_csv
from noisylabel.audit._training import Audit


def save_label_issues(audit: Audit, path: str | Path) -> Path:
    """Write the rows of an audit as CSV, the most doubtful first, in the encoding that spreadsheets expect.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, labels and names of columns too: one
    that begins with ``=``, ``@``, a tab or a line end, or with ``+`` or ``-`` and goes on as no number does; behind
    signs that nobody sees, and in full width, too.

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
    rounded = audit.issues.round({name: 4 for name in ("label_quality", "loss", "margin", "weight")})
    write_csv(rounded, path, encoding="utf-8-sig")
    return path
