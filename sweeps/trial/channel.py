"""What passes between a training and those who watch over it: reports one way, whether to go on the other."""

import threading
from typing import Any


class Halted(BaseException):
    """The training shall end here; no error."""


class Channel:
    """Reports of one training, kept until somebody takes them.

    A report costs the training some microseconds: it waits for nobody, unless it asks whether to go on.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reports: list[dict[str, Any]] = []
        self._is_urgent = False
        self._goes_on: bool | None = None

    def report(self, report: dict[str, Any], *, urgent: bool = False, asks: bool = False) -> None:
        """Leave a report.

        Parameters
        ----------
        report : dict
        urgent : bool
            To be taken at once.
        asks : bool
            Wait for the answer, whether to go on.

        Raises
        ------
        Halted
            If the answer is no.
        """
        with self._changed:
            self._reports.append({**report, "asks": True} if asks else report)
            self._is_urgent = self._is_urgent or urgent or asks
            self._changed.notify_all()
            if asks:
                self._changed.wait_for(lambda: self._goes_on is not None)
                goes_on, self._goes_on = self._goes_on, None
                if not goes_on:
                    raise Halted

    def take(self, seconds: float) -> list[dict[str, Any]]:
        """Return the reports so far: as soon as one is urgent, else after some time."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_urgent, seconds)
            reports, self._reports, self._is_urgent = self._reports, [], False
            return reports

    def answer(self, goes_on: bool) -> None:
        """Say to the training that waits whether it goes on."""
        with self._changed:
            self._goes_on = goes_on
            self._changed.notify_all()
