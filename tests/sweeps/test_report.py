"""The page of a sweep, in a real browser."""

import html
import json
import re

import numpy as np
import optuna
import pandas as pd
import pytest

from noisylabel.exceptions import InvalidDataError
from sweeps.report.page import report_summary, write_report
from sweeps.report.ranking import best_by_noise, near_ties, ranked
from sweeps.report.tables import SweepResults
from tests.browser import body, charts, drawing, n_colours, n_marks, open_browser, seen, table_rows, title

NASTY = "</script><script>document.title='taken'</script>"
HEADLINE, CURVES, STEPS = 'class="headline">(.*?)</p>', "Learning curves", "Schedule of percentile"
SHOWN = '<div data-case="[^"]*">(?:(?!<div data-case).)*?'  # a part that is not hidden
N_VALID, MAX_EPOCHS = 500, 20
HEIGHTS = {"uniform": 0.0, "self_paced": 0.05, "focal": 0.01, "mentornet_pd": 0.08, "spcl_linear": 0.06}
DISTRIBUTIONS = {
    "curriculum": optuna.distributions.CategoricalDistribution(list(HEIGHTS)),
    "curriculum__gamma": optuna.distributions.FloatDistribution(0.5, 4.0),
    "loss_percentile": optuna.distributions.CategoricalDistribution(["auto", 0.5, 0.7, 0.9]),
    "burn_in": optuna.distributions.CategoricalDistribution([10, 18, 30]),
    "lr": optuna.distributions.FloatDistribution(0.001, 0.3, log=True),
    "mixup_alpha": optuna.distributions.FloatDistribution(0.0, 8.0),
}
STATES = {
    "done": optuna.trial.TrialState.COMPLETE,
    "stopped": optuna.trial.TrialState.PRUNED,
    "failed": optuna.trial.TrialState.FAIL,
}


def draw_params(rng):
    params = {
        "curriculum": str(rng.choice(list(HEIGHTS))),
        "loss_percentile": ["auto", 0.5, 0.7, 0.9][rng.integers(4)],
        "burn_in": int(rng.choice([10, 18, 30])),
        "lr": float(np.exp(rng.uniform(np.log(0.001), np.log(0.3)))),
        "mixup_alpha": float(rng.uniform(0, 8)),
    }
    return params | ({"curriculum__gamma": float(rng.uniform(0.5, 4))} if params["curriculum"] == "spcl_linear" else {})


def run_trial(name, rng, stop_below):
    """Return the row of a trial and its curve; it is stopped at epoch 5 if it scores too little there."""
    params = draw_params(rng)
    height = 0.8 + HEIGHTS[params["curriculum"]] - 0.03 * np.log10(params["lr"] / 0.03) ** 2
    curve = height * (1 - np.exp(-np.arange(1, MAX_EPOCHS + 1) / 2.5)) + 0.004 * rng.normal(size=MAX_EPOCHS)
    state = "failed" if rng.random() < 0.07 else "stopped" if curve[4] < stop_below else "done"
    curve = curve[: {"failed": 0, "stopped": 5, "done": MAX_EPOCHS}[state]]
    right = rng.permutation(N_VALID) < round(N_VALID * curve[-1]) if state != "failed" else None
    row = {
        "trial": name,
        "state": state,
        "score": right.mean() if right is not None else np.nan,
        "test_score": curve[-1] + 0.03 if state == "done" else np.nan,
        "epochs": len(curve),
        "full_epochs": MAX_EPOCHS,
        "epochs_before": 0,
        "seconds": 0.7 * len(curve),
        "error": "DivergedError: the loss became NaN in epoch 1; try a smaller lr" if state == "failed" else "",
        "right": None if right is None else np.packbits(right).tobytes(),
        "params": params,
    }
    return row, pd.DataFrame({"trial": name, "epoch": np.arange(1, len(curve) + 1), "score": curve})


def make_study(trials):
    study = optuna.create_study(direction="maximize")
    for row in trials.itertuples():
        if row.state in STATES:
            distributions = {name: DISTRIBUTIONS[name] for name in row.params}
            value = None if row.state == "failed" else row.score
            study.add_trial(
                optuna.trial.create_trial(
                    state=STATES[row.state], params=row.params, distributions=distributions, value=value,
                    user_attrs={"trial": row.trial},
                )
            )  # fmt: skip
    return study


def make_results(n_trials=40, seed=0, stop_below=0.68, **manifest):
    """A sweep of made-up trials; ``manifest`` replaces entries."""
    rng = np.random.default_rng(seed)
    rows, curves = zip(*(run_trial(f"t{i:03d}", rng, stop_below) for i in range(n_trials)), strict=True)
    trials = pd.DataFrame(rows)
    for name in DISTRIBUTIONS:
        trials["param_" + name] = [row["params"].get(name) for row in rows]
    base = {
        "name": "digits-symmetric-40", "estimator": "MentorNetClassifier", "dataset": "digits", "noise": "symmetric",
        "rate": 0.4, "realised_rate": 0.362, "n_train": 1000, "n_valid": N_VALID, "validation": "noisy",
        "scoring": "accuracy", "max_epochs": MAX_EPOCHS, "n_trials": n_trials, "searcher": "tpe", "scheduler": "asha",
        "seed": 0, "n_classes": 10, "versions": {"noisylabel": "0.1", "torch": "2.9"},
        "command": "python -m sweeps run", "seconds": 1234.5,
    }  # fmt: skip
    return SweepResults({**base, **manifest}, trials, pd.concat(curves, ignore_index=True), make_study(trials))


@pytest.fixture
def browser(tmp_path):
    return open_browser(tmp_path)


@pytest.fixture(scope="module")
def results():
    return make_results()


@pytest.fixture(scope="module")
def population(results):
    """A sweep by population-based training, in which each trial has a schedule of its own."""
    trials = results.trials.drop(columns=[name for name in results.trials if name.startswith("param_")])
    kinds, percentiles = list(HEIGHTS), [0.5, 0.6, 0.7]
    trials["param_curriculum"] = [f"uniform,{1 + i},{kinds[i % 5]},{99 - i}" for i in range(len(trials))]
    trials["param_loss_percentile"] = [f"0.7,{20 + i},{percentiles[i % 3]},{80 - i}" for i in range(len(trials))]
    trials["param_lr"] = 0.1
    trials["params"] = [
        {"curriculum": row.param_curriculum, "loss_percentile": row.param_loss_percentile, "lr": row.param_lr}
        for row in trials.itertuples()
    ]
    schedule = {"curriculum": "uniform,18,self_paced,40,mentornet_pd,42", "loss_percentile": "0.7,58,0.6,42", "lr": 0.1}
    return SweepResults({**results.manifest, "schedule": schedule}, trials, results.curves)


def lines(picture, role):
    """Return how many lines of a drawing are of trials with a role."""
    return len(re.findall(rf'aria-roledescription="line mark"[^>]* stroke="var\(--{role}\)"', picture))


def said(browser, page, script, **options):
    """Return what a script leaves as the page's title."""
    return title(browser.dom(page, script=script, **options))


def test_numbers_on_the_page(results):
    (summary,) = report_summary([results])["sweeps"]
    json.dumps(summary, allow_nan=False)
    states = results.trials["state"].value_counts()
    best = results.trials[results.trials["state"] == "done"].sort_values("score", ascending=False).iloc[0]
    n_others = len(near_ties(results)) - 1
    assert states["stopped"] > 3
    assert states["failed"] > 1
    assert n_others > 1
    assert summary["headline"].startswith(
        f"The best of {states['done']} finished trials is {best['trial']}: curriculum "
    )
    scores = f"validation accuracy {best['score']:.3f} (noisy labels), test {best['test_score']:.3f}."
    assert f"{scores} {n_others} others cannot be told from it." in summary["headline"]
    done, epochs, wall = summary["numbers"]
    assert done[:2] == [str(states["done"]), "of 40 trials"]
    assert f"{states['stopped']} stopped early, {states['failed']} failed, 0 unfinished" in done[2]
    spent = results.curves.groupby("trial").size().sum()
    assert epochs[:2] == [f"{100 * spent / 800:.0f} %", f"{spent} epochs"]
    assert wall[0] == "20.6 min"
    assert [trial["trial"] for trial in summary["trials"]] == ranked(results)["trial"].tolist()
    for name, own in results.curves.groupby("trial"):
        assert summary["curves"][name] == [list(point) for point in zip(own["epoch"], own["score"], strict=True)]


def test_axes_of_numbers_names_and_missing_values(results):
    axes = {axis["name"]: axis for axis in report_summary([results])["sweeps"][0]["axes"]}
    assert list(axes) == list(DISTRIBUTIONS)
    assert axes["loss_percentile"]["ticks"] == [0.5, 0.7, 0.9]
    assert axes["loss_percentile"]["names"] == ["auto"]
    assert axes["curriculum"]["names"] == sorted(HEIGHTS)
    assert axes["curriculum"]["low"] is None
    assert [name for name, axis in axes.items() if axis["log"]] == ["lr"]
    assert [name for name, axis in axes.items() if axis["missing"]] == ["curriculum__gamma"]
    assert axes["curriculum__gamma"]["low"] == results.trials["param_curriculum__gamma"].min()
    without = SweepResults(results.manifest, results.trials, results.curves)
    assert [axis["name"] for axis in report_summary([without])["sweeps"][0]["axes"] if axis["log"]] == [
        "lr",
        "mixup_alpha",
    ]


def test_a_sweep_in_the_browser(results, tmp_path, browser):
    page = write_report(results, tmp_path / "new" / "report.html")
    (summary,) = report_summary([results])["sweeps"]
    dom = browser.dom(page)
    assert title(dom) == "Sweep digits-symmetric-40"
    assert seen(dom, HEADLINE) == [summary["headline"]]
    n = results.trials["state"].value_counts()
    scored, ties = n["done"] + n["stopped"], len(summary["ties"]["rows"])
    scores, parallel, curves = (drawing(dom, name) for name in ("Score by curriculum", "Parallel coordinates", CURVES))
    assert n_marks(scores, "point") == scored
    assert len(re.findall('aria-roledescription="point"[^>]* fill="var\\(--card\\)"', scores)) == n["stopped"]
    assert len(re.findall('aria-roledescription="point"[^>]* fill="var\\(--best\\)"', scores)) == 1
    assert n_marks(parallel, "line mark") == len(results.trials)
    assert lines(parallel, "tie") == ties - 1
    assert n_marks(curves, "line mark") == scored  # the failed ones have no value
    assert lines(curves, "best") == 1
    assert not re.search("NaN|undefined", scores + parallel + curves)
    assert "The schedule that was found" not in body(dom)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", body(dom))


def test_tables_and_texts_in_the_browser(results, tmp_path, browser):
    dom = browser.dom(write_report(results, tmp_path / "report.html"))
    (summary,) = report_summary([results])["sweeps"]
    assert [row[0] for row in table_rows(dom, "ties-1")] == near_ties(results)["trial"].tolist()
    rows = table_rows(dom, "trials-1")
    assert [row[1] for row in rows] == ranked(results)["trial"].tolist()
    failed = [row for row in rows if row[2] == "failed"]
    assert [row[-1] for row in failed] == [error for error in results.trials["error"] if error]
    shares = [row[0] for row in table_rows(dom, "importances-1")]
    assert shares == [name for name, _ in summary["importances"]["shares"]]
    assert "epoch 5" in summary["importances"]["sentence"]
    assert summary["importances"]["sentence"] in dom
    assert "The choice never saw the test data." in seen(dom, 'class="gap">(.*?)</p>')[0]


def test_means_stand_where_they_should(results, tmp_path, browser):
    page = write_report(results, tmp_path / "report.html")
    done = results.trials[results.trials["state"] == "done"]
    means = done.groupby("param_curriculum")["score"].mean().sort_values(ascending=False)
    scores = drawing(browser.dom(page), "Score by curriculum")
    names = [name for name in re.findall(r"<tspan[^>]*>(\w+)</tspan>", scores) if name in HEIGHTS]
    assert names == means.index.tolist()
    ticks = [float(x) for x in re.findall(r'aria-roledescription="tick" d="M([\d.]+),', scores)]
    assert np.corrcoef(ticks, means)[0, 1] == pytest.approx(1)


def test_sorting_by_click(results, tmp_path, browser):
    page = write_report(results, tmp_path / "report.html")
    click = "[...document.querySelectorAll('#trials-1 th button')].find(b => b.textContent === '{}').click();"
    epochs = [int(row[5]) for row in table_rows(browser.dom(page, script=click.format("Epochs")), "trials-1")]
    assert epochs == sorted(epochs)
    scores = [row[3] for row in table_rows(browser.dom(page, script=click.format("Validation")), "trials-1")]
    numbers = [float(text) for text in scores if text]
    assert numbers == sorted(numbers, reverse=True)
    assert all(text == "" for text in scores[len(numbers) :])  # without a score, at the end
    twice = browser.dom(page, script=2 * click.format("percentile"))
    shown = [row[9] for row in table_rows(twice, "trials-1")]
    assert shown == sorted(shown, key=lambda text: (text != "auto", -float(text) if text != "auto" else 0))
    assert 'aria-sort="descending"' in twice


@pytest.mark.slow
def test_a_trial_is_marked_everywhere(results, tmp_path, browser):
    page = write_report(results, tmp_path / "report.html")
    name = ranked(results)["trial"].iloc[2]
    pin = f"document.querySelector('#trials-1 button[value={name}]').click();"
    for dom in (browser.dom(page, f"marked={name}"), browser.dom(page, script=pin)):
        assert set(re.findall(r'data-mark="(\w+)" class="[^"]*hot"', dom)) == {name}
        for label, kind in (
            ("Score by curriculum", "point"),
            ("Parallel coordinates", "line mark"),
            (CURVES, "line mark"),
        ):
            opacities = re.findall(rf'aria-roledescription="{kind}"[^>]* opacity="([^"]*)"', drawing(dom, label))
            assert sum(float(opacity) > 0.5 for opacity in opacities) == 1
    unpinned = browser.dom(page, script=pin + pin)
    assert 'class="hot"' not in body(unpinned)
    point = f"""const button = document.querySelector('#trials-1 button[value={name}]');
        button.dispatchEvent(new PointerEvent('pointerenter'));"""
    assert 'hot"' in body(browser.dom(page, script=point))
    assert 'hot"' not in body(
        browser.dom(page, script=point + "button.dispatchEvent(new PointerEvent('pointerleave'));")
    )


@pytest.mark.slow
def test_score_by_another_parameter(results, tmp_path, browser):
    page = write_report(results, tmp_path / "report.html")
    n_scored = results.trials["state"].isin(["done", "stopped"]).sum()
    for name, label, has_mean in [
        ("lr", "lr", False),
        ("loss_percentile", "percentile", True),
        ("curriculum__gamma", "gamma", False),
    ]:
        picture = drawing(browser.dom(page, f"by={name}"), f"Score by {label}")
        assert n_marks(picture, "point") == n_scored
        assert "NaN" not in picture
        assert (n_marks(picture, "tick") > 0) == has_mean


def test_hostile_texts_are_harmless(results, tmp_path, browser):
    trials = results.trials.copy()
    trials.loc[trials["state"] == "failed", "error"] = f"<b>bold</b> {NASTY}"
    trials["params"] = [{**params, "curriculum": NASTY} for params in trials["params"]]
    trials["param_curriculum"] = NASTY
    trials["trial"] = "\"'<i>" + trials["trial"]
    trials["param_<img src=x onerror=alert(1)>"] = [f"{NASTY}{i % 3}" for i in range(len(trials))]
    curves = results.curves.assign(trial="\"'<i>" + results.curves["trial"])
    manifest = {**results.manifest, "name": NASTY, "command": NASTY, "schedule": {NASTY: f"{NASTY},100"}}
    hostile = SweepResults(manifest, trials, curves)
    count = """document.title += '|' + document.querySelectorAll('script:not([type])').length + '|' +
        document.querySelectorAll('b, img, td i, h1 *, h2 > :not(label)').length"""
    for several in (hostile, [hostile, hostile]):
        page = write_report(several, tmp_path / "report.html")
        dom = browser.dom(page, script=count)
        expected = f"Sweep {NASTY}" if several is hostile else "2 sweeps"
        assert title(dom) == f"{expected}|3|0"  # the page's own scripts and this test's
        messages = [html.unescape(text) for text in re.findall('<td class="long failed">(.*?)</td>', dom, re.DOTALL)]
        assert messages
        assert set(messages) == {f"<b>bold</b> {NASTY}"}
        assert n_marks(drawing(dom, CURVES), "line mark") > 20


@pytest.mark.slow
def test_several_sweeps(results, tmp_path, browser):
    others = [make_results(seed=1, name="second", rate=0.6), make_results(seed=2, name="third", rate=None, noise=None)]
    page = write_report([results, *others], tmp_path / "report.html")
    dom = browser.dom(page)
    expected = best_by_noise([results, *others])
    rows = table_rows(dom, "best")
    assert [row[0] for row in rows] == ["digits-symmetric-40", "second", "third"]
    assert [row[3] for row in rows] == ["40 %", "60 %", ""]
    assert [row[-1] for row in rows] == expected["params"].tolist()
    assert [row[4] for row in rows] == [f"{score:.3f}" for score in expected["score"]]
    headlines = [sweep["headline"] for sweep in report_summary([results, *others])["sweeps"]]
    assert seen(dom, SHOWN + HEADLINE) == headlines[:1]
    assert seen(browser.dom(page, "sweep=2"), SHOWN + HEADLINE) == headlines[1:2]
    assert re.findall(r'data-link="sweep" data-value="(\d)" aria-current="(\w+)"', dom) == [
        ("1", "true"),
        ("2", "false"),
        ("3", "false"),
    ]
    click = "document.querySelectorAll('#best a')[2].click();"
    assert seen(browser.dom(page, "by=lr&sort=epochs", script=click), SHOWN + HEADLINE) == headlines[2:]


def test_a_schedule_is_drawn(population, tmp_path, browser):
    (summary,) = report_summary([population])["sweeps"]
    assert [stage["stages"] for stage in summary["schedule"]] == [
        [["uniform", 0, 18], ["self_paced", 18, 58], ["mentornet_pd", 58, 100]],
        [["0.7", 0, 58], ["0.6", 58, 100]],
        [["0.1", 0, 100]],
    ]
    axes = {axis["name"]: axis for axis in summary["axes"]}  # what a trial ended with
    assert axes["curriculum"]["names"] == sorted(HEIGHTS)
    assert axes["loss_percentile"]["ticks"] == [0.5, 0.6, 0.7]
    dom = browser.dom(write_report(population, tmp_path / "report.html"))
    bands = drawing(dom, "Schedule of curriculum")
    found = re.findall(r'aria-roledescription="bar" d="M([\d.]+),.*?" fill="([^"]+)"', bands)
    starts = [float(start) for start, _ in found]
    assert (starts[2] - starts[0]) / (starts[1] - starts[0]) == pytest.approx(58 / 18, rel=0.02)
    assert len({colour for _, colour in found}) == 3
    heights = dict(re.findall(r"<text[^>]*translate\([\d.]+,([\d.]+)\)[^>]*>(0\.[67])</text>", drawing(dom, STEPS)))
    assert sorted(heights.values()) == ["0.6", "0.7"]  # by height
    assert float(min(heights, key=float)) < float(max(heights, key=float)) - 20
    assert "no importance" in summary["importances"]["sentence"]


@pytest.mark.parametrize("text", ["uniform,18,self_paced", "uniform,many", ",,"])
def test_a_malformed_schedule_is_refused(results, tmp_path, text):
    broken = SweepResults({**results.manifest, "schedule": {"curriculum": text}}, results.trials, results.curves)
    with pytest.raises(InvalidDataError, match=r"manifest\['schedule'\]\['curriculum'\] must be"):
        write_report(broken, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_sweeps_with_little_to_show(results, tmp_path, browser):
    def of(rows, **manifest):
        curves = results.curves[results.curves["trial"].isin(rows["trial"])]
        return SweepResults({**results.manifest, **manifest}, rows, curves, make_study(rows))

    trials = results.trials
    failed, done = trials[trials["state"] == "failed"], trials[trials["state"] == "done"]
    plain = [name for name in trials.columns if not name.startswith("param_")]
    sweeps = {
        "No trial was trained to the end": of(failed, seconds=None),
        "No trial was trained to the end, so there is no best one: 0 of 0": of(trials[:0]),
        "The only finished trial is": of(done[:1], validation="trusted", noise=None, rate=None, realised_rate=None),
        f"The best of {len(done)} finished trials is": of(done[plain].assign(params=[{}] * len(done))),
        "The best of 2 finished trials is": of(done[:2].assign(right=None, test_score=np.nan), scoring="f1_macro"),
        "No trial was trained to the end, so there is no best one: 0 of 7": of(trials[trials["state"] == "stopped"]),
        "No trial was trained to the end, so there is no best one: 0 of 40": of(
            trials.assign(state="unfinished", error="")
        ),
    }
    page = write_report(list(sweeps.values()), tmp_path / "report.html")
    for at, words in enumerate(sweeps, start=1):
        dom = browser.dom(page, f"sweep={at}")
        assert seen(dom, SHOWN + HEADLINE)[0].startswith(words)
        shown = body(dom)
        assert not re.search("NaN|Infinity|undefined", re.sub("the loss became NaN", "", shown))
        assert (charts(dom) == []) == words.endswith("0 of 0")
    with pytest.raises(InvalidDataError, match="got no sweep"):
        write_report([], tmp_path / "report.html")


def test_what_is_not_known_is_not_claimed(results):
    two = results.trials[results.trials["state"] == "done"][:2].assign(right=None, test_score=np.nan)
    unknown = SweepResults({**results.manifest, "scoring": "f1_macro"}, two, results.curves, make_study(two))
    (summary,) = report_summary([unknown])["sweeps"]
    assert summary["headline"].endswith("(noisy labels).")
    assert "not known" in summary["ties"]["note"]
    assert summary["gap"] == ""


@pytest.mark.slow
def test_pages_are_not_blank_and_fit(results, population, tmp_path, browser):
    width = "document.title = document.documentElement.scrollWidth <= innerWidth ? 'fits ' + innerWidth : 'too wide'"
    for shown, size in [([results, population], (500, 900)), (results, (1280, 900)), (population, (500, 900))]:
        page = write_report(shown, tmp_path / "report.html")
        assert said(browser, page, width, size=size) == f"fits {size[0]}"
        picture = browser.screenshot(page, size=size)
        assert n_colours(picture) > 100
        assert picture[0, 0].min() > 200
    assert browser.screenshot(page, dark=True)[0, 0].max() < 60
