"""The ``noisylabel`` command, one file for each sub-command."""

from noisylabel.commands._main import main

__all__ = ["main"]
