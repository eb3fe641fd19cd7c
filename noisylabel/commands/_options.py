"""What all sub-commands share: how help and mistakes look, and the kinds of values that options take."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from noisylabel._support.files import local_path
from noisylabel.exceptions import InvalidParameterError


class Parser(argparse.ArgumentParser):
    """A parser whose help has the default of each option, and whose errors are one sentence."""

    def __init__(self, **options: Any) -> None:
        self.spoken: dict[str, str] = {}
        super().__init__(**options, formatter_class=_Help)

    def add_argument(self, *names: Any, **options: Any) -> Any:
        """Add an argument, by whose option messages will call the parameter of that name."""
        action = super().add_argument(*names, **options)
        if action.option_strings:
            self.spoken[action.dest] = action.option_strings[-1]
        return action

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and end the process with exit code 2."""
        self.exit(2, f"noisylabel: {message}. See '{self.prog} --help'.\n")


class _Help(argparse.HelpFormatter):
    def _get_help_string(self, action: argparse.Action) -> str | None:
        has_default = action.default is not argparse.SUPPRESS and action.default not in (None, [])
        if action.nargs == 0 or not has_default:
            return action.help
        return f"{action.help} (%(default)s)"


def add_command(commands: Any, name: str, about: str, run: Callable[[argparse.Namespace], None]) -> Any:
    """Add a sub-command that ``run`` carries out, and return its parser."""
    parser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(run=run, spoken=parser.spoken)
    return parser


def print_written(paths: Iterable[Path]) -> None:
    """Say which files a command has written."""
    print(f"Written: {', '.join(map(str, paths))}")


def place(text: str) -> Path:
    """Read the path of a file or folder on this machine."""
    try:
        return local_path("path", text)
    except InvalidParameterError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error


def whole(text: str) -> int:
    """Read a whole number of at least 1."""
    value = int(text) if text.strip().isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1; got {text!r}")
    return value


def above_zero(text: str) -> float:
    """Read a number above 0."""
    value = _number(text)
    if value is None or not value > 0:
        raise argparse.ArgumentTypeError(f"must be a number above 0; got {text!r}")
    return value


def fraction(text: str) -> float:
    """Read a share of something, from 0 to 1."""
    value = _number(text)
    if value is None or not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a fraction from 0 to 1, so 0.7 and not 70; got {text!r}")
    return value


def fractions(text: str) -> list[float]:
    """Read shares with commas between."""
    return [fraction(part) for part in text.split(",")]


def fraction_or_word(text: str) -> float | str:
    """Read a share, or leave what is no number to the classifier, such as ``auto``."""
    return text if _number(text) is None else fraction(text)


def numbers(text: str) -> list[float]:
    """Read numbers with commas between."""
    values = [_number(part) for part in text.split(",")]
    if None in values:
        raise argparse.ArgumentTypeError(f"must be numbers with commas between, such as 0.1,3; got {text!r}")
    return [value for value in values if value is not None]


def percents(text: str) -> list[int]:
    """Read percents of training, ``0,10,18,20,...,99``: dots go on in the last step, up to the number after them."""
    found: list[int] = []
    parts = [part.strip() for part in text.split(",")]
    try:
        for position, part in enumerate(parts):
            if part in ("...", "…"):
                step = found[-1] - found[-2]
                if step < 1:
                    raise ValueError(text)
                found.extend(range(found[-1] + step, int(parts[position + 1]), step))
            else:
                found.append(int(part))
    except (ValueError, IndexError):
        found = [-1]
    if not all(0 <= percent <= 99 for percent in found):
        raise argparse.ArgumentTypeError(f"must be whole percents from 0 to 99, such as 0,10,20,...,99; got {text!r}")
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
