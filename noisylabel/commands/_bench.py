"""``noisylabel bench``: every method on the same data."""

from collections.abc import Sequence
from typing import Any

from noisylabel.commands._hand_over import hand_over

_ABSENT = (
    "'noisylabel bench' needs the folder benchmarks, which is in noisylabel's repository and not in the installed "
    "package. Clone the repository, and run the command in the clone."
)


def add_bench_command(commands: Any) -> None:
    """Name ``bench`` in the help of the ``noisylabel`` command."""
    commands.add_parser("bench", help="Measure every method on the same data, in a clone; as python -m benchmarks.")


def run_bench(arguments: Sequence[str]) -> int:
    """Hand over to ``python -m benchmarks`` and return its exit code."""
    return hand_over("benchmarks", "python -m benchmarks", arguments, _ABSENT, "bench")
