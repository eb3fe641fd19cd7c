"""Search spaces: what a sweep draws, by name."""

from sweeps.spaces._base import Space, Suggestions, check_limit, check_limits
from sweeps.spaces._classifiers import (
    MENTORNET_GRID,
    FilterKDSpace,
    MentorMixSpace,
    MentorNetSpace,
    PlainSpace,
)

SPACES: dict[str, type[Space]] = {
    "mentornet": MentorNetSpace,
    "mentormix": MentorMixSpace,
    "filterkd": FilterKDSpace,
    "plain": PlainSpace,
}

__all__ = [
    "MENTORNET_GRID",
    "SPACES",
    "FilterKDSpace",
    "MentorMixSpace",
    "MentorNetSpace",
    "PlainSpace",
    "Space",
    "Suggestions",
    "check_limit",
    "check_limits",
]
