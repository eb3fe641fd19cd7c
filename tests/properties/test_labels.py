"""Labels of every type come back from their codes, and trusted labels mean the same however they are written."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisylabel._support.labels import (
    codes_of,
    label_array,
    label_from_json,
    label_to_json,
    label_values,
    labels_from_json,
    labels_to_json,
    sorted_classes,
)
from noisylabel.estimators import encode_labels, plain_labels
from noisylabel.exceptions import InvalidDataError
from noisylabel.utils import trusted_codes

# scikit-learn's advice to those who have almost as many classes as samples
pytestmark = pytest.mark.filterwarnings("ignore:The number of unique classes is greater:UserWarning")

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=6)
VALUES = {"integers": st.integers(-(2**62), 2**62), "words": WORDS, "booleans": st.booleans()}
CONTAINERS = {
    "integers": ["list", "array", "tensor", "object", "category", "int64", "Int64"],
    "words": ["list", "array", "object", "category", "string"],
    "booleans": ["list", "array", "tensor", "object", "category", "bool", "boolean"],
}


def contained(values, container):
    if container == "list":
        return values
    if container == "array":
        return np.array(values)
    return torch.tensor(values) if container == "tensor" else pd.Series(values, dtype=container)


@st.composite
def labels(draw):
    """Labels of at least two classes as Python's own, and in a container of some type."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    values = draw(st.lists(VALUES[kind], min_size=2, max_size=25).filter(lambda y: len(set(y)) > 1))
    return values, contained(values, draw(st.sampled_from(CONTAINERS[kind])))


@given(labels())
def test_codes_lead_back_to_the_labels(drawn):
    values, given_labels = drawn
    classes, codes = encode_labels(plain_labels(given_labels))
    assert classes.tolist() == sorted(set(values))
    assert classes[codes].tolist() == values
    assert codes.dtype == np.int64
    assert set(codes) == set(range(len(classes)))


@given(labels(), st.data())
def test_one_missing_label_is_refused(drawn, data):
    values, _ = drawn
    position = data.draw(st.integers(0, len(values) - 1))
    missing = data.draw(st.sampled_from([None, np.nan, pd.NA]))
    holed = [*values[:position], missing, *values[position + 1 :]]
    with pytest.raises(InvalidDataError, match=f"y has 1 missing labels, the first at position {position}"):
        plain_labels(pd.Series(holed, dtype=object))


@st.composite
def trust(draw):
    """Classes, and for some rows (None elsewhere) one of them; at least one row is known."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    not_markers = VALUES[kind].filter(lambda value: value not in (-1, "-1", "nan", "None"))
    classes = sorted(draw(st.sets(not_markers, min_size=2, max_size=5)))
    entries = draw(st.lists(st.none() | st.sampled_from(classes), min_size=1, max_size=20))
    return np.array(classes), [*entries, classes[0]]


def expected_codes(classes, entries):
    return [-1 if entry is None else classes.tolist().index(entry) for entry in entries]


@given(trust(), st.sampled_from([-1, None, np.nan, pd.NA, "mixed"]))
def test_every_marker_says_that_a_label_is_not_known(drawn, marker):
    classes, entries = drawn
    markers = [-1, None, np.nan] * len(entries) if isinstance(marker, str) else [marker] * len(entries)
    marked = [missing if entry is None else entry for entry, missing in zip(entries, markers, strict=False)]
    as_series = pd.Series(marked, dtype=object)
    for written in (marked, as_series, as_series.to_numpy(), as_series.to_numpy()[:, None]):
        assert trusted_codes(written, len(entries), classes).tolist() == expected_codes(classes, entries)


@given(trust())
def test_a_mask_with_all_labels_or_with_the_known_ones_says_the_same(drawn):
    classes, entries = drawn
    mask = np.array([entry is not None for entry in entries])
    everywhere = np.array([classes[0] if entry is None else entry for entry in entries])
    expected = expected_codes(classes, entries)
    holed = np.ma.MaskedArray(everywhere, ~mask)
    for written in ((mask, everywhere), (mask, everywhere[mask]), (torch.tensor(mask), everywhere.tolist()), holed):
        assert trusted_codes(written, len(entries), classes).tolist() == expected


@given(trust(), st.integers(1, 5))
def test_a_wrong_number_of_entries_is_refused(drawn, more):
    classes, entries = drawn
    written = [-1 if entry is None else entry for entry in entries]
    with pytest.raises(InvalidDataError, match=f"'y_trusted' must have .*: {len(entries) + more}. Got {len(entries)}"):
        trusted_codes(written, len(entries) + more, classes)


@given(trust(), st.data())
def test_a_label_that_is_no_class_is_named(drawn, data):
    classes, entries = drawn
    position = data.draw(st.integers(0, len(entries) - 1))
    written = [-1 if entry is None else entry for entry in entries]
    written[position] = "no such class"
    with pytest.raises(InvalidDataError, match="'y_trusted' has the label 'no such class', which is none of"):
        trusted_codes(written, len(entries), classes)


@given(st.integers(2, 5), st.data())
def test_minus_one_that_is_a_class_is_a_label(n_classes, data):
    classes = np.arange(-1, n_classes - 1)
    entries = [*data.draw(st.lists(st.none() | st.sampled_from(classes.tolist()), max_size=20)), -1, None]
    assert trusted_codes(entries, len(entries), classes).tolist() == expected_codes(classes, entries)
    with pytest.raises(InvalidDataError, match="-1 is a class of y, so it does not mark"):
        trusted_codes([-1 if entry is None else entry for entry in entries], len(entries), classes)


DAYS = np.array(["2026-01-31", "2026-01-01", "2026-01-31"], "M8[D]")
MOMENTS = [datetime.datetime(2026, 1, 31, 5), datetime.datetime(2026, 1, 1, 5), datetime.datetime(2026, 1, 31, 5)]
ANY_TYPE = {
    "a NUL at the end": ["b", "b\0", "x"],
    "NULs in an array": np.array(["b", "b\0", "x"], dtype=object),
    "NULs in pandas' texts": pd.Series(["b", "b\0", "x"], dtype="string"),
    "bytes": [b"b", b"b\0", b"\xff"],
    "bytes of NumPy": np.array([b"b", b"a", b"\xff"]),
    "unsigned": np.array([2**63 + 5, 2**63 + 6, 1], dtype=np.uint64),
    "large integers": [2**63 + 5, 2**63 + 6, 1],
    "NumPy's integers as objects": np.array([np.int64(3), np.int64(1), np.int64(2)], dtype=object),
    "small integers": np.array([3, 1, 2], dtype=np.int8),
    "floats": np.array([0.1, 2.5, 1.0], dtype=np.float32),
    "infinite": [1.0, float("inf"), -float("inf")],
    "booleans": [True, False, True],
    "days": DAYS,
    "days as objects": DAYS.tolist(),
    "nanoseconds": DAYS.astype("M8[ns]"),
    "moments": MOMENTS,
    "moments in pandas": pd.Series(MOMENTS),
    "moments of a zone": pd.to_datetime(MOMENTS).tz_localize("Europe/Berlin"),
    "durations": np.array([3, 1, 3], "m8[s]"),
    "categories": pd.Series(["b", "a", "b"], dtype="category"),
    "nullable integers": pd.Series([3, 1, 2], dtype="Int64"),
    "nullable booleans": pd.Series([True, False, True], dtype="boolean"),
    "tensor": torch.tensor([3, 1, 2]),
}
if hasattr(np.dtypes, "StringDType"):  # since NumPy 2
    ANY_TYPE["NumPy's variable texts"] = np.array(["b", "b\0", "x"], dtype=np.dtypes.StringDType())


@pytest.mark.parametrize("given_labels", ANY_TYPE.values(), ids=ANY_TYPE)
def test_right_23_labels_of_any_type_come_back_from_json(given_labels):
    labels = label_array("y", given_labels)
    classes, codes = sorted_classes("y", labels)
    values = given_labels.tolist() if hasattr(given_labels, "tolist") else list(given_labels)
    assert len(classes) == len(set(values))
    again = labels_from_json(json.loads(json.dumps(labels_to_json(classes), allow_nan=False)))
    assert again.dtype == classes.dtype
    assert again.tolist() == classes.tolist()
    assert codes_of(labels, again).tolist() == codes.tolist()
    entries = json.loads(json.dumps([label_to_json(value) for value in label_values(classes)]))
    assert [label_from_json(entry) for entry in entries] == label_values(classes)


def test_right_23_a_date_is_the_same_label_in_every_type():
    for same in (DAYS, DAYS.astype("M8[ns]"), pd.Series(DAYS), DAYS.astype("M8[s]").tolist(), DAYS.tolist()):
        assert codes_of(label_array("y", same), np.unique(DAYS)).tolist() == [1, 0, 1]


@pytest.mark.parametrize("mixed", [["a", 1], ["a", b"b"], [1, "1"]])
def test_right_23_labels_that_cannot_be_compared_are_refused(mixed):
    with pytest.raises(InvalidDataError, match="y mixes types that cannot be compared"):
        sorted_classes("y", label_array("y", mixed))


def test_right_23_labels_that_no_file_can_hold_are_named():
    with pytest.raises(InvalidDataError, match="y has the fields known, label. Pass the one that is the label"):
        label_array("y", np.zeros(3, dtype=[("known", bool), ("label", int)]))
    with pytest.raises(InvalidDataError, match=r"label Decimal\('1'\) is of type Decimal.* Make texts of them"):
        label_to_json(Decimal(1))
    with pytest.raises(ValueError, match="no type 'colour'"):
        label_from_json({"colour": "red"})


MISSING = {
    "None": ["a", None],
    "NaN in a list": ["a", np.nan],
    "NaN as a text of NumPy": np.array(["a", np.nan]),
    "NaN among objects": np.array(["a", np.nan], dtype=object),
    "NaN among numbers": np.array([1.0, np.nan]),
    "masked": np.ma.masked_array([1, 2], [False, True]),
    "masked objects": np.ma.masked_array(np.array(["a", "b"], dtype=object), [False, True]),
    "NaT": np.array(["2026-01-01", "NaT"], "M8[D]"),
    "NA": pd.Series([1, pd.NA], dtype="Int64"),
    "category": pd.Series(["a", None], dtype="category"),
}


@pytest.mark.parametrize("labels", MISSING.values(), ids=MISSING)
def test_right_22_missing_labels_are_refused_in_every_type(labels):
    with pytest.raises(InvalidDataError, match="y has (1 missing labels, the first at position 1|the label 'nan')"):
        label_array("y", labels)


def test_right_22_a_mask_that_hides_nothing_and_a_class_called_nan_are_taken():
    assert label_array("y", np.ma.masked_array([1, 2], [False, False])).tolist() == [1, 2]
    assert label_array("y", ["nan", "vec"]).tolist() == ["nan", "vec"]  # Min Nan Chinese and Venetian


TRUSTED = {
    "days": (np.array(["2026-01-31", "NaT", "2026-01-01"], "M8[D]"), np.unique(DAYS)),
    "nanoseconds": (np.array(["2026-01-31", "NaT", "2026-01-01"], "M8[ns]"), np.unique(DAYS).astype("M8[ns]")),
    "days for nanoseconds": (np.array(["2026-01-31", "NaT", "2026-01-01"], "M8[D]"), np.unique(DAYS).astype("M8[ns]")),
    "days in pandas": (pd.Series(pd.to_datetime(["2026-01-31", None, "2026-01-01"])), np.unique(DAYS)),
    "days as objects": ([datetime.date(2026, 1, 31), None, datetime.date(2026, 1, 1)], np.unique(DAYS)),
    "masked days": (np.ma.masked_array(DAYS[[0, 0, 1]], [0, 1, 0]), np.unique(DAYS)),
    "masked": (np.ma.masked_array([4, 4, 3], [0, 1, 0]), np.array([3, 4])),
    "masked column": (np.ma.masked_array([[4], [4], [3]], [[0], [1], [0]]), np.array([3, 4])),
    "bytes": (np.array([b"b", b"-1", b"a"]), np.array([b"a", b"b"])),
    "NumPy's integers as objects": (np.array([np.int64(4), None, np.int64(3)], dtype=object), np.array([3, 4])),
    "classes as objects": (np.array([4, -1, 3]), np.array([np.int64(3), np.int64(4)], dtype=object)),
    "unsigned": ([2**63 + 6, None, 2**63 + 5], np.array([2**63 + 5, 2**63 + 6], dtype=np.uint64)),
    "NaN among numbers": ([4.0, np.nan, 3.0], np.array([3, 4])),
    "nullable": (pd.Series([4, None, 3], dtype="Int64"), np.array([3, 4])),
    "a NUL at the end": (["a\0", None, "a"], np.array(["a", "a\0"], dtype=object)),
    "categories": (pd.Series(["b", None, "a"], dtype="category"), np.array(["a", "b"])),
}


@pytest.mark.parametrize(("y_trusted", "classes"), TRUSTED.values(), ids=TRUSTED)
def test_right_23_trusted_labels_of_any_type(y_trusted, classes):
    assert trusted_codes(y_trusted, 3, classes).tolist() == [1, -1, 0]


def test_right_23_a_trusted_label_of_another_kind_is_named():
    with pytest.raises(InvalidDataError, match=r"'y_trusted' has the label \[1\], which is none of the 2 classes"):
        trusted_codes(pd.Series([[1], None, "a"]), 3, np.array(["a", "b"]))
    with pytest.raises(InvalidDataError, match="has the label 4, which is none of the 2 classes"):
        trusted_codes([4, "a", None], 3, np.array(["a", "b"]))
