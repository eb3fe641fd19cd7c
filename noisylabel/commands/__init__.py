"""The ``noisylabel`` command, one file for each sub-command; what they share is in ``_options`` and ``_main``."""

from noisylabel.commands._main import main

__all__ = ["main"]
