"""Where a method is ahead of plain training: only where that memorises, or also where it is at its best."""

import pandas as pd

from benchmarks.report.families import BOUNDS, family_of
from benchmarks.report.tables import noise_label

MEMORISING, SHORT = "cifar10-10k", "cifar10-short"
PLAIN = ("plain", "plain_tuned")
ONLY_MEMORISING = "wins only where plain training memorises"
_VERDICTS = {
    (True, True): "wins in both",
    (True, False): ONLY_MEMORISING,
    (False, True): "wins only where plain training is at its best",
    (False, False): "wins in neither",
}
UNKNOWN = "not known: not run in both"
_MARGIN = 1.0


def regimes(runs: pd.DataFrame, memorising: str = MEMORISING, short: str = SHORT) -> pd.DataFrame:
    """Compare each method with plain training in two regimes, by the accuracy of the last epoch.

    Plain training is the better one of ``plain`` and ``plain_tuned``. A method is ahead if it is better on every seed
    that both were run with, and by more than one point on average.

    Parameters
    ----------
    runs : DataFrame
        From :func:`benchmarks.report.tables.result_table`.
    memorising, short : str
        Profiles: in the first plain training memorises, in the second it is at its best.

    Returns
    -------
    DataFrame
        ``noise``, ``rate``, ``method``; ``gain``, ``n`` and ``is_ahead`` of each regime, as ``gain_memorising`` and so
        on, in points; ``verdict``.
    """
    keys = ["noise", "rate", "method"]
    both = _gains(runs, memorising).merge(
        _gains(runs, short), how="outer", on=keys, suffixes=("_memorising", "_short"), sort=False
    )
    both["verdict"] = [
        UNKNOWN if pd.isna(first) or pd.isna(second) else _VERDICTS[bool(first), bool(second)]
        for first, second in zip(both["is_ahead_memorising"], both["is_ahead_short"], strict=True)
    ]
    return both.sort_values(keys).reset_index(drop=True)


def _gains(runs: pd.DataFrame, profile: str) -> pd.DataFrame:
    rows = []
    for (noise, rate), same in runs[runs["profile"] == profile].groupby(["noise", "rate"]):
        accuracy = 100 * same.pivot_table(index="seed", columns="method", values="last")
        known = accuracy[[name for name in PLAIN if name in accuracy]]
        if known.empty:
            continue
        for method in accuracy.columns.difference(list(PLAIN)):
            gain = (accuracy[method] - known[known.mean().idxmax()]).dropna()
            if len(gain) and family_of(method) != BOUNDS:
                is_ahead = bool(gain.min() > 0 and gain.mean() > _MARGIN)
                rows.append((noise, rate, method, gain.mean(), len(gain), is_ahead))
    return pd.DataFrame(rows, columns=["noise", "rate", "method", "gain", "n", "is_ahead"])


def markdown_regimes(table: pd.DataFrame) -> str:
    """Return the table of :func:`regimes` as Markdown, a row a noise and method; gains are in points."""
    names = ["noise", "method", "gain where plain training memorises", "gain where it is at its best", "verdict"]
    lines = [names, ["---"] * len(names)]
    for _, row in table.iterrows():
        gains = [_gain(row["gain_memorising"], row["n_memorising"]), _gain(row["gain_short"], row["n_short"])]
        lines.append([noise_label(row["noise"], row["rate"]), row["method"], *gains, row["verdict"]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _gain(gain: float, n: float) -> str:
    return "" if pd.isna(gain) else f"{gain:+.1f} (n = {n:.0f})"
