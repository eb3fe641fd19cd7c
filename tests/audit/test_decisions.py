"""Decisions on rows of an audit: read, applied to files, and learned from."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import nbinom

from noisylabel.audit import (
    apply_decisions,
    audit_labels,
    decisions_on,
    read_audit_folder,
    read_audit_table,
    read_decisions,
    save_label_issues,
    with_decisions,
    write_audit_page,
    wrong_labels_left,
)
from noisylabel.audit.page._rows import page_rows
from noisylabel.cli import main
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from tests.audit.judge import Judge
from tests.live_browser import LiveBrowser

HEAD = "row,given_label,decision,right_label"


def decided(tmp_path, *lines, head=HEAD):
    file = tmp_path / "decisions.csv"
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def table(tmp_path):
    """A table of 60 rows with labels "=ham", "spam" and "tea" in turns, and its audit."""
    kind = np.array(["=ham", "spam", "tea"])[np.arange(60) % 3]
    pd.DataFrame({"code": [f"0{i}" for i in range(60)], "kind": kind, "x": np.arange(60) / 2}).to_csv(
        tmp_path / "t.csv", index=False, sep=";"
    )
    return tmp_path / "t.csv"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["0,=ham,alter,spam"],
            "'decision' must be one of 'change', 'keep', 'unsure'. Got .'0', '=ham', 'alter', 'spam'",
        ),
        (["x,=ham,keep,"], "'row' must be a whole number"),
        (["1,spam,keep,", "1,spam,unsure,"], "'row' must be in one line only"),
        (["1,spam,change,"], "'change' needs a 'right_label' that is not the given one"),
        (["1,spam,change,spam"], "'change' needs a 'right_label' that is not the given one"),
        (["1,spam,keep,tea"], "'keep' needs no 'right_label', or the given one"),
        (["1,spam,unsure,tea"], "'unsure' has no 'right_label'"),
        (["60,=ham,keep,"], "about row 60, which is not there"),
        (["1,tea,keep,"], "The decision on row 1 is about the label 'tea', but that row has 'spam'"),
        (["1,spam,change,teas"], "gives a row the label 'teas', which no row has. Labels are '=ham, spam, tea"),
    ],
)
def test_decisions_that_cannot_be_meant_are_refused(table, tmp_path, lines, message):
    data = read_audit_table(table, label="kind")
    with pytest.raises(InvalidDataError, match=message):
        decisions_on(data, decided(tmp_path, *lines))


def test_files_that_hold_no_decisions(table, tmp_path):
    with pytest.raises(ValueError, match=r"t\.csv holds no decisions: it has no column 'given_label'|'row'"):
        read_decisions(table)
    (tmp_path / "d.json").write_text("[1, 2")
    with pytest.raises(ValueError, match=r"d\.json is no file of decisions, or is damaged"):
        read_decisions(tmp_path / "d.json")
    data = read_audit_table(table, label="kind")
    with pytest.raises(InvalidDataError, match="is about files, which .*t.csv has not. It needs a column 'row'"):
        decisions_on(data, decided(tmp_path, "a/1.png,spam,keep,", head=HEAD.replace("row", "file")))


def test_csv_from_a_spreadsheet_and_json_read_the_same(tmp_path):
    lines = ["0,'=ham,change,spam", "1,spam,keep,", "2,tea,unsure,"]
    by_csv = read_decisions(decided(tmp_path, *(line.replace(",", ";") for line in lines), head=HEAD.replace(",", ";")))
    entries = [dict(zip(HEAD.split(","), line.replace("'", "").split(","), strict=True)) for line in lines]
    entries[2]["right_label"] = None
    (tmp_path / "d.json").write_text(json.dumps({"decisions": entries}))
    by_json = read_decisions(tmp_path / "d.json")
    assert by_csv["right_label"].tolist() == by_json["right_label"].tolist() == ["spam", "spam", None]
    assert by_csv["given_label"].tolist() == ["'=ham", "spam", "tea"]
    assert by_csv["row"].tolist() == by_json["row"].tolist() == [0, 1, 2]


LINES = ["0,'=ham,change,spam", "1,spam,keep,spam", "2,tea,unsure,", "5,tea,change,'=ham"]


def test_the_audited_table_is_corrected_in_place_of_the_original(table, tmp_path):
    before = table.read_bytes()
    done = apply_decisions(table, decided(tmp_path, *LINES), tmp_path / "new.csv", label="kind")
    assert done == {"n_changed": 2, "label": "kind", "absent": []}
    old, new = before.decode().split("\n"), (tmp_path / "new.csv").read_text(encoding="utf-8").split("\n")
    assert new[0] == old[0] + ";changed_from"
    assert new[1] == "00;spam;0.0;=ham"
    assert new[6] == "05;=ham;2.5;tea"
    assert [line for at, line in enumerate(new) if at not in (0, 1, 6)] == [
        line + ";" * bool(line) for at, line in enumerate(old) if at not in (0, 1, 6)
    ]
    assert table.read_bytes() == before


def test_a_file_of_issues_becomes_a_corrected_file(table, tmp_path):
    audit = audit_labels(read_audit_table(table, label="kind"), Judge([40, 5, 0], "spam"))
    issues = save_label_issues(audit, tmp_path / "issues.csv")
    done = apply_decisions(issues, decided(tmp_path, *LINES), tmp_path / "new.csv")
    new = pd.read_csv(tmp_path / "new.csv", dtype=str, keep_default_na=False, sep=";")
    assert (done["n_changed"], done["label"], done["absent"]) == (2, "kind", [])
    assert new.columns.tolist() == ["code", "kind", "x", "changed_from"]
    assert new["code"].tolist() == [f"0{i}" for i in range(60)]
    assert len(new) == 60
    assert new["kind"].tolist()[:7] == ["spam", "spam", "tea", "=ham", "spam", "=ham", "=ham"]
    assert new["changed_from"].tolist()[:7] == ["=ham", "", "", "", "", "tea", ""]
    assert new["x"].astype(float).tolist() == (np.arange(60) / 2).tolist()
    with pytest.raises(InvalidParameterError, match="'label' is 'x', a column that does not hold the given labels"):
        apply_decisions(issues, tmp_path / "decisions.csv", tmp_path / "new.csv", label="x")


def test_bytes_line_ends_empty_lines_and_spellings_stay(tmp_path):
    text = 'sep=;\r\na;kind\r\n"x;1";1.0\r\n\r\n\xe9;2.0\r\nz;2.0;\r\n'
    (tmp_path / "t.csv").write_bytes(text.encode("cp1252"))
    apply_decisions(tmp_path / "t.csv", decided(tmp_path, "0,1,change,2"), tmp_path / "n.csv", label="kind")
    new = 'sep=;\r\na;kind;changed_from\r\n"x;1";2.0;1.0\r\n;;\r\n\xe9;2.0;\r\nz;2.0;\r\n'
    assert (tmp_path / "n.csv").read_bytes() == new.encode("cp1252")


def test_parquet_keeps_its_types(tmp_path):
    table = pd.DataFrame({"x": np.arange(6.0), "kind": np.arange(6) % 2})
    table.to_parquet(tmp_path / "t.parquet")
    apply_decisions(tmp_path / "t.parquet", decided(tmp_path, "3,1,change,0"), tmp_path / "n.parquet", label="kind")
    new = pd.read_parquet(tmp_path / "n.parquet")
    assert new["kind"].tolist() == [0, 1, 0, 0, 0, 1]
    assert new["kind"].dtype == table["kind"].dtype
    assert new["changed_from"].dropna().to_dict() == {3: 1}


def test_apply_by_command(table, tmp_path, capsys):
    table.write_text(table.read_text().replace("03;=ham", "03;"))  # a row without a label
    audit = audit_labels(read_audit_table(table, label="kind"), Judge([5, 0], "spam"))
    issues, out = save_label_issues(audit, tmp_path / "issues.csv"), tmp_path / "new.csv"
    arguments = ["audit", "apply", str(issues), str(decided(tmp_path, *LINES)), "--out", str(out)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "2 labels of 'kind' changed; 'changed_from' has the former ones." in said
    assert "lacks" not in said
    assert [line.split(";")[1] for line in out.read_text().split()[1:6]] == ["spam", "spam", "tea", "", "spam"]
    assert main(arguments) == 2
    assert "which is there. Give another name, or --overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    assert main([*arguments[:-1], str(issues), "--overwrite"]) == 2
    assert "which is the file to correct" in capsys.readouterr().err
    assert main([*arguments[:-1], str(tmp_path / "new.xlsx")]) == 2
    assert "--out must end in .csv as issues.csv does" in capsys.readouterr().err


def test_right_labels_are_given_to_training_and_rows_shown_as_decided(table, tmp_path):
    data = read_audit_table(table, label="kind")
    head = HEAD + ",wrong_probability"
    found = decisions_on(data, decided(tmp_path, *(f"{line},0.5" for line in LINES), head=head))
    assert found.y_trusted.tolist()[:7] == ["spam", "spam", None, None, None, "=ham", None]
    judge = Judge([7, 8, 1], "tea")
    audit = audit_labels(data, judge, y_trusted=found.y_trusted)
    assert judge.y_trusted is found.y_trusted
    assert judge.y.tolist()[:2] == ["=ham", "spam"]
    shown = with_decisions(audit, found).issues.set_index("row")
    assert shown.index[-3:].tolist() == [1, 0, 5]  # in the order of the audit, after all others
    assert shown.loc[[0, 1, 2, 5, 7], "decision"].tolist() == ["change", "keep", "unsure", "change", ""]
    assert shown.loc[[0, 1, 5, 7], "given_label"].tolist() == ["=ham", "spam", "tea", "spam"]
    assert shown.loc[[0, 1, 5, 7], "is_label_issue"].tolist() == [False, False, False, True]
    sentence = with_decisions(audit, found).cautions[0]
    left = [round(number) for number in wrong_labels_left(1.5, 2, 2)]  # of the undecided rows two are flagged
    assert sentence == (
        f"4 rows decided: 2 changed, 1 kept, 1 unsure. About {left[0]} wrong labels are left ({left[1]} to {left[2]}), "
        "if the audit is as right about the rest as about these."
    )


def test_without_probabilities_the_rate_says_what_is_left(table, tmp_path):
    data = read_audit_table(table, label="kind")
    found = decisions_on(data, decided(tmp_path, *LINES))
    audit = audit_labels(data, Judge([7, 8, 1], "tea"), y_trusted=found.y_trusted)
    audit.issues["wrong_probability"], audit.noise_rate_interval = 0.1, (0.0, 0.5)
    assert (
        with_decisions(audit, found)
        .cautions[0]
        .split(". ")[1]
        .startswith("About 6 wrong labels are left (0 to 28), if")
    )


def test_decided_rows_are_on_the_page_however_many_others_there_are(table, tmp_path, monkeypatch):
    monkeypatch.setattr("noisylabel.audit.page._rows.MOST_ROWS", 10)
    data = read_audit_table(table, label="kind")
    found = decisions_on(data, decided(tmp_path, *LINES))
    audit = with_decisions(audit_labels(data, Judge([7, 8, 1], "tea"), y_trusted=found.y_trusted), found)
    held = page_rows(audit)
    assert held["rows"]["key"][:2] == [7, 8]
    assert sorted(held["rows"]["key"][-4:]) == [0, 1, 2, 5]
    assert len(held["rows"]["key"]) == 10
    assert held["decided"]["0"] == ("change", "spam", "=ham")
    assert held["decided"]["2"] == ("unsure", None, "tea")


def test_what_is_left_has_the_interval_of_the_prediction():
    estimate, low, high = wrong_labels_left(expected=20, found=15, rest=50)
    left = nbinom(16, 1 / (1 + 50 / 21))  # a Poisson count whose mean is a gamma
    assert estimate == pytest.approx(left.mean())
    assert low == pytest.approx(left.ppf(0.025), abs=1)
    assert high == pytest.approx(left.ppf(0.975), abs=1)
    assert wrong_labels_left(20, 15, 0) == (0, 0, 0)


def test_decisions_on_images_go_by_file(tmp_path):
    for i in range(40):
        (tmp_path / "pets" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (6 * i, 50, 200)).save(tmp_path / "pets" / "ab"[i % 2] / f"{i}.png")
    data = read_audit_folder(tmp_path / "pets", size=8)
    head = HEAD.replace("row", "file")
    file = decided(tmp_path, "a/0.png,a,change,b", "b/1.png,b,keep,b", head=head)
    assert decisions_on(data, file).y_trusted[[0, 20]].tolist() == ["b", "b"]
    issues = save_label_issues(audit_labels(data, Judge([0], "b")), tmp_path / "issues.csv")
    apply_decisions(issues, file, tmp_path / "new.csv", label="pet")
    new = pd.read_csv(tmp_path / "new.csv").set_index("file")
    assert new.loc[["a/0.png", "a/2.png", "b/1.png"], "pet"].tolist() == ["b", "a", "b"]
    with pytest.raises(InvalidParameterError, match="is a folder. Give the file of issues"):
        apply_decisions(tmp_path / "pets", file, tmp_path / "new.csv")


def test_from_the_page_to_the_next_page(table, tmp_path):
    """Decide on the page, save, audit again by command with the decisions, and go on where one was."""
    page = write_audit_page(
        audit_labels(read_audit_table(table, label="kind"), Judge([0, 5, 7], "spam")), tmp_path / "page.html"
    )
    browser = LiveBrowser(tmp_path)
    browser.start_anew(tmp_path)
    browser.open(page)
    browser.press("a", "u")
    browser.click("#save-csv")
    file = browser.saved("decisions.csv")
    out, report = tmp_path / "again.csv", tmp_path / "again.html"
    arguments = ("--label", "kind", "--decisions", file, "--epochs", 2, "--out", out, "--report", report)
    assert main(["audit", str(table), *map(str, arguments)]) == 0
    again = pd.read_csv(out, sep=";").set_index("row")
    assert again.loc[[0, 5], "decision"].tolist() == ["change", "unsure"]
    assert again.loc[0, "given_label"] == "'=ham"
    browser.start_anew(tmp_path)  # another browser knows of the decisions by the page
    browser.open(report)
    assert browser.text("#counts").endswith("Changed: 1, kept: 0, unsure: 1.")
    browser.value("set('show', ['change'])")
    browser.press("x")
    browser.open(report)
    assert browser.text("#counts").endswith("Changed: 0, kept: 0, unsure: 1.")
    browser.close()


def test_the_interval_of_what_is_left_covers_it():
    """Whatever factor lies between the probabilities and the truth, as long as it is one for all rows."""
    rng, covered = np.random.default_rng(0), []
    for factor in (0.4, 1.0) * 100:
        probability = np.sort(rng.beta(0.4, 1.5, 600))[::-1]
        is_wrong = rng.random(600) < factor * probability
        low, high = wrong_labels_left(probability[:80].sum(), int(is_wrong[:80].sum()), probability[80:].sum())[1:]
        covered.append(low <= is_wrong[80:].sum() <= high)
    assert np.mean(covered) > 0.93
