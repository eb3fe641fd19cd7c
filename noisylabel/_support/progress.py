"""Long work: bars for people who look at them, none in redirected output, and an interrupt that ends a command."""

import sys
from typing import Any

from tqdm.auto import tqdm


def progress_bar(*args: Any, **options: Any) -> Any:
    """Return tqdm's bar, drawn only in a terminal or a notebook.

    Parameters
    ----------
    *args, **options
        As tqdm takes them; ``disable=True`` hides it everywhere.
    """
    is_notebook = any(kind.__name__ == "tqdm_notebook" for kind in tqdm.__mro__)
    is_watched = is_notebook or sys.stderr.isatty()
    return tqdm(*args, **options | {"disable": options.get("disable", False) or not is_watched})


def stop_if_interrupted(clf: Any) -> None:
    """End a command that has fitted a classifier whose training was interrupted.

    ``fit`` keeps the network so far, which is for a user to judge, and never a result to record.

    Raises
    ------
    KeyboardInterrupt
    """
    if getattr(clf, "interrupted_", False):
        raise KeyboardInterrupt
