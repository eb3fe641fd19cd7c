"""Search spaces, one file each."""

from sweeps.spaces._mentornet import MENTORNET_GRID

__all__ = ["MENTORNET_GRID"]
