"""Folders of texts, and embeddings, as an audit reads them."""

import numpy as np
import pandas as pd
import pytest

from noisylabel.audit import Embeddings, audit_labels, read_audit_folder, read_audit_table, save_label_issues
from noisylabel.cli import main
from noisylabel.exceptions import InvalidDataError, InvalidFileError
from noisylabel.preprocessing import TableEncoder
from tests.audit.judge import Judge


def test_a_folder_of_texts(tmp_path):
    for i in range(40):
        file = tmp_path / "mail" / ("spam" if i % 2 else "ham") / f"{i:02}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"=gr\xfc\xdfe number {i} of many, my friend".encode("cp1252" if i % 3 else "utf-8"))
    (tmp_path / "mail" / "ham" / "99.txt").write_bytes(b"\0\1")
    (tmp_path / "mail" / "ham" / "notes.pdf").write_bytes(b"%PDF")
    data = read_audit_folder(tmp_path / "mail")
    assert data.kind == "table"
    assert data.noisy_y.tolist() == ["ham"] * 20 + ["spam"] * 20
    assert data.rows["file"].tolist()[:2] == ["ham/00.txt", "ham/02.txt"]
    assert data.rows["text"].tolist()[1] == "=gr\xfc\xdfe number 2 of many, my friend"
    assert data.notes[0] == "2 files left out that cannot be read as texts: ham/99.txt, ham/notes.pdf."
    assert data.X.shape == (40, 4)
    found = pd.read_csv(save_label_issues(audit_labels(data, Judge([3], "spam")), tmp_path / "issues.csv"))
    assert found["file"][0] == "ham/06.txt"
    assert found["text"].str.startswith("'=gr\xfc\xdfe").all()


def test_embeddings(tmp_path):
    numbers = np.random.default_rng(0).normal(2, 3, size=(120, 5)).astype(np.float16)
    np.save(tmp_path / "e.npy", numbers)
    table = pd.DataFrame({"name": [f"n{i}" for i in range(120)], "kind": ["a", "b", ""] * 40})
    table.to_csv(tmp_path / "t.csv", index=False)
    data = read_audit_table(tmp_path / "t.csv", label="kind", encoder=Embeddings(tmp_path / "e.npy"))
    own = numbers[np.arange(120) % 3 < 2].astype(np.float32)
    np.testing.assert_allclose(data.X, (own - own.mean(0)) / own.std(0), rtol=1e-4, atol=1e-5)
    assert data.unlabelled[0].shape == (40, 5)
    assert data.columns == ["name"]
    table.iloc[:100].to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InvalidDataError, match=r"'embeddings': .*e.npy has 120 rows, and the table has 100"):
        read_audit_table(tmp_path / "t.csv", label="kind", encoder=Embeddings(tmp_path / "e.npy"))


def test_embeddings_that_are_none(tmp_path, capsys):
    with pytest.raises(InvalidFileError, match=r"There is no array of NumPy's .*absent.npy"):
        Embeddings(tmp_path / "absent.npy")
    np.save(tmp_path / "objects.npy", np.array([{}, {}]))
    with pytest.raises(InvalidFileError, match=r"objects.npy is no array of NumPy's"):
        Embeddings(tmp_path / "objects.npy")
    np.save(tmp_path / "flat.npy", np.arange(9))
    with pytest.raises(InvalidDataError, match=r"flat.npy must be an array of shape \(rows, numbers\). Got \(9,\)"):
        Embeddings(tmp_path / "flat.npy")
    np.save(tmp_path / "nan.npy", np.array([[1.0, np.nan]]))
    with pytest.raises(InvalidDataError, match=r"nan.npy has 1 missing or infinite values"):
        Embeddings(tmp_path / "nan.npy")
    (tmp_path / "t.csv").write_text("x,kind\n1,a\n2,b\n")
    words = ["audit", str(tmp_path / "t.csv"), "--label", "kind", "--embeddings", str(tmp_path / "flat.npy")]
    assert main([*words, "--ignore", "x", "--out", str(tmp_path / "i.csv")]) == 2
    assert "--embeddings are learned from instead of columns, so leave --ignore out" in capsys.readouterr().err


def test_the_rest_of_a_table_is_no_matter_for_embeddings(tmp_path):
    np.save(tmp_path / "e.npy", np.random.default_rng(0).normal(size=(120, 3)))
    pd.DataFrame({"kind": ["a", "b"] * 60}).to_csv(tmp_path / "t.csv", index=False)
    assert read_audit_table(tmp_path / "t.csv", label="kind", encoder=Embeddings(tmp_path / "e.npy")).X.shape == (
        120,
        3,
    )
    with pytest.raises(InvalidDataError, match="no column besides the labels"):
        read_audit_table(tmp_path / "t.csv", label="kind", encoder=TableEncoder())
