"""Columns of any table as numbers."""

import pickle
import sys
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from noisylabel import MentorNetClassifier
from noisylabel.exceptions import InvalidDataError, InvalidFileError, InvalidParameterError, MissingDependencyError
from noisylabel.preprocessing import TableEncoder, column_kind
from noisylabel.preprocessing._texts import _word_steps

N = 120
RNG = np.random.default_rng(0)
MOMENT = 1_700_000_000
FORMATS = ["2024-02-29", "29.02.2024", "Feb 29, 2024", "29 Feb 2024"]
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
        ("customer_id", [1, 2] * (N // 2), "category"),
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
        ("x", [b"\x80\x00", b"\xff", None] * (N // 3), "bytes"),
        ("x", pd.to_timedelta(range(N), unit="s"), "number"),
        ("x", pd.array([1, 2, None] * (N // 3), dtype="Int64"), "number"),
        ("x", [Decimal(v) / 8 for v in range(N)], "number"),
        ("customer", [f"C-{10_000 + 7 * v}" for v in range(N)], "id"),
        ("customer", [f"C-{10_000 + v // 4}" for v in range(10 * N)], "category"),
        ("zip", [f"{v % 70:05}" for v in range(N)], "id"),
        ("x", [f"0{v % 40}" for v in range(N)], "category"),
        ("zip", [1000 + v % 40 for v in range(N)], "category"),
        ("body mass index", [18 + v % 9 for v in range(N)], "number"),
        ("x", [12_345_678_901_234_500 + 17 * v for v in range(N)], "id"),
        ("x", [str(12_345_678_901_234_500 + 17 * v) for v in range(N)], "id"),
        ("x", [MOMENT * 10**9 + v for v in range(N)], "number"),  # nanoseconds
        ("x", [f"${1000 + v:,}.50" if v % 3 else "-" for v in range(N)], "number"),
        ("x", [f"EUR 1.{v:03},50" for v in range(N)], "number"),
        ("x", [*FORMATS * (N // 4 - 1), "unknown"], "date"),
    ],
)
def test_kinds(name, values, kind):
    assert column_kind(name, pd.Series(values)).kind == kind


def test_numbers_take_the_median_and_a_flag():
    size = np.array([1.0, np.nan, 3.0, 8.0, np.inf])
    found = TableEncoder({"size": "number"}).fit_transform(pd.DataFrame({"size": size}))
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
        ("number", ["1\u202f234,5", "-12", "\u22127"], [1234.5, -12, -7]),
        ("number", ["1'234.50", "(12.00)", "7.5-"], [1234.5, -12, -7.5]),
        ("date", ["2024-01-01 10:00:00.25", "2024-01-01 10:00:00.75"], [0.25, 0.75]),
        ("date", ["2024-01-01", "2024-01-03", "2024-01-02 12:00"], [0, 2, 1.5]),
        ("date", ["01.02.2024", "03.02.2024", "02.02.2024"], [0, 2, 1]),
        ("date", ["28/02/2024", "01/03/2024", "02/03/2024"], [0, 2, 3]),
        ("date", ["2024-03-04", "04.03.2024", "03/04/2024", "4 March 2024", "05.03.2024"], [0, 0, 0, 0, 1]),
        ("date", ["04.03.2024", "unknown", "05.03.2024", "-"], [0, 0.5, 1, 0.5]),
        ("date", ["20240304", "20240306", "20240305"], [0, 2, 1]),
        ("number", ["$1,234.50", "-", "$1,000.50", "USD 1,117.50"], [234, 117, 0, 117]),
        ("date", ["02/28/2024", "03/01/2024", "03/02/2024"], [0, 2, 3]),
    ],
)
def test_numbers_and_dates_as_people_write_them(kind, written, meant):
    found = TableEncoder({"x": kind}).fit_transform(pd.DataFrame({"x": written}))[:, 0]
    np.testing.assert_allclose(found, (meant - np.mean(meant)) / np.std(meant), rtol=1e-5, atol=1e-6)


FAR_DATES = ["9999-12-31", "2020-02-02", "1970-01-01"]


@pytest.mark.parametrize("written", [FAR_DATES, np.array(FAR_DATES, dtype="datetime64[s]")], ids=["texts", "dates"])
def test_dates_that_nanoseconds_cannot_hold(written):
    if isinstance(written, list) and int(pd.__version__.split(".")[0]) < 3:
        pytest.skip("pandas 2 reads no such dates from texts: they count as missing")
    days = np.array([2932896, 18294, 0])  # since 1970, by datetime.date.toordinal
    found = TableEncoder({"until": "date"}).fit_transform(pd.DataFrame({"until": written}))[:, 0]
    np.testing.assert_allclose(found, (days - days.mean()) / days.std(), rtol=1e-5)


def test_rare_categories_are_one_and_missing_is_a_category():
    colour = ["red"] * 50 + ["green"] * 40 + [None] * 5 + ["rust", "rose", "ruby"]
    found = TableEncoder({"colour": "category"}).fit_transform(pd.DataFrame({"colour": colour}))
    assert sorted(found.sum(0).tolist()) == [3, 5, 40, 50]
    assert (found.sum(1) == 1).all()


@pytest.mark.parametrize("sentence", ["please tell me where the {} is today", "{}"])
def test_texts_keep_what_tells_them_apart(sentence):
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    words = np.where(y == 1, rng.choice(["kettle", "teapot"], 300), rng.choice(["bicycle", "tandem"], 300))
    text = [sentence.format(f"{word} {rng.integers(10_000)}") for word in words]
    text[0] = None
    X = TableEncoder({"text": "text"}).fit_transform(pd.DataFrame({"text": text}))
    assert X.shape == (300, 30)
    assert LogisticRegression().fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.95
    np.testing.assert_array_equal(X, TableEncoder({"text": "text"}).fit_transform(pd.DataFrame({"text": text})))


def test_a_table_without_anything_to_learn_from():
    table = pd.DataFrame({"key": [f"k{i}" for i in range(30)], "x": 1})
    with pytest.raises(ValueError, match=r"No column is left .*'key' is an id \(one word.*'x' the same in every row"):
        TableEncoder().fit(table)
    with pytest.raises(ValueError, match="The table has no column besides the labels"):
        TableEncoder().fit(table[[]])


def scaled(values):
    values = np.asarray(values, dtype=float)
    return (values - values.mean()) / values.std()


TINY, HUGE = np.finfo(float).tiny, np.finfo(float).max


@pytest.mark.parametrize("no_data", [-HUGE, HUGE, np.inf, -np.inf, -3.4028235e38, 9.96921e36, -(2.0**63), 1e20, -1e30])
@pytest.mark.parametrize("usual", [1.0, 1e-9, 1.7e9, 1.7e12])
def test_right_21_numbers_that_are_no_data_are_missing_and_said(no_data, usual):
    values = np.linspace(1, 2, N) * usual
    values[::20] = no_data
    encoder = TableEncoder()
    X = encoder.fit_transform(pd.DataFrame({"depth": values}))
    kept = np.arange(N) % 20 != 0
    filled = np.where(kept, values, np.median(values[kept]))
    np.testing.assert_allclose(X[:, 0], scaled(filled), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(X[:, 1], scaled(~kept), rtol=1e-5)
    assert encoder.extremes_ == {"depth": (6, no_data)}


REAL_COLUMNS = {
    "seconds": MOMENT + np.arange(N),
    "milliseconds": MOMENT * 10**3 + np.arange(N),
    "nanoseconds": MOMENT * 10**9 + np.arange(N),  # float64 has steps of 256 there
    "ids of 17 digits": 12_345_678_901_234_500 + np.arange(N),
    "ids of 20 digits": np.arange(N).astype(np.uint64) + np.uint64(2**64 - 2 * N),
    "nullable ids": pd.array(12_345_678_901_234_500 + np.arange(N), dtype="Int64"),
    "masses": 2e30 + 1e28 * np.arange(N),
    "p-values": 10.0 ** -np.arange(N),
    "denormal": TINY / 2**20 * np.arange(N),
    "a small step on a large number": 1e9 + 1e-3 * np.arange(N),
    "amounts": np.arange(N) / 100,
    "counter": np.arange(N),
    "from end to end": np.linspace(-(2**62), 2**62, N).astype(np.int64) * 2,
}


@pytest.mark.parametrize("name", REAL_COLUMNS)
def test_right_21_columns_of_real_tables_keep_what_they_say(name):
    column = pd.Series(REAL_COLUMNS[name])
    X = TableEncoder({"x": "number"}).fit_transform(pd.DataFrame({"x": column}))
    values = [Fraction(value) for value in column.tolist()]
    exact = [value - values[0] for value in values]
    scale = max(map(abs, exact))
    assert X.shape == (N, 1)
    np.testing.assert_allclose(X[:, 0], scaled([float(value / scale) for value in exact]), rtol=1e-3, atol=1e-4)


def test_right_21_a_constant_column_with_rounding_noise_stays_small():
    noise = np.full(N, 0.1) * 3 + np.where(np.arange(N) % 2, 2**-54, 0)
    X = TableEncoder().fit_transform(pd.DataFrame({"x": noise, "y": np.arange(N)}))
    assert np.abs(X[:, 0]).max() < 1e-6


def test_right_21_a_column_of_nothing_but_no_data():
    encoder = TableEncoder()
    assert np.isfinite(encoder.fit_transform(pd.DataFrame({"x": [-HUGE, HUGE] * (N // 2), "y": np.arange(N)}))).all()
    assert encoder.extremes_ == {"x": (120, -HUGE)}


def test_right_28_columns_of_one_name_are_refused():
    table = pd.DataFrame(np.ones((3, 3)), columns=["a", "b", "a"])
    with pytest.raises(InvalidDataError, match="several columns called 'a'"):
        TableEncoder().fit(table)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.normal(size=N),
            "price": [f"1.{v:03},50" for v in rng.integers(1000, size=N)],
            "when": [f"{day:02}.03.2024" for day in rng.integers(1, 32, size=N)],
            "colour": ["red", "green", "blue"] * 40,
            "note": (SENTENCES * 2)[:N],
            "key": [f"k{v}" for v in range(N)],
        }
    )


def test_scikit_learn_takes_it_for_a_transformer():
    check_estimator(TableEncoder(), on_skip=None)


def test_rows_of_later_are_read_as_those_of_fit(table):
    encoder = TableEncoder().fit(table)
    X = encoder.transform(table)
    np.testing.assert_allclose(X, TableEncoder().fit_transform(table), atol=1e-5)
    for some in (table.iloc[:1], table.iloc[50:60]):  # one price alone does not show what its point means
        np.testing.assert_allclose(encoder.transform(some), X[some.index], atol=1e-6)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(table), X)
    np.testing.assert_array_equal(clone(encoder).fit(table).transform(table), X)
    later = table.iloc[:2].assign(colour="violet", price=None, note="words that nobody has seen")
    found = pd.DataFrame(encoder.transform(later), columns=encoder.get_feature_names_out())
    assert (found[["colour_blue", "colour_green", "colour_red"]] == 0).all(axis=None)
    assert found["price"].nunique() == 1
    assert np.isfinite(found).all(axis=None)


def test_whole_numbers_of_many_digits_keep_their_differences_in_later_rows():
    first = 12_345_678_901_234_500
    encoder = TableEncoder({"x": "number"}).fit(pd.DataFrame({"x": first + np.arange(N)}))
    later = encoder.transform(pd.DataFrame({"x": [first, first + 1, first + 2]}))[:, 0]
    np.testing.assert_allclose(np.diff(later), 1 / np.arange(N).std(), rtol=1e-4)


def test_names_and_sources_of_what_comes_out(table):
    table.loc[3, "size"] = None
    encoder = TableEncoder().fit(table)
    names = encoder.get_feature_names_out().tolist()
    assert names[:7] == ["size", "price", "size_is_missing", "when", "colour_blue", "colour_green", "colour_red"]
    assert names[7:] == [f"note_{number}" for number in range(12)]
    assert encoder.feature_sources_.tolist() == ["size", "price", "size", "when", *["colour"] * 3, *["note"] * 12]
    assert encoder.transform(table).shape == (N, len(names))
    assert encoder.kinds_["key"] == ("id", "one word, 120 different ones in 120 rows")


def test_kinds_that_are_said(table):
    encoder = TableEncoder({"key": "text", "when": "category"}).fit(table)
    assert encoder.kinds_["key"] == ("text", "as you said")
    assert encoder.kinds_["when"].kind == "category"
    with pytest.raises(InvalidParameterError, match="'kinds' names the column 'keys'. The table has"):
        TableEncoder({"keys": "text"}).fit(table)
    with pytest.raises(InvalidParameterError, match="'kinds' must be one of .*'number'.*Got 'numbers'. Did you mean"):
        TableEncoder({"key": "numbers"}).fit(table)
    with pytest.raises(InvalidDataError, match="'colour' is one of numbers, but none of its 120 values is"):
        TableEncoder({"colour": "number"}).fit(table)
    with pytest.raises(InvalidDataError, match="'colour' is one of dates, but none of its 120 values is one, such as"):
        TableEncoder({"colour": "date"}).fit(table)
    with pytest.raises(InvalidDataError, match="'size' is one of numbers, but none .* such as 'big'"):
        TableEncoder().fit(table).transform(table.iloc[:1].assign(size="big"))


def test_before_a_classifier(table):
    y = np.where(table["colour"] == "red", "warm", "cold")
    clf = make_pipeline(TableEncoder(), MentorNetClassifier("uniform", max_epochs=40, standardize=False))
    assert clf.fit(table, y).score(table, y) > 0.9


def test_many_rows_of_few_dates_are_read_once(monkeypatch):
    read = []
    to_datetime = pd.to_datetime

    def counted(values, *args, **options):
        read.append(len(values))
        return to_datetime(values, *args, **options)

    monkeypatch.setattr("noisylabel.preprocessing._dates.pd.to_datetime", counted)
    table = pd.DataFrame({"x": [f"Feb {day}, 2024" for day in range(1, 21)] * 500})
    days = TableEncoder().fit_transform(table)
    assert sum(one for one in read if one != len(table)) <= 3 * 20
    np.testing.assert_allclose(days[:20, 0], scaled(np.arange(20)), rtol=1e-5)


def test_a_model_for_texts_that_is_not_there(table, tmp_path, monkeypatch):
    with pytest.raises(InvalidFileError, match=r"There is no folder .*absent. Give the folder of a sentence-transf"):
        TableEncoder(text_model=tmp_path / "absent").fit(table)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingDependencyError, match="pip install sentence-transformers"):
        TableEncoder(text_model=tmp_path).fit(table)


def test_embeddings_stand_for_texts(table, tmp_path, monkeypatch):
    class SentenceTransformer:
        def __init__(self, folder, **_):
            assert folder == str(tmp_path)

        def encode(self, texts, **_):
            return np.array([[len(text), 1.0] for text in texts])

    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=SentenceTransformer))
    encoder = TableEncoder({"note": "text"}, text_model=tmp_path)
    X = encoder.fit_transform(table[["note"]])
    np.testing.assert_allclose(X[:, 0], table["note"].str.len() * 2**0.5, rtol=1e-6)
    np.testing.assert_array_equal(encoder.transform(table[["note"]]), X)


def test_no_word_of_a_text_has_a_negative_weight():
    texts = pd.Series(["the cat and the dog and the bird sat there", "one more short text", "and the next one"] * 10)
    counted = _word_steps(texts, 0)[:-1].fit_transform(texts)
    assert counted.data.min() > 0
