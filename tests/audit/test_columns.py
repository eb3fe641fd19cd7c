"""What an audit says of columns."""

import numpy as np
import pandas as pd
import pytest

from noisylabel.audit import read_audit_table
from noisylabel.preprocessing import TableEncoder

N = 2000


@pytest.fixture(scope="module")
def shop():
    """2,000 rows of four classes, one label in ten wrong."""
    rng = np.random.default_rng(0)
    right = rng.integers(0, 4, N)
    given = np.where(rng.random(N) < 0.1, (right + rng.integers(1, 4, N)) % 4, right)
    return pd.DataFrame({"a": rng.normal(right), "b": rng.normal(-right, 1.5), "kind": given})


def notes(table, tmp_path, encoder=None):
    table.to_csv(tmp_path / "t.csv", index=False)
    return read_audit_table(tmp_path / "t.csv", label="kind", encoder=encoder).notes


def test_what_was_read_as_what_and_why(shop, tmp_path):
    table = shop.assign(
        customer=[f"C-{number}" for number in np.random.default_rng(0).permutation(10**6)[:N]],
        run=12_345_678_901_234_500 + np.arange(N),
        amount=[f"${number:,}.00" if number % 5 else "-" for number in range(1000, 1000 + N)],
        source="web",
    )
    assert notes(table, tmp_path) == [
        "Read as numbers (holds numbers): a, b.",
        "Read as numbers (written as numbers, but for 400 such as '-'): amount.",
        "Not used (the same in every row): source.",
        "Not used (an id: one word, 2000 different ones in 2000 rows): customer.",
        "Not used (an id: numbers of 17 digits that differ in nearly every row): run.",
    ]


@pytest.mark.parametrize("names", [np.arange(4), np.array(["ant", "bee", "cat", "dog"])])
def test_a_column_that_gives_the_label_away(shop, tmp_path, names):
    (note,) = [note for note in notes(shop.assign(copy=names[shop["kind"]]), tmp_path) if "alone" in note]
    assert note.startswith("The column 'copy' alone tells 100.0% of the labels, and all the others 45")
    assert note.endswith("leave it out with 'ignore'.")
    assert not any("alone" in note for note in notes(shop, tmp_path))


def test_a_column_that_tells_much_of_labels_that_are_easy_gives_nothing_away(tmp_path):
    kind = np.arange(N) % 2
    easy = pd.DataFrame({"a": kind * 9 + np.random.default_rng(0).random(N), "b": kind * 5.0, "kind": kind})
    assert not any("alone" in note for note in notes(easy, tmp_path))


def test_a_column_that_spoils_the_rest(tmp_path):
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, N)
    shelf = np.where(rng.random(N) < 0.7, kind, rng.integers(0, 2, N))
    customer = [f"C-{number:06}" for number in rng.integers(10**6, size=N)]
    table = pd.DataFrame({"a": rng.normal(2 * kind), "shelf": shelf, "customer": customer, "kind": kind})
    (note,) = [note for note in notes(table, tmp_path, TableEncoder({"customer": "text"})) if "spoil" in note]
    assert note.startswith("Without the column 'customer' a simple model predicts more of the labels")
    assert not any("spoil" in note for note in notes(table, tmp_path))
