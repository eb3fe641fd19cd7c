"""Tables that are no plain text: workbooks, JSON lines, compressed files, standard input."""

import gzip
import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from noisylabel.audit import read_audit_table
from noisylabel.datasets import load_table, read_table
from noisylabel.exceptions import InvalidDataError, MissingDependencyError

TABLE = pd.DataFrame({"size": np.arange(120) / 4, "code": [f"0{n}" for n in range(120)], "kind": ["a", "b"] * 60})


def json_lines(path):
    path.write_text("".join(json.dumps(row) + "\n\n" for row in TABLE.to_dict("records")), encoding="utf-8-sig")


WRITERS = {
    "t.xlsx": lambda path: TABLE.to_excel(path, index=False),
    "t.jsonl": json_lines,
    "t.json": lambda path: TABLE.to_json(path, orient="records"),
    "t.csv.gz": lambda path: path.write_bytes(gzip.compress(TABLE.to_csv(index=False, sep=";").encode())),
    "t.PARQUET.GZ": lambda path: path.write_bytes(gzip.compress(TABLE.to_parquet())),
}


@pytest.mark.parametrize("name", WRITERS)
def test_one_table_in_many_files(tmp_path, name):
    WRITERS[name](tmp_path / name)
    table, _ = read_table(tmp_path / name, as_written=["code"])
    pd.testing.assert_frame_equal(table, TABLE, check_dtype=False)
    assert load_table(tmp_path / name, label="kind", drop=["code"]).target.tolist() == TABLE["kind"].tolist()
    data = read_audit_table(tmp_path / name, label="kind")
    assert data.noisy_y.tolist() == TABLE["kind"].tolist()
    assert data.rows["code"].tolist() == TABLE["code"].tolist()
    assert ("spreadsheet_row" in data.rows) == (name in ("t.xlsx", "t.csv.gz"))


@pytest.mark.parametrize("name", WRITERS)
def test_standard_input(tmp_path, name, monkeypatch):
    WRITERS[name](tmp_path / name)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((tmp_path / name).read_bytes())))
    pd.testing.assert_frame_equal(read_table("-", as_written=["code"])[0], TABLE, check_dtype=False)


def test_workbooks(tmp_path, monkeypatch):
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        TABLE.to_excel(book, sheet_name="first", index=False)
        TABLE.to_excel(book, sheet_name="second", index=False)
    assert read_table(tmp_path / "t.xlsx")[1] == [
        "The first sheet of the workbook was read, 'first', and not 'second'."
    ]
    TABLE.set_axis(["a", "b", "a"], axis=1).to_excel(tmp_path / "u.xlsx", index=False)
    with pytest.raises(InvalidDataError, match=r"u.xlsx has two columns 'a'"):
        read_table(tmp_path / "u.xlsx")
    pd.DataFrame().to_excel(tmp_path / "v.xlsx", index=False)
    with pytest.raises(InvalidDataError, match=r"v.xlsx is empty"):
        read_table(tmp_path / "v.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingDependencyError, match="pip install openpyxl. Or save it as CSV"):
        read_table(tmp_path / "t.xlsx")
