"""Files that are there whole or not at all, and the paths to them."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch

from noisylabel._support.validation import spoken
from noisylabel.exceptions import FileWriteError, InvalidFileError, InvalidParameterError, NoisyLabelError

_LONGEST_REASON = 200
_MUST_LAST: ContextVar[bool] = ContextVar("must_last", default=True)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # two letters at least: a drive of Windows has one


def local_path(name: str, value: Any) -> Path:
    """Return the path of a file or folder on this machine, with ``~`` for the user's home folder.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    value : str or path-like
        What the user passed.

    Returns
    -------
    Path

    Raises
    ------
    InvalidParameterError
        If it is no path, or the address of something elsewhere, such as ``s3://bucket/run``.

    Examples
    --------
    >>> local_path("folder", "~/runs") == Path.home() / "runs"
    True
    """
    try:
        text = os.fspath(value)
        if not isinstance(text, str) or not text or "\0" in text:
            raise TypeError
        if _ADDRESS.match(text):
            raise InvalidParameterError(
                f"{spoken(name)} must be a path on this machine. Got {text!r}: noisylabel reads and writes local files "
                "only. Give a local path, or mount the storage as a folder."
            )
        return Path(text).expanduser()
    except (TypeError, RuntimeError) as error:  # no path; or the home folder of a user who does not exist
        raise InvalidParameterError(f"{spoken(name)} must be the path of a file or folder. Got {value!r}.") from error


@contextmanager
def reading(path: Path, what: str, hint: str = "") -> Iterator[None]:
    """Let our error with the path stand for what a library says of a file that is damaged or of another kind.

    The first line of the library's error is at the end of the message. A lack of memory is no fault of the file.

    Parameters
    ----------
    path : Path
    what : str
        What the file should be, such as ``"Parquet file"``.
    hint : str
        What to do; added to the message.

    Raises
    ------
    InvalidFileError
    """
    try:
        yield
    except (NoisyLabelError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise InvalidFileError(f"There is no {what} {path}. {hint}".strip()) from error
    except PermissionError as error:
        raise InvalidFileError(f"{path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # libraries that read files raise almost anything
        raise InvalidFileError(
            f"{path} is no {what}, or is damaged. {hint}".strip() + f" ({_reason(error)})"
        ) from error


def _reason(error: Exception) -> str:
    """Return the first line of a library's error; not torch's, which advises to run what is in the file."""
    line = "".join(filter(str.isprintable, (str(error).strip().splitlines() or [""])[0]))[:_LONGEST_REASON]
    is_advice = "weights only" in line.lower() or "weights_only" in line
    return f"{type(error).__name__}: {line}" if line and not is_advice else type(error).__name__


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, then rename it; see :func:`written_whole`."""
    written_whole(path, lambda partial: partial.write_bytes(data))


def save_whole(path: Path, content: Any) -> None:
    """Write what ``torch.save`` makes of ``content``; see :func:`written_whole`."""

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            try:
                torch.save(content, file)
            except RuntimeError as error:
                cause: BaseException | None = error
                while cause is not None and not isinstance(cause, OSError):
                    cause = cause.__context__
                raise cause or error from None  # torch only says that it did not succeed

    written_whole(path, write)


def written_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file of another name with the same suffix, then rename it to ``path``.

    Whatever stops it, be it a power failure, ``path`` holds all of the new content or what it held before, and nothing
    else is left behind.

    Raises
    ------
    FileWriteError
        If the disk is full or the folder cannot be written to; the message has the path.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(partial)
            if _MUST_LAST.get():
                _sync(partial)
            partial.replace(path)
            if _MUST_LAST.get():
                with suppress(OSError):  # some network file systems, and Windows, know no such thing
                    _sync(path.parent)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, NoisyLabelError):
            raise
        kept = "What it held before is still there." if path.is_file() else "Nothing was left there."
        raised = FileWriteError(f"{path} could not be written: {error.strerror or error}. {kept}")
        raised.errno = error.errno
        raise raised from error


def _sync(path: Path) -> None:
    """Wait until the disk has what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def short_lived_files() -> Iterator[None]:
    """Do not wait for the disk inside a ``with`` block: for files that nobody wants after a power failure.

    A killed process leaves files whole without it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, short_lived_files():
    ...     write_whole(Path(folder) / "note.txt", b"gone tomorrow")
    """
    token = _MUST_LAST.set(False)
    try:
        yield
    finally:
        _MUST_LAST.reset(token)
