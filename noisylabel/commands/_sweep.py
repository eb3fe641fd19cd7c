"""``noisylabel sweep``: which curriculum, and how it is set."""

from collections.abc import Sequence
from typing import Any

from noisylabel.commands._hand_over import hand_over

_ABSENT = (
    "'noisylabel sweep' needs the package sweeps, which comes along: pip install '.[sweeps]' in a clone of noisylabel."
)


def add_sweep_command(commands: Any) -> None:
    """Name ``sweep`` in the help of the ``noisylabel`` command."""
    commands.add_parser("sweep", help="Find the curriculum and its settings that suit your data; as python -m sweeps.")


def run_sweep(arguments: Sequence[str]) -> int:
    """Hand over to ``python -m sweeps`` and return its exit code."""
    return hand_over("sweeps", "CurriculumSearch", arguments, _ABSENT, "sweeps")
