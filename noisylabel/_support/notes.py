"""Our own warnings as notes of one line, for people who look at a command and not at code."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from noisylabel.exceptions import NoisyLabelWarning


@contextmanager
def short_warnings() -> Iterator[None]:
    """Show warnings of ours as a note, without the line of code that gave them; others as they are.

    Examples
    --------
    >>> import warnings
    >>> with short_warnings():
    ...     print(warnings.formatwarning("Few rows.", NoisyLabelWarning, "file.py", 1), end="")
    Note: Few rows.
    """
    usual = warnings.formatwarning

    def shown(message, category, filename, lineno, line=None):  # type: ignore[no-untyped-def]
        if issubclass(category, NoisyLabelWarning):
            return f"{as_note(str(message))}\n"
        return usual(message, category, filename, lineno, line)

    warnings.formatwarning = shown
    try:
        yield
    finally:
        warnings.formatwarning = usual


@contextmanager
def take_notes() -> Iterator[list[str]]:
    """Give a list that has, afterwards, what our own warnings said, each once; others are given out again.

    Examples
    --------
    >>> import warnings
    >>> with take_notes() as notes:
    ...     warnings.warn("Few rows.", NoisyLabelWarning)
    >>> notes
    ['Few rows.']
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NoisyLabelWarning)
        try:
            yield notes
        finally:
            ours = [str(one.message) for one in caught if issubclass(one.category, NoisyLabelWarning)]
            notes.extend(dict.fromkeys(ours))
    for one in caught:
        if not issubclass(one.category, NoisyLabelWarning):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def as_note(text: str, of: str = "") -> str:
    """Return a note as one line, with what it is of.

    Examples
    --------
    >>> as_note("Few rows.", "mentornet, 40 % noise")
    'Note: mentornet, 40 % noise: Few rows.'
    """
    return f"Note: {of + ': ' if of else ''}{' '.join(text.split())}"
