"""One trial as the driver of a sweep sees it."""

import math
from dataclasses import dataclass, field
from typing import Any

from sweeps.trial.clock import Clock

WAITING, RUNNING, DONE, STOPPED, FAILED = "waiting", "running", "done", "stopped", "failed"


@dataclass(eq=False)
class Trial:
    """A configuration, how far its training is, and from where it can go on.

    Attributes
    ----------
    number : int
        From 0.
    params : dict
        The configuration.
    drawn_from : dict
        The distributions of the parameters that were drawn, as JSON.
    clock : Clock
    state : str
        ``"waiting"``, ``"running"``, or how it ended: ``"done"``, ``"stopped"``, ``"failed"``.
    epoch : int
        Of the latest report, or of the checkpoint that it goes on from.
    score : float
        Of the latest report.
    seconds : float
        Of training so far, of all of its processes.
    last : dict
        The latest report since the start.
    checkpoints : dict
        From the name of a checkpoint to its epoch, the newest last.
    n_checkpoints : int
        Number of the next one.
    n_deaths : int
        How often its process died.
    error : str
        If it failed, why.
    """

    number: int
    params: dict[str, Any]
    drawn_from: dict[str, str]
    clock: Clock
    state: str = WAITING
    epoch: int = 0
    score: float = math.nan
    seconds: float = 0.0
    last: dict[str, Any] = field(default_factory=dict)
    checkpoints: dict[str, int] = field(default_factory=dict)
    n_checkpoints: int = 0
    n_deaths: int = 0
    error: str = ""

    @property
    def name(self) -> str:
        """As tables and files have it."""
        return trial_name(self.number)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state in (DONE, STOPPED, FAILED)


def trial_name(number: int) -> str:
    """Return the name of a trial, by its number from 0.

    Examples
    --------
    >>> trial_name(0), trial_name(1233)
    ('t001', 't1234')
    """
    return f"t{number + 1:03d}"
