"""The methods of the tables, and the baselines that are no part of noisylabel, one file each."""

from benchmarks.methods._table import METHODS, Method, make_classifier, trusted_rows

__all__ = ["METHODS", "Method", "make_classifier", "trusted_rows"]
