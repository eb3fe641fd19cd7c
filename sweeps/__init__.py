"""Search over curricula: which MentorNet to use is itself a hyper-parameter.

For now the spaces alone, for scikit-learn's own searches.
"""

from sweeps.spaces import MENTORNET_GRID

__all__ = ["MENTORNET_GRID"]
