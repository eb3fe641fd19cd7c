"""Accuracy per noise level and speed, each by one command: ``python -m benchmarks --help``."""
