"""The methods of the tables, and the baselines that are no part of noisylabel, one file each."""

from benchmarks.methods._find import find_method
from benchmarks.methods._method import Method
from benchmarks.methods._table import ABSOLUTE_CURRICULA, METHODS, RELATIVE_CURRICULA

__all__ = ["ABSOLUTE_CURRICULA", "METHODS", "RELATIVE_CURRICULA", "Method", "find_method"]
