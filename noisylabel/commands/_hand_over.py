"""Sub-commands that are programs of their own: their packages stand above this one, so they are found when called."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from noisylabel.exceptions import MissingDependencyError


def hand_over(package: str, word: str, arguments: Sequence[str], absent: str, extra: str) -> int:
    """Run ``python -m PACKAGE ARGUMENTS`` in this process and return its exit code.

    Parameters
    ----------
    package : str
        Has a module ``__main__`` with a function ``main(arguments)``. It may lie in the current folder.
    word : str
        Stands in the package's ``__init__.py``: another distribution may install one of the same name.
    arguments : sequence of str
    absent : str
        What to say if there is no such package.
    extra : str
        What to install if a package that it needs is absent: an extra of noisylabel, such as ``sweeps``.

    Raises
    ------
    MissingDependencyError
        If the package, or one that it needs, is absent, or another one has its name; the message says what to do.
    """
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    _refuse_another(package, word)
    try:
        main = import_module(f"{package}.__main__").main
    except ModuleNotFoundError as error:
        if error.name in (package, f"{package}.__main__"):
            raise MissingDependencyError(absent) from error
        raise MissingDependencyError(
            f"The package {error.name!r} is not installed. Get all that this needs: pip install '.[{extra}]' in a "
            "clone of noisylabel."
        ) from error
    return int(main(list(arguments)))


def _refuse_another(package: str, word: str) -> None:
    """Say so if the package that would be imported is one of the same name by others."""
    found = find_spec(package)
    if found is None or found.origin is None or word in Path(found.origin).read_text(encoding="utf-8"):
        return
    raise MissingDependencyError(
        f"The package {package!r} in {Path(found.origin).parent} is not noisylabel's but another one of that name. "
        f"Uninstall it (pip uninstall {package}) and install noisylabel again, or give it an environment of its own."
    )
