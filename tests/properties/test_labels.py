"""Labels of every type come back from their codes, and trusted labels mean the same however they are written."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

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
