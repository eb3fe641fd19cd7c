"""Tables in files: as spreadsheets and programs write them, and what is wrong with broken ones."""

import numpy as np
import pandas as pd
import pytest

from noisylabel.audit import read_audit_table
from noisylabel.datasets import load_table, read_table
from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError, NoisyLabelWarning


def by_load_table(path):
    loaded = load_table(path, label="kind")
    return loaded.data, loaded.target


def by_audit(path):
    data = read_audit_table(path, label="kind")
    return data.rows[data.columns], data.noisy_y


DOORS = {"load_table": by_load_table, "audit": by_audit}


@pytest.fixture(params=DOORS)
def door(request):
    return DOORS[request.param]


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"size": rng.normal(size=30), "count": range(30), "kind": ["a", "bé", "c"] * 10})


WRITERS = {
    "commas": lambda table, path: table.to_csv(path, index=False),
    "semicolons": lambda table, path: table.to_csv(path, index=False, sep=";"),
    "bars": lambda table, path: table.to_csv(path, index=False, sep="|"),
    "byte order mark": lambda table, path: table.to_csv(path, index=False, encoding="utf-8-sig"),
    "line ends of Windows": lambda table, path: table.to_csv(path, index=False, lineterminator="\r\n"),
    "separator in a quoted name": lambda table, path: path.write_text(
        table.rename(columns={"size": "a;b;c;d"}).to_csv(index=False).replace("a;b;c;d", '"size;;;"')
    ),
    "separator at line ends": lambda table, path: path.write_text(
        "".join(f"{line}{',' * (number > 0)}\n" for number, line in enumerate(table.to_csv(index=False).splitlines()))
    ),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_text_files(tmp_path, table, door, writer):
    WRITERS[writer](table, tmp_path / "t.csv")
    data, labels = door(tmp_path / "t.csv")
    assert data.iloc[:, 0].tolist() == pytest.approx(table["size"].tolist(), abs=1e-12)
    assert data["count"].tolist() == table["count"].tolist()
    assert labels.tolist() == table["kind"].tolist()


@pytest.mark.parametrize("name", ["t.tsv", "t.TXT", "t.Csv"])
def test_names_of_text_files(tmp_path, table, door, name):
    table.to_csv(tmp_path / name, index=False, sep="\t")
    assert door(tmp_path / name)[0]["count"].tolist() == list(range(30))


@pytest.mark.parametrize("name", ["t.parquet", "t.PARQUET"])
def test_parquet(tmp_path, table, door, name):
    table.to_parquet(tmp_path / name)
    data, labels = door(tmp_path / name)
    pd.testing.assert_frame_equal(data.reset_index(drop=True), table[["size", "count"]])
    assert labels.tolist() == table["kind"].tolist()


def test_windows_1252_is_read_and_said(tmp_path, table):
    table.to_csv(tmp_path / "t.csv", index=False, encoding="cp1252")
    read, notes = read_table(tmp_path / "t.csv")
    assert read["kind"].tolist() == table["kind"].tolist()
    assert notes == ["The file is not UTF-8; it was read as Windows-1252."]
    assert notes[0] in read_audit_table(tmp_path / "t.csv", label="kind").notes
    with pytest.warns(NoisyLabelWarning, match=r"t\.csv: The file is not UTF-8; it was read as Windows-1252"):
        assert load_table(tmp_path / "t.csv", label="kind").target.tolist() == table["kind"].tolist()
    table.to_csv(tmp_path / "t.csv", index=False)
    assert read_table(tmp_path / "t.csv")[1] == []


def test_empty_lines_and_values_as_written(tmp_path):
    (tmp_path / "t.csv").write_text("n,kind\n1,007\n\n2,None\n")
    plain, _ = read_table(tmp_path / "t.csv")
    assert plain["n"].tolist() == [1, 2]
    assert plain["n"].dtype == np.int64
    assert plain["kind"].isna().tolist() == [False, True]
    rows, _ = read_table(tmp_path / "t.csv", empty_lines=True)
    assert rows["n"].isna().tolist() == [False, True, False]
    written, _ = read_table(tmp_path / "t.csv", as_written=["kind", "absent"])
    assert written["kind"].tolist() == ["007", "None"]


def test_load_table_leaves_out_what_is_no_feature(tmp_path, table):
    table.assign(id=range(30)).to_csv(tmp_path / "t.csv", index=False)
    loaded = load_table(tmp_path / "t.csv", label="kind", drop=["id"])
    assert loaded.feature_names == loaded.data.columns.tolist() == ["size", "count"]
    for options in ({"label": "king"}, {"label": "kind", "drop": ["king"]}):
        with pytest.raises(InvalidDataError, match=r"t\.csv has no column 'king'. It has \['size', "):
            load_table(tmp_path / "t.csv", **options)


def test_load_table_wants_every_label(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,a\n2,\n")
    with pytest.raises(InvalidDataError, match="1 rows without a label in 'y', the first at row 1. Drop or fill them"):
        load_table(tmp_path / "t.csv", label="y")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv cannot be read as a table"),
        ("b.csv", b"x,kind\n1,a\n1,2,3,4\n", r"b\.csv cannot be read as a table"),
        ("c.csv", b"x,kind\n1,a,lost\n", r"c\.csv has more values in a row than names in its first line"),
        ("d.parquet", b"no", r"d\.parquet cannot be read as a table"),
        ("e.xlsx", b"PK", r"e\.xlsx must end in \.csv, \.tsv or \.parquet\. A spreadsheet can be saved as CSV"),
    ],
)
def test_files_that_are_no_tables(tmp_path, door, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidDataError, match=message):
        door(tmp_path / name)


def test_an_absent_file(tmp_path, door):
    with pytest.raises(DatasetNotFoundError, match=r"There is no file .*absent\.csv\. Give the path of a \.csv, "):
        door(tmp_path / "absent.csv")
