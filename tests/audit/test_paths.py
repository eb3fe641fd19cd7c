"""Learning paths and the map of the data on the page of an audit."""

import base64
import re

import numpy as np
import pandas as pd
import pytest

from noisylabel import MentorNetClassifier
from noisylabel.audit import Recorded, audit_labels, paths_to_record, read_audit_table, write_audit_page
from noisylabel.audit.page._paths import page_paths
from noisylabel.callbacks import LearningPaths
from noisylabel.cli import main
from tests.audit.judge import Judge
from tests.live_browser import LiveBrowser

LABELS = ["ham", "spam", "tea"]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """An audit of 90 rows, and what a training of theirs recorded."""
    folder = tmp_path_factory.mktemp("paths")
    kind = np.arange(90) % 3
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(3 * kind, 0.6), "y": rng.normal(size=90)})
    table["kind"] = np.array(LABELS)[np.where(np.arange(90) < 6, (kind + 1) % 3, kind)]
    table.to_csv(folder / "t.csv", index=False)
    data = read_audit_table(folder / "t.csv", label="kind")
    recorder = paths_to_record(90, 3, 24)
    clf = MentorNetClassifier("uniform", max_epochs=24, batch_size=16, callbacks=[recorder], random_state=0)
    clf.fit(data.X, data.noisy_y)
    audit = audit_labels(data, Judge(range(6), suggested=["ham", "spam", "tea"] * 2))
    return audit, Recorded(recorder, clf.classes_.tolist())


def unpacked(text, dtype, *shape):
    return np.frombuffer(base64.b64decode(text), dtype).reshape(*shape)


def test_paths_are_those_of_the_training(found):
    audit, recorded = found
    held = page_paths(recorded, audit.issues, {label: code for code, label in enumerate(LABELS)})
    probabilities = recorded.paths.paths_  # (T, N, C)
    n_steps = len(held["steps"])
    assert probabilities.shape == (n_steps, 90, 3)
    assert held["rows"] == list(range(90))
    given = audit.issues["given_label"].map(LABELS.index).to_numpy()
    of_given = probabilities[:, audit.issues.index, given].T
    shape = 90, n_steps
    assert np.allclose(unpacked(held["loss"], "<i2", *shape) / 1000, -np.log(of_given), atol=6e-4)
    rest = probabilities[:, audit.issues.index].copy()
    rest[:, np.arange(90), given] = 0
    assert np.allclose(unpacked(held["margin"], "<i2", *shape) / 1000, np.log(of_given / rest.max(2).T), atol=6e-4)
    classes, proba = unpacked(held["classes"], "<i2", 90, 4), unpacked(held["proba"], "u1", 90, 4, n_steps)
    assert (classes[:, 0] == given).all()
    assert (classes[:6, 1] == audit.issues["suggested_label"].map(LABELS.index).to_numpy()[:6]).all()
    assert np.allclose(proba[:, 0] / 255, of_given, atol=0.0021)
    assert np.allclose(unpacked(held["mean"], "<i2", 90) / 1000, of_given[:, 1:].mean(1), atol=6e-4)
    assert np.allclose(unpacked(held["spread"], "<i2", 90) / 1000, of_given[:, 1:].std(1), atol=6e-4)
    assert held["region"][:6] == ["wrong"] * 6
    assert set(held["region"][6:]) <= {"easy", "ambiguous", "hard"}


def test_rows_without_a_path_and_labels_that_training_lacked(found):
    audit, recorded = found
    paths = LearningPaths(np.arange(0, 90, 2))
    paths.paths_, paths.steps_ = recorded.paths.paths_[:, ::2, :2], recorded.paths.steps_
    held = page_paths(Recorded(paths, LABELS[:2]), audit.issues, {label: code for code, label in enumerate(LABELS)})
    assert held["rows"] == np.flatnonzero(audit.issues.index % 2 == 0).tolist()
    given = audit.issues["given_label"].iloc[held["rows"]].map(LABELS.index).to_numpy()
    assert (unpacked(held["classes"], "<i2", 45, 3)[:, 0] == given).all()
    mean = unpacked(held["mean"], "<i2", 45)
    assert (mean[given == 2] == 0).all()
    assert (mean[given < 2] > 0).all()


def test_of_many_rows_or_classes_some_are_drawn():
    assert len(paths_to_record(500, 10, 50).rows) == 500
    assert paths_to_record(500, 10, 50).every == 5
    many = paths_to_record(100_000, 10, 5)
    assert (len(many.rows), many.every) == (20_000, 1)
    assert (np.diff(many.rows) > 0).all()
    assert len(paths_to_record(20_000, 1000, 50).rows) * 1000 * 14 * 4 < 300e6


def test_recording_changes_no_bit_of_the_audit(tmp_path):
    rng = np.random.default_rng(0)
    kind = np.arange(120) % 2
    pd.DataFrame({"x": rng.normal(2 * kind), "kind": kind}).to_csv(tmp_path / "t.csv", index=False)
    options = ["audit", str(tmp_path / "t.csv"), "--label", "kind", "--epochs", "8"]
    assert main([*options, "--out", str(tmp_path / "a.csv")]) == 0
    assert main([*options, "--out", str(tmp_path / "b.csv"), "--report", str(tmp_path / "r.html")]) == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert 'id="map"' in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_paths_and_map_in_the_browser(found, tmp_path):
    audit, recorded = found
    browser = LiveBrowser(tmp_path)
    browser.start_anew(tmp_path)
    browser.open(write_audit_page(audit, tmp_path / "page.html", recorded))
    assert browser.value("all('#paths polyline').length") == 4 + 2
    first = browser.value("document.querySelector('#paths svg').ariaLabel")
    assert re.match(r"Probability of each label: \w+ \(given\) ends at 0\.\d\d, \w+ ends at", first)
    browser.press("ArrowRight")
    assert browser.value("document.querySelector('#paths svg').ariaLabel") != first
    # a click on the point of a row that the list does not show now
    x, y = browser.value("[across(packed.spread[50]) / map.clientWidth, down(packed.mean[50]) / map.clientHeight]")
    browser.click("#map", at=(x, y))
    chosen = browser.value("[packed.spread[pathOf.get(current)], packed.mean[pathOf.get(current)], current]")
    assert chosen[2] > 5
    assert browser.value("byName('show').value") == "any"
    assert np.allclose(chosen[:2], browser.value("[packed.spread[50], packed.mean[50]]"), atol=25)
    browser.value("set('region', ['wrong'])")
    assert browser.text("#found").startswith("6 of 90")
    assert browser.value("new Set(map.getContext('2d').getImageData(0, 0, map.width, map.height).data).size") > 20
    browser.close()
