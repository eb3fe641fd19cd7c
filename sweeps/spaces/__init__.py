"""Search spaces, one file each."""

from sweeps.spaces._base import Space, Suggestions, check_limit, check_limits
from sweeps.spaces._filterkd import FilterKDSpace
from sweeps.spaces._mentormix import MentorMixSpace
from sweeps.spaces._mentornet import MENTORNET_GRID, MentorNetSpace
from sweeps.spaces._plain import PlainSpace

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
