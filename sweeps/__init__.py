"""Search over curricula: which MentorNet to use is itself a hyper-parameter."""

from sweeps.search import CurriculumSearch
from sweeps.spaces import MENTORNET_GRID, SPACES, Space

__all__ = ["MENTORNET_GRID", "SPACES", "CurriculumSearch", "Space"]
