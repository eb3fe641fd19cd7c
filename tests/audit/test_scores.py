"""What an audit trains, how long, and what it says."""

import numpy as np
import pandas as pd
import pytest

from noisylabel.audit import audit_labels, choose_epochs, default_auditor, quick_precision, read_audit_table
from noisylabel.audit._auditor import EPOCHS
from noisylabel.audit._findings import confused_classes, headline
from noisylabel.audit._neighbours import find_duplicates
from noisylabel.functional import Learnability

RNG = np.random.default_rng(0)


def read(tmp_path, table):
    table.to_csv(tmp_path / "t.csv", index=False)
    return read_audit_table(tmp_path / "t.csv", label="kind")


def test_coin_flips_are_not_called_wrong(tmp_path):
    table = pd.DataFrame(RNG.normal(size=(600, 4)), columns=list("abcd"))
    data = read(tmp_path, table.assign(kind=RNG.choice(["heads", "tails"], 600)))
    audit = audit_labels(data, default_auditor("table", 600).set_params(verbose=0, max_epochs=12))
    assert audit.n_flagged == 0
    assert "Nothing here tells the labels" in audit.headline
    assert np.isnan(audit.expected_wrong(10))


def test_the_number_of_epochs_is_one_of_a_few(tmp_path):
    z = RNG.normal(size=(300, 2))
    data = read(tmp_path, pd.DataFrame(z, columns=["a", "b"]).assign(kind=np.where(z[:, 0] > 0, "up", "down")))
    assert choose_epochs(data, default_auditor("table", 300).set_params(verbose=0)) in EPOCHS["table"]
    few = read(tmp_path, pd.DataFrame(z[:30], columns=["a", "b"]).assign(kind=["up", "down"] * 15))
    assert choose_epochs(few, default_auditor("table", 30).set_params(max_epochs=7)) == 7


def test_arithmetic_of_images():
    assert quick_precision("cuda") == "bf16"
    assert quick_precision("cpu") in ("bf16", "fp32")


@pytest.mark.parametrize(
    ("rate", "interval", "signal", "words"),
    [
        (0.2, (0.1, 0.3), 9.0, "About 20 % of the labels look wrong (between 10 and 30 %)"),
        (0.02, (0.0, 0.3), 9.0, "Perhaps no label is wrong: between 0 and 30 % may be wrong, 2 % at a guess."),
        (0.4, (0.1, 0.5), 1.0, "Nothing here tells the labels: short trainings predict 55 % of them"),
    ],
)
def test_headlines(rate, interval, signal, words):
    assert headline(rate, interval, Learnability(0.55, 0.5, (0.5, 0.6), signal)).startswith(words)


def test_classes_that_are_taken_for_each_other():
    issues = pd.DataFrame({
        "given_label": ["wolf", "husky", "cat", "cat"] * 25,
        "suggested_label": ["husky", "wolf", "cat", "cat"] * 25,
        "second_label": ["cat", "cat", "wolf", "wolf"] * 25,
        "is_label_issue": [True, True, False, False] * 25,
        "verdict": ["wrong", "unclear", "fine", "fine"] * 25,
    })  # fmt: skip
    assert confused_classes(issues) == [("husky", "wolf", 1.0)]
    assert confused_classes(issues[issues["given_label"] != "cat"]) == []


def test_the_same_row_with_two_labels_is_found_among_many_columns():
    X = RNG.normal(size=(100, 3, 16, 16)).astype(np.float32)
    X[70] = X[20] + 1e-4
    found = find_duplicates(X, np.where(np.arange(100) < 50, "a", "b"))
    assert found[["row_a", "row_b", "label_a", "label_b"]].to_numpy().tolist() == [[20, 70, "a", "b"]]
    assert find_duplicates(X[:1], np.array(["a"])).empty
