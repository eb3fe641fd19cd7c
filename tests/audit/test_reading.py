"""What an audit reads."""

import csv

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noisylabel.audit import read_audit_folder, read_audit_table


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
        assert cells[row.spreadsheet_row - 1] == [row.number, "text, with a comma", label]
    assert data.rows["row"].tolist() == (data.rows["spreadsheet_row"] - 2).tolist()
    assert "2 rows without a label: one is predicted for each." in data.notes
    assert "Only 18 rows: with fewer than 100 the result means little." in data.notes
    assert "Not used (the same in every row): note." in data.notes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_files_as_spreadsheets_write_them(tmp_path, table, encoding):
    table["größe"] = table.pop("size")
    file = tmp_path / "table.csv"
    table.to_csv(file, sep=";", decimal=",", index=False, encoding=encoding)
    data = read_audit_table(file, label="kind")
    assert data.columns == ["colour", "größe"]
    assert "Read as numbers (written as numbers): größe." in data.notes
    assert any("Windows-1252" in note for note in data.notes) == (encoding == "cp1252")
    size = table["größe"].to_numpy()
    np.testing.assert_allclose(data.X[:, 0], (size - size.mean()) / size.std(), rtol=1e-4)


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        (["1", "2"], [1, 2]),
        (["10", "9.0"], [10, 9]),
        (["9007199254740993", "-9007199254740995.0"], [9007199254740993, -9007199254740995]),  # no float64 has these
        (["9223372036854775807", "1"], [2**63 - 1, 1]),
        (["9223372036854775808", "1"], ["9223372036854775808", "1"]),  # no int64
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


def test_whole_numbers_stay_exact_where_some_are_missing(tmp_path, table):
    table["kind"] = ["9007199254740993", "9007199254740995", None] * 40
    table.to_csv(tmp_path / "table.csv", index=False)
    noisy_y = read_audit_table(tmp_path / "table.csv", label="kind").noisy_y
    assert noisy_y.dtype == np.int64
    assert noisy_y.tolist() == [9007199254740993, 9007199254740995] * 40


def test_lines_that_end_with_a_separator(tmp_path):
    lines = [f"{i}.5,{i % 7},{'xy'[i % 2]}," for i in range(120)]
    (tmp_path / "table.csv").write_text("a,b,kind\n" + "\n".join(lines) + "\n")
    data = read_audit_table(tmp_path / "table.csv", label="kind")
    assert data.noisy_y.tolist() == ["x", "y"] * 60
    assert data.table["a"].tolist() == [i + 0.5 for i in range(120)]
    assert data.table["b"].tolist() == [i % 7 for i in range(120)]
    lines[60] += "lost"
    (tmp_path / "table.csv").write_text("a,b,kind\n" + "\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"table.csv has more values in line 62, 4, than names in its first line, 3"):
        read_audit_table(tmp_path / "table.csv", label="kind")


@pytest.mark.parametrize("kind", [[0.0, 1.0, np.nan], [True, False, None], pd.Categorical(["a", "b", None])])
def test_parquet(tmp_path, table, kind):
    table["kind"] = pd.Series(kind).iloc[np.arange(120) % 3].reset_index(drop=True)
    table["when"] = pd.date_range("2024-01-01", periods=120)
    table.to_parquet(tmp_path / "table.parquet")
    data = read_audit_table(tmp_path / "table.parquet", label="kind")
    assert len(np.unique(data.noisy_y)) == 2
    assert len(data.X) == len(data.rows) == 80
    assert data.rows.columns.tolist() == ["row", "size", "colour", "kind", "when"]
    assert "Read as dates (holds dates): when." in data.notes


def test_ignored_columns_and_names_that_we_use_too(tmp_path, table):
    table["loss"] = np.arange(120.0)
    table.to_csv(tmp_path / "table.csv", index=False)
    data = read_audit_table(tmp_path / "table.csv", label="kind", ignore=["loss", "colour"])
    assert data.X.shape == (120, 1)
    assert data.rows.columns.tolist() == ["row", "spreadsheet_row", "size", "colour", "kind", "loss (file)"]


def test_every_name_of_ours_stays_ours(tmp_path, table):
    own = {name: np.arange(120) for name in ("file", "file (file)", "spreadsheet_row", "row", "label_quality")}
    table.assign(**own).to_parquet(tmp_path / "table.parquet")
    data = read_audit_table(tmp_path / "table.parquet", label="kind")
    assert data.columns == [
        "size", "colour", "file (file) (file)", "file (file)", "spreadsheet_row (file)", "row (file)",
        "label_quality (file)",
    ]  # fmt: skip
    assert data.rows.columns.tolist() == ["row", *data.columns[:2], "kind", *data.columns[2:]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ignore": ["size", "kind"]}, "'label' and 'ignore' are both 'kind'"),
        ({"images": "kind"}, "'label' and 'images' are both 'kind'"),
        ({"ignore": ["size", "colour"]}, r"'ignore' names every column besides the labels, \['size', 'colour'\]"),
        (
            {"images": "colour", "ignore": ["size"]},
            r"'ignore' is \['size'\], but with 'images' only the images are",
        ),
    ],
)
def test_columns_for_two_purposes(tmp_path, table, options, message):
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(ValueError, match=message):
        read_audit_table(tmp_path / "table.csv", label="kind", **options)


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
    file = tmp_path / "cold" / "broken.png"
    assert data.notes[0].startswith(f"1 file left out: {file} cannot be read as an image: cannot identify image file")
    (tmp_path / "warm" / "worse.png").write_bytes(b"")
    files = f"{file}, {tmp_path / 'warm' / 'worse.png'}"
    said = f"2 files left out that cannot be read as images: {files}. The first: {file} cannot be read as an image: "
    assert read_audit_folder(tmp_path, size=16).notes[0].startswith(said)


def test_folders_of_16_bit_images(tmp_path):
    for i in range(6):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), 257 * 40 * i, dtype=np.uint16)).save(tmp_path / "ab"[i % 2] / f"{i}.png")
    X = read_audit_folder(tmp_path, size=8).X
    assert X[:, 0, 0, 0].tolist() == [0, 80, 160, 40, 120, 200]
    assert (X == X[:, :1, :1, :1]).all()


def test_folders_without_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        read_audit_folder(tmp_path / "absent")
    with pytest.raises(ValueError, match="has no images in sub-folders"):
        read_audit_folder(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"None of the 1 images can be read\. 1 file left out: .*x\.png cannot"):
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
    assert data.rows["number"].tolist() == list("0134567")
    assert data.picture(2) == tmp_path / "pictures" / "3.png"
    assert f"1 file left out that is not there: {tmp_path / 'pictures' / '8.png'}." in data.notes


def test_images_outside_the_folder_of_the_table(tmp_path):
    write_image(tmp_path / "private.png", 0)
    write_image(tmp_path / "data" / "a.png", 0)
    write_image(tmp_path / "data" / "b.png", 9)
    (tmp_path / "data" / "link.png").symlink_to(tmp_path / "private.png")
    inside = ["a.png", "../data/b.png", str(tmp_path / "data" / "a.png")]
    file = tmp_path / "data" / "table.csv"
    pd.DataFrame({"path": inside * 2, "kind": list("aabbab")}).to_csv(file, index=False)
    assert len(read_audit_table(file, label="kind", images="path", size=8).X) == 6
    for outside in ("../private.png", str(tmp_path / "private.png"), "link.png"):
        pd.DataFrame({"path": [*inside, outside], "kind": list("aabb")}).to_csv(file, index=False)
        with pytest.raises(ValueError, match=r"1 of the 4 image files in 'path' lie outside .*private.png|.*link.png"):
            read_audit_table(file, label="kind", images="path", size=8)
