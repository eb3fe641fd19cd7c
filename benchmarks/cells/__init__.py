"""One run of one method: what it trains on, the run itself, and where its result is kept."""

from benchmarks.cells.catalogue import GROUPS, PROFILES
from benchmarks.cells.cell import Cell, cells, run_cell
from benchmarks.cells.profile import Profile
from benchmarks.cells.rows import load_rows
from benchmarks.cells.run import RunOptions, run_profile
from benchmarks.cells.store import RESULTS, append, newest, read

__all__ = [
    "GROUPS",
    "PROFILES",
    "RESULTS",
    "Cell",
    "Profile",
    "RunOptions",
    "append",
    "cells",
    "load_rows",
    "newest",
    "read",
    "run_cell",
    "run_profile",
]
