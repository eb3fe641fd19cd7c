"""The ``noisylabel`` command."""

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import version
from typing import Any

from noisylabel._support.notes import short_warnings
from noisylabel._support.validation import speaking_of
from noisylabel.commands import ADD_COMMAND, HAND_OVER, TWO_WORDS, Parser
from noisylabel.exceptions import NoisyLabelError

DONE, WRONG, STOPPED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default the process's own.

    Returns
    -------
    int
        0; 2 after a mistake of the user's and 130 after Ctrl-C, which are said in a sentence on standard error, without
        a traceback; after ``sweep`` and ``bench`` what those return.

    Raises
    ------
    SystemExit
        With code 2 if an option is wrong or missing, and with 0 after ``--help`` and ``--version``.

    Examples
    --------
    >>> main(["curriculum", "plot", "no_such_curriculum"])
    2
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    with short_warnings(), _patient_output():
        try:
            if arguments and arguments[0] in HAND_OVER:
                return HAND_OVER[arguments[0]](arguments[1:])
            options = _parser().parse_args(_with_two_words(arguments))
            with speaking_of(options.spoken):
                options.run(options)
            return DONE
        except (NoisyLabelError, OSError) as error:
            print(f"noisylabel: {_sentence(error)}", file=sys.stderr)
            return WRONG
        except KeyboardInterrupt:
            print("noisylabel: stopped.", file=sys.stderr)
            return STOPPED


def _with_two_words(arguments: list[str]) -> list[str]:
    """Return arguments with the name of a sub-command's own sub-command in one, as in ``audit apply``."""
    name = " ".join(arguments[:2])
    return [name, *arguments[2:]] if name in TWO_WORDS else arguments


def _sentence(error: Exception) -> str:
    """Return what an error says; of the system's errors the file and the reason, without their number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return str(error)


def _parser() -> Parser:
    parser = Parser(prog="noisylabel", description="Train deep classifiers on labels nobody trusts.")
    parser.add_argument("--version", action="version", version=f"noisylabel {version('noisylabel')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add_command in ADD_COMMAND:
        add_command(commands)
    return parser


class _Patient:
    """An output that takes what nobody reads any more, as after ``| head``."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._until_closed(lambda: self._stream.write(text)) or len(text)

    def flush(self) -> None:
        self._until_closed(self._stream.flush)

    def _until_closed(self, act: Any) -> Any:
        try:
            return act()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            return None


@contextmanager
def _patient_output() -> Iterator[None]:
    """Let a command end its work although nobody reads what it prints, or its letters cannot be printed."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    usual = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    patient: list[Any] = []
    try:
        with ExitStack() as redirected:
            for output, redirect in ((sys.stdout, redirect_stdout), (sys.stderr, redirect_stderr)):
                if output is not None:  # None: closed from the start
                    patient.append(_Patient(output))
                    redirected.enter_context(redirect(patient[-1]))
            yield
    finally:
        for one in patient:
            one.flush()
        for stream, errors in zip(streams, usual, strict=True):
            if not stream.closed:
                stream.reconfigure(errors=errors)
