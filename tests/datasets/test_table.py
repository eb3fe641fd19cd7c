"""Tables in files: as spreadsheets and programs write them, and what is wrong with broken ones."""

import codecs
import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noisylabel.audit import read_audit_table
from noisylabel.datasets import load_table, read_table
from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError, InvalidParameterError, NoisyLabelWarning


def by_load_table(path):
    loaded = load_table(path, label="kind")
    return loaded.data, loaded.target


def by_audit(path):
    data = read_audit_table(path, label="kind")
    return data.table, data.noisy_y


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
        ("a.csv", b"", r"a\.csv is empty\. Give a table whose first line names the columns"),
        ("a2.csv", b"\xef\xbb\xbf \r\n\n", r"a2\.csv is empty"),
        ("a3.csv", b"x,kind\n", r"a3\.csv names columns, \['x', 'kind'\], but has no rows"),
        ("b.csv", b"x,kind\n1,a\n1,2,3,4\n", r"b\.csv has more values in line 3, 4, than names in its first line, 2"),
        ("c.csv", b"x,kind\n1,a,lost\n", r"c\.csv has more values in line 2, 3, than names in its first line, 2"),
        ("b2.csv", b"kind,x,kind\na,1,b\n", r"b2\.csv has two columns 'kind'\. Give each a name of its own"),
        ("c2.csv", b'x,kind\n"a\n",b\n1,2,3\n', r"c2\.csv has more values in line 4, 3"),
        ("c3.csv", b'x,kind\n1,"a\n', r"c3\.csv cannot be read as a table: .*EOF inside string"),
        ("d.parquet", b"no", r"d\.parquet cannot be read as a table"),
        ("d2.csv", b"PK\x03\x04\x14", r"d2\.csv is no text: it begins as a ZIP archive or an Excel workbook"),
        (
            "d3.csv",
            gzip.compress(b"x,kind", mtime=0),
            r"d3\.csv is no text: it begins as a file compressed by gzip does",
        ),
        ("d4.csv", b"\xff\xfex\x00,\x00\x00\xd8", r"d4\.csv begins as UTF-16 does, but line 1 is not"),
        ("e.xlsx", b"PK", r"e\.xlsx is no Excel workbook, or is damaged: File is not a zip file"),
        ("f.csv.gz", gzip.compress(b"x,kind\n1,a\n")[:-9], r"f\.csv\.gz is compressed by gzip, and damaged"),
        ("g.jsonl", b'{"x": 1}\n{"x": ', r"g\.jsonl is no JSON of an object a line: Expecting value"),
        ("h.json", b'[{"x": 1}, 2]', r"h\.json has an entry that is no object, number 1"),
        ("i.jsonl", b"\n", r"i\.jsonl is empty"),
        ("j.doc", b"", r"j\.doc must end in \.csv, \.tsv, \.parquet, \.xlsx or \.jsonl"),
    ],
)
def test_files_that_are_no_tables(tmp_path, door, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidDataError, match=message):
        door(tmp_path / name)


def test_an_absent_file(tmp_path, door):
    with pytest.raises(DatasetNotFoundError, match=r"There is no file .*absent\.csv\. Give the path of a \.csv, "):
        door(tmp_path / "absent.csv")


ENCODINGS = {
    "utf-8": ("utf-8", b"", []),
    "utf-8 with a mark": ("utf-8-sig", b"", []),
    "utf-16": ("utf-16", b"", ["The file was read as UTF-16."]),
    "utf-16, high byte first": ("utf-16-be", codecs.BOM_UTF16_BE, ["The file was read as UTF-16."]),
    "utf-16 without a mark": ("utf-16-le", b"", ["The file was read as UTF-16."]),
    "utf-32": ("utf-32", b"", ["The file was read as UTF-32."]),
    "windows-1252": ("cp1252", b"", ["The file is not UTF-8; it was read as Windows-1252."]),
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_right_25_encodings_are_told_by_their_bytes(tmp_path, encoding, line_end):
    codec, mark, notes = ENCODINGS[encoding]
    text = "größe;kind\n1,5;é\n2,5;€€€\n".replace("\n", line_end)
    (tmp_path / "t.csv").write_bytes(mark + text.encode(codec))
    table, found = read_table(tmp_path / "t.csv", as_written=["größe"])
    assert table.to_dict("list") == {"größe": ["1,5", "2,5"], "kind": ["é", "€€€"]}
    assert found == notes


@pytest.mark.parametrize("codec", ["cp1251", "gb18030", "shift_jis", "euc_kr", "mac_roman"])
def test_right_25_letters_that_cannot_be_told_are_refused(tmp_path, door, codec):
    word = {"cp1251": "собака", "gb18030": "中文标签", "shift_jis": "ラベル", "euc_kr": "고양이", "mac_roman": "garçon"}
    (tmp_path / "t.csv").write_bytes(f"x,kind\n1,a\n2,{word[codec]}\n".encode(codec))
    with pytest.raises(InvalidDataError, match=r"is not UTF-8, UTF-16 or Windows-1252 \(line 3\).*Save it as UTF-8"):
        door(tmp_path / "t.csv")


def test_right_25_damaged_utf8_keeps_its_other_letters(tmp_path):
    (tmp_path / "t.csv").write_bytes("x,kind\né,à\nü,ö\n".encode() + b"1,\xe9\n")
    table, notes = read_table(tmp_path / "t.csv")
    assert table["kind"].tolist() == ["à", "ö", "\ufffd"]
    assert notes == ["1 letters of the file are damaged (not UTF-8), the first in line 4; they were read as \ufffd."]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sep=;\nx;kind\n1;a\n", ["x", "kind"]),
        ('"SEP=;"\r\nx;kind\r\n1;a\r\n', ["x", "kind"]),
        ("sep=\\t\nx\tkind\n1\ta\n", ["x", "kind"]),
        ("sep=\t\nx\tkind\n1\ta\n", ["x", "kind"]),
        ("sep=;;\nx;kind\n1;a\n", ["x", "kind"]),
        ('"net\nweight";kind\n1;a\n', ["net\nweight", "kind"]),
        ('"net;\r\nweight","a ""b""",kind\n1,2,a\n', ["net;\r\nweight", 'a "b"', "kind"]),
        ("weight, kg;kind\n70,5;a\n80,5;b\n", ["weight, kg", "kind"]),
        ("weight, kg, dry;kind\n70,5;a\n80,5;b\n", ["weight, kg, dry", "kind"]),
        ("a|b,c,kind\n1,2,a|b\n", ["a|b", "c", "kind"]),
        ("kind\na\n", ["kind"]),
    ],
)
def test_right_25_separators_and_names(tmp_path, text, names):
    (tmp_path / "t.csv").write_text(text, newline="")
    table, _ = read_table(tmp_path / "t.csv")
    assert table.columns.tolist() == names
    assert table["kind"].iloc[0].startswith("a")
    assert table.notna().all(axis=None)


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        (["007", "010"], ["007", "010"]),
        (["1", "2.0"], [1, 2]),
        (["1e5", "2"], ["1e5", "2"]),
        (["True", "False"], ["True", "False"]),
        (["none", "None"], ["none", "None"]),
    ],
)
def test_right_25_labels_are_the_same_by_every_door(tmp_path, door, written, labels):
    lines = [f"{number},{written[number % 2]}" for number in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["x,kind", *lines]))
    found = door(tmp_path / "t.csv")[1].tolist()
    assert found[:2] == labels
    assert type(found[0]) is type(labels[0])


def test_right_25_bytes_of_parquet_are_text_where_they_are(tmp_path):
    pq.write_table(
        pa.table({"kind": [b"a", "é".encode(), None], "key": [b"\xff", b"\xfe", None]}), tmp_path / "t.parquet"
    )
    table, _ = read_table(tmp_path / "t.parquet")
    assert table["kind"].dropna().tolist() == ["a", "é"]
    assert table["key"].dropna().tolist() == [b"\xff", b"\xfe"]


def test_right_25_parquet_names_each_column_once(tmp_path, door):
    pq.write_table(
        pa.Table.from_arrays([pa.array([1, 2]), pa.array(["a", "b"])], ["kind", "kind"]), tmp_path / "t.parquet"
    )
    with pytest.raises(InvalidDataError, match="has two columns 'kind'"):
        door(tmp_path / "t.parquet")


def test_right_25_an_empty_first_line_shifts_no_row(tmp_path):
    """A place in the spreadsheet is counted from the first line, so an audit wants the names there."""
    for text in ("\n\nx,kind\n1,a\n", "sep=,\n\nx,kind\n1,a\n"):
        (tmp_path / "t.csv").write_text(text)
        assert read_table(tmp_path / "t.csv")[0]["kind"].tolist() == ["a"]
        with pytest.raises(InvalidDataError, match=r"t\.csv begins with an empty line\. Take it out"):
            read_table(tmp_path / "t.csv", empty_lines=True)


def test_right_25_the_home_folder_is_expanded(tmp_path, table, door, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    table.to_csv(tmp_path / "t.csv", index=False)
    assert len(door("~/t.csv")[1]) == len(table)
    with pytest.raises(InvalidParameterError, match="'path' must be a path on this machine"):
        door("s3://bucket/t.csv")
