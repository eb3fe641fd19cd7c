"""Data sets too large for memory; their images stay on disk."""
