"""One contract for arrays, tensors and Datasets: type, scale, layout, digits and missing values, at fit and predict."""

import datetime

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from skorch.helper import SliceDataset
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import noisylabel
from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier, load_checkpoint
from noisylabel.estimators.inputs import _statistics
from noisylabel.estimators.inputs._samples import _has_bytes
from noisylabel.estimators.inputs._statistics import input_statistics, table_statistics
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.students import MLP, SmallCNN

QUICK = {"max_epochs": 3, "batch_size": 32, "random_state": 0, "student": MLP((16,))}
CNN = QUICK | {"student": SmallCNN((4,)), "max_epochs": 1}


def quick(**parameters):
    return MentorNetClassifier("uniform", **(QUICK | parameters))


class Rows(Dataset):
    """A Dataset of whatever a list holds."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, row):
        return self.items[row]


def pairs(X, y):
    return Rows(list(zip(torch.as_tensor(X), y, strict=True)))


# ---- 1: type, scale and layout


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    return (rng.integers(0, 100, (40, 3, 12, 12)) + 120 * y[:, None, None, None]).astype(np.uint8), y


@pytest.fixture(scope="module")
def of_pictures(pictures):
    """Classifiers fitted on uint8 and on floats in 0..1, as arrays and as Datasets."""
    X, y = pictures
    unit = X.astype(np.float32) / 255
    fitted = {}
    for scale, values in (("uint8", X), ("unit", unit)):
        fitted[scale, "array"] = quick(**CNN).fit(values, y)
        fitted[scale, "dataset"] = quick(**CNN).fit(pairs(values, y))
    return fitted


def in_form(X, form):
    return X if form == "array" else torch.as_tensor(X) if form == "tensor" else Rows(list(torch.as_tensor(X)))


@pytest.mark.parametrize("form", ["array", "tensor", "dataset"])
@pytest.mark.parametrize("how", ["array", "dataset"])
def test_right_01_another_scale_is_refused_both_ways(pictures, of_pictures, how, form):
    X, _ = pictures
    unit = X.astype(np.float32) / 255
    with pytest.raises(InvalidDataError, match="fitted on uint8 images, 0 to 255, but these are floats of at most 1"):
        of_pictures["uint8", how].predict(in_form(unit, form))
    for large in (X, X.astype(np.float32)):
        with pytest.raises(InvalidDataError, match=r"fitted on values from 0 to 0\.8.*from 0 to 2\d\d. Divide them"):
            of_pictures["unit", how].predict(in_form(large, form))
    for scale, values in (("uint8", X), ("uint8", X.astype(np.float64)), ("unit", unit), ("unit", unit.astype(float))):
        expected = of_pictures[scale, "array"].predict_proba(values)
        assert np.array_equal(of_pictures[scale, how].predict_proba(in_form(values, form)), expected)


def test_right_01_what_was_seen_is_noted_and_black_images_have_no_scale(pictures, of_pictures, tmp_path):
    X, y = pictures
    assert of_pictures["uint8", "dataset"].sample_dtype_ == "uint8"
    assert of_pictures["unit", "array"].sample_range_ == (0.0, pytest.approx(X.max() / 255))
    black = np.zeros((2, 3, 12, 12), np.uint8)
    assert len(of_pictures["unit", "array"].predict(black)) == 2
    assert len(of_pictures["uint8", "array"].predict(black.astype(float))) == 2
    clf = quick(**CNN, checkpoint_dir=tmp_path).fit(X / 255, y)
    with pytest.raises(InvalidDataError, match="Divide them"):
        load_checkpoint(tmp_path).predict(X)
    assert load_checkpoint(tmp_path).sample_range_ == clf.sample_range_


def test_right_01_flat_pixels_have_a_scale_too(pictures):
    X, y = pictures[0].reshape(40, -1), pictures[1]
    with pytest.raises(InvalidDataError, match="Divide them"):
        quick().fit(X / 255, y).predict(X)


@pytest.mark.parametrize("scale", [1 / 255, 1])
def test_right_01_an_image_that_is_almost_black_has_no_scale(pictures, scale):
    X, y = pictures[0][np.arange(501) % 40].astype(np.float32) * np.float32(scale), np.arange(501) % 2
    X[500] = 0
    X[500, 0, 0, 0] = 0.004
    for form in ("array", "dataset"):  # the last batch of a prediction is that image alone
        clf = quick(**CNN).fit(X, y) if form == "array" else quick(**CNN).fit(pairs(X, y))
        assert len(clf.predict(in_form(X, form))) == 501
        assert len(clf.predict(in_form(X[500:], form))) == 1


def test_right_01_an_outlier_is_no_scale():
    X, y = np.random.default_rng(0).normal(size=(200, 1, 20)).astype(np.float32), np.arange(200) % 2
    images = np.abs(X).reshape(200, 1, 4, 5).clip(0, 1)
    for values in (X, images):
        values[100, 0, 0] = 30
        rare = values[:2] + 0
        rare[1].flat[0] = 90
        for given in (values, pairs(values, y)):
            clf = quick(standardize=False, max_epochs=1).fit(given, y)
            assert len(clf.predict(given)) == 200
            assert len(clf.predict(rare)) == 2


def test_right_01_a_dataset_whose_first_images_are_dark_predicts_itself():
    images = np.random.default_rng(0).uniform(0, 1, (120, 1, 4, 5)).astype(np.float32)
    images[40:] *= 255
    data = pairs(images, np.arange(120) % 2)
    assert len(quick(standardize=False, max_epochs=1).fit(data).predict(data)) == 120


def test_right_01_a_table_that_came_as_uint8(pictures, tmp_path):
    X, y = pictures[0].reshape(40, -1), pictures[1]
    unit, as_is = X.astype(np.float32) / 255, quick(checkpoint_dir=tmp_path).fit(X, y)
    as_is.save(tmp_path / "saved")
    assert (as_is.sample_dtype_, as_is.sample_source_) == ("float32", "uint8")
    by_frame, by_rows = quick().fit(pd.DataFrame(X), y), quick().fit(pairs(X, y))
    for clf in (as_is, load_checkpoint(tmp_path), noisylabel.load(tmp_path / "saved"), by_frame, by_rows):
        for given in (unit, pd.DataFrame(unit), torch.as_tensor(unit), Rows(list(torch.as_tensor(unit)))):
            with pytest.raises(InvalidDataError, match="fitted on uint8 values.* floats of at most 1. Multiply them"):
                clf.predict(given)
        assert np.array_equal(clf.predict(X.astype(float)), clf.predict(X))
    for given in (X, pd.DataFrame(X), Rows(list(torch.as_tensor(X)))):
        with pytest.raises(InvalidDataError, match="Divide them"):
            quick().fit(unit, y).predict(given)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_right_01_counts_have_no_scale(dtype):
    counts, y = np.random.default_rng(0).integers(0, 3, (120, 5)).astype(dtype), np.arange(120) % 3
    clf = quick(max_epochs=1).fit(counts, y)
    for given in (counts + dtype(60), np.minimum(counts, 1), np.minimum(counts, 1).astype(float)):
        assert len(clf.predict(given)) == 120


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((8, 12, 12, 3), np.uint8), "channels last"),
        (np.zeros((8, 12, 12, 3), np.float32), "channels last"),
        (np.zeros((8, 12, 12), np.uint8), "without a channel axis"),
        (np.zeros(8, np.float32), "one axis|1D array instead"),
    ],
)
def test_right_01_layouts_are_refused_in_datasets_as_in_arrays(samples, message):
    y = np.arange(8) % 2
    with pytest.raises(ValueError, match=message):
        quick().fit(samples, y)
    with pytest.raises(ValueError, match=message):
        quick().fit(pairs(samples, y) if samples.ndim > 1 else Rows([(torch.tensor(0.0), 0), (torch.tensor(1.0), 1)]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_right_01_missing_values_of_a_dataset_are_refused(blobs, value):
    X, y = blobs
    clf = quick().fit(pairs(X, y))
    holed = X.copy()
    holed[7, 2] = value
    with pytest.raises(InvalidDataError, match="Input X contains (NaN|infinity): 1 of the samples"):
        clf.predict(Rows(list(torch.as_tensor(holed))))
    with pytest.raises(InvalidDataError, match="Input X contains"):
        quick().fit(pairs(holed, y))
    with pytest.raises(InvalidDataError, match="Input X contains"):  # in a row that no statistics are taken of
        quick(standardize=False).fit(pairs(np.roll(holed, 70, axis=0), y))


def test_right_01_a_dataset_of_huge_numbers_makes_no_noise(blobs):
    X, y = blobs[0] * 1e37 + 1e38, blobs[1]
    assert len(quick(max_epochs=1).fit(pairs(X, y)).predict(pairs(X, y))) == 120


# ---- 21: numbers


def test_right_21_a_constant_column_may_move(blobs):
    X, y = blobs
    for constant in (0.1, np.float32(0.1), 255.0, 1.7e9):
        with_constant = np.c_[X.astype(float), np.full(len(X), constant)]
        moved = with_constant + np.r_[np.zeros(5), 0.05 * max(1, constant)]
        clf = quick(max_epochs=20, lr=0.01).fit(with_constant, y)
        assert clf.score(with_constant, y) > 0.95
        assert clf.score(moved, y) > 0.95


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x + 1.7e9,  # seconds since 1970
        lambda x: (1e6 * x).astype(np.int64) + 1_700_000_000_000_000_000,  # nanoseconds
        lambda x: x * 1e-40,  # denormal in float32
        lambda x: x * 1e-200,
        lambda x: x * 1e36,
        lambda x: 1 + 1e-9 * x,
    ],
    ids=["seconds", "nanoseconds", "denormal", "tiny", "huge", "near-constant"],
)
def test_right_21_columns_keep_their_digits(blobs, change):
    X, y = blobs
    changed = change(X.astype(float))
    clf = quick(max_epochs=20, lr=0.01).fit(changed, y)
    assert clf.sample_dtype_ == "float64"
    assert clf.score(changed, y) > 0.95


def test_right_21_digits_are_kept_by_every_method_and_file(blobs, tmp_path):
    X, y = blobs
    X = X.astype(float) + 1.7e9
    settings = QUICK | {"max_epochs": 20, "lr": 0.01}
    for clf in (MentorMixClassifier(loss_percentile=0.9, **settings), FilterKDClassifier(**settings)):
        assert clf.fit(X, y).score(X, y) > 0.9
    clf = quick(max_epochs=20, lr=0.01, checkpoint_dir=tmp_path).fit(X, y)
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    assert np.array_equal(quick(max_epochs=20, lr=0.01).fit(data).predict_proba(data), clf.predict_proba(X))
    assert np.array_equal(load_checkpoint(tmp_path).predict_proba(X), clf.predict_proba(X))
    with torch.no_grad():
        by_module = clf.net_.module_.eval()(torch.as_tensor(X)).double().softmax(1).numpy()
    np.testing.assert_allclose(by_module, clf.predict_proba(X), atol=1e-12)


def test_right_21_statistics_are_those_of_float64():
    values = np.random.default_rng(0).normal(size=(500, 3)) * [1, 1e-3, 1e-40] + [1e9, 1e4, 0]
    mean, std = input_statistics(torch.as_tensor(values), None)
    np.testing.assert_allclose(mean, values.mean(0), rtol=1e-14)
    np.testing.assert_allclose(std, values.std(0), rtol=1e-12)
    counts = torch.arange(500.0) % 3
    repeated = values.repeat(counts.numpy().astype(int), axis=0)
    np.testing.assert_allclose(input_statistics(torch.as_tensor(values), counts)[1], repeated.std(0), rtol=1e-9)
    for table, dtype in ((values, torch.float64), ((values - values.mean(0))[:, :2], torch.float32)):
        samples, statistics = table_statistics(torch.as_tensor(table), None)
        assert samples.dtype == dtype
        for found, expected in zip(statistics, input_statistics(samples, None), strict=True):
            assert torch.equal(found, expected)


def test_right_21_statistics_are_worked_out_once(blobs, monkeypatch):
    asked = []
    moments = _statistics._moments
    monkeypatch.setattr(_statistics, "_moments", lambda *given: asked.append(1) or moments(*given))
    X, y = blobs
    for given in (X, pairs(X, y), X.astype(float) + 1.7e9, pairs(X.astype(float) + 1.7e9, y)):
        quick(max_epochs=1).fit(given, y)
    assert len(asked) == 4


def test_right_21_ordinary_numbers_stay_float32(blobs):
    clf = quick(max_epochs=1).fit(blobs[0].astype(float), blobs[1])
    assert clf.sample_dtype_ == "float32"
    assert clf.net_.module_[0].mean.dtype == torch.float32


@pytest.mark.parametrize("largest", [np.finfo(np.float64).max, np.finfo(np.float32).max])
def test_right_21_no_data_is_named_by_column(blobs, largest):
    X, y = blobs
    X = X.astype(float)
    clf = quick(max_epochs=1).fit(X, y)
    X[::20, 1] = -largest
    frame = pd.DataFrame(X, columns=list("abcde"))
    with pytest.raises(InvalidDataError, match=r"extreme values in column 'b' \(number 1\): -\d.* row 0, 6 such rows"):
        quick().fit(frame, y)
    for given in (X, torch.as_tensor(X), sp.csr_matrix(X)):
        with pytest.raises(InvalidDataError, match="extreme values"):
            quick().fit(given, y)
        with pytest.raises(InvalidDataError, match="extreme values"):
            clf.predict(given)
    with pytest.raises(InvalidDataError, match="extreme values in column 1"):
        quick().fit(TensorDataset(torch.as_tensor(X), torch.as_tensor(y)))


def test_right_21_ids_that_no_float_tells_apart_are_refused(blobs):
    X, y = blobs
    ids = 1_700_000_000_000_000_000 + np.arange(len(X))
    for given in (pd.DataFrame({"id": ids, "size": X[:, 0]}), np.c_[ids, ids]):
        with pytest.raises(InvalidDataError, match="integers in column ('id'|0), from 17.*leave the column out"):
            quick().fit(given, y)


def test_right_21_columns_of_any_name_and_arrays_that_are_not_numpys(blobs):
    X, y = blobs

    class Lazy:
        """An array of another library: shape, type and conversion."""

        shape, dtype = X.shape, np.dtype(np.int64)

        def __array__(self, dtype=None, copy=None):
            return X.astype(np.int64).astype(dtype or np.int64)

        def __len__(self):
            return len(X)

    frame = pd.DataFrame(X.astype(np.int64), columns=["a", "columns", "b", "_mask", "items"])
    expected = quick(max_epochs=1).fit(X.astype(np.int64), y).predict_proba(X.astype(np.int64))
    for given in (frame, Lazy()):
        assert np.array_equal(quick(max_epochs=1).fit(given, y).predict_proba(given), expected)
    twice = frame.set_axis([*"aabcd"], axis=1)  # two columns of one name are two columns
    assert np.array_equal(quick(max_epochs=1).fit(twice, y).predict_proba(twice), expected)
    twice["d"] = pd.Series([1, b"2"] * 60, dtype=object)
    with pytest.raises(InvalidDataError, match="bytes in column 'd'"):
        quick().fit(twice, y)


def test_right_22_columns_of_objects_are_not_looked_at_one_by_one(blobs):
    class Column(pd.Series):
        def __iter__(self):
            raise AssertionError("each value is looked at")

    numbers = blobs[0][:, 0].tolist()
    for values in (numbers, [*numbers, 1, None], ["a", "b"]):
        assert not _has_bytes(Column(values, dtype=object))
    assert _has_bytes(Column([b"a", None], dtype=object))
    assert _has_bytes(pd.Series(["a", b"a"], dtype=object))


def test_right_01_a_network_that_gives_no_number_says_so(blobs):
    X, y = blobs
    clf = quick(max_epochs=1).fit(X, y)
    with torch.no_grad():
        clf.net_.module_[-1][-1].bias[0] = torch.nan
    with pytest.raises(InvalidDataError, match="NaN or infinity for 120 samples, the first at position 0"):
        clf.predict(X)


# ---- 22: missing values


def test_right_22_masks_that_hide_values(blobs):
    X, y = blobs
    hidden = np.arange(len(y)) < 5
    for given_X, given_y in ((np.ma.masked_array(X, X > 3), y), (X, np.ma.masked_array(y, hidden))):
        with pytest.raises(InvalidDataError, match="masked|missing"):
            quick().fit(given_X, given_y)
    with pytest.raises(InvalidDataError, match="masked"):
        quick().fit(X, y, sample_weight=np.ma.masked_array(np.ones(len(y)), hidden))
    with pytest.raises(InvalidDataError, match="masked"):
        quick().fit(Rows([(np.ma.masked_array(x, x > 3), label) for x, label in zip(X, y, strict=True)]))
    with pytest.raises(InvalidDataError, match="X has 1 masked values"):
        quick().fit([np.ma.masked_array(x, x == X[3, 2]) for x in X], y)
    assert quick(max_epochs=1).fit(np.ma.masked_array(X, False), y).n_iter_ == 1


@pytest.mark.parametrize("missing", [None, np.nan, torch.tensor(torch.nan), pd.NA])
def test_right_22_missing_labels_of_a_dataset(blobs, missing):
    X, y = blobs
    labels = [missing if row == 7 else float(label) for row, label in enumerate(y)]
    with pytest.raises(InvalidDataError, match="y has 1 missing labels, the first at position 7"):
        quick().fit(pairs(X, labels))
    tensors = TensorDataset(torch.as_tensor(X), torch.where(torch.arange(120) == 7, torch.nan, torch.as_tensor(y)))
    with pytest.raises(InvalidDataError, match="position 7"):
        quick().fit(tensors)
    with pytest.raises(InvalidDataError, match="position 7"):
        quick(max_epochs=1).fit(X, y).score(X, labels)


def test_right_22_bytes_are_refused_by_name(blobs):
    X, y = blobs
    frame = pd.DataFrame({"size": X[:, 0], "colour": [b"red", b"blue"] * 60})
    with pytest.raises(InvalidDataError, match="bytes in column 'colour'"):
        quick().fit(frame, y)
    with pytest.raises(InvalidDataError, match="X holds bytes"):
        quick().fit(X.astype("S"), y)


# ---- 13 and 23: labels of any type

LABELS = {
    "StringDType": np.array(["cat", "dog", "cow"], dtype=np.dtypes.StringDType()),
    "bytes": np.array([b"a", b"b", b"\xff"]),
    "uint64": np.array([2**63, 2**63 + 1, 2**63 + 2], dtype=np.uint64),
    "large": np.array([2**70, 2**70 + 1, 2**70 + 2], dtype=object),
    "datetime64": np.array(["2026-01-01", "2026-01-02", "2026-01-03"], dtype="M8[D]"),
    "dates": np.array([datetime.date(2026, 1, day) for day in (1, 2, 3)], dtype=object),
    "NUL": np.array(["abc", "abc\0", "x"], dtype=object),
}


@pytest.mark.parametrize("kind", LABELS)
def test_right_23_labels_of_any_type_come_back(blobs, kind, tmp_path):
    X, y = blobs
    labels = LABELS[kind][y]
    clf = quick(max_epochs=20, lr=0.01, checkpoint_dir=tmp_path).fit(X, labels)
    assert len(clf.classes_) == 3
    assert clf.predict(X).dtype == labels.dtype
    assert clf.score(X, labels) == np.mean(clf.predict(X) == labels) > 0.95
    again = load_checkpoint(tmp_path)
    assert again.classes_.dtype == clf.classes_.dtype
    assert again.classes_.tolist() == clf.classes_.tolist()
    assert quick(max_epochs=20, lr=0.01, checkpoint_dir=tmp_path).fit(X, labels).n_iter_ == 20


@pytest.mark.parametrize("kind", ["uint64", "large", "dates", "NUL", "bytes"])
def test_right_23_lists_of_labels_keep_them_apart(blobs, kind):
    X, y = blobs
    labels = LABELS[kind].tolist()
    for given in ([labels[code] for code in y], pd.Series([labels[code] for code in y], dtype=object)):
        assert quick(max_epochs=1).fit(X, given).classes_.tolist() == sorted(labels)


def test_right_23_labels_of_other_types_than_in_fit(blobs):
    X, y = blobs
    clf = quick(max_epochs=1).fit(X, y)
    with pytest.raises(InvalidDataError, match="No label of y, such as '0', is one that fit saw, such as 0"):
        clf.score(X, y.astype(str))
    assert clf.score(X, y.astype(float)) == clf.score(X, y)


# ---- 26: shapes and half precision


def test_right_26_shapes_of_a_dataset_at_predict(blobs):
    clf = quick(max_epochs=1).fit(*blobs)
    for shape in ((4, 4), (4, 1, 5), (4, 5, 1)):
        with pytest.raises(InvalidDataError, match=r"fitted on samples of shape \(5,\). Resize or reshape"):
            clf.predict(Rows(list(torch.zeros(shape))))
    with pytest.raises(InvalidDataError, match=r"one shape. Got \(4,\), \(5,\)"):
        clf.predict(Rows([torch.zeros(5), torch.zeros(4)]))


@pytest.mark.parametrize("as_sample", [torch.as_tensor, lambda x: np.stack([x, x])])
def test_right_26_lists_of_samples_of_several_shapes(as_sample):
    samples = [as_sample(np.zeros(3)), as_sample(np.zeros(4))]
    with pytest.raises(InvalidDataError, match=r"type and shape. Got \((2, )?3,?\), \((2, )?4,?\): .*Resize or pad"):
        quick().fit(samples, [0, 1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_right_26_tensors_of_any_precision(blobs, dtype):
    X, y = torch.as_tensor(blobs[0]).to(dtype), blobs[1]
    expected = quick().fit(X.float().numpy(), y).predict_proba(X.float().numpy())
    for given in (X, list(X), Rows(list(X)), X.clone().requires_grad_()):
        clf = quick().fit(given, torch.as_tensor(y))
        assert np.array_equal(clf.predict_proba(given), expected)


# ---- 12: Datasets of other kinds


class NamedColumns:
    """As a Dataset of Hugging Face: no torch Dataset, dicts by row, a column by name, and a shape."""

    features: dict = {}  # noqa: RUF012

    def __init__(self, columns):
        self.columns = columns
        self.shape = (len(self), len(columns))

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __iter__(self):
        return (self[row] for row in range(len(self)))

    def __getitem__(self, key):
        if isinstance(key, str):
            return self.columns[key]
        return {name: column[key] for name, column in self.columns.items()}


def test_right_12_rows_as_dicts(blobs):
    X, y = blobs
    named = NamedColumns({"pixels": torch.as_tensor(X), "label": torch.as_tensor(y)})
    expected = quick().fit(X, y)
    for clf in (quick().fit(named), quick().fit(named, named["label"])):
        assert np.array_equal(clf.predict_proba(named), expected.predict_proba(X))
        assert clf.score(named) == expected.score(X, y)
    alone = NamedColumns({"pixels": torch.as_tensor(X)})
    assert np.array_equal(expected.predict(alone), expected.predict(X))
    with pytest.raises(InvalidDataError, match="dicts of 'pixels', 'id', 'label'.*select_columns"):
        quick().fit(NamedColumns({"pixels": X, "id": y, "label": y}))


@pytest.mark.parametrize("scalar", [torch.tensor, np.int64, int, lambda code: np.array([code])])
def test_right_12_labels_as_scalars_of_any_kind(blobs, scalar):
    X, y = blobs
    data = pairs(X, [scalar(int(code)) for code in y])
    clf = quick().fit(data)
    assert clf.classes_.tolist() == [0, 1, 2]
    assert clf.score(data) == quick().fit(X, y).score(X, y)
    with pytest.raises(InvalidDataError, match="one label, but some have several numbers"):
        quick().fit(pairs(X, list(torch.eye(3)[y])))


def test_right_12_a_dataset_in_cross_validation(blobs):
    X, y = blobs
    data = pairs(X, y.tolist())
    expected = cross_val_score(quick(), X, y, cv=2)
    assert np.array_equal(cross_val_score(quick(), SliceDataset(data), y, cv=2), expected)
    assert np.array_equal(cross_val_score(quick(), SliceDataset(data), SliceDataset(data, idx=1), cv=2), expected)
    with pytest.raises(InvalidDataError, match="pairs, as scikit-learn makes of a torch Dataset.*SliceDataset"):
        cross_val_score(quick(), data, y, cv=2, error_score="raise")


class WithoutLength(Dataset):
    def __getitem__(self, row):
        return torch.zeros(5), 0


class Stream(IterableDataset):
    def __iter__(self):
        yield torch.zeros(5), 0


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (WithoutLength(), "The WithoutLength has no length. Pass a map-style Dataset"),
        (Stream(), "The Stream has no row numbers.*or pass a map-style Dataset"),
        (DataLoader(Rows([0])), "X is a DataLoader. Pass its Dataset"),
        ((row for row in range(3)), "X is a generator, which can be read once"),
        ({"a": np.zeros(3)}, "X is a mapping with 'a'"),
        (Rows([]), "The Dataset is empty"),
    ],
)
def test_right_12_what_is_no_dataset_gets_a_sentence_at_fit_and_predict(blobs, X, message):
    with pytest.raises(InvalidDataError, match=message):
        quick().fit(X, np.zeros(3))
    with pytest.raises(InvalidDataError, match=message):
        quick(max_epochs=1).fit(*blobs).predict(X)


def test_right_12_score_without_labels(blobs):
    clf = quick(max_epochs=1).fit(*blobs)
    with pytest.raises(InvalidDataError, match="score needs y"):
        clf.score(blobs[0])
    with pytest.raises(InvalidDataError, match="without labels"):
        clf.score(Rows(list(torch.as_tensor(blobs[0]))))


# ---- 8 and 30: students


@pytest.mark.parametrize("classifier", [MentorNetClassifier, MentorMixClassifier, FilterKDClassifier])
def test_right_08_a_student_that_writes_to_its_input(blobs, classifier):
    X, y = blobs
    X = X - 3  # half of it negative
    settings = QUICK | {"standardize": False, "validation_fraction": 0.25}
    if classifier is MentorMixClassifier:
        settings["loss_percentile"] = 0.9
    before = X.copy()
    writes, reads = (
        classifier(**settings | {"student": nn.Sequential(nn.ReLU(inplace=inplace), nn.Linear(5, 3)).requires_grad_()})
        for inplace in (True, False)
    )
    writes.student[1].load_state_dict(reads.student[1].state_dict())
    assert np.array_equal(writes.fit(X, y).predict_proba(X), reads.fit(X, y).predict_proba(X))
    assert np.array_equal(writes.history_["valid_loss"], reads.history_["valid_loss"])
    assert np.array_equal(X, before)


class Tokens(nn.Module):
    """Mean of the embeddings of token ids."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 8)
        self.layer = nn.Linear(8, 3)

    def forward(self, tokens):
        return self.layer(self.embedding(tokens).mean(1))


def test_right_30_token_ids_stay_whole():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    ids = rng.integers(0, 16, (120, 7)) + 16 * y[:, None]
    student = Tokens()
    settings = {"student": student, "standardize": False, "max_epochs": 20, "lr": 0.03}
    expected = quick(**settings).fit(ids, y)
    assert expected.sample_dtype_ == "int64"
    assert expected.score(ids, y) > 0.95
    data = TensorDataset(torch.as_tensor(ids), torch.as_tensor(y))
    for given in (ids.astype(np.uint8), torch.as_tensor(ids), pd.DataFrame(ids.astype(np.int32)), ids.tolist(), data):
        assert np.array_equal(quick(**settings).fit(given, y).predict_proba(given), expected.predict_proba(ids))
    assert np.array_equal(expected.predict(ids.astype(float)), expected.predict(ids))
    for halves in (ids + 0.5, Rows(list(torch.as_tensor(ids + 0.5)))):
        with pytest.raises(InvalidDataError, match="fitted on whole numbers"):
            expected.predict(halves)
    for unknown in (ids + 40, pairs(ids + 40, y)):
        with pytest.raises(InvalidDataError, match="no place for; MentorNetClassifier was fitted on 0 to 47"):
            expected.predict(unknown)
    with pytest.raises(InvalidParameterError, match="For token ids set standardize=False"):
        quick(student=student).fit(ids, y)
    with pytest.raises(InvalidParameterError, match="token ids cannot be mixed"):
        MentorMixClassifier(**QUICK | {"student": student, "standardize": False}).fit(ids, y)


def test_right_30_whole_numbers_become_floats_for_a_student_that_wants_them(blobs):
    counts, y = np.round(10 * blobs[0]).astype(np.int64), blobs[1]
    expected = quick(standardize=False).fit(counts.astype(np.float32), y)
    clf = quick(standardize=False).fit(counts, y)
    assert clf.sample_dtype_ == "float32"
    assert np.array_equal(clf.predict_proba(counts + 0.5), expected.predict_proba(counts + 0.5))


class TwoOutputs(nn.Linear):
    def forward(self, x):
        return super().forward(x), x


class TwoInTraining(nn.Linear):
    def forward(self, x):
        return (super().forward(x), x) if self.training else super().forward(x)


def test_right_30_students_that_do_not_give_logits(blobs):
    for student in (TwoOutputs(5, 3), TwoInTraining(5, 3)):
        with pytest.raises(InvalidParameterError, match="must return one tensor of logits.* It returns a tuple"):
            quick(student=student).fit(*blobs)
    with pytest.raises(InvalidParameterError, match="outputs are probabilities.*Leave out the softmax"):
        quick(student=nn.Sequential(nn.Linear(5, 3), nn.Softmax(1))).fit(*blobs)
    plain = nn.Linear(5, 3)
    with_log = quick(student=nn.Sequential(plain, nn.LogSoftmax(1))).fit(*blobs)  # the same as without
    expected = quick(student=plain).fit(*blobs).predict_proba(blobs[0])
    np.testing.assert_allclose(with_log.predict_proba(blobs[0]), expected, atol=1e-6)


def test_right_30_torchvision_by_name(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(8, 3, 32, 32)), np.arange(8) % 2
    clf = quick(student="torchvision:squeezenet1_1", max_epochs=1, checkpoint_dir=tmp_path).fit(X, y)
    assert np.array_equal(load_checkpoint(tmp_path).predict_proba(X), clf.predict_proba(X))
    with pytest.raises(InvalidParameterError, match="no classifier 'resnet19'. Near: .'resnet"):
        quick(student="torchvision:resnet19").fit(X, y)
    with pytest.raises(InvalidParameterError, match="3 channels.*timm:resnet18"):
        quick(student="torchvision:resnet18").fit(X[:, :1], y)


def test_right_30_small_grey_images_without_a_channel_axis(blobs):
    y = blobs[1]
    grey = np.random.default_rng(0).normal(size=(120, 8, 8)) + y[:, None, None]
    assert quick(max_epochs=20, lr=0.01).fit(grey, y).score(grey, y) > 0.95
    with pytest.raises(InvalidParameterError, match="takes images of shape"):
        quick(student="cnn").fit(grey, y)


# ---- 31: sparse tables


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array, sp.coo_matrix, lambda X: torch.as_tensor(X).to_sparse()])
def test_right_31_sparse_tables(blobs, kind):
    X, y = blobs
    X = np.where(X > 2, X, 0)
    expected = quick().fit(X, y).predict_proba(X)
    assert np.array_equal(quick().fit(kind(X), y).predict_proba(kind(X)), expected)


def test_right_31_a_sparse_table_for_which_there_is_no_room():
    X = sp.csr_matrix((10**6, 10**6))
    with pytest.raises(InvalidDataError, match="dense it takes 4000.0 GB.*TruncatedSVD"):
        quick().fit(X, np.arange(10**6) % 2)


# ---- 9: probabilities


def test_right_09_probabilities_are_float64_and_sum_to_one(blobs):
    X, y = blobs
    for clf in (quick().fit(X, y), quick(precision="bf16").fit(X, y)):
        proba = clf.predict_proba(X)
        assert proba.dtype == np.float64
        np.testing.assert_allclose(proba.sum(1), 1, rtol=0, atol=1e-12)
        assert log_loss(y, proba) > 0  # without a warning
