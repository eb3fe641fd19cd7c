"""Search spaces: what a sweep draws, by name."""

from sweeps.spaces._base import Space, Suggestions, check_limit, check_limits
from sweeps.spaces._classifiers import (
    MENTORNET_GRID,
    FilterKDSpace,
    MentorMixSpace,
    MentorNetSpace,
    PlainSpace,
)
from sweeps.spaces._methods import METHODS, LossSpace, MethodsSpace, as_method, method_of

SPACES: dict[str, type[Space]] = {
    "mentornet": MentorNetSpace,
    "mentormix": MentorMixSpace,
    "filterkd": FilterKDSpace,
    "plain": PlainSpace,
    "loss": LossSpace,
    "methods": MethodsSpace,
}

__all__ = [
    "MENTORNET_GRID",
    "METHODS",
    "SPACES",
    "FilterKDSpace",
    "LossSpace",
    "MentorMixSpace",
    "MentorNetSpace",
    "MethodsSpace",
    "PlainSpace",
    "Space",
    "Suggestions",
    "as_method",
    "check_limit",
    "check_limits",
    "method_of",
]
