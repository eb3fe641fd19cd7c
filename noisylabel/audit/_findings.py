"""What an audit found, in words and pairs."""

import pandas as pd

from noisylabel.functional import Learnability

_FEWEST, _SHARE = 5, 0.03  # rows, and of those of both, from which two classes are called confused
_MOST_PAIRS = 10


def headline(rate: float, interval: tuple[float, float], learnable: Learnability | None) -> str:
    """Say how many labels are wrong, as far as the columns can tell.

    Parameters
    ----------
    rate : float in [0, 1]
        Estimated share of wrong labels.
    interval : pair of float in [0, 1]
    learnable : Learnability or None

    Examples
    --------
    >>> print(headline(0.1, (0.05, 0.2), Learnability(0.85, 0.5, (0.9, 0.8), 9.0)))
    About 10 % of the labels look wrong (between 5 and 20 %), or depend on what is not in the data.
    Short trainings predict 85 % of the labels that they have not learned; 50 % can be guessed.
    """
    low, high = interval
    if learnable is not None and not learnable.has_signal:
        return (
            f"Nothing here tells the labels: short trainings predict {learnable.agreement:.0%} of them, and always "
            f"saying the most common one gets {learnable.guessing:.0%}. So no label can be called wrong."
        ).replace("%", " %")
    if low > 0:
        bounds = f"between {100 * low:.0f} and {100 * high:.0f} %"
        text = f"About {100 * rate:.0f} % of the labels look wrong ({bounds}), or depend on what is not in the data."
    else:
        text = (
            f"Perhaps no label is wrong: between 0 and {100 * high:.0f} % may be wrong, {100 * rate:.0f} % at a guess. "
            "Only what is wrong almost surely is flagged."
        )
    if learnable is None:
        return text
    known, guessed = 100 * learnable.agreement, 100 * learnable.guessing
    says = f"Short trainings predict {known:.0f} % of the labels that they have not learned"
    return f"{text}\n{says}; {guessed:.0f} % can be guessed."


def confused_classes(issues: pd.DataFrame) -> list[tuple[str, str, float]]:
    """Return pairs of classes that are often taken for each other: perhaps they are not well defined.

    Counted are rows of one whose best or second-best class is the other, if they are flagged or unclear: five or more,
    and 3 % or more of the rows of both. Of two classes there is nothing to say.

    Parameters
    ----------
    issues : DataFrame
        As an audit has it.

    Returns
    -------
    list of (str, str, float)
        At most ten pairs, the most confused first, with that share.
    """
    if "second_label" not in issues or issues["given_label"].nunique() < 3 or not issues["is_label_issue"].any():
        return []
    doubted = issues[issues["is_label_issue"] | (issues["verdict"] == "unclear")]
    other = doubted["suggested_label"].where(doubted["is_label_issue"], doubted["second_label"])
    given = doubted["given_label"].astype(str)
    pairs = pd.DataFrame({"a": given, "b": other.astype(str)})[other.notna().to_numpy()]
    pairs = pd.DataFrame({"a": pairs.min(axis=1), "b": pairs.max(axis=1)})  # whichever of the two was given
    sizes = issues["given_label"].astype(str).value_counts()
    counts = pairs.groupby(["a", "b"]).size().reset_index(name="n")
    rows = counts.itertuples(index=False, name=None)
    shares = [(a, b, float(n / (sizes.get(a, 0) + sizes.get(b, 0)))) for a, b, n in rows if n >= _FEWEST]
    return sorted((pair for pair in shares if pair[2] >= _SHARE), key=lambda pair: -pair[2])[:_MOST_PAIRS]
