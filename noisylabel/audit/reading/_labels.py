"""The labels of a file, as an audit takes them: whole numbers or texts, and classes to learn."""

import numpy as np
import pandas as pd

from noisylabel.audit._words import counted, some
from noisylabel.exceptions import InvalidDataError

FEW_ROWS = 100


def check_labels(labels: pd.Series, notes: list[str]) -> np.ndarray:
    """Return the labels as an array if they are classes to learn; note what is odd about them.

    Parameters
    ----------
    labels : Series of shape (N,)
        None of them missing.
    notes : list of str
        Gets a sentence for classes of one row, and for few rows.

    Returns
    -------
    ndarray of shape (N,)
        int64 or str.

    Raises
    ------
    InvalidDataError
        If there is one class only, or the values look like measured numbers, names, ids or free text.
    """
    n_rows, counts = len(labels), labels.value_counts()
    if len(counts) == 1:
        raise InvalidDataError(
            f"All {n_rows} rows have the label {counts.index[0]!r}. An audit compares classes: it needs two or more."
        )
    numbers = pd.to_numeric(labels, errors="coerce")
    is_measured = bool(numbers.notna().all() and (numbers % 1 != 0).any() and len(counts) > 20)
    if is_measured or len(counts) > n_rows / 2:
        what = "measured numbers" if numbers.notna().all() else "names, ids or free text"
        raise InvalidDataError(
            f"The labels have {len(counts)} different values in {n_rows} rows, such as {counts.index[0]!r}. They look "
            f"like {what}, and not like classes. Choose another column, or group them into classes."
        )
    single = [str(label) for label, count in counts.items() if count == 1]
    if single:
        notes.append(f"{counted(len(single), 'class', 'classes')} with a single row: {some(single)}.")
    if n_rows < FEW_ROWS:
        notes.append(f"Only {n_rows} rows: with fewer than {FEW_ROWS} the result means little.")
    return np.array(labels.tolist())
