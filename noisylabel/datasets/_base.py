"""Where data sets live on this machine, and what to say when they do not."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from noisylabel.exceptions import DatasetNotFoundError


def get_data_home(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that holds data sets.

    Parameters
    ----------
    data_home : path, optional
        By default the environment variable ``NOISYLABEL_DATA``, else ``~/noisylabel_data``.

    Returns
    -------
    Path
        It need not exist.
    """
    chosen = data_home or os.environ.get("NOISYLABEL_DATA") or Path.home() / "noisylabel_data"
    return Path(chosen).expanduser().resolve()


def cached_arrays(
    home: Path, name: str, source: Path, load: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return ``load()``, decoded once and kept beside the data.

    The cache is ``home/cache``, or ``~/.cache/noisylabel`` if the data home is read-only. A source that is newer than
    the cache, or of another size, is decoded again. Files are written beside their place and renamed, so a killed
    process leaves nothing half-written.

    Parameters
    ----------
    home : Path
        The data home.
    name : str
        Name of the cache entry.
    source : Path
        File from which ``load`` decodes.
    load : callable
        Returns arrays by name.
    """
    stat = source.stat()
    key = f"{name}-{stat.st_size}-{stat.st_mtime_ns}"
    for folder in _cache_folders(home):
        if (folder / f"{key}.npz").exists():
            with np.load(folder / f"{key}.npz", allow_pickle=False) as stored:
                return dict(stored)
    arrays = load()
    for folder in _cache_folders(home):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as partial:
                np.savez(partial, **arrays)  # type: ignore[arg-type]
            Path(partial.name).replace(folder / f"{key}.npz")
            break
        except OSError:
            continue  # read-only or full: the next folder, or no cache at all
    return arrays


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
    return DatasetNotFoundError(
        f"{name} is not in the data home {home}. Put one of these there:\n{places}\n"
        f"or name another folder with data_home=... or the environment variable NOISYLABEL_DATA. {advice}".rstrip()
    )
