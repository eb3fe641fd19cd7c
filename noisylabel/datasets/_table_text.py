"""What a text file of a table is written in: its letters and its separator, decided by what stands in it."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from noisylabel.datasets._table_source import TableSource
from noisylabel.exceptions import InvalidDataError

_BEGINNINGS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"\x1f\x8b": "a file compressed by gzip",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
}
_MARKS = {
    b"\xef\xbb\xbf": ("utf-8-sig", ""),
    b"\xff\xfe\x00\x00": ("utf-32", "UTF-32"),
    b"\xff\xfe": ("utf-16", "UTF-16"),
    b"\xfe\xff": ("utf-16", "UTF-16"),
}
_SEP_LINE = re.compile(r'"?sep=(\\t|.)"?[;,\t]*\s*', re.IGNORECASE)  # a word of Excel's to itself
_SEPARATORS = ";\t|,"
_LOOKED_AT = 50


@dataclass(frozen=True)
class TextFormat:
    """How a text file of a table is read.

    Attributes
    ----------
    encoding, errors : str
        As ``open`` takes them.
    separator : str
        Between the values of a row.
    n_skipped : int
        Lines before the names of columns.
    begins_empty : bool
        Whether an empty line stands where the names of columns should.
    notes : list of str
        What was odd about it, as sentences.
    line_end : str
    """

    encoding: str
    errors: str
    separator: str
    n_skipped: int
    begins_empty: bool
    notes: list[str]
    line_end: str

    def records(self, file: TableSource) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows that are not empty, the names of columns first, each with the number of its last line."""
        with file.open(self.encoding, self.errors) as stream:
            for _ in range(self.n_skipped):
                stream.readline()
            rows = csv.reader(stream, delimiter=self.separator)
            yield from ((self.n_skipped + rows.line_num, row) for row in rows if row)


def text_format(file: TableSource) -> TextFormat:
    """Return how a text file of a table is to be read.

    A byte order mark says the encoding. Without one it is UTF-8 if all bytes are; UTF-16 if every other byte is zero;
    damaged UTF-8 if most letters beyond ASCII are UTF-8; Windows-1252 if all bytes are letters of that, and they stand
    among ASCII letters as they do in Western languages. The separator is the one that cuts the first rows into as many
    values as there are names.

    Raises
    ------
    InvalidDataError
        If it is empty, no text, or in letters that cannot be told.
    """
    data = file.data
    if not data.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise InvalidDataError(f"{file} is empty. Give a table whose first line names the columns.")
    for beginning, what in _BEGINNINGS.items():
        if data.startswith(beginning):
            raise InvalidDataError(f"{file} is no text: it begins as {what} does. Save it as CSV, or give its name.")
    encoding, errors, notes = _encoding(file, data)
    with file.open(encoding, errors) as stream:
        first = stream.readline()
        said = _SEP_LINE.fullmatch(first)
        begins_empty = not (first if said is None else stream.readline()).strip()
    line_end = next((end for end in ("\r\n", "\n", "\r") if first.endswith(end)), "\n")
    found = TextFormat(encoding, errors, ",", 0 if said is None else 1, begins_empty, notes, line_end)
    if said is not None:
        return replace(found, separator=said[1].replace("\\t", "\t"))
    return replace(found, separator=max(_SEPARATORS, key=lambda mark: _agreement(replace(found, separator=mark), file)))


def _encoding(file: TableSource, data: bytes) -> tuple[str, str, list[str]]:
    """Return the encoding, what to do with bytes that are none of it, and what to say about that."""
    for mark, (encoding, name) in _MARKS.items():
        if data.startswith(mark):
            bad = _first_bad(data, encoding)
            if bad is not None:
                raise InvalidDataError(
                    f"{file} begins as {name or 'UTF-8'} does, but line {bad} is not. Save it again."
                )
            return encoding, "strict", [f"The file was read as {name}."] if name else []
    for encoding, zeros, others in (("utf-16-le", data[1::2], data[::2]), ("utf-16-be", data[::2], data[1::2])):
        if zeros.count(0) > 0.8 * len(zeros) and others.count(0) < 0.1 * len(others):
            return encoding, "replace", ["The file was read as UTF-16."]
    bad = _first_bad(data, "utf-8")
    if bad is None:
        return "utf-8", "strict", []
    text = data.decode("utf-8", "replace")
    n_bad = text.count("\ufffd")
    if n_bad < len(re.findall(r"[^\x00-\x7f\ufffd]", text)):
        note = (
            f"{n_bad} letters of the file are damaged (not UTF-8), the first in line {bad}; they were read as \ufffd."
        )
        return "utf-8", "replace", [note]
    letters, words = re.findall(rb"[\x80-\xff]", data), re.findall(rb"[\x80-\xff]{3,}", data)
    is_western = 2 * sum(len(word) for word in words if len(set(word)) > 1) <= len(letters)  # else of no ASCII letters
    if _first_bad(data, "cp1252") is None and is_western:
        return "cp1252", "strict", ["The file is not UTF-8; it was read as Windows-1252."]
    raise InvalidDataError(
        f"{file} is not UTF-8, UTF-16 or Windows-1252 (line {bad}), so its letters cannot be told. Save it as UTF-8."
    )


def _first_bad(data: bytes, encoding: str) -> int | None:
    """Return the line of the first byte that is not in an encoding, counted from 1; None if all are."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return data[: error.start].count(b"\n") + 1
    return None


def _agreement(tried: TextFormat, file: TableSource) -> tuple[float, int]:
    """Return the share of the first rows that a separator cuts into as many values as there are names, and how many.

    Rows that end with a separator count.
    """
    try:
        names, *rows = (row for _, row in islice(tried.records(file), _LOOKED_AT))
    except csv.Error:
        return 0.0, 0
    if len(names) < 2:
        return -1.0, 0
    agree = [len(row) == len(names) or (len(row) == len(names) + 1 and not row[-1]) for row in rows]
    return sum(agree) / max(len(agree), 1), len(names)
