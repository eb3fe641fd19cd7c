"""The bytes of a table, wherever they come from, and what kind of file they are."""

import gzip
import io
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisylabel._support.files import local_path
from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
_KINDS = {
    **dict.fromkeys(TEXT_SUFFIXES, "text"),
    ".parquet": "parquet",
    ".xlsx": "excel",
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "json"),
}
TABLE_SUFFIXES = tuple(_KINDS)
STANDARD_INPUT = "-"
_SUFFIXES = ".csv, .tsv, .parquet, .xlsx or .jsonl"


@dataclass(frozen=True)
class TableSource:
    """A table that was read whole.

    Attributes
    ----------
    name : str
        What messages call it: its path, or standard input.
    kind : {"text", "parquet", "excel", "json"}
    data : bytes
        No more compressed.
    """

    name: str
    kind: str
    data: bytes

    def __str__(self) -> str:
        return self.name

    def open(self, encoding: str, errors: str = "strict") -> io.TextIOWrapper:
        """Return its text, line ends as they are."""
        return io.TextIOWrapper(io.BytesIO(self.data), encoding=encoding, errors=errors, newline="")


def is_table(path: Path) -> bool:
    """Return whether the name of a file is that of a table, maybe compressed by gzip."""
    return _suffix(path) in TABLE_SUFFIXES


def open_table(path: Any) -> TableSource:
    """Read a file, or standard input if the path is ``-``.

    Raises
    ------
    DatasetNotFoundError
        If there is no such file.
    InvalidDataError
        If its name ends in nothing that is a table, or it is damaged.
    """
    if path == STANDARD_INPUT or path == Path(STANDARD_INPUT):
        data = _unpacked("Standard input", sys.stdin.buffer.read())
        return TableSource("Standard input", _kind_of(data), data)
    file = local_path("path", path)
    if not file.is_file():
        raise DatasetNotFoundError(f"There is no file {file}. Give the path of a {_SUFFIXES} file.")
    if not is_table(file):
        raise InvalidDataError(f"{file} must end in {_SUFFIXES}, or one of these and .gz. Save it as one of them.")
    data = file.read_bytes()
    return TableSource(str(file), _KINDS[_suffix(file)], _unpacked(str(file), data) if _is_packed(file) else data)


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _suffix(path: Path) -> str:
    return (Path(path.stem) if _is_packed(path) else path).suffix.lower()


def _unpacked(name: str, data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidDataError(f"{name} is compressed by gzip, and damaged: {error}.") from error


def _kind_of(data: bytes) -> str:
    """Return the kind of a table that has no name, by how it begins."""
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"PK\x03\x04"):
        return "excel"
    return "json" if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") else "text"
