"""The page of an audit, in a real browser."""

import base64
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
from noisylabel.audit._report import audit_summary
from tests.browser import body, charts, n_colours, open_browser, seen, table_rows, title

NASTY = "</script><script>document.title='taken'</script>"


class Judge:
    """Stands in for a classifier: doubts the labels of known rows."""

    n_iter_ = 3

    def __init__(self, doubted=(), suggested=None):
        self.doubted, self.suggested = list(doubted), suggested

    def get_params(self):
        return {"doubted": self.doubted}

    def fit(self, X, y):
        self.y = y
        return self

    def label_issues(self):
        n_rows = len(self.y)
        quality = np.linspace(0.7, 1, n_rows)
        quality[self.doubted] = np.linspace(0.01, 0.2, len(self.doubted))
        flagged = np.isin(np.arange(n_rows), self.doubted)
        found = pd.DataFrame({"row": np.arange(n_rows), "given_label": self.y, "suggested_label": self.y})
        found.loc[flagged, "suggested_label"] = self.suggested
        found = found.assign(
            predicted_label=found["suggested_label"],
            label_quality=quality,
            is_label_issue=flagged,
            loss=-np.log(quality),
        )
        found = found.assign(margin=np.where(flagged, -1, 1), weight=1.0, forgetting=0).sort_values("label_quality")
        found.attrs["noise_rate"] = len(self.doubted) / n_rows
        return found


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
    assert len(summary["rows"]) == 20  # at least so many, flagged or not
    assert [row["flagged"] for row in summary["rows"]] == [True] * 12 + [False] * 8
    first = issues.iloc[0]
    assert summary["rows"][0]["place"] == str(first["spreadsheet_row"]) == "3"
    json.dumps(summary, allow_nan=False)


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
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # spreadsheets want it
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
    first = audit_summary(audit)["rows"][0]
    assert first["place"] == "9"
    assert first["values"] == ["d2", "7"]
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
    rows, expected = table_rows(dom, "rows"), audit_summary(table_audit)["rows"]
    assert [row[:2] + row[3:] for row in rows] == [
        [row["given"], row["suggested"], row["place"], *row["values"]] for row in expected
    ]
    assert "6.0 %" in dom
    assert NASTY in [row[1] for row in rows]
    assert f"<b>bold</b> {NASTY}" in [row[-1] for row in rows]
    assert "<script>document.title" not in dom
    (histogram,) = charts(dom)
    counts = audit_summary(table_audit)["histogram"]
    assert histogram.count('aria-roledescription="bar"') == len(counts["flagged"]) + len(counts["others"])
    assert len(re.findall("<line [^>]*stroke-dasharray", histogram)) == 1


@pytest.mark.slow
def test_filters_and_order(table_audit, tmp_path, browser):
    page = write_audit_page(table_audit, tmp_path / "report.html")

    def column(at, fragment="", script=None):
        return [row[at] for row in table_rows(browser.dom(page, fragment, script=script), "rows")]

    by_address = browser.dom(page, "given=b&suggested=c&all=1")
    assert [row[1] for row in table_rows(by_address, "rows")] == ["c"] * 4
    assert "4 of 20 match." in seen(by_address, 'role="status">(.*?)</p>')
    link = "document.querySelector('#confusion a[href=\"#given=b&suggested=a\"]').click()"
    assert column(1, script=link) == ["a"] * 4
    text = """const field = document.querySelector('[name=text]');
        field.value = 'NUMBER 9 '; field.dispatchEvent(new Event('input', { bubbles: true }));"""
    assert column(3, script=text) == ["11"]
    heading = "[...document.querySelectorAll('#rows th button')].find(b => b.textContent === '{}').click();"
    places = column(3, script=heading.format("Row"))
    assert places == sorted(places, key=int)
    assert places != column(3)
    assert column(3, script=heading.format("Quality")) == column(3)[::-1]
    assert column(3, "sort=-quality") == column(3)[::-1]
    clear = "document.querySelector('[data-clear]').click()"
    assert column(3, "given=b&sort=place", script=clear) == column(3)


def test_a_page_that_holds_a_part_says_so(tmp_path, browser):
    kind = np.array(["a", "b", "c"])[np.arange(720) % 3]
    pd.DataFrame({"x": np.arange(720) % 9, "kind": kind}).to_csv(tmp_path / "t.csv", index=False)
    suggested = ["b"] * 210 + ["c"] * 10  # the last ten are the least doubtful and not on the page
    doubted = np.flatnonzero(kind == "a")[:220]
    audit = audit_labels(read_audit_table(tmp_path / "t.csv", label="kind"), Judge(doubted, suggested))
    page = write_audit_page(audit, tmp_path / "report.html")
    elsewhere = "This page holds 200 of 220 flagged rows; the file of issues has all."
    dom = browser.dom(page, "given=a&suggested=c")
    assert seen(dom, 'role="status">(.*?)</p>') == [f"0 of 200 match. {elsewhere}"]
    assert f"{elsewhere} A number that cannot be clicked has none here." in dom
    links = re.findall(r'<a href="#given=(\w)&amp;suggested=(\w)" data-to="doubtful">(\d+)</a>', dom)
    assert links == [("a", "b", "210")]
    assert table_rows(dom, "confusion") == [["a", "20", "210", "10"], ["b", "", "240", ""], ["c", "", "", "240"]]
    first = browser.dom(page)
    assert len(table_rows(first, "rows")) == 24
    assert seen(first, '<button class="more"[^>]*>(.*?)</button>') == ["Show 176 more"]
    assert len(table_rows(browser.dom(page, "all=1"), "rows")) == 200


def test_images_in_the_browser(image_audit, tmp_path, browser):
    page = write_audit_page(image_audit, tmp_path / "report.html")
    dom = browser.dom(page)
    images = re.findall(r'<img src="data:image/jpeg;base64,([^"]*)" alt="([^"]*)"', dom)
    assert [name for _, name in images] == image_audit.issues["file"].head(20).tolist()
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


def test_right_25_an_image_that_vanished_since_training_leaves_the_report(tmp_path):
    for row in range(6):
        file = tmp_path / "ab"[row % 2] / f"{row}.png"
        file.parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), 40 * row).save(file)
    audit = audit_labels(read_audit_folder(tmp_path, size=8), Judge(doubted=[0], suggested="b"))
    audit.data.picture(0).unlink()
    images = [row["image"] for row in audit_summary(audit)["rows"]]
    assert images[0] == ""
    assert all(image.startswith("data:image/jpeg;base64,") for image in images[1:])
    page = write_audit_page(audit, tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("no longer readable") == 1
