"""The method that a name stands for, of the tables or of one's own."""

from importlib import import_module

from benchmarks.methods._method import Method
from benchmarks.methods._table import METHODS
from noisylabel import FilterKDClassifier, MentorNetClassifier
from noisylabel.exceptions import InvalidParameterError
from noisylabel.utils import check_choice


def find_method(name: str) -> Method:
    """Return the method of a name.

    Parameters
    ----------
    name : str
        Key of ``METHODS``, or ``module:Name`` of a :class:`Method`, or of a classifier, that can be imported from here.

    Raises
    ------
    InvalidParameterError
        If there is no such method.

    Examples
    --------
    >>> find_method("plain").settings, find_method("noisylabel:MentorMixClassifier").estimator.__name__
    ({'curriculum': 'uniform'}, 'MentorMixClassifier')
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        return METHODS[check_choice("methods", name, METHODS)]
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidParameterError(
            f"'methods' {name!r} must be a name of the tables, or module:Name of a benchmarks.methods.Method or a "
            f"classifier that can be imported from here: {error}."
        ) from error
    if isinstance(found, Method):
        return found
    if isinstance(found, type) and issubclass(found, MentorNetClassifier | FilterKDClassifier):
        return Method({}, estimator=found)
    raise InvalidParameterError(
        f"'methods' {name!r} must be a benchmarks.methods.Method, or a sub-class of MentorNetClassifier or "
        f"FilterKDClassifier. Got {found!r}."
    )
