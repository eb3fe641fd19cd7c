"""What is concluded from trials, against independent computations."""

import json

import numpy as np
import optuna
import pandas as pd
import pytest
from scipy import stats

from noisylabel.exceptions import InvalidDataError
from sweeps.report.ranking import best_by_noise, best_trial, importances, near_ties, oracle_gap, ranked
from sweeps.report.tables import SweepResults, describe_params, save_tables, tuned_parameters

MANIFEST = {"dataset": "digits", "noise": "symmetric", "rate": 0.4, "n_valid": 13, "scoring": "accuracy"}
STATES = {
    "done": optuna.trial.TrialState.COMPLETE,
    "stopped": optuna.trial.TrialState.PRUNED,
    "failed": optuna.trial.TrialState.FAIL,
}


def sweep(rows, curves=(), study=None, **manifest):
    """A sweep of trials given by what matters of them."""
    base = {
        "state": "done",
        "score": np.nan,
        "test_score": np.nan,
        "epochs": 3,
        "seconds": 1.0,
        "error": "",
        "epochs_before": 0,
        "full_epochs": 3,
    }
    full = [{"trial": f"t{i:03d}", **base, "right": None, "params": {}, **row} for i, row in enumerate(rows)]
    trials = pd.DataFrame(full, columns=["trial", *base, "right", "params"])
    for name in dict.fromkeys(name for row in full for name in row["params"]):
        trials["param_" + name] = pd.Series([row["params"].get(name) for row in full], dtype=object)
    curves = pd.DataFrame(curves, columns=["trial", "epoch", "score"])
    return SweepResults({**MANIFEST, **manifest}, trials, curves, study)


def study_of(rows, distributions):
    """An Optuna study of trials given as (name, state, params, value)."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    for name, state, params, value in rows:
        own = {key: distributions[key] for key in params}
        study.add_trial(
            optuna.trial.create_trial(
                state=STATES[state], params=params, distributions=own, value=value, user_attrs={"trial": name}
            )
        )
    return study


def pack(text):
    """Pack a mask written as 0s and 1s."""
    return np.packbits([int(bit) for bit in text]).tobytes()


def test_ranks_are_of_trials_that_were_trained_to_the_end():
    rows = [
        {"state": "stopped", "score": 0.99},
        {"score": 0.7},
        {"state": "failed"},
        {"score": 0.9},
        {"score": 0.7},
        {"score": np.nan},
        {"state": "unfinished", "score": 0.95},
    ]
    found = ranked(sweep(rows))
    assert found["trial"].tolist() == ["t003", "t001", "t004", "t000", "t002", "t005", "t006"]
    assert found["rank"].dtype == "Int64"
    assert found["rank"].tolist()[:3] == [1, 2, 3]
    assert found["rank"].isna().tolist() == [False] * 3 + [True] * 4
    assert best_trial(sweep(rows))["trial"] == "t003"


def test_no_best_says_why():
    failed = sweep(
        [{"state": "failed", "error": "first"}, {"state": "failed", "error": "second"}, {"state": "stopped"}]
    )
    with pytest.raises(InvalidDataError, match=r"2 of 3 failed, the first with: first$"):
        best_trial(failed)
    with pytest.raises(InvalidDataError, match="0 of 1 failed. Let the sweep finish"):
        best_trial(sweep([{"state": "unfinished"}]))
    with pytest.raises(InvalidDataError, match="0 of 0 failed"):
        best_trial(sweep([]))
    assert oracle_gap(failed) is None
    assert len(ranked(sweep([]))) == 0


def test_ties_are_what_a_paired_test_cannot_tell_apart():
    rng, n_rows = np.random.default_rng(0), 403  # no multiple of 8
    best = rng.random(n_rows) < 0.9
    masks = [best] + [
        np.where(rng.random(n_rows) < flips, rng.random(n_rows) < 0.8, best) for flips in np.linspace(0, 0.5, 12)
    ]
    rows = [
        {
            "score": float(mask.mean()),
            "right": np.packbits(mask).tobytes(),
            "test_score": 0.5 + i / 100,
            "params": {"lr": i},
        }
        for i, mask in enumerate(masks)
    ]
    results = sweep(rows, n_valid=n_rows)
    top = masks[int(best_trial(results)["trial"][1:])].astype(int)
    expected = {}
    for i, mask in enumerate(masks):
        difference = top - mask.astype(int)
        if (difference == 0).all():
            expected[f"t{i:03d}"] = (0, 0)
        elif stats.ttest_1samp(difference, 0).statistic < 2:
            expected[f"t{i:03d}"] = (difference.mean(), stats.sem(difference))
    found = near_ties(results)
    assert 2 < len(expected) < 13
    assert found["trial"].iloc[0] == best_trial(results)["trial"]
    assert set(found["trial"]) == set(expected)
    for row in found.itertuples():
        assert (row.difference, row.se) == pytest.approx(expected[row.trial])
        assert row.test_score == rows[int(row.trial[1:])]["test_score"]
        assert row.params == rows[int(row.trial[1:])]["params"]
    assert found["score"].is_monotonic_decreasing
    assert found.attrs["note"] == ""


def test_ties_by_hand():
    rows = [
        {"score": 12 / 13, "right": pack("1111111111110")},
        {"score": 11 / 13, "right": pack("1111111111100")},  # d: one 1 in 13; mean 1/13, se 1/13
        {"score": 3 / 13, "right": pack("1110000000000")},  # d: nine 1; clearly worse
        {"score": 12 / 13, "right": pack("1111111111110")},  # the same rows
        {"state": "stopped", "score": 12 / 13, "right": pack("1111111111110")},
    ]
    found = near_ties(sweep(rows))
    assert found["trial"].tolist() == ["t000", "t003", "t001"]
    assert found.loc[2, "difference"] == pytest.approx(1 / 13)
    assert found.loc[2, "se"] == pytest.approx(1 / 13)


def test_ties_without_masks_are_not_claimed():
    rows = [{"score": 0.9}, {"score": 0.9}]
    masked = [{**row, "right": pack("1" * 13)} for row in rows]
    for results in (sweep(rows), sweep(masked, scoring="balanced_accuracy"), sweep(masked[:1] + rows[:1])):
        found = near_ties(results)
        assert found["trial"].tolist() == ["t000"]
        assert "not known" in found.attrs["note"]
    with pytest.raises(InvalidDataError, match="13 validation rows. Got 1 bytes"):
        near_ties(sweep([{**row, "right": b"1"} for row in rows]))


def test_gap_to_an_oracle():
    rows = [
        {"score": 12 / 13, "right": pack("1111111111110"), "test_score": 0.8},
        {"score": 11 / 13, "right": pack("1111111111100"), "test_score": 0.7},
        {"score": 3 / 13, "right": pack("1110000000000"), "test_score": 0.95},
        {"state": "stopped", "score": 0.99},
    ]
    gap = oracle_gap(sweep(rows))
    assert gap == {
        "selected_test": 0.8,
        "oracle_test": 0.95,
        "gap": pytest.approx(0.15),
        "oracle_trial": "t002",
        "ties_test": (0.7, 0.8),
    }
    assert oracle_gap(sweep([{"score": 0.5}])) is None


GRID = {
    "curriculum": optuna.distributions.CategoricalDistribution(["a", "b", "c", "d"]),
    "loss_percentile": optuna.distributions.CategoricalDistribution(["auto", 0.5, 0.7, 0.9]),
    "burn_in": optuna.distributions.IntDistribution(1, 4),
}


def grid(n_repeats=1):
    return [
        {"curriculum": curriculum, "loss_percentile": percentile, "burn_in": burn_in}
        for _ in range(n_repeats)
        for curriculum in "abcd"
        for percentile in ("auto", 0.5, 0.7, 0.9)
        for burn_in in (1, 2, 3, 4)
    ]


def additive(params):
    """Effects with variances 5, 1.25 and 0 (times a constant)."""
    return 0.2 * "abcd".index(params["curriculum"]) + 0.1 * ["auto", 0.5, 0.7, 0.9].index(params["loss_percentile"])


def test_importances_are_shares_of_the_variance():
    rows = [(f"t{i:03d}", "done", params, additive(params)) for i, params in enumerate(grid())]
    results = sweep([{"score": row[3], "params": row[2]} for row in rows], study=study_of(rows, GRID))
    before = optuna.logging.get_verbosity()
    shares, sentence = importances(results)
    assert optuna.logging.get_verbosity() == before
    assert shares.index.tolist() == ["curriculum", "loss_percentile", "burn_in"]
    assert shares.tolist() == pytest.approx([0.8, 0.2, 0.0], abs=0.1)
    assert "64 trials that were trained to the end" in sentence
    pd.testing.assert_series_equal(shares, importances(results)[0])


def test_importances_of_stopped_trials_are_of_equal_epochs():
    rows, curves, table = [], [], []
    for i, params in enumerate(grid()):
        name, is_stopped = f"t{i:03d}", i % 3 == 0
        early, late = 0.1 * params["burn_in"], additive(params)  # at epoch 2 the burn-in decides, later others do
        values = [0.0, early] if is_stopped else [0.0, early, late]
        curves += [(name, epoch, value) for epoch, value in enumerate(values, start=1)]
        state = "stopped" if is_stopped else "done"
        rows.append((name, state, params, values[-1]))
        table.append({"state": state, "score": values[-1], "params": params})
    table.append({"state": "failed", "error": "no", "params": grid()[0]})
    rows.append(("t064", "failed", grid()[0], None))
    curves.append(("t064", 1, np.nan))
    shares, sentence = importances(sweep(table, curves, study_of(rows, GRID)))
    assert shares.index[0] == "burn_in"
    assert shares["burn_in"] > 0.9
    assert "64 trials after epoch 2" in sentence


def test_importance_of_a_parameter_that_some_trials_have():
    distributions = {**GRID, "curriculum__gamma": optuna.distributions.FloatDistribution(0, 1)}
    rows = []
    for i, params in enumerate(grid(2)):
        value = 0.0
        if params["curriculum"] == "d":
            gamma = (i % 8) / 7
            params, value = {**params, "curriculum__gamma": gamma}, gamma
        rows.append((f"t{i:03d}", "done", params, value))
    table = [{"score": row[3], "params": row[2]} for row in rows]
    shares, _ = importances(sweep(table, study=study_of(rows, distributions)))
    values = np.array([row[3] for row in rows])
    own = np.array([row[3] for row in rows if "curriculum__gamma" in row[2]])
    within = len(own) * own.var() / (len(values) * values.var())  # gamma explains all there is among its trials
    assert shares["curriculum__gamma"] == pytest.approx(within, abs=0.1)
    few = [row for row in rows if "curriculum__gamma" not in row[2]] + [
        row for row in rows if "curriculum__gamma" in row[2]
    ][:5]
    table = [{"trial": row[0], "score": row[3], "params": row[2]} for row in few]
    shares, sentence = importances(sweep(table, study=study_of(few, distributions)))
    assert "curriculum__gamma" not in shares
    assert "fewer than 8 of these trials have it: gamma." in sentence


def test_importances_that_cannot_be_told():
    rows = [(f"t{i:03d}", "done", {"burn_in": 1 + i % 4}, 0.5) for i in range(12)]
    table = [{"score": row[3], "params": row[2]} for row in rows]
    for results, words in [
        (sweep(table), "in the course of training"),
        (sweep(table[:7], study=study_of(rows[:7], GRID)), "at least 8 trials with a score; there are 7"),
        (sweep(table, study=study_of(rows, GRID)), "the score is the same"),
        (sweep([{"state": "failed"}], study=study_of([], GRID)), "there are 0"),
        (sweep([{"state": "stopped", "score": 0.5}], study=study_of([], GRID)), "there are 0"),
        (sweep([], study=study_of([], GRID)), "there are 0"),
    ]:
        shares, sentence = importances(results)
        assert shares.empty
        assert words in sentence
    with pytest.raises(InvalidDataError, match="user attribute 'trial' is 't000'"):
        importances(sweep(table, study=study_of([], GRID)))


def test_best_by_noise():
    params = {"curriculum": "self_paced", "loss_percentile": "auto", "lr": None}
    low = sweep([{"score": 0.9, "test_score": 0.8, "params": params}, {"score": 0.5, "test_score": 0.9}], rate=0.2)
    none = sweep([{"state": "failed"}], noise=None, rate=None)
    found = best_by_noise([low, none])
    assert found.columns.tolist() == ["dataset", "noise", "rate", "params", "score", "test_score", "gap", "n_ties"]
    assert found.loc[0, "params"] == "curriculum self_paced, percentile auto"
    assert found.loc[0, ["rate", "score", "test_score", "n_ties"]].tolist() == [0.2, 0.9, 0.8, 0]
    assert found.loc[0, "gap"] == pytest.approx(0.1)
    assert found.loc[1, "params"] == "no trial was trained to the end"
    assert np.isnan(found.loc[1, "score"])


def test_params_in_words():
    assert describe_params({}) == ""
    assert describe_params({"burn_in": 10, "mixup_alpha": np.float64(2), "seed": np.nan, "fast": True}) == (
        "burn in 10, mixup alpha 2, fast True"
    )


def test_tables_are_saved(tmp_path):
    params = [{"loss_percentile": "auto", "fast": True}, {"loss_percentile": 0.7, "lr": 0.1}, {"lr": 1}]
    rows = [{"score": 0.5, "params": one, "right": b"1", "error": 'a,"b"\nc'} for one in params]
    results = sweep(rows, [("t000", 1, 0.25), ("t000", 2, np.nan)])
    paths = save_tables(results, tmp_path / "new")
    assert [path.name for path in paths] == ["trials.csv", "trials.parquet", "curves.parquet"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in paths)
    csv, parquet = pd.read_csv(paths[0]), pd.read_parquet(paths[1])
    assert csv.columns.tolist() == parquet.columns.tolist()
    assert "right" not in csv
    assert "right" in results.trials  # the table itself is left as it was
    assert results.trials["params"].tolist() == params
    assert [json.loads(text) for text in parquet["params"]] == params
    assert parquet["param_loss_percentile"].fillna("none").tolist() == ["auto", "0.7", "none"]
    assert parquet["param_lr"].tolist()[1:] == [0.1, 1.0]
    assert parquet["param_fast"].isna().tolist() == [False, True, True]
    assert csv["error"].tolist() == ['a,"b"\nc'] * 3
    pd.testing.assert_frame_equal(pd.read_parquet(paths[2]), results.curves)
    assert tuned_parameters(results) == ["loss_percentile", "fast", "lr"]
    save_tables(sweep([]), tmp_path / "empty")
    assert (tmp_path / "empty" / "trials.csv").read_text().startswith("trial,")
    assert len(pd.read_parquet(tmp_path / "empty" / "trials.parquet")) == 0


@pytest.mark.parametrize("text", ["=1+1", "\0=cmd()", "\uff1dHYPERLINK(1)", "@SUM(1)"])
def test_right_27_no_cell_of_the_tables_runs_as_a_formula(text, tmp_path):
    paths = save_tables(sweep([{"score": 0.5, "error": text, "params": {"student": text}}]), tmp_path)
    row = pd.read_csv(paths[0]).iloc[0]
    assert row["error"].startswith("'")
    assert row["param_student"].startswith("'")
