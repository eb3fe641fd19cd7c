"""What an audit reads."""

import csv

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noisylabel.inspection._audit_data import read_audit_folder, read_audit_table


@pytest.fixture
def table():
    """A table of two classes, large enough to be taken seriously."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"size": rng.normal(size=120), "colour": ["red", "green", "blue"] * 40, "kind": ["a", "b"] * 60}
    )


def write_image(path, value, size=(12, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 0, 255 - value)).save(path)


def test_rows_are_those_of_the_file(tmp_path):
    file = tmp_path / "table.csv"
    lines = [f'{i},"text, with a comma",{"ab"[i % 2] if i not in (3, 7) else ""}' for i in range(20)]
    lines.insert(5, "")  # an empty line in the middle is a row of a spreadsheet too
    file.write_text("number,note,kind\n" + "\n".join(lines) + "\n")
    data = read_audit_table(file, label="kind")
    with file.open(newline="") as stream:
        cells = list(csv.reader(stream))
    assert len(data.rows) == 18
    for row, label in zip(data.rows.itertuples(), data.noisy_y, strict=True):
        assert cells[row.spreadsheet_row - 1] == [f"{row.number:g}", "text, with a comma", label]
    assert data.rows["row"].tolist() == (data.rows["spreadsheet_row"] - 2).tolist()
    assert "3 rows without a label left out." in data.notes
    assert "Only 18 rows: with fewer than 100 the result means little." in data.notes
    assert "Not used (the same in every row): note." in data.notes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_files_as_spreadsheets_write_them(tmp_path, table, encoding):
    table["größe"] = table.pop("size")
    file = tmp_path / "table.csv"
    table.to_csv(file, sep=";", decimal=",", index=False, encoding=encoding)
    data = read_audit_table(file, label="kind")
    assert data.columns == ["colour", "größe"]
    assert "Read as numbers: größe." in data.notes
    assert any("Windows-1252" in note for note in data.notes) == (encoding == "cp1252")
    size = table["größe"].to_numpy()
    np.testing.assert_allclose(data.X[:, 0], (size - size.mean()) / size.std(), rtol=1e-4)


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        (["1", "2"], [1, 2]),
        (["10", "9.0"], [10, 9]),
        (["007", "010"], ["007", "010"]),
        (["0.5", "1.5"], ["0.5", "1.5"]),
        ([" cat ", "dog"], ["cat", "dog"]),
        (["True", "False"], ["True", "False"]),
        (["none", "None"], ["none", "None"]),  # a class of the user's, as in "defect: none"
    ],
)
def test_labels(tmp_path, table, written, labels):
    table["kind"] = written * 60
    table.to_csv(tmp_path / "table.csv", index=False)
    assert read_audit_table(tmp_path / "table.csv", label="kind").noisy_y[:2].tolist() == labels


@pytest.mark.parametrize("kind", [[0.0, 1.0, np.nan], [True, False, None], pd.Categorical(["a", "b", None])])
def test_parquet(tmp_path, table, kind):
    table["kind"] = pd.Series(kind).iloc[np.arange(120) % 3].reset_index(drop=True)
    table["when"] = pd.date_range("2024-01-01", periods=120)
    table.to_parquet(tmp_path / "table.parquet")
    data = read_audit_table(tmp_path / "table.parquet", label="kind")
    assert len(np.unique(data.noisy_y)) == 2
    assert len(data.X) == len(data.rows) == 80
    assert data.rows.columns.tolist() == ["row", "size", "colour", "when"]
    assert "Read as dates: when." in data.notes


def test_ignored_columns_and_names_that_we_use_too(tmp_path, table):
    table["loss"] = np.arange(120.0)
    table.to_csv(tmp_path / "table.csv", index=False)
    data = read_audit_table(tmp_path / "table.csv", label="kind", ignore=["loss", "colour"])
    assert data.X.shape == (120, 1)
    assert data.rows.columns.tolist() == ["row", "spreadsheet_row", "size", "colour", "loss (file)"]


def test_classes_of_one_row_are_said(tmp_path, table):
    table.loc[0, "kind"] = "rare"
    table.to_csv(tmp_path / "table.csv", index=False)
    assert "1 class with a single row: rare." in read_audit_table(tmp_path / "table.csv", label="kind").notes


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("kinds", r"'label' must be one of \['size', 'colour', 'kind', .*\]. Got 'kinds'. Did you mean 'kind'\?"),
        ("size", "120 different values in 120 rows.* measured numbers, and not like classes"),
        ("name", "120 different values in 120 rows.* names, ids or free text, and not like classes"),
        ("score", "40 different values in 120 rows.* measured numbers"),
        ("same", "All 120 rows have the label 'x'"),
        ("empty", "No row of .*table.csv has a label in 'empty'"),
    ],
)
def test_labels_that_are_none(tmp_path, table, label, message):
    table = table.assign(
        name=[f"n{i}" for i in range(120)], score=np.repeat(np.arange(40), 3) / 8, same="x", empty=np.nan
    )
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(ValueError, match=message):
        read_audit_table(tmp_path / "table.csv", label=label)


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file .*absent.csv. Give the path of a .csv"):
        read_audit_table(tmp_path / "absent.csv", label="kind")
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"must end in .csv, .tsv or .parquet.* A spreadsheet can be saved as CSV"):
        read_audit_table(tmp_path / "book.xlsx", label="kind")
    for name, content in [("a.csv", ""), ("b.csv", "x,kind\n1,a\n1,2,3,4\n"), ("c.parquet", "no")]:
        (tmp_path / name).write_text(content)
        with pytest.raises(ValueError, match=f"{name} cannot be read as a table"):
            read_audit_table(tmp_path / name, label="kind")


def test_folders_of_images(tmp_path):
    for i in range(6):
        write_image(tmp_path / "warm" / f"{i}.png", 200 + i)
        write_image(tmp_path / "cold" / "deep" / f"{i}.jpg", 10)
    (tmp_path / "cold" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "cold" / ".DS_Store").write_bytes(b"hidden")
    write_image(tmp_path / "loose.png", 0)
    data = read_audit_folder(tmp_path, size=16)
    assert data.X.shape == (12, 3, 16, 16)
    assert data.X.dtype == np.uint8
    assert data.rows["file"].tolist() == [f"cold/deep/{i}.jpg" for i in range(6)] + [f"warm/{i}.png" for i in range(6)]
    assert data.noisy_y.tolist() == ["cold"] * 6 + ["warm"] * 6
    assert data.X[6:, 0, 0, 0].tolist() == [200, 201, 202, 203, 204, 205]
    assert data.X[:6, 0].max() < 30  # JPEG is not exact
    assert data.picture(11) == tmp_path / "warm" / "5.png"
    assert any("1 file that cannot be read as an image left out" in n and "broken.png" in n for n in data.notes)


def test_folders_without_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        read_audit_folder(tmp_path / "absent")
    with pytest.raises(ValueError, match="has no images in sub-folders"):
        read_audit_folder(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="None of the 1 files.* can be read as an image"):
        read_audit_folder(tmp_path)
    write_image(tmp_path / "a" / "y.png", 0)
    with pytest.raises(ValueError, match="'size' must be an integer of at least 8. Got 4"):
        read_audit_folder(tmp_path, size=4)


def test_a_table_of_images(tmp_path):
    for i in range(8):
        write_image(tmp_path / "pictures" / f"{i}.png", 20 * i)
    rows = [(f"pictures/{i}.png", "ab"[i % 2], i) for i in range(9)]  # the last one does not exist
    table = pd.DataFrame(rows, columns=["path", "kind", "number"])
    table.loc[2, "kind"] = None
    table.to_csv(tmp_path / "table.csv", index=False)
    data = read_audit_table(tmp_path / "table.csv", label="kind", images="path", size=8)
    assert data.kind == "images"
    assert data.X[:, 0, 0, 0].tolist() == [0, 20, 60, 80, 100, 120, 140]
    assert data.noisy_y.tolist() == list("abbabab")
    assert data.rows["spreadsheet_row"].tolist() == [2, 3, 5, 6, 7, 8, 9]
    assert data.rows["number"].tolist() == [0, 1, 3, 4, 5, 6, 7]
    assert data.picture(2) == tmp_path / "pictures" / "3.png"
    assert any("8.png" in note for note in data.notes)
