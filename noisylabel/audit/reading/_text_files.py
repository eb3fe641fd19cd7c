"""A folder of text files, whose sub-folders are the labels."""

from pathlib import Path

import numpy as np
import pandas as pd

from noisylabel.audit._words import counted, some
from noisylabel.audit.reading._columns import column_notes
from noisylabel.audit.reading._data import AuditData
from noisylabel.audit.reading._labels import check_labels
from noisylabel.exceptions import InvalidDataError
from noisylabel.preprocessing import TableEncoder

_SUFFIXES = (".txt", ".text", ".md")


def are_texts(files: list[Path]) -> bool:
    """Return whether most of some files are texts by their names."""
    return 2 * sum(file.suffix.lower() in _SUFFIXES for file in files) > len(files)


def read_text_files(root: Path, files: list[Path], encoder: TableEncoder, notes: list[str]) -> AuditData:
    """Read text files, UTF-8 or Windows-1252, for an audit.

    Parameters
    ----------
    root : Path
    files : list of Path
        From there; their first folder is the label.
    encoder : TableEncoder
        Is fitted.
    notes : list of str
        Gets a sentence for files that are no texts.
    """
    read = {file: _text(root / file) for file in files if file.suffix.lower() in _SUFFIXES}
    others = [str(file) for file in files if read.get(file) is None]
    if others:
        notes.append(f"{counted(len(others), 'file')} left out that cannot be read as texts: {some(others)}.")
    texts = {file: text for file, text in read.items() if text is not None}
    if not texts:
        raise InvalidDataError(f"None of the {len(files)} files in {root} can be read as text.")
    table = pd.DataFrame({"text": list(texts.values())})
    encoder.set_params(kinds={"text": "text"})
    X = encoder.fit_transform(table)
    notes += column_notes(encoder)
    noisy_y = check_labels(pd.Series([file.parts[0] for file in texts]), notes)
    rows = pd.concat([pd.DataFrame({"file": [file.as_posix() for file in texts]}), table], axis=1)
    return AuditData(root, "table", np.asarray(X), noisy_y, rows, ["text"], notes, table, encoder.kinds_)


def _text(file: Path) -> str | None:
    """Return what a file says; None if it is no text or cannot be read."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
