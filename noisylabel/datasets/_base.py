"""Where data sets live on this machine, and what to say when they do not."""

import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from noisylabel._support.files import local_path, reading
from noisylabel.exceptions import DatasetNotFoundError, InvalidFileError


def get_data_home(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that holds data sets.

    Parameters
    ----------
    data_home : path, optional
        By default the environment variable ``NOISYLABEL_DATA``, else ``~/noisylabel_data``.

    Returns
    -------
    Path
        Absolute. It need not exist.

    Examples
    --------
    >>> get_data_home("/data/images").as_posix()
    '/data/images'
    """
    chosen = data_home or os.environ.get("NOISYLABEL_DATA") or Path.home() / "noisylabel_data"
    return local_path("data_home", chosen).resolve()


def cached_arrays(
    home: Path, name: str, sources: list[Path], load: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return ``load()``, decoded once and kept beside the data.

    The cache is ``home/cache``, or ``~/.cache/noisylabel`` if the data home is read-only. Sources that are newer
    than the cache, or of another size, are decoded again; so are those of a damaged cache. Files are written beside
    their place and renamed, so a killed process leaves nothing half-written.

    Parameters
    ----------
    home : Path
        The data home.
    name : str
        Name of the cache entry.
    sources : list of Path
        Files from which ``load`` decodes.
    load : callable
        Returns arrays by name.

    Returns
    -------
    dict from str to ndarray
    """
    stats = [source.stat() for source in sources]
    key = f"{name}-{sum(stat.st_size for stat in stats)}-{max(stat.st_mtime_ns for stat in stats)}"
    for folder in _cache_folders(home):
        stored = _read_cache(folder / f"{key}.npz")
        if stored is not None:
            return stored
    arrays = load()
    for folder in _cache_folders(home):
        if _write(arrays, folder, f"{key}.npz"):
            break
    return arrays


def _read_cache(path: Path) -> dict[str, np.ndarray] | None:
    """Return the arrays of a cache file; None if it is absent or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def read_codes(path: Path, columns: list[str], n_classes: int) -> dict[str, np.ndarray]:
    """Return columns of label codes, int64 (N,), of a Parquet file.

    Raises
    ------
    InvalidFileError
        If the file is no Parquet, a column is absent, or its values are not whole numbers from 0 to C-1.
    """
    import pyarrow.parquet as pq

    with reading(path, "Parquet file", "Fetch it again."):
        found = pq.read_schema(path).names
        for column in columns:
            if column not in found:
                raise InvalidFileError(f"{path} has no column {column!r}. It has {found}.")
        table = pq.read_table(path, columns=columns)
        return {name: check_codes(path, name, table.column(name).to_numpy(), n_classes) for name in columns}


def check_codes(path: Path, name: str, values: Any, n_classes: int) -> np.ndarray:
    """Return label codes of a file as int64 (N,), if they are whole numbers from 0 to C-1."""
    codes = np.asarray(values)
    is_whole = codes.ndim == 1 and codes.dtype.kind in "iu" and len(codes) > 0
    if not is_whole or codes.min() < 0 or codes.max() >= n_classes:
        held = f"{codes.dtype} of shape {codes.shape}"
        raise InvalidFileError(
            f"{path} must hold in {name!r} whole numbers from 0 to {n_classes - 1}, one an image. It holds {held}"
            f"{f', from {codes.min()} to {codes.max()}' if is_whole else ''}. Fetch it "
            "again."
        )
    return codes.astype(np.int64)


def _write(arrays: dict[str, np.ndarray], folder: Path, name: str) -> bool:
    """Write arrays beside their place, then rename; False if the folder cannot take them (read-only, or full)."""
    partial = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            partial = Path(file.name)
            np.savez(file, **arrays)  # type: ignore[arg-type]
        partial.chmod(0o644)
        partial.replace(folder / name)
    except OSError:
        if partial is not None:
            partial.unlink(missing_ok=True)
        return False
    return True


def _cache_folders(home: Path) -> list[Path]:
    """Return where decoded arrays may be: in the data home unless it is marked read-only, else in the user's cache."""
    users_own = Path.home() / ".cache" / "noisylabel"
    is_writable = home.exists() and home.stat().st_mode & 0o222
    return [home / "cache", users_own] if is_writable else [users_own]


def first_existing(candidates: list[Path]) -> Path | None:
    """Return the first path that exists, or None."""
    return next((path for path in candidates if path.exists()), None)


def missing(name: str, home: Path, wanted: list[str], advice: str = "") -> DatasetNotFoundError:
    """Return the one error of a missing data set: what to put where."""
    places = "\n".join(f"  {home / entry}" for entry in wanted)
    what = "one of these" if len(wanted) > 1 else "this"
    return DatasetNotFoundError(
        f"{name} is not in the data home {home}. Put {what} there:\n{places}\n"
        f"or name another folder with data_home=... or the environment variable NOISYLABEL_DATA. {advice}".rstrip()
    )


def require(name: str, home: Path, folder: str, entries: list[str], advice: str = "") -> Path:
    """Return a data set's folder if it has all the files and folders that loading starts from.

    Parameters
    ----------
    name : str
        The data set, for the message.
    home : Path
        The data home.
    folder : str
        Folder of the data set in the data home.
    entries : list of str
        Files and folders in it.
    advice : str
        Where to get them.

    Raises
    ------
    DatasetNotFoundError
        If some are absent; the message says what to put where.
    """
    root = home / folder
    absent = [entry for entry in entries if not (root / entry).exists()]
    if absent:
        others = f" and, also in {folder}, {', '.join(absent[1:])}" if absent[1:] else ""
        raise missing(name, home, [f"{folder}/{absent[0]}{others}"], advice)
    return root
