"""One run of one method: what it trains on, the run itself, and where its result is kept."""

from benchmarks.cells.catalogue import GROUPS, PROFILES
from benchmarks.cells.cell import Cell, cells, run_cell
from benchmarks.cells.profile import Profile
from benchmarks.cells.run import RunOptions, run_profile
from benchmarks.cells.store import RESULTS

__all__ = ["GROUPS", "PROFILES", "RESULTS", "Cell", "Profile", "RunOptions", "cells", "run_cell", "run_profile"]
