"""Tables as CSV files that a spreadsheet opens without running anything in them."""

import csv
import re
from pathlib import Path
from typing import Any

from noisylabel._support.files import written_whole

_UNSEEN = (  # spaces, control signs, and those of no width
    "\\x00-\\x20\\x7f-\\xa0\\xad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f"
    "\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffc"
    "\\U000e0000-\\U000e0fff"
)
_RUN = "=@\\uff1d\\uff20\\ufe66\\ufe6b\\u207c\\u208c"  # = and @, also of full width, small, above or below the line
_SIGNS = "+\\-\\uff0b\\uff0d\\ufe62\\ufe63\\u2212\\u207a\\u207b\\u208a\\u208b"
_FORMULA = re.compile(rf"[\t\r\n]|[{_UNSEEN}]*(?:[{_RUN}]|[{_SIGNS}](?![\d.,]*\d\s*%?$|$))")


def no_formula(value: Any) -> Any:
    """Keep a text from being run by a spreadsheet: put an apostrophe before it.

    Parameters
    ----------
    value : object
        A cell of a table. A text may run if it begins with a tab or a line end, or if its first visible sign is ``=``
        or ``@``, or ``+`` or ``-`` and it goes on as no number does; these signs count in every width. What is no text
        stays as it is.

    Returns
    -------
    object

    Examples
    --------
    >>> [no_formula(value) for value in ("=1+1", "-cmd", "-5", "a=b", 3)]
    ["'=1+1", "'-cmd", '-5', 'a=b', 3]
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def write_csv(table: Any, path: Path, *, encoding: str = "utf-8", separator: str = ",") -> None:
    """Write a table as CSV, without its index, whole or not at all; no text in it runs as a formula.

    Parameters
    ----------
    table : DataFrame
        Names of columns are guarded, too; see :func:`no_formula`.
    path : Path
        Where to write. Another file of that name is replaced.
    encoding : str, default="utf-8"
        "utf-8-sig" is what spreadsheets expect.
    separator : str, default=","
        Between the values of a row.
    """
    table, quoting = table.copy(), csv.QUOTE_MINIMAL
    for name in table.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz", "timedelta"]):
        table[name] = table[name].astype(object).map(no_formula)
        if any("\r" in value for value in (name, *table[name]) if isinstance(value, str)):
            quoting = csv.QUOTE_NONNUMERIC  # what follows would else be a row of its own
    table = table.rename(columns=no_formula)
    written_whole(path, lambda file: table.to_csv(file, index=False, sep=separator, encoding=encoding, quoting=quoting))
