"""Score against training time: the front, its chart, and a searcher of both."""

import json
import re

import numpy as np
import optuna
import pytest

from noisylabel import MentorNetClassifier
from sweeps.engine.searchers import SEARCHERS, Searcher, as_study, save_study
from sweeps.engine.trials import DONE, FAILED, Trial
from sweeps.report import pareto_front, write_report
from sweeps.spaces import SPACES
from sweeps.trial.clock import Clock
from sweeps.trial.draws import BoundSpace
from tests.sweeps.test_analysis import sweep
from tests.sweeps.test_report import make_results

BOTH = ("score", "seconds")


def test_the_front_are_the_trials_that_none_beats_in_both():
    rng = np.random.default_rng(0)
    rows = [{"score": float(rng.integers(8)), "seconds": float(rng.integers(8))} for _ in range(60)]
    rows += [{"score": 9.0, "seconds": 0.0, "state": "stopped"}, {"state": "failed", "seconds": 0.0}]
    front = pareto_front(sweep(rows))
    done = rows[:60]

    def beats(a, b):
        return a["score"] >= b["score"] and a["seconds"] <= b["seconds"] and (a["score"], a["seconds"]) != (
            b["score"], b["seconds"])  # fmt: skip

    unbeaten = {(b["score"], b["seconds"]) for b in done if not any(beats(a, b) for a in done)}
    assert set(zip(front["score"], front["seconds"], strict=True)) == unbeaten
    assert front["score"].is_monotonic_decreasing
    assert len(front) == len(unbeaten)  # of equal trials the first
    assert pareto_front(sweep([{"state": "failed"}])).empty


def test_the_page_shows_the_front_where_time_was_an_objective(tmp_path):
    results = make_results(stop_below=0, objectives=list(BOTH), scheduler="none")
    results.trials["seconds"] = np.random.default_rng(0).uniform(5, 60, len(results.trials))
    page = write_report(results, tmp_path / "page.html").read_text(encoding="utf-8")
    front = pareto_front(results)
    assert "Score against time" in page
    texts = re.findall(r'<div class="chart"><script type="application/json">(.*?)</script>', page, re.DOTALL)
    specifications = [json.loads(text) for text in texts]
    drawn = next(one for one in specifications if one["description"] == "Score by seconds of training")
    steps, dots = (layer["data"]["values"] for layer in drawn["layer"])
    assert [row["trial"] for row in steps] == front["trial"].tolist()[::-1]  # from left to right
    assert len(dots) == (results.trials["state"] == "done").sum()
    assert "Score against time" not in write_report(make_results(), tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SEARCHERS)
def test_a_searcher_of_both_is_told_both(name):
    searcher = Searcher(BoundSpace(SPACES["methods"](), MentorNetClassifier()), SEARCHERS[name], 0, BOTH)
    rng = np.random.default_rng(1)
    for number in range(14):
        params, drawn_from = searcher.draw(number)
        trial = Trial(number, params, drawn_from, Clock(0, 9, 0), FAILED if number == 3 else DONE)
        trial.score, trial.seconds, trial.epoch = float(rng.random()), float(rng.random()), 1
        searcher.report(trial)
        searcher.end(trial)
    states = [trial.state.name for trial in searcher.study.trials]
    assert (states.count("COMPLETE"), states[3]) == (13, "FAIL")
    assert all(len(trial.values) == 2 for trial in searcher.study.trials if trial.state.name == "COMPLETE")
    assert [direction.name for direction in searcher.study.directions] == ["MAXIMIZE", "MINIMIZE"]


def test_the_study_of_both_agrees_on_the_front(tmp_path):
    results = make_results(n_trials=20, stop_below=0)
    results.trials["seconds"] = np.random.default_rng(0).uniform(5, 60, 20)
    study = as_study(results.trials, results.curves, {name: {} for name in results.trials["trial"]}, BOTH)
    names = {trial.user_attrs["trial"] for trial in study.best_trials}
    assert names == set(pareto_front(results)["trial"])
    path = save_study(study, tmp_path)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    assert {t.user_attrs["trial"] for t in optuna.load_study(study_name=None, storage=storage).best_trials} == names
