"""Errors and warnings raised by noisylabel."""


class NoisyLabelError(Exception):
    """Root of every error that noisylabel raises on purpose."""


class InvalidParameterError(NoisyLabelError, ValueError):
    """A parameter is outside what it allows; the message says what to pass instead."""


class InvalidDataError(NoisyLabelError, ValueError):
    """The data given to ``fit`` or ``predict`` cannot be used as they are."""


class InvalidFileError(NoisyLabelError, ValueError):
    """A file is missing, cut off, or not what its name says; the message names it."""


class FileWriteError(NoisyLabelError, OSError):
    """A file could not be written, as on a full disk; the message names it, and what it held before is still there."""


class DivergedError(NoisyLabelError, RuntimeError):
    """The training loss became NaN or infinite."""


class DatasetNotFoundError(NoisyLabelError, FileNotFoundError):
    """A data set is not on this machine; the message says what to put where."""


class MissingDependencyError(NoisyLabelError, ImportError):
    """An optional package is needed; the message names the extra to install."""


class NoisyLabelWarning(UserWarning):
    """Training goes on, but something about it deserves a look."""
