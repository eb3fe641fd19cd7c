"""Helpers for those who write curricula, losses, spaces or benchmarks of their own."""

from noisylabel._support.describe import describe, hash_arrays, plain_value
from noisylabel._support.files import local_path, short_lived_files, write_whole, written_whole
from noisylabel._support.notes import as_note, short_warnings, take_notes
from noisylabel._support.progress import progress_bar, stop_if_interrupted
from noisylabel._support.random import draw_seed
from noisylabel._support.ray import RAY_ENVIRONMENT, ray_session
from noisylabel._support.spreadsheet import write_csv
from noisylabel._support.trusted import right_codes, trusted_codes
from noisylabel._support.validation import check_choice, check_count, check_number

__all__ = [
    "RAY_ENVIRONMENT",
    "as_note",
    "check_choice",
    "check_count",
    "check_number",
    "describe",
    "draw_seed",
    "hash_arrays",
    "local_path",
    "plain_value",
    "progress_bar",
    "ray_session",
    "right_codes",
    "short_lived_files",
    "short_warnings",
    "stop_if_interrupted",
    "take_notes",
    "trusted_codes",
    "write_csv",
    "write_whole",
    "written_whole",
]
