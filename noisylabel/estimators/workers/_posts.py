"""What a worker tells the process that started it."""

from dataclasses import dataclass
from typing import Any

from noisylabel.exceptions import NoisyLabelError


@dataclass(frozen=True)
class Started:
    """A worker has started; ``actor`` is what Ray knows it by."""

    actor: Any


@dataclass(frozen=True)
class EpochEnded:
    """An epoch is over.

    Attributes
    ----------
    run : str
        Of which run: empty for the main one, else the name of its folder below, such as that of a teacher.
    history : list of dict
        A row an epoch.
    n_epochs : int
        Of the whole run.
    checkpoint : bytes
        What a file of the checkpoint would hold.
    """

    run: str
    history: list[dict[str, Any]]
    n_epochs: int
    checkpoint: bytes


@dataclass(frozen=True)
class Failed:
    """Training raised an error, which is the user's to see."""

    pickled: bytes

    @classmethod
    def by(cls, error: BaseException) -> "Failed":
        """Return the post of an error; of one that cannot be pickled its text is left."""
        from ray import cloudpickle

        try:
            pickled = cloudpickle.dumps(error.with_traceback(None))
            cloudpickle.loads(pickled)
        except Exception:  # whatever users' exceptions do
            pickled = cloudpickle.dumps(NoisyLabelError(f"{type(error).__name__}: {error}"))
        return cls(pickled)

    def error(self) -> BaseException:
        """Return the error."""
        from ray import cloudpickle

        error: BaseException = cloudpickle.loads(self.pickled)
        return error


@dataclass(frozen=True)
class Ended:
    """Training is over.

    Attributes
    ----------
    is_interrupted : bool
        Whether a callback ended it by a KeyboardInterrupt.
    warnings : list of (class, str)
        What was warned of meanwhile.
    callbacks : list of dict of bytes
        The attributes that each of the user's callbacks has in the end, pickled.
    """

    is_interrupted: bool
    warnings: list[tuple[type[Warning], str]]
    callbacks: list[dict[str, bytes]]
