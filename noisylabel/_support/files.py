"""Files that are there whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, then rename it; see :func:`written_whole`."""
    written_whole(path, lambda partial: partial.write_bytes(data))


def written_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file of another name with the same suffix, then rename it to ``path``.

    Whatever stops it, ``path`` holds all of the new content or what it held before, and nothing else is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
