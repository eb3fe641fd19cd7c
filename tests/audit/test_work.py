"""The page of an audit, used by keyboard in a real browser."""

import csv
import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from noisylabel import corrupt
from noisylabel.audit import audit_labels, default_auditor, read_audit_folder, read_audit_table, write_audit_page
from noisylabel.functional import Learnability
from tests.audit.judge import Judge
from tests.live_browser import LiveBrowser


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    browser = LiveBrowser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture
def browser(opened, tmp_path):
    opened.start_anew(tmp_path)
    return opened


def written(tmp_path, n_rows, doubted, suggested, kinds=("=ham", "eggs", "spam", "tea"), **columns):
    """Write the page of a table whose labels take turns; return its path."""
    table = pd.DataFrame(
        {"x": np.arange(n_rows) % 9, **columns, "kind": np.array(kinds)[np.arange(n_rows) % len(kinds)]}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    audit = audit_labels(read_audit_table(tmp_path / "t.csv", label="kind"), Judge(doubted, suggested))
    return write_audit_page(audit, tmp_path / "report.html")


def stands(browser):
    """What the page says of the progress, and which row it shows."""
    return browser.text("#counts"), browser.text("#sheet h3")


def test_decisions_by_keyboard_are_kept_and_saved(tmp_path, browser):
    page = written(tmp_path, 100, [0, 1, 2, 3, 4, 5], ["eggs", "tea", "tea", "spam", "tea", "spam"])
    browser.open(page)
    assert stands(browser) == ("0 of 6 flagged decided. Changed: 0, kept: 0, unsure: 0.", "Row 2")
    browser.press("a", "k", "u", "3")  # rows 2 to 5: the suggestion, the given label, unsure, the third label
    assert stands(browser) == ("4 of 6 flagged decided. Changed: 2, kept: 1, unsure: 1.", "Row 6")
    browser.press("c")
    browser.type("sp")
    browser.press("Enter")
    browser.press("k")
    assert browser.text("#counts") == "6 of 6 flagged decided. Changed: 3, kept: 2, unsure: 1."
    browser.press("z")
    assert stands(browser) == ("5 of 6 flagged decided. Changed: 3, kept: 1, unsure: 1.", "Row 7")
    browser.press("ArrowLeft", "ArrowLeft", "x")
    assert stands(browser) == ("4 of 6 flagged decided. Changed: 2, kept: 1, unsure: 1.", "Row 5")
    browser.open(page)
    assert stands(browser) == ("4 of 6 flagged decided. Changed: 2, kept: 1, unsure: 1.", "Row 5")
    browser.click("#save-csv")
    saved = browser.saved("decisions.csv").read_text(encoding="utf-8")
    assert saved.startswith("\ufeff")
    assert [list(row.values()) for row in csv.DictReader(saved[1:].splitlines())] == [
        ["0", "'=ham", "change", "eggs", "eggs", ""],
        ["1", "eggs", "keep", "eggs", "tea", ""],
        ["2", "spam", "unsure", "", "tea", ""],
        ["4", "'=ham", "change", "spam", "tea", ""],
    ]
    browser.click("#save-json")
    saved = json.loads(browser.saved("decisions.json").read_text(encoding="utf-8"))
    assert saved["source"] == "t.csv"
    assert [one["given_label"] for one in saved["decisions"]] == ["=ham", "eggs", "spam", "=ham"]


def test_filters_order_and_list(tmp_path, browser):
    notes = [f"note {i} of them" for i in range(100)]
    browser.open(written(tmp_path, 100, [0, 1, 2, 3, 4, 5], ["eggs", "tea", "tea", "spam", "tea", "spam"], note=notes))

    def listed():
        return [text.split("\n")[-2] for text in browser.value("all('#list [role=option]').map(one => one.innerText)")]

    def choose(name, value):
        browser.value(f"set('{name}', ['{value}'])")
        return listed()

    assert listed() == ["2", "3", "4", "5", "6", "7"]
    assert choose("suggested", "tea") == ["3", "4", "6"]
    assert choose("order", "-doubt") == ["6", "4", "3"]
    browser.press("ArrowLeft", "ArrowLeft", "k")
    assert choose("show", "open") == ["4", "3"]
    assert choose("show", "keep") == ["6"]
    browser.click("[data-clear]")
    assert listed() == ["2", "3", "4", "5", "6", "7"]
    browser.value("set('show', ['any'])")
    browser.value("document.querySelector('[name=text]').focus()")
    browser.type("note 77 ")
    assert listed() == ["79"]
    assert browser.text("#found") == "1 of 100, at 1"
    browser.press("a", "k", "Escape")  # typed, and no decision
    assert browser.value("decisions.size") == 1
    assert browser.text("#sheet").startswith("Nothing matches.")
    browser.click("#confusion a[href='#given=eggs&suggested=tea']")
    browser.wait("document.querySelector('#found').innerText === '1 of 100, at 1'")


@pytest.mark.parametrize("n_rows", [10, 20_000])
def test_few_and_many_rows(tmp_path, browser, n_rows):
    doubted = [0, 2, 4] if n_rows == 10 else range(0, 2000, 2)
    page = written(tmp_path, n_rows, doubted, "b", ["a", "b"])
    assert page.stat().st_size < 4e6
    browser.open(page)
    browser.press("a", "a", "a")
    assert browser.text("#counts").startswith(f"3 of {len(doubted)} flagged decided. Changed: 3")
    browser.value("set('show', ['any'])")
    assert browser.text("#found").startswith(f"{n_rows:,} of {n_rows:,}")
    assert 5 < browser.value("all('#list [role=option]').length") < 40
    browser.value("list.scrollTop = list.scrollHeight")
    browser.wait(f"all('#list [role=option]').some(one => one.id === 'row-{n_rows - 1}')")


def test_decisions_on_rows_that_another_ranking_left_out_are_kept(tmp_path, browser, monkeypatch):
    monkeypatch.setattr("noisylabel.audit.page._rows.MOST_ROWS", 10)
    browser.open(written(tmp_path, 40, [0, 2], "b", ["a", "b"]))
    browser.press("a", "a")
    browser.open(written(tmp_path, 40, [20, 22], "b", ["a", "b"]))  # these come first; rows 0 to 7 are on the page, too
    browser.press("a")
    browser.open(written(tmp_path, 40, range(20, 40, 2), "b", ["a", "b"]))  # these alone are on the page
    browser.press("k")
    browser.click("#save-csv")
    saved = browser.saved("decisions.csv").read_text(encoding="utf-8-sig")
    rows = {
        row["row"]: (row["given_label"], row["decision"], row["right_label"])
        for row in csv.DictReader(saved.splitlines())
    }
    assert rows == {row: ("a", "change", "b") for row in ("0", "2", "20")} | {"22": ("a", "keep", "a")}


def test_pairs_that_are_almost_the_same_lead_to_their_rows(tmp_path, browser):
    table = pd.DataFrame({"x": np.random.default_rng(0).normal(size=100), "kind": ["a", "b"] * 50})
    table.loc[31, "x"] = table.loc[40, "x"]
    table.to_csv(tmp_path / "t.csv", index=False)
    audit = audit_labels(read_audit_table(tmp_path / "t.csv", label="kind"), Judge([0], "b"))
    audit.confused = [("a", "b", 0.25)]
    browser.open(write_audit_page(audit, tmp_path / "report.html"))
    assert "a and b: 25 %" in browser.text("#doubtful ~ section ul")
    assert browser.value("[...document.querySelectorAll('#duplicates td')].slice(0, 5).map(one => one.innerText)") == [
        "33", "b", "42", "a", "1.000"
    ]  # fmt: skip
    browser.click("#duplicates tbody tr:first-child td:nth-child(3) button")
    assert browser.text("#sheet h3") == "Row 42"


def test_what_cannot_be_predicted_is_not_called_wrong(tmp_path, browser):
    table = pd.DataFrame({"x": np.arange(100) % 9, "kind": ["a", "b"] * 50})
    table.to_csv(tmp_path / "t.csv", index=False)
    audit = audit_labels(read_audit_table(tmp_path / "t.csv", label="kind"), Judge([], "b"))
    audit.learnable = Learnability(0.51, 0.5, (0.52, 0.5), 0.4)
    browser.open(write_audit_page(audit, tmp_path / "report.html"))
    assert browser.text(".headline").startswith("Nothing here tells the labels: short trainings predict 51 % of them")
    assert browser.value("document.querySelector('.number')") is None
    browser.press("a", "k")  # nothing is suggested that could be accepted
    assert browser.text("#counts") == "Changed: 0, kept: 1, unsure: 0."
    assert browser.text("#classes tbody tr").split("\t")[5] == "52 %"


def test_classes_have_their_rates_and_rows_without_a_label_a_prediction(tmp_path, browser):
    X, y = load_digits(return_X_y=True)
    noisy_y, manifest = corrupt(y, "pair", rate=0.3, random_state=0)
    table = pd.DataFrame(X).assign(kind=pd.Series(noisy_y).astype("Int64")).head(1200)
    table.loc[::100, "kind"] = pd.NA
    table.to_csv(tmp_path / "t.csv", index=False)
    data = read_audit_table(tmp_path / "t.csv", label="kind")
    audit = audit_labels(data, default_auditor("table", len(data.X)).set_params(verbose=0))
    true_rates = 1 - np.diag(manifest.realised_matrix)
    inside = [low <= true_rates[int(label)] <= high for label, (_, low, high) in audit.rates_by_class.items()]
    assert sum(inside) >= 9  # of 10: they are meant to hold in 9 of 10 cases
    browser.open(write_audit_page(audit, tmp_path / "report.html"))
    rate, low, high = audit.rates_by_class[0]
    shown = browser.text("#classes tbody tr").split("\t")[4]
    assert [float(number) for number in re.findall(r"([\d.]+) %", shown)] == pytest.approx(
        [100 * rate, 100 * low, 100 * high], abs=0.6
    )
    assert browser.value("document.querySelectorAll('#unlabelled tbody tr').length") == 12
    place, predicted, _ = browser.text("#unlabelled tbody tr").split("\t")
    assert table["kind"].isna().iloc[int(place) - 2]  # numbered as in a spreadsheet
    assert int(predicted) == y[int(place) - 2]


def test_digits_are_their_own_keys(tmp_path, browser):
    browser.open(written(tmp_path, 60, [0, 3], 2, [0, 1, 2]))
    browser.press("1", "1")
    browser.click("#save-csv")
    saved = browser.saved("decisions.csv").read_text(encoding="utf-8-sig")
    assert [row["right_label"] for row in csv.DictReader(saved.splitlines())] == ["1", "1"]


def test_what_is_left_by_the_decisions(tmp_path, browser):
    browser.open(written(tmp_path, 400, range(0, 80, 2), "b", ["a", "b"]))
    browser.press(*"aaaaakkkk")
    assert browser.text("#left") == "After 10 decisions this says how many wrong labels are left."
    browser.press("k")
    # of 10 labels that are flagged 5 are wrong; 30 flagged labels are left: 30 (5 + 1) / (10 + 1)
    said = browser.text("#left")
    assert said.startswith(
        "Wrong labels left, by your 10 decisions: about 16 (5 to 35), if the audit is as right about"
    )


def test_images_by_keyboard(tmp_path, browser):
    for i in range(40):
        (tmp_path / "pets" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 20), (6 * i, 50, 200)).save(tmp_path / "pets" / "ab"[i % 2] / f"{i}.png")
    audit = audit_labels(read_audit_folder(tmp_path / "pets"), Judge(doubted=range(6), suggested="b"))
    browser.open(write_audit_page(audit, tmp_path / "report.html"))
    browser.wait("document.querySelector('#sheet img').complete")
    assert browser.value("document.querySelector('#sheet img').naturalWidth") == 40
    first = browser.text("#sheet h3")
    browser.press("a")
    assert browser.text("#sheet h3") != first
    browser.click("#save-csv")
    (row,) = csv.DictReader(browser.saved("decisions.csv").read_text(encoding="utf-8-sig").splitlines())
    assert (row["file"], row["decision"], row["right_label"]) == (first, "change", "b")


@pytest.mark.parametrize("dark", [False, True])
def test_the_work_fits_and_is_not_blank(tmp_path, browser, dark):
    browser.open(written(tmp_path, 100, [0, 1], "tea"), size=(500, 900), dark=dark)
    assert browser.value("document.documentElement.scrollWidth <= innerWidth")
    browser.value("document.getElementById('doubtful').scrollIntoView()")
    browser.screenshot(tmp_path / "work.png")
    with Image.open(tmp_path / "work.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 100
        assert (np.asarray(picture.convert("L"))[0, 0] < 60) == dark
