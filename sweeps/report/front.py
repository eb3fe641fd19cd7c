"""Score against training time: the trials that none beats in both."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from markupsafe import Markup

from noisylabel.pages import chart
from sweeps.report.charts import Trial, dots, in_drawing_order, score_range, with_trials
from sweeps.report.ranking import ranked
from sweeps.report.tables import SweepResults


def pareto_front(results: SweepResults) -> pd.DataFrame:
    """Return the trials trained to the end that no other beats: none has a score as high in less time, or a higher one.

    Parameters
    ----------
    results : SweepResults

    Returns
    -------
    DataFrame
        ``trial``, ``score``, ``seconds`` (of training, beside the trials that ran at the same time), ``test_score`` and
        ``params``; the best score first.
    """
    trials = ranked(results)
    done = trials[trials["rank"].notna()].sort_values(["score", "seconds"], ascending=[False, True], kind="stable")
    seconds = done["seconds"].to_numpy(float)
    fastest_before = np.minimum.accumulate(np.append(np.inf, seconds))[:-1]
    columns = ["trial", "score", "seconds", "test_score", "params"]
    return done.loc[seconds < fastest_before, columns].reset_index(drop=True)


def draw_front(trials: Sequence[Trial], front: Sequence[str], name: str) -> Markup:
    """Draw the score of each finished trial by its training time, and the front as steps.

    Parameters
    ----------
    trials : sequence of dict
        As on the page of a sweep.
    front : sequence of str
        Names of the trials of the front.
    name : str
        Of the page's data of all trials.
    """
    done = [trial for trial in in_drawing_order(trials) if trial["rank"] is not None]
    rows = [_row(trial) for trial in done]
    steps = sorted((row for row in rows if row["trial"] in front), key=lambda row: row["seconds"])
    low, high = score_range(done)
    longest = max(row["seconds"] for row in rows)
    x = alt.X("seconds:Q", title="seconds of training", scale=alt.Scale(domain=[0, 1.05 * longest], nice=False))
    y = alt.Y("score:Q", title="validation score", scale=alt.Scale(domain=[low, high], nice=False))
    shown, line = (alt.Chart(alt.Data(values=values), width="container", height=320) for values in (rows, steps))
    path = line.mark_line(interpolate="step-after", color="var(--best)", strokeWidth=2, aria=False).encode(x=x, y=y)
    return chart(path + dots(with_trials(shown, name)).encode(x=x, y=y), "Score by seconds of training")


def _row(trial: Trial) -> dict[str, Any]:
    return {name: trial[name] for name in ("trial", "seconds", "score")}
