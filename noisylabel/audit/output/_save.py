"""Where the rows of an audit are written, and in which form."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from noisylabel._support.files import local_path
from noisylabel._support.validation import check_choice, spoken
from noisylabel.audit._training import Audit
from noisylabel.audit.output._exports import write_cleanlab, write_fiftyone, write_huggingface, write_label_studio
from noisylabel.audit.output._tables import write_parquet_table, write_text_table
from noisylabel.exceptions import InvalidParameterError


@dataclass(frozen=True)
class _Format:
    write: Callable[[Audit, Path], None]
    suffixes: tuple[str, ...]
    needs_images: bool = False


FORMATS = {
    "csv": _Format(write_text_table, (".csv", ".tsv", ".txt")),
    "parquet": _Format(write_parquet_table, (".parquet",)),
    "cleanlab": _Format(write_cleanlab, (".csv",)),
    "labelstudio": _Format(write_label_studio, (".json",)),
    "fiftyone": _Format(write_fiftyone, (".json",), needs_images=True),
    "huggingface": _Format(write_huggingface, (".parquet",)),
}


def check_format(path: str | Path, format: str | None, kind: str | None = None) -> str:
    """Return the form in which a file is to be written.

    Parameters
    ----------
    path : path
    format : {"csv", "parquet", "cleanlab", "labelstudio", "fiftyone", "huggingface"} or None
        By default the table that the name of the file says.
    kind : {"table", "images"}, optional
        What was audited, if that is known already.

    Raises
    ------
    InvalidParameterError
        If the name of the file says another form, or none; the message says which it may end in.
    """
    suffix = Path(path).suffix.lower()
    if format is None:
        format = next((name for name in ("csv", "parquet") if suffix in FORMATS[name].suffixes), None)
        if format is None:
            others = ", ".join(f"{name} ({FORMATS[name].suffixes[0]})" for name in list(FORMATS)[2:])
            raise InvalidParameterError(
                f"{spoken('path')} must end in .csv, .tsv, .txt or .parquet. Got {str(path)!r}. Other forms are named "
                f"with {spoken('format')}: {others}."
            )
    check_choice("format", format, FORMATS)
    if suffix not in FORMATS[format].suffixes:
        allowed = " or ".join(FORMATS[format].suffixes)
        raise InvalidParameterError(
            f"{spoken('path')} must end in {allowed} with {spoken('format')} {format!r}. Got {str(path)!r}."
        )
    if FORMATS[format].needs_images and kind == "table":
        raise InvalidParameterError(f"{spoken('format')} {format!r} is for images, and this is a table of values.")
    return format


def save_label_issues(audit: Audit, path: str | Path, format: str | None = None) -> Path:
    """Write the rows of an audit, the most doubtful first, then those without a label, the surest prediction first.

    The file's own columns hold what they held. As CSV, a table that was read as text leaves as it came, byte for byte:
    its separator, its decimal sign (which our numbers take, too), its encoding, its line ends. That file has been
    opened in spreadsheets before; of what we write anew - labels in columns of ours, and all cells that come from
    another kind of file - a text that a spreadsheet would run as a formula gets an apostrophe before it: one that
    begins with ``=``, ``@``, a tab or a line end, or with ``+`` or ``-`` and goes on as no number does; behind signs
    that nobody sees, and in full width, too.

    Parameters
    ----------
    audit : Audit
        What an audit found.
    path : str or Path
        Where to write.
    format : {"csv", "parquet", "cleanlab", "labelstudio", "fiftyone", "huggingface"}, optional
        By default CSV or Parquet, as the name of the file says. "cleanlab" (.csv) has the columns of
        ``CleanLearning.get_label_issues`` in the order of the file; "labelstudio" (.json) tasks with the suggestions as
        predictions; "fiftyone" (.json) labels of images as a ``FiftyOneImageClassificationDataset`` has them;
        "huggingface" (.parquet) a table whose labels are ``ClassLabel``.

    Returns
    -------
    Path
        ``path``. Another file of that name is replaced, whole or not at all.

    Raises
    ------
    InvalidParameterError
        If the name of the file and the format do not go together.

    See Also
    --------
    audit_labels : Has an example.
    """
    place = local_path("path", path)
    FORMATS[check_format(place, format, audit.data.kind)].write(audit, place)
    return place
