"""What an audit gets."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noisylabel.datasets._table_text import TextFormat
from noisylabel.preprocessing import ColumnKind

PLACE_COLUMNS = ("row", "spreadsheet_row", "file", "annotator_agreement")
RESULT_COLUMNS = (
    "given_label",
    "suggested_label",
    "suggested_probability",
    "second_label",
    "second_probability",
    "label_quality",
    "wrong_probability",
    "verdict",
    "is_label_issue",
    "predicted_label",
    "loss",
    "margin",
    "weight",
    "forgetting",
)
_MORE_RESULTS = ("is_rare_class", "decision")
OURS = {*PLACE_COLUMNS, *RESULT_COLUMNS, *_MORE_RESULTS}
_OF_THE_FILE = " (file)"


@dataclass
class AuditData:
    """Rows with labels, as an estimator wants them and as a person knows them.

    Attributes
    ----------
    source : Path
        The file or folder.
    kind : {"table", "images"}
        What an estimator gets.
    X : ndarray, float32 of shape (N, D) or uint8 of shape (N, 3, S, S)
        Samples.
    noisy_y : ndarray of shape (N,)
        Labels as they were given: int64 or str.
    rows : DataFrame of N rows
        Where each row is (``row``, counted from 0 without the header; ``spreadsheet_row``, counted from 1 with the
        header, for files that a spreadsheet opens; ``file`` for images) and, of several annotators, which share of them
        gave the label (``annotator_agreement``). Then all of the file's own columns: of a text file the cells as they
        are written there.
    columns : list of str
        The file's own columns in ``rows``, without those of labels and of image files.
    notes : list of str
        What was left out or looks odd, as sentences.
    table : DataFrame of N rows or None
        The columns to learn from as numbers, texts and dates; None for images.
    kinds : dict of ColumnKind
        What each of these was taken for, and why.
    unlabelled : tuple of (ndarray of shape (M, ...), DataFrame of M rows) or None
        ``X`` and ``rows`` of those without a label, if there are any.
    written : TextFormat or None
        How a text file is written.
    """

    source: Path
    kind: str
    X: np.ndarray
    noisy_y: np.ndarray
    rows: pd.DataFrame
    columns: list[str]
    notes: list[str]
    table: pd.DataFrame | None = None
    kinds: dict[Any, ColumnKind] = field(default_factory=dict)
    unlabelled: tuple[np.ndarray, pd.DataFrame] | None = None
    written: TextFormat | None = None

    @property
    def own_columns(self) -> list[str]:
        """All of the file's own columns in ``rows``."""
        return [name for name in self.rows.columns if name not in PLACE_COLUMNS]

    def picture(self, row: int) -> Path:
        """Return the file of the image at a position in ``rows``, counted from 0."""
        folder = self.source if self.source.is_dir() else self.source.parent
        return folder / str(self.rows["file"].iloc[row])


def free_name(name: str, taken: set[str]) -> str:
    """Return a name that is not taken, which says that the column is the file's."""
    while name in taken:
        name += _OF_THE_FILE
    return name


def own_name(name: str) -> str:
    """Return what a column is called in its file, where one of ours has the same name."""
    stem = name
    while stem.endswith(_OF_THE_FILE):
        stem = stem.removesuffix(_OF_THE_FILE)
    return stem if stem in OURS else name
