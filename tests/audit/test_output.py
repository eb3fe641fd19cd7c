"""Files that an audit writes."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from PIL import Image

from noisylabel.audit import audit_labels, read_audit_folder, read_audit_table, save_label_issues
from noisylabel.exceptions import InvalidParameterError
from tests.audit.judge import Judge

CELLS = ["05110", "+49 30 123", "TRUE", "3.0", "1e5", "31.12.2024", "", "NA", " x ", "=1+1", '5" pipe', "a\nb", "007"]


@pytest.fixture
def shop(tmp_path):
    """Write 130 rows with all kinds of cells: a function of how a file is written that returns rows and their audit."""

    def written(separator=",", decimal=".", encoding="utf-8", line_end="\n", suffix=".csv", start=""):
        rows = [[CELLS[i % 13], f"{i}{decimal}50", f"größe {i}", "=bad" if i == 5 else "ab"[i % 2]] for i in range(130)]
        table = pd.DataFrame(rows, columns=["cell", "price", "note", "kind"])
        text = start + table.to_csv(index=False, sep=separator, lineterminator=line_end)
        (tmp_path / f"t{suffix}").write_bytes(text.encode(encoding))
        data = read_audit_table(tmp_path / f"t{suffix}", label="kind")
        return table, audit_labels(data, Judge(doubted=range(1, 49, 4), suggested="a"))

    return written


@pytest.mark.parametrize(
    ("separator", "decimal", "encoding", "line_end", "suffix"),
    [
        (",", ".", "utf-8", "\n", ".csv"),
        (";", ",", "cp1252", "\r\n", ".csv"),
        ("\t", ",", "utf-8-sig", "\r\n", ".tsv"),
        ("|", ".", "utf-16", "\n", ".txt"),
    ],
)
def test_cells_leave_as_they_came(shop, tmp_path, separator, decimal, encoding, line_end, suffix):
    table, audit = shop(separator, decimal, encoding, line_end, suffix)
    path = save_label_issues(audit, tmp_path / f"issues{suffix}")
    text = path.read_bytes().decode(encoding)
    assert (path.read_bytes()[:3] == b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    assert text.count(line_end) == text.count("\n") - (line_end == "\r\n") * 10  # in a cell
    found = pd.read_csv(path, sep=separator, encoding=encoding, dtype=str, keep_default_na=False)
    same = table.iloc[found["row"].astype(int)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[table.columns], same, check_dtype=False)
    assert found["label_quality"].str.fullmatch(rf"\d+\{decimal}\d+|1").all()
    assert found.loc[found["row"] == "5", "given_label"].tolist() == ["'=bad"]  # of ours, so it does not run
    assert found.loc[found["row"] == "5", "kind"].tolist() == ["=bad"]


def test_the_line_that_says_the_separator_leaves_too(shop, tmp_path):
    _, audit = shop(";", ",", start="sep=;\n")
    path = save_label_issues(audit, tmp_path / "issues.csv")
    assert path.read_text(encoding="utf-8").startswith("sep=;\nrow;spreadsheet_row;given_label;")
    assert read_audit_table(path, label="kind").rows["note"].tolist()[:3] == audit.issues["note"].tolist()[:3]


def test_parquet_and_names_that_say_no_format(shop, tmp_path):
    _, audit = shop()
    found = pd.read_parquet(save_label_issues(audit, tmp_path / "issues.parquet"))
    assert found["row"].tolist() == audit.issues["row"].tolist()
    assert found["cell"].tolist() == audit.issues["cell"].tolist()
    assert found["label_quality"].dtype == float
    for name, format, message in [
        ("issues.xlsx", None, r"must end in .csv, .tsv, .txt or .parquet. Got .*issues.xlsx.*labelstudio \(.json\)"),
        ("issues", None, "must end in .csv"),
        ("issues.csv", "labelstudio", "must end in .json with 'format' 'labelstudio'"),
        ("issues.csv", "cleanlabs", "'format' must be one of .* Did you mean 'cleanlab'"),
        ("labels.json", "fiftyone", "'fiftyone' is for images, and this is a table"),
    ]:
        with pytest.raises(InvalidParameterError, match=message):
            save_label_issues(audit, tmp_path / name, format)
        assert not (tmp_path / name).exists()


def test_what_was_no_text_is_written_for_spreadsheets(tmp_path):
    table = pd.DataFrame(
        {"x": ["=1+1", "b"] * 60, "list": [[1, 2]] * 120, "n": np.arange(120) % 7, "kind": [0, 1] * 60}
    )
    table.to_parquet(tmp_path / "t.parquet")
    audit = audit_labels(read_audit_table(tmp_path / "t.parquet", label="kind"), Judge([3], 0))
    found = pd.read_csv(save_label_issues(audit, tmp_path / "issues.csv"))
    assert set(found["x"]) == {"'=1+1", "b"}
    assert pd.read_parquet(save_label_issues(audit, tmp_path / "i.parquet"))["x"].isin(["=1+1", "b"]).all()


def test_columns_of_cleanlab(shop, tmp_path):
    from cleanlab.classification import CleanLearning
    from sklearn.linear_model import LogisticRegression

    table, audit = shop()
    found = pd.read_csv(save_label_issues(audit, tmp_path / "cleanlab.csv", "cleanlab"))
    X = np.random.default_rng(0).normal(size=(130, 2))
    theirs = CleanLearning(LogisticRegression(), cv_n_folds=2).find_label_issues(X, np.arange(130) % 2)
    assert set(found.columns) == set(theirs.columns)
    classes = np.unique(table["kind"])
    assert classes[found["given_label"]].tolist() == table["kind"].tolist()
    assert found["is_label_issue"].to_numpy().nonzero()[0].tolist() == sorted(audit.data.rows["row"][1:49:4])


def test_tasks_of_label_studio(shop, tmp_path):
    _, audit = shop()
    tasks = json.loads(save_label_issues(audit, tmp_path / "t.json", "labelstudio").read_text(encoding="utf-8"))
    first, row = tasks[0], audit.issues.iloc[0]
    assert len(tasks) == 130
    assert first["data"]["note"] == row["note"]
    assert first["data"]["row"] == row["row"]
    (prediction,) = first["predictions"]
    assert prediction["result"] == [
        {"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": ["a"]}}
    ]
    assert 0 <= prediction["score"] <= 1
    json.dumps(tasks, allow_nan=False)


def test_labels_of_fiftyone(tmp_path):
    for i in range(12):
        (tmp_path / "pictures" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (6 * i, 50, 200)).save(tmp_path / "pictures" / "ab"[i % 2] / f"{i}.png")
    audit = audit_labels(read_audit_folder(tmp_path / "pictures", size=8), Judge([3], "a"))
    path = save_label_issues(audit, tmp_path / "labels.json", "fiftyone")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["classes"] == ["a", "b"]
    assert set(content["labels"]) == {f"{'ab'[i % 2]}/{i}" for i in range(12)}  # as its importer calls the images
    doubted = str(audit.issues["file"].iloc[0]).removesuffix(".png")
    assert content["labels"][doubted]["label"] == audit.issues["given_label"].iloc[0]
    assert content["labels"][doubted]["attributes"]["is_label_issue"] is True


def test_a_table_of_hugging_face(shop, tmp_path):
    _, audit = shop()
    path = save_label_issues(audit, tmp_path / "t.parquet", "huggingface")
    stored = json.loads(pq.read_schema(path).metadata[b"huggingface"])
    label = {"names": ["=bad", "a", "b"], "_type": "ClassLabel"}
    assert stored["info"]["features"]["given_label"] == stored["info"]["features"]["suggested_label"] == label
    found = Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
    assert found.features["given_label"].int2str(found["given_label"]) == audit.issues["given_label"].tolist()
    assert found["note"][:3] == audit.issues["note"].tolist()[:3]


def test_rows_without_a_label_follow_with_a_prediction(tmp_path):
    rng = np.random.default_rng(0)
    kind = np.where(np.arange(120) % 10, np.array(["a", "b"])[np.arange(120) % 2], "")
    pd.DataFrame({"x": rng.normal(size=120), "kind": kind}).to_csv(tmp_path / "t.csv", index=False)
    audit = audit_labels(read_audit_table(tmp_path / "t.csv", label="kind"), Judge([3], "a"))
    found = pd.read_csv(save_label_issues(audit, tmp_path / "issues.csv"))
    assert sorted(found["row"]) == list(range(120))
    assert found["given_label"].isna().tolist() == [False] * 108 + [True] * 12
    assert sorted(found["row"].tail(12)) == list(range(0, 120, 10))
    assert found["suggested_label"].tail(12).isin(["a", "b"]).all()
    assert found["suggested_probability"].tail(12).between(0, 1).all()
    assert not found["is_label_issue"].tail(12).any()
    read = pd.read_csv(tmp_path / "issues.csv", dtype=str)
    assert read["forgetting"].dropna().str.fullmatch(r"\d+").all()


def test_rare_classes_are_kept_and_marked(tmp_path):
    kind = ["rare"] * 3 + ["one"] + ["a", "b"] * 58
    pd.DataFrame({"x": np.arange(120) % 7, "kind": kind}).to_csv(tmp_path / "t.csv", index=False)
    data = read_audit_table(tmp_path / "t.csv", label="kind")
    assert "1 class with fewer than 5 rows: rare (3)." in data.notes
    found = pd.read_csv(save_label_issues(audit_labels(data, Judge([9], "a")), tmp_path / "issues.csv"))
    assert sorted(found.loc[found["is_rare_class"], "row"]) == [0, 1, 2, 3]
