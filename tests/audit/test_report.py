"""The page of an audit, in a real browser."""

import base64
import dataclasses
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noisylabel.audit import (
    audit_labels,
    noise_rate_interval,
    read_audit_folder,
    read_audit_table,
    save_label_issues,
    write_audit_page,
)
from noisylabel.audit.page._rows import page_rows
from noisylabel.audit.page._summary import audit_summary
from tests.audit.judge import Judge
from tests.browser import body, charts, n_colours, open_browser, seen, title

NASTY = "</script><script>document.title='taken'</script>"


@pytest.fixture
def browser(tmp_path):
    return open_browser(tmp_path)


@pytest.fixture(scope="module")
def table_audit(tmp_path_factory):
    """An audit of 200 rows, of which 12 of label 'b' are doubted, and one has a nasty label and text."""
    tmp_path, rng = tmp_path_factory.mktemp("table"), np.random.default_rng(0)
    kind = np.array(["a", "b", "c", "d"] * 50, dtype=object)
    kind[9] = NASTY
    table = pd.DataFrame(
        {"number": rng.normal(size=200).round(3), "note": [f"row number {i} of it" for i in range(200)]}
    )
    table.loc[1, "note"] = f"<b>bold</b> {NASTY}"
    table["kind"] = kind
    table.to_csv(tmp_path / "table.csv", index=False)
    data = read_audit_table(tmp_path / "table.csv", label="kind")
    return audit_labels(data, Judge(doubted=range(1, 49, 4), suggested=["a", "c", NASTY] * 4))


@pytest.fixture(scope="module")
def image_audit(tmp_path_factory):
    """An audit of 40 images, of which 6 are doubted."""
    folder = tmp_path_factory.mktemp("pictures")
    for i in range(40):
        (folder / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 20), (6 * i, 50, 200)).save(folder / "ab"[i % 2] / f"{i}.png")
    return audit_labels(read_audit_folder(folder), Judge(doubted=range(6), suggested="b"))


def test_numbers_on_the_page(table_audit):
    summary = audit_summary(table_audit)
    issues = table_audit.issues
    assert (summary["n_rows"], summary["n_flagged"], summary["noise_rate"]) == (200, 12, 0.06)
    labels = summary["confusion"]["labels"]
    for i, given in enumerate(labels):
        for j, other in enumerate(labels):
            expected = sum(
                given == row.given_label and other == (row.suggested_label if row.is_label_issue else given)
                for row in issues.itertuples()
            )
            assert summary["confusion"]["counts"][i][j] == expected
    by_label = {one["label"]: one for one in summary["classes"]}
    assert by_label["b"]["rows"] == 49
    assert by_label["b"]["flagged"] == 11
    assert sum(one["rows"] for one in summary["classes"]) == 200
    assert sum(summary["histogram"]["flagged"]) == 12
    assert summary["histogram"]["threshold"] == pytest.approx(0.2)
    json.dumps(summary, allow_nan=False)


def test_rows_on_the_page(table_audit):
    held, issues = page_rows(table_audit), table_audit.issues
    assert held["labels"] == sorted({NASTY, "a", "b", "c", "d"})
    assert held["key"] == "row"
    assert held["rows"]["key"] == issues["row"].tolist()
    assert held["rows"]["place"] == issues["spreadsheet_row"].astype(str).tolist()
    for name, column in (("given", "given_label"), ("suggested", "suggested_label")):
        assert [held["labels"][code] for code in held["rows"][name]] == issues[column].tolist()
    assert held["rows"]["flagged"] == [1] * 12 + [0] * 188
    assert dict(zip(held["columns"], held["values"], strict=True))["note"] == issues["note"].tolist()
    assert held["left_out"] == []
    json.dumps(held, allow_nan=False)


def test_decisions_find_their_rows_again_whatever_the_ranking(table_audit):
    shuffled = dataclasses.replace(table_audit, issues=table_audit.issues.sample(frac=1, random_state=0))
    assert page_rows(shuffled)["audit"] == page_rows(table_audit)["audit"]
    other = table_audit.issues.assign(given_label=table_audit.issues["given_label"].shift(1, fill_value="a"))
    assert page_rows(dataclasses.replace(table_audit, issues=other))["audit"] != page_rows(table_audit)["audit"]


def test_what_the_page_leaves_out_is_said(table_audit, image_audit, monkeypatch):
    monkeypatch.setattr("noisylabel.audit.page._rows.MOST_ROWS", 50)
    monkeypatch.setattr("noisylabel.audit.page._rows._MOST_COLUMNS", 1)
    held = page_rows(table_audit)
    assert (len(held["rows"]["key"]), held["columns"]) == (50, ["number"])
    assert held["left_out"] == [
        "This page holds the 50 most doubtful of 200 rows; the file of issues has all.",
        "1 more column of the file is in the file of issues.",
    ]
    monkeypatch.setattr("noisylabel.audit.page._rows._MOST_IMAGES", 3)
    held = page_rows(image_audit)
    assert len(held["rows"]["image"]) == 3
    assert held["left_out"] == ["The 3 most doubtful images are shown; of the others only the names are here."]
    monkeypatch.setattr("noisylabel.audit.page._rows._MOST_COLUMNS", 2)
    monkeypatch.setattr("noisylabel.audit.page._rows._MOST_LETTERS", 50 * 10)
    monkeypatch.setattr("noisylabel.audit.page._rows._LONGEST_TEXTS", (100, 10, 4))
    held = page_rows(table_audit)
    assert max(len(text) for column in held["values"] for text in column) == 5
    assert held["left_out"][-1] == "Texts of more than 4 letters are cut."


def test_many_classes_show_the_busiest(tmp_path):
    kind = [f"k{i % 30}" for i in range(300)]
    pd.DataFrame({"x": range(0, 600, 2), "y": np.arange(300) % 7, "kind": kind}).to_csv(tmp_path / "t.csv", index=False)
    data = read_audit_table(tmp_path / "t.csv", label="kind")
    confusion = audit_summary(audit_labels(data, Judge(doubted=[2, 32, 33], suggested=["k9", "k9", "k2"])))["confusion"]
    assert len(confusion["labels"]) == 15
    assert {"k2", "k3", "k9"} <= set(confusion["labels"])
    assert confusion["n_hidden"] == 15


def test_interval_widens_with_fewer_rows():
    rng = np.random.default_rng(0)
    is_wrong = np.arange(2000) < 400
    losses, margins = np.exp(np.where(is_wrong, 2, -2) + rng.normal(size=2000) / 4), np.where(is_wrong, -3.0, 3.0)
    low, high = noise_rate_interval(0.2, losses, margins)
    deviation = (0.2 * 0.8 / 2000) ** 0.5  # the two sorts do not overlap, so this is a share of 2000 rows
    assert low == pytest.approx(0.2 - 1.96 * deviation, abs=0.008)
    assert high == pytest.approx(0.2 + 1.96 * deviation, abs=0.008)
    wide = noise_rate_interval(0.2, losses[::10], margins[::10])  # 200 rows
    assert 2 < (wide[1] - wide[0]) / (high - low) < 5
    shifted = noise_rate_interval(0.3, losses, margins)  # the estimate is taken as given
    assert shifted == pytest.approx((low + 0.1, high + 0.1))
    narrow = noise_rate_interval(
        0.2, np.repeat(losses, 10), np.repeat(margins, 10)
    )  # 20,000 rows, of which 5,000 are drawn
    assert 2 < (high - low) / (narrow[1] - narrow[0]) < 5


def test_issues_file(table_audit, tmp_path):
    path = save_label_issues(table_audit, tmp_path / "issues.csv")
    assert path.read_bytes().startswith(b"row,spreadsheet_row,")  # as its source, without a byte order mark
    found, given = pd.read_csv(path), pd.read_csv(table_audit.data.source)
    assert found.columns.tolist()[:6] == [
        "row", "spreadsheet_row", "given_label", "suggested_label", "label_quality", "is_label_issue"
    ]  # fmt: skip
    assert found["label_quality"].is_monotonic_increasing
    assert sorted(found["row"]) == list(range(200))
    same = given.iloc[found["row"]].reset_index(drop=True)
    assert found["given_label"].tolist() == same["kind"].tolist()
    pd.testing.assert_frame_equal(found[["number", "note"]], same[["number", "note"]])


def test_a_users_file_column_is_not_taken_for_ours(tmp_path):
    table = pd.DataFrame({"file": [f"d{i % 5}" for i in range(120)], "x": np.arange(120) % 9, "kind": ["a", "b"] * 60})
    table.to_csv(tmp_path / "t.csv", index=False)
    audit = audit_labels(read_audit_table(tmp_path / "t.csv", label="kind"), Judge(doubted=[7], suggested="a"))
    held = page_rows(audit)
    assert held["rows"]["place"][0] == "9"
    assert [column[0] for column in held["values"]] == ["d2", "7"]
    assert audit.issues.columns[:2].tolist() == ["row", "spreadsheet_row"]
    assert audit.issues.columns[-2:].tolist() == ["file (file)", "x"]


def test_spreadsheets_run_no_formula(tmp_path):
    texts = ["=1+1", "@SUM(A1)", "+1+cmd", "-cmd|' /C calc'!A0", "\t=1", "-5", "+5,25 %", "-", "a=b", "5"]
    table = pd.DataFrame({"=note": texts * 12, "x": np.arange(120.0) - 60, "kind": ["=a", "b", "-c"] * 40})
    table.to_parquet(tmp_path / "t.parquet")
    data = read_audit_table(tmp_path / "t.parquet", label="kind")
    audit = audit_labels(data, Judge(doubted=[0, 1], suggested=["b", "=a"]))
    path = save_label_issues(audit, tmp_path / "issues.csv")
    found = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("row")
    assert (
        found["'=note"].loc[[str(row) for row in range(10)]].tolist() == [f"'{text}" for text in texts[:5]] + texts[5:]
    )
    assert found.loc[["0", "1", "2"], "given_label"].tolist() == ["'=a", "b", "'-c"]
    assert found.loc[["0", "1", "2"], "suggested_label"].tolist() == ["b", "'=a", "'-c"]
    assert found.loc["0", "x"] == "-60.0"
    assert found.loc["0", "margin"] == "-1"
    assert audit.issues["=note"].loc[0] == "=1+1"  # only the file is changed


def test_a_class_that_is_doubted_as_a_whole_is_said(table_audit):
    data = table_audit.data
    rows_of_b = np.flatnonzero(data.noisy_y == "b")[:30]
    (caution,) = audit_labels(data, Judge(doubted=rows_of_b, suggested="a")).cautions
    assert "More than half of the labels 'b' are flagged" in caution
    assert not any("'b'" in text for text in table_audit.cautions)


def test_a_table_in_the_browser(table_audit, tmp_path, browser):
    dom = browser.dom(write_audit_page(table_audit, tmp_path / "report.html"))
    assert title(dom) == "Label audit of table.csv"
    assert "6.0 %" in dom
    assert f"<b>bold</b> {NASTY}" in seen(dom, '<dl class="values ">.*?</dl>')[0]
    assert "<script>document.title" not in dom
    (histogram,) = charts(dom)
    counts = audit_summary(table_audit)["histogram"]
    assert histogram.count('aria-roledescription="bar"') == len(counts["flagged"]) + len(counts["others"])
    assert len(re.findall("<line [^>]*stroke-dasharray", histogram)) == 1


def test_images_in_the_browser(image_audit, tmp_path, browser):
    page = write_audit_page(image_audit, tmp_path / "report.html")
    dom = browser.dom(page)
    images = re.findall(r'<img[^>]* src="data:image/jpeg;base64,([^"]*)" alt="([^"]+)"', dom)
    assert [name for _, name in images] == image_audit.issues["file"].head(1).tolist()
    for data, name in images:
        with (
            Image.open(io.BytesIO(base64.b64decode(data))) as shown,
            Image.open(image_audit.data.source / name) as file,
        ):
            assert shown.size == (40, 20)
            assert np.abs(np.subtract(shown.getpixel((20, 10)), file.getpixel((20, 10)))).max() < 6
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", body(dom))


def test_pages_are_not_blank_and_fit(table_audit, image_audit, tmp_path, browser):
    width = "document.title = document.documentElement.scrollWidth <= innerWidth ? 'fits ' + innerWidth : 'too wide'"
    for audit, size in [(table_audit, (500, 900)), (image_audit, (1280, 900))]:
        page = write_audit_page(audit, tmp_path / "report.html")
        picture = browser.screenshot(page, size=size)
        assert picture.shape == (size[1], size[0], 3)
        assert n_colours(picture) > 100
        assert picture[0, 0].min() > 200
        assert title(browser.dom(page, script=width, size=size)) == f"fits {size[0]}"
    assert browser.screenshot(page, dark=True)[0, 0].max() < 60


def test_right_25_an_image_that_vanished_since_training_leaves_the_report(tmp_path, browser):
    for row in range(6):
        file = tmp_path / "ab"[row % 2] / f"{row}.png"
        file.parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), 40 * row).save(file)
    audit = audit_labels(read_audit_folder(tmp_path, size=8), Judge(doubted=[0], suggested="b"))
    audit.data.picture(0).unlink()
    images = page_rows(audit)["rows"]["image"]
    assert images[0] == ""
    assert all(image.startswith("data:image/jpeg;base64,") for image in images[1:])
    dom = browser.dom(write_audit_page(audit, tmp_path / "page.html"))
    assert "This image can no longer be read." in body(dom)
