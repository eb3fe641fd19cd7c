"""What the page of results shows, as plain values."""

import math
import subprocess
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.cells.catalogue import PROFILES
from benchmarks.report.families import ABLATIONS, FAMILIES, RELEASED, family_of
from benchmarks.report.reference import Reference, load_references
from benchmarks.report.regimes import MEMORISING, ONLY_MEMORISING, SHORT, UNKNOWN
from benchmarks.report.tables import GAPS, METRICS, machine_of, noise_label, result_table, summary

_HERE = Path(__file__).parent
_AXIS = "symmetric"  # the noise whose rates are an axis; others stand beside it
_VERSIONS = ("noisylabel", "python", "torch", "scikit-learn", "skorch")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PAPER = "paper-"  # before the name of a profile with the settings of a paper
_NOT_COMPARABLE = [
    "Not comparable with ours: other student, other budget.",
    "Protocols differ among them too: the best epoch on the test set or the last, one network or two, two definitions "
    "of symmetric noise. Read them for the order of methods within one source.",
]
_AS_PUBLISHED = [
    "Of other papers: not comparable, other student, other budget.",
    "This profile follows the settings of MentorNet or MentorMix; what their own authors report of these two is the "
    "only thing here to compare it with.",
]
_COLUMNS = {
    "Last": "Accuracy on the clean test set after the last epoch, in percent: mean ± standard deviation over n seeds.",
    "Selected": "The same at the epoch that is best on held-out rows with noisy labels: what a user can choose.",
    "Oracle": "The same at the best of the epochs at which the test set was looked at: nobody can choose it.",
    "Last behind, selected behind": "How many points these are behind the oracle.",
    "ECE": "Expected calibration error on the test set after the last epoch, in percent; lower is better.",
    "AP": "Average precision with which the run finds the wrong training labels, in percent; empty where it keeps no "
    "record of them or is older than this measure.",
    "Seconds": "Of training, mean over seeds, with a letter for the machine. Only times of one letter compare. A dash: "
    "the seeds ran on several machines, whose times have no common mean.",
    "Against plain training": f"Last epoch against the better of plain and plain_tuned, in {MEMORISING} (plain "
    f"training memorises) and in {SHORT} (few epochs, plain training at its best). To win is to be better on every "
    "seed that both ran with, and by more than one point on average.",
}


def page_summary(results: list[dict[str, Any]], verdicts: pd.DataFrame) -> dict[str, Any]:
    """Return what the page shows, as plain values; accuracies in percent.

    Parameters
    ----------
    results : list of dict
    verdicts : DataFrame
        From :func:`benchmarks.report.regimes.regimes`.
    """
    table = summary(result_table(results))
    counts = Counter(machine_of(result["environment"]) for result in results)
    letters = {machine: _letter(at) for at, (machine, _) in enumerate(counts.most_common())}
    known = {(row["noise"], row["rate"], row["method"]): _verdict(row) for _, row in verdicts.iterrows()}
    return {
        "facts": _facts(results, table),
        "machines": [[letters[machine], machine, n] for machine, n in counts.most_common()],
        "columns": list(_COLUMNS.items()),
        "families": list(FAMILIES),
        "collapsed": [ABLATIONS],
        "badge": ONLY_MEMORISING,
        "profiles": [_profile(name, table[table["profile"] == name], letters, known) for name in _largest_first(table)],
        "published": _published(load_references()),
    }


def _largest_first(table: pd.DataFrame) -> list[str]:
    """Return the profiles, that of the most groups first; of equal ones in the order of the table."""
    return list(table["profile"].value_counts(sort=False).sort_values(ascending=False, kind="stable").index)


def _letter(at: int) -> str:
    return _LETTERS[at % 26] * (at // 26 + 1)


def _facts(results: list[dict[str, Any]], table: pd.DataFrame) -> list[list[str]]:
    """Return where the results come from, as names and values."""
    environments = [result["environment"] for result in results]
    commits = Counter(str(environment["commit"])[:7] for environment in environments)
    dates = sorted(filter(None, (_commit_date(commit) for commit in commits)))
    seeds = f"{table['n'].min()} to {table['n'].max()}" if table["n"].nunique() > 1 else str(table["n"].iloc[0])
    versions = [f"{name} {_joined(environment.get(name) for environment in environments)}" for name in _VERSIONS]
    dated = f"{dates[0]} to {dates[-1]}" if dates else "not known"
    return [
        ["Results", f"{len(results):,} runs in {len(table):,} groups; n, the seeds of a group, is {seeds}"],
        ["Commits", ", ".join(f"{commit} ({n})" for commit, n in commits.most_common())],
        ["Dates", f"{dated} (of the commits; a result has no date of its own)"],
        ["Versions", "; ".join(versions)],
    ]


def _joined(values: Iterable[Any]) -> str:
    return " and ".join(sorted({str(value) for value in values if value is not None})) or "not known"


@cache
def _commit_date(commit: str) -> str:
    """Return the day of a commit, "" if it is not in this clone."""
    command = ["git", "-C", str(_HERE), "show", "-s", "--format=%cs", commit]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _profile(
    name: str, table: pd.DataFrame, letters: dict[str, str], verdicts: dict[tuple[str, float, str], list[str]]
) -> dict[str, Any]:
    groups: dict[tuple[str, float], list[pd.Series]] = {}
    for _, row in table.iterrows():
        groups.setdefault((row["noise"], row["rate"]), []).append(row)
    in_order = sorted(groups, key=lambda noise: (noise[0] != _AXIS, *noise))
    has_axis = sum(noise[0] == _AXIS for noise in groups) > 1
    methods = sorted(dict.fromkeys(table["method"]), key=_place)
    has_verdict = name in (MEMORISING, SHORT)
    return {
        "name": name,
        "dataset": str(table["dataset"].iloc[0]),
        "text": _describe(name),
        "noises": [
            {
                "label": noise_label(*noise),
                "noise": noise[0],
                "rate": float(noise[1]),
                "is_axis": has_axis and noise[0] == _AXIS,
            }
            for noise in in_order
        ],
        "methods": [{"name": method, "family": family_of(method)} for method in methods],
        "has_verdict": has_verdict,
        "note": _AS_PUBLISHED if name.startswith(_PAPER) else _NOT_COMPARABLE,
        "rows": [_row(row, letters, verdicts if has_verdict else {}) for noise in in_order for row in groups[noise]],
    }


def _place(method: str) -> tuple[int, int, str]:
    """Return where a method stands: by family, then as listed there, then by name."""
    family = family_of(method)
    listed, name = FAMILIES[family], method.removeprefix(RELEASED)
    return list(FAMILIES).index(family), listed.index(name) if name in listed else len(listed), method


def _describe(name: str) -> str:
    """Say what a profile trains on and for how long."""
    profile = PROFILES.get(name)
    if profile is None:
        return ""
    return (
        f"{profile.dataset}: {profile.n_train:,} training rows and {profile.n_valid:,} held-out rows with noisy "
        f"labels, {profile.max_epochs} epochs ({profile.tuned_epochs} for plain_tuned), the test set looked at "
        f"{'after each epoch' if profile.test_every == 1 else f'every {profile.test_every} epochs'}."
    )


def _row(row: pd.Series, letters: dict[str, str], verdicts: dict[tuple[str, float, str], list[str]]) -> dict[str, Any]:
    scales = dict.fromkeys([*METRICS, "ece", "detection_ap"], 100) | dict.fromkeys(GAPS, 1)
    values = {
        f"{name}{end}": _plain(scale * row[f"{name}{end}"]) for name, scale in scales.items() for end in ("", "_std")
    }
    machines = [letters[machine] for machine in row["machine"].split("; ")]
    return {
        "noise": noise_label(row["noise"], row["rate"]),
        "method": row["method"],
        "n": int(row["n"]),
        **values,
        "seconds": _plain(row["seconds"]),
        "machines": ", ".join(sorted(machines)),
        "verdict": verdicts.get((row["noise"], row["rate"], row["method"])),
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 3)


def _verdict(row: pd.Series) -> list[str]:
    """Say who wins, and by how many points."""
    if row["verdict"] == UNKNOWN:
        return [UNKNOWN, ""]
    return [row["verdict"], f"{row['gain_memorising']:+.1f} in {MEMORISING}, {row['gain_short']:+.1f} in {SHORT}"]


def _published(references: list[Reference]) -> dict[str, dict[str, Any]]:
    """Return a table for each data set: a column a noise, a row what one source says of a method."""
    tables: dict[str, dict[str, Any]] = {}
    for one in references:
        table = tables.setdefault(one.dataset, {"columns": {}, "rows": {}})
        label = one.noise.replace("_", " ") if one.rate is None else noise_label(one.noise, one.rate)
        table["columns"][label] = {"label": label, "noise": one.noise, "rate": one.rate}
        key = (one.method, one.source, one.epoch, one.network, one.backbone, one.verified, one.note)
        row = table["rows"].setdefault(key, _published_row(one))
        row["values"][label] = one.accuracy
    return {
        dataset: {
            "columns": sorted(
                table["columns"].values(), key=lambda c: (c["noise"] != _AXIS, c["noise"], c["rate"] or 0)
            ),
            "rows": list(table["rows"].values()),
        }
        for dataset, table in tables.items()
    }


def _published_row(one: Reference) -> dict[str, Any]:
    unknown = "unknown"
    parts = {
        "epoch": one.epoch,
        "network": one.network,
        "symmetric definition": one.symmetric,
        "backbone": one.backbone,
    }
    said = [f"{name}: {text}" for name, text in parts.items() if text not in (unknown, "not applicable")]
    missing = ", ".join(name for name, text in parts.items() if text == unknown)
    return {
        "method": one.method,
        "ours": [] if one.ours is None else [one.ours, RELEASED + {"plain": "baseline"}.get(one.ours, one.ours)],
        "protocol": "; ".join(said + ([f"not known: {missing}"] if missing else [])),
        "source": "; ".join(one.source),
        "url": one.url,
        "second_hand": one.second_hand,
        "verified": one.verified,
        "note": one.note,
        "values": {},
    }
