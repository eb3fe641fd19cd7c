"""What was found about the labels, in words."""

import numpy as np

from noisylabel.functional.noise_matrix import NoiseEstimate

_NEGLIGIBLE = 0.02
_UNSURE = 0.25  # width of the interval from which checked labels are worth their trouble
_TIMES_WORSE = 1.5  # than all, from which a class is named


def noise_advice(noise: NoiseEstimate | None, assumed_rate: float | None, deed: str, classes: np.ndarray) -> str:
    """Return a paragraph: how many labels are wrong, what training did about it, and what would help.

    Parameters
    ----------
    noise : NoiseEstimate or None
        None if it could not be learned.
    assumed_rate : float or None
        What training went by, if these few rows could not tell.
    deed : str
        A sentence on what training did about wrong labels.
    classes : ndarray of shape (C,)
        The labels that they stand for.
    """
    if noise is None:
        return (
            "Nothing is known of the noise (a warning said why): training was the plain one. If you know about how "
            "many labels are right, give that as 'loss_percentile'."
        )
    low, high = noise.rate_interval
    if assumed_rate is not None:
        text = (
            f"Any share of the labels up to {high:.0%} may be wrong, and these rows are too few to tell. Training "
            f"assumed {assumed_rate:.0%}, with any other label as likely. {deed} 'loss_percentile' takes what you know."
        )
    elif low == 0:
        found = "No sign that labels are wrong"
        if noise.rate >= _NEGLIGIBLE:
            found = f"About {noise.rate:.0%} of the labels may be wrong, or none"
        text = (
            f"{found}: training was the plain one. Where the classes are hard to tell apart, up to "
            f"{high:.0%} of the labels could be wrong."
        )
    else:
        text = (
            f"About {noise.rate:.0%} of the labels look wrong (between {low:.0%} and {high:.0%})"
            f"{_worst(noise, classes)}. {deed}"
        )
    if high - low > _UNSURE:
        text += (
            " The range is wide; 50 labels checked at random would tell more, and the head of label_issues() has the "
            "most doubtful ones."
        )
    return text


def _worst(noise: NoiseEstimate, classes: np.ndarray) -> str:
    """Name the class with the largest share of wrong labels and what they became, if it stands out."""
    by_class = noise.rate_by_class
    code = int(by_class.argmax())
    if by_class[code] < _TIMES_WORSE * noise.rate or len(classes) < 3:
        return ""
    others = noise.matrix[code].clone()
    others[code] = -1
    return f", most of all of {classes[code]!s} ({by_class[code]:.0%}, often called {classes[int(others.argmax())]!s})"
