"""Checks that every member of a family passes. Run them over members of your own, too."""

from noisylabel.testing._curricula import check_curriculum
from noisylabel.testing._losses import check_loss
from noisylabel.testing._noises import check_noise
from noisylabel.testing._reads import count_reads
from noisylabel.testing._students import check_student

__all__ = ["check_curriculum", "check_loss", "check_noise", "check_student", "count_reads"]
