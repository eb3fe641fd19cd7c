"""Columns of any table as numbers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from noisylabel.audit._features import column_kind, table_features

N = 120
RNG = np.random.default_rng(0)
SENTENCES = [f"the {a} {b} was {c}" for a in "abcdefgh" for b in ("cat", "dog", "hen", "cow") for c in ("in", "out")]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("x", RNG.normal(size=N), "number"),
        ("x", [1.0, np.nan] * (N // 2), "category"),  # one value or none: what tells is the none
        ("x", [str(v) for v in range(N)], "number"),
        ("x", [f"{v},5" for v in range(N)], "number"),
        ("x", ["$1,200", "$900", "12 %"] * (N // 3), "number"),
        ("x", ["3", "4", "unknown"] * (N // 3), "category"),
        ("customer_id", range(N), "id"),
        ("customer_id", [1, 2] * (N // 2), "number"),
        ("Unnamed: 0", range(N), "id"),
        ("paid", range(N), "number"),
        ("mail", [f"m{v}@example.org" for v in range(N)], "id"),
        ("x", [f"名前{v}です" for v in range(N)], "text"),
        ("x", [True, False] * (N // 2), "category"),
        ("x", ["red", "green", None] * (N // 3), "category"),
        ("x", pd.Categorical(["a", "b"] * (N // 2)), "category"),
        ("x", ["same"] * N, "constant"),
        ("x", pd.Categorical(["same"] * N), "constant"),
        ("x", pd.Categorical(["same", None] * (N // 2)), "category"),
        ("price", [f"1.234,{v:03}" for v in range(N)], "number"),
        ("x", [None] * N, "constant"),
        ("x", (SENTENCES * 2)[:N], "text"),
        ("x", SENTENCES[:8] * (N // 8), "category"),  # few sentences, each many times
        ("x", pd.date_range("2024-01-01", periods=N), "date"),
        ("x", ["2024-02-03", "2024-12-31 10:00", None] * (N // 3), "date"),
        ("x", [[1, 2], [3]] * (N // 2), "nested"),
    ],
)
def test_kinds(name, values, kind):
    assert column_kind(name, pd.Series(values)) == kind


def test_numbers_take_the_median_and_a_flag():
    size = np.array([1.0, np.nan, 3.0, 8.0, np.inf])
    found = table_features(pd.DataFrame({"size": size}), {"size": "number"})
    filled = np.array([1, 3, 3, 8, 3])
    flag = np.array([0, 1, 0, 0, 1])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], (filled - filled.mean()) / filled.std(), rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], (flag - flag.mean()) / flag.std(), rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "written", "meant"),
    [
        ("number", ["1,5", "2,25", "9", "-3"], [1.5, 2.25, 9, -3]),
        ("number", ["1,200", "900", "1,000,000"], [1200, 900, 1e6]),
        ("number", ["1.234,56", "-12,5", "7", "1.234.567,125"], [1234.56, -12.5, 7, 1_234_567.125]),
        ("number", ["1,234.56", "12.5", "7", "1,234,567.125"], [1234.56, 12.5, 7, 1_234_567.125]),
        ("number", ["$ 5", "7 €", "9 %"], [5, 7, 9]),
        ("date", ["2024-01-01", "2024-01-03", "2024-01-02 12:00"], [0, 2, 1.5]),
        ("date", ["01.02.2024", "03.02.2024", "02.02.2024"], [0, 2, 1]),
        ("date", ["28/02/2024", "01/03/2024", "02/03/2024"], [0, 2, 3]),
        ("date", ["02/28/2024", "03/01/2024", "03/02/2024"], [0, 2, 3]),
    ],
)
def test_numbers_and_dates_as_people_write_them(kind, written, meant):
    found = table_features(pd.DataFrame({"x": written}), {"x": kind})[:, 0]
    np.testing.assert_allclose(found, (meant - np.mean(meant)) / np.std(meant), rtol=1e-5, atol=1e-6)


def test_dates_that_nanoseconds_cannot_hold():
    days = np.array([2932896, 18294, 0])  # since 1970, by datetime.date.toordinal
    for written in (
        pd.Series(["9999-12-31", "2020-02-02", "1970-01-01"]),
        pd.to_datetime(["9999-12-31", "2020-02-02", "1970-01-01"]).astype("datetime64[s]"),
    ):
        found = table_features(pd.DataFrame({"until": written}), {"until": "date"})[:, 0]
        np.testing.assert_allclose(found, (days - days.mean()) / days.std(), rtol=1e-5)


def test_rare_categories_are_one_and_missing_is_a_category():
    colour = ["red"] * 50 + ["green"] * 40 + [None] * 5 + ["rust", "rose", "ruby"]
    found = table_features(pd.DataFrame({"colour": colour}), {"colour": "category"})
    assert sorted(found.sum(0).tolist()) == [3, 5, 40, 50]
    assert (found.sum(1) == 1).all()


@pytest.mark.parametrize("sentence", ["please tell me where the {} is today", "{}"])
def test_texts_keep_what_tells_them_apart(sentence):
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    words = np.where(y == 1, rng.choice(["kettle", "teapot"], 300), rng.choice(["bicycle", "tandem"], 300))
    text = [sentence.format(f"{word} {rng.integers(10_000)}") for word in words]
    text[0] = None
    X = table_features(pd.DataFrame({"text": text}), {"text": "text"})
    assert X.shape == (300, 30)
    assert LogisticRegression().fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.95
    np.testing.assert_array_equal(X, table_features(pd.DataFrame({"text": text}), {"text": "text"}))


def test_a_table_without_anything_to_learn_from():
    table = pd.DataFrame({"key": ["a", "b"], "x": [1, 1]})
    with pytest.raises(ValueError, match="No column is left .*'key' differs in every row.*'x' the same in every row"):
        table_features(table, {"key": "id", "x": "constant"})
    with pytest.raises(ValueError, match="The table has no column besides the labels"):
        table_features(table[[]], {})
