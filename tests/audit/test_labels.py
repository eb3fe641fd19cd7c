"""Labels as an audit reads them: spellings, annotators, none."""

import numpy as np
import pandas as pd
import pytest

from noisylabel.audit import audit_labels, read_audit_table, save_label_issues
from tests.audit.judge import Judge

N = 120


def read(tmp_path, columns, **options):
    table = pd.DataFrame({"x": np.arange(N) % 7, **columns})
    table.to_csv(tmp_path / "t.csv", index=False)
    return read_audit_table(tmp_path / "t.csv", **{"label": "kind", **options})


def test_spellings_of_a_label_are_said_and_grouped_on_request(tmp_path):
    kind = ["cat", "dog"] * (N // 2)
    kind[0], kind[2], kind[3] = " cat", "Cat", "DOG"
    data = read(tmp_path, {"kind": kind})
    assert set(data.noisy_y) == {"cat", "Cat", "dog", "DOG"}
    assert "1 label read without spaces around, such as ' cat'." in data.notes
    (note,) = [note for note in data.notes if "differ only" in note]
    assert note == (
        "Labels that differ only in case or spaces are classes of their own: 'Cat' (1) and 'cat' (59), 'DOG' (1) and "
        "'dog' (59). 'group_labels' makes one of each."
    )
    grouped = read(tmp_path, {"kind": kind}, group_labels=True)
    assert grouped.noisy_y.tolist() == ["cat", "dog"] * (N // 2)
    assert any(
        note.startswith("Labels that differ only in case or spaces were taken for one") for note in grouped.notes
    )
    assert grouped.rows["kind"].tolist()[:4] == [" cat", "dog", "Cat", "DOG"]


def test_several_annotators(tmp_path):
    anna, ben, carla = (np.array(["a", "b"] * (N // 2), dtype=object) for _ in range(3))
    ben[0], carla[1], carla[2], ben[3], carla[3] = "b", "a", "", "a", ""
    anna[4] = ben[4] = carla[4] = ""
    data = read(tmp_path, {"anna": anna, "ben": ben, "carla": carla}, label=["anna", "ben", "carla"])
    assert data.noisy_y[:4].tolist() == ["a", "b", "a", "b"]
    assert data.rows["annotator_agreement"][:4].tolist() == pytest.approx([2 / 3, 2 / 3, 1, 1 / 2])
    assert len(data.X) == N - 1
    assert data.X.shape[1] == 1
    assert "The labels are those that most of 3 annotators gave. They disagree in 3 rows." in data.notes
    judge = Judge([5], "a")
    audit = audit_labels(data, judge)
    assert judge.sample_weight[:4].tolist() == pytest.approx([2 / 3, 2 / 3, 1, 1 / 2])
    found = pd.read_csv(save_label_issues(audit, tmp_path / "issues.csv"), keep_default_na=False).set_index("row")
    assert found.loc[[0, 3], "annotator_agreement"].astype(float).tolist() == pytest.approx([2 / 3, 1 / 2], abs=1e-4)
    assert found.loc[[0, 1, 2], ["anna", "ben", "carla"]].to_numpy().tolist() == [
        list("aba"),
        list("bba"),
        ["a", "a", ""],
    ]
    with pytest.raises(ValueError, match=r"'label' is \['anna', 'anna'\]. Name one column, or different ones"):
        read(tmp_path, {"anna": anna}, label=["anna", "anna"])


def test_whole_numbers_of_annotators_stay_numbers(tmp_path):
    data = read(tmp_path, {"one": [0, 1] * (N // 2), "two": [0.0, 1.0] * (N // 2)}, label=["one", "two"])
    assert data.noisy_y.dtype == np.int64
    assert data.noisy_y[:2].tolist() == [0, 1]


def test_codes_are_no_numbers(tmp_path):
    zips, phones = [f"0{5110 + n % 9}" for n in range(N)], [f"+49301234{n % 5}" for n in range(N)]
    data = read(tmp_path, {"zip": zips, "phone": phones, "kind": ["a", "b"] * (N // 2)})
    assert {name: kind.kind for name, kind in data.kinds.items()} == {
        "x": "number",
        "zip": "category",
        "phone": "category",
    }
