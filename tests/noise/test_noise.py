"""Noise models against their definitions."""

import datetime
import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix

from noisylabel import corrupt
from noisylabel.exceptions import InvalidFileError
from noisylabel.noise import (
    AsymmetricCIFAR10Noise,
    HumanNoise,
    InstanceNoise,
    MarginNoise,
    NoiseManifest,
    PairNoise,
    RingCIFAR100Noise,
    SymmetricNoise,
    TransitionNoise,
    check_noise_rate,
    exclusive_to_inclusive,
    inclusive_to_exclusive,
    instance_probabilities,
    margin_flip_probability,
)
from noisylabel.noise._asymmetric import CIFAR100_SUPERCLASSES
from noisylabel.testing import check_noise

N = 50_000
Y = np.arange(N) % 10


def test_symmetric_matrices():
    inclusive = SymmetricNoise(0.2).transition_matrix(10)
    assert np.diag(inclusive) == pytest.approx(0.82)
    assert inclusive[0, 1] == pytest.approx(0.02)
    exclusive = SymmetricNoise(0.2, include_true=False).transition_matrix(10)
    assert np.diag(exclusive) == pytest.approx(0.8)
    assert exclusive[0, 1] == pytest.approx(0.2 / 9)
    assert np.diag(SymmetricNoise(0.8).transition_matrix(10)) == pytest.approx(0.28)
    assert np.array_equal(SymmetricNoise(0).transition_matrix(4), np.eye(4))


@pytest.mark.parametrize(
    ("n_classes", "expected"), [(10, [0.18, 0.36, 0.54, 0.72]), (100, [0.198, 0.396, 0.594, 0.792])]
)
def test_conventions_convert(n_classes, expected):
    rates = [0.2, 0.4, 0.6, 0.8]
    assert [inclusive_to_exclusive(rate, n_classes) for rate in rates] == pytest.approx(expected)
    assert [exclusive_to_inclusive(rate, n_classes) for rate in expected] == pytest.approx(rates)


@pytest.mark.parametrize("include_true", [True, False])
@pytest.mark.parametrize("rate", [0.2, 0.4, 0.8])
def test_coin_noise_is_within_four_standard_errors(rate, include_true):
    noisy, manifest = corrupt(Y, SymmetricNoise(rate, include_true), random_state=0)
    real = inclusive_to_exclusive(rate, 10) if include_true else rate
    assert abs(manifest.realised_rate - real) < 4 * np.sqrt(real * (1 - real) / N)
    assert manifest.realised_rate == (noisy != Y).mean()


@pytest.mark.parametrize(("n_samples", "rate", "changed"), [(N, 0.4, 20_000), (1001, 0.3, 300), (10, 0.7, 7)])
def test_exact_noise_changes_an_exact_number(n_samples, rate, changed):
    y = Y[:n_samples]
    noisy, _ = corrupt(y, SymmetricNoise(rate, include_true=False, exact=True), random_state=1)
    assert (noisy != y).sum() == changed
    # with the true class among the draws, that many are redrawn and a tenth of them stays
    redrawn, _ = corrupt(y, SymmetricNoise(rate, exact=True), random_state=1)
    assert 0 < (redrawn != y).sum() <= changed


def test_exclusive_exact_noise_is_even_over_the_wrong_classes():
    noisy, manifest = corrupt(Y, SymmetricNoise(0.5, include_true=False, exact=True), random_state=2)
    matrix = np.array(manifest.realised_matrix)
    assert np.abs(matrix[~np.eye(10, dtype=bool)] - 0.5 / 9).max() < 0.015


def test_pair_matrix():
    expected = [[0.7, 0.3, 0], [0, 0.7, 0.3], [0.3, 0, 0.7]]
    np.testing.assert_allclose(PairNoise(0.3).transition_matrix(3), expected)


def test_asymmetric_cifar10():
    matrix = AsymmetricCIFAR10Noise(0.4).transition_matrix(10)
    for identity in (0, 1, 6, 7, 8):
        assert matrix[identity, identity] == 1
    for source, target in [(9, 1), (2, 0), (3, 5), (5, 3), (4, 7)]:
        assert matrix[source, target] == pytest.approx(0.4)
        assert matrix[source, source] == pytest.approx(0.6)
    assert (1 - np.diag(matrix)).mean() == pytest.approx(0.2)
    noisy, manifest = corrupt(Y, AsymmetricCIFAR10Noise(0.4), random_state=0)
    assert manifest.check() == (
        "Your 40 % is 20 %: only 5 of 10 classes are touched. Asymmetric CIFAR-10 noise: truck to automobile, bird to "
        "airplane, cat and dog to each other, deer to horse, each with probability 0.4."
    )


def test_cifar100_ring_stays_inside_superclasses():
    matrix = RingCIFAR100Noise(1.0).transition_matrix(100)
    successor = matrix.argmax(axis=1)
    assert [successor[i] for i in (0, 1, 2, 4, 95)] == [51, 32, 11, 30, 4]
    assert (CIFAR100_SUPERCLASSES[successor] == CIFAR100_SUPERCLASSES).all()
    assert (np.bincount(CIFAR100_SUPERCLASSES) == 5).all()
    assert sorted(successor) == list(range(100))


def test_ring_needs_a_hundred_classes():
    with pytest.raises(ValueError, match="100 classes of its data set. Got labels of 10 classes"):
        corrupt(Y, "ring_cifar100", rate=0.2)


def test_instance_probabilities_of_one_sample():
    projections = np.zeros((3, 2, 3))
    projections[0] = [[1, 0, -1], [0, 1, 0]]
    actual = instance_probabilities(np.array([[1.0, 2.0]]), np.array([0]), projections, np.array([0.3]))
    np.testing.assert_allclose(actual, [[0.7, 0.285772, 0.014228]], atol=1e-6)


@pytest.mark.parametrize(("rate", "mean"), [(0.1, 0.1288), (0.2, 0.2055), (0.3, 0.3004), (0.4, 0.4000)])
def test_instance_noise_has_the_truncated_normals_mean(rate, mean):
    X = np.random.default_rng(0).normal(size=(N, 4))
    _, manifest = corrupt(Y, InstanceNoise(rate), X, random_state=0)
    assert abs(manifest.realised_rate - mean) < 0.009


def test_instance_noise_depends_on_the_sample():
    X = np.repeat(np.eye(2), 5000, axis=0)
    noisy, _ = corrupt(np.tile([0, 1, 2, 3], 2500), InstanceNoise(0.5), X, random_state=3)
    first, second = (np.bincount(noisy[rows], minlength=4) for rows in (slice(5000), slice(5000, None)))
    assert np.abs(first - second).max() > 300


def test_instance_noise_without_samples():
    with pytest.raises(ValueError, match="pass X with one row a label"):
        corrupt(Y, "instance", rate=0.2)


@pytest.mark.parametrize(("margin", "expected"), [(0.5, [0.375, 0.875, 0.708333]), (0, [0.5, 1, 1]), (1, [0, 0, 0])])
def test_margin_polynomials(margin, expected):
    actual = [float(margin_flip_probability(np.array(margin), kind)) for kind in ("I", "II", "III")]
    assert actual == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["I", "II", "III"])
def test_margin_noise_reaches_its_rate_and_leaves_sure_samples_alone(kind):
    rng = np.random.default_rng(0)
    posterior = rng.dirichlet([0.3] * 4, size=20_000)
    posterior[:100] = np.eye(4)[0]
    y = posterior.argmax(axis=1)
    noisy, manifest = corrupt(y, MarginNoise(posterior, kind, rate=0.3), random_state=0)
    assert manifest.realised_rate == pytest.approx(0.3, abs=0.015)
    assert (noisy[:100] == y[:100]).all()
    second = posterior.argsort(axis=1)[:, -2]
    assert (noisy[noisy != y] == second[noisy != y]).all()
    with pytest.raises(ValueError, match="out of reach"):
        corrupt([0, 1], MarginNoise([[1, 0], [0, 1]], kind, rate=0.3))


def test_any_matrix_and_its_errors():
    noisy, manifest = corrupt([0, 1, 2] * 3, TransitionNoise(np.roll(np.eye(3), 1, axis=1)), random_state=0)
    assert noisy.tolist() == [1, 2, 0] * 3
    with pytest.raises(ValueError, match=r"shape \(3, 3\).*Got \(2, 2\)"):
        corrupt([0, 1, 2], TransitionNoise(np.eye(2)))
    with pytest.raises(ValueError, match="rows that sum to 1.*transpose"):
        corrupt([0, 1], TransitionNoise([[0.5, 0.1], [0.5, 0.9]]))


def test_human_labels():
    noisy, manifest = corrupt(np.array(["a", "b", "b", "a"]), HumanNoise(["a", "b", "a", "a"], source="a crowd"))
    assert noisy.tolist() == ["a", "b", "a", "a"]
    assert manifest.realised_rate == 0.25
    assert manifest.nominal_rate is None
    assert "a crowd" in manifest.definition
    with pytest.raises(ValueError, match="must be codes in 0..1"):
        HumanNoise([0, 1, 2]).sample(np.array([0, 0, 1]), 2, None, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corrupt(Y, "symetric", rate=0.2), "Did you mean 'symmetric'"),
        (lambda: corrupt(Y, "symmetric", rate=40), "0.4 for 40 %"),
        (lambda: corrupt(Y, "symmetric", speed=2), r"takes rate, include_true, exact and needs rate. Got \['speed'\]"),
        (lambda: corrupt(Y, "asymmetric", rate=0.2), "Did you mean 'asymmetric_cifar10'"),
        (lambda: corrupt(["a", None], "symmetric", rate=0.2), "1 missing labels, the first at position 1"),
        (lambda: corrupt(Y, SymmetricNoise(0.2), rate=0.3), "is an object already"),
        (lambda: corrupt([], "symmetric", rate=0.2), "at least one label"),
        (lambda: corrupt([1, 1], "symmetric", rate=0.2), "one class"),
    ],
)
def test_bad_calls(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_global_stream_is_untouched():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    corrupt(Y, "symmetric", rate=0.2)
    assert np.array_equal(np.random.get_state()[1], before)


LABELS = np.array(["ant", "bee", "cow", "dog"] * 2500)


def test_round_trip_through_json_and_file(tmp_path):
    noisy, manifest = corrupt(LABELS, "symmetric", rate=0.5, random_state=3)
    assert NoiseManifest.from_json(manifest.to_json()) == manifest
    manifest.to_json(tmp_path / "noise.json")
    assert NoiseManifest.from_json(tmp_path / "noise.json") == manifest
    assert [path.name for path in tmp_path.iterdir()] == ["noise.json"]
    assert manifest.seed == 3
    assert manifest.classes == ["ant", "bee", "cow", "dog"]
    assert json.loads(manifest.to_json())["parameters"] == {"rate": 0.5, "include_true": True, "exact": False}


def test_rates_and_matrix_are_counted():
    noisy, manifest = corrupt(LABELS, "pair", rate=0.3, random_state=0)
    per_class = [(noisy[name == LABELS] != name).mean() for name in manifest.classes]
    assert manifest.realised_rate_per_class == pytest.approx(per_class)
    assert np.sum(manifest.realised_matrix, axis=1) == pytest.approx(1)
    assert manifest.matrix[0] == pytest.approx([0.7, 0.3, 0, 0])


def test_hash_knows_its_labels():
    noisy, manifest = corrupt(LABELS, "symmetric", rate=0.2, random_state=0)
    assert manifest.verify(noisy)
    assert not manifest.verify(LABELS)
    assert not manifest.verify(np.where(noisy == "ant", "emu", noisy))


def test_manifest_tells_nominal_from_real():
    y = np.arange(20_000) % 10
    among = corrupt(y, "symmetric", rate=0.5, exact=True, random_state=0)[1].check()
    assert among == "Your 50 % is 45 %: the true class is among the draws, so 1/10 of the redrawn labels stay right."
    as_promised = corrupt(y, "symmetric", rate=0.5, include_true=False, exact=True)[1].check()
    assert as_promised == "Your 50 % is 50 %: as promised, up to chance."


def test_rate_of_labels_from_elsewhere():
    y = np.arange(1000) % 10
    wrong = np.where(np.arange(1000) < 130, (y + 1) % 10, y)
    assert "neither convention" in check_noise_rate(y, wrong, 0.5)
    with pytest.raises(ValueError, match="must be alike"):
        check_noise_rate(y, wrong[:-1], 0.5)


def test_a_drawn_seed_makes_the_labels_again():
    noisy, manifest = corrupt(LABELS, "symmetric", rate=np.float32(0.4))
    assert np.array_equal(corrupt(LABELS, "symmetric", rate=np.float32(0.4), random_state=manifest.seed)[0], noisy)
    assert NoiseManifest.from_json(manifest.to_json()) == manifest
    assert corrupt(LABELS, "pair", rate=0.4, random_state=np.random.default_rng(0))[1].seed is None


def test_no_noise_and_pairs_are_not_taken_for_another_convention():
    assert corrupt(LABELS, "symmetric", rate=0.0)[1].check() == "Your 0 % is 0 %: as promised, up to chance."
    y = np.arange(5000) % 100
    said = [corrupt(y, "pair", rate=0.4, random_state=seed)[1].check() for seed in range(6)]
    assert {text.split(": ")[1] for text in said} == {"as promised, up to chance."}


def test_nominal_rate_per_class():
    assert corrupt(LABELS, "symmetric", rate=0.4)[1].nominal_rate_per_class == pytest.approx([0.3] * 4)


def test_something_else_is_no_manifest(tmp_path):
    with pytest.raises(ValueError, match="not a noise manifest"):
        NoiseManifest.from_json('{"rate": 0.4}')
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\xff")
    for name, said in (("picture.json", "picture.json is no noise"), ("lost.json", "There is no noise .*lost.json")):
        with pytest.raises(InvalidFileError, match=said):
            NoiseManifest.from_json(tmp_path / name)


@pytest.mark.parametrize(
    ("y", "labels", "classes"),
    [
        ([1, 2, 3, 1], [1, 2, 1, 2], [1, 2, 3]),  # nobody gave 3
        ([1, 2, 3, 1], [1, 4, 3, 0], [0, 1, 2, 3, 4]),  # 0 and 4 are classes of people alone
        (["a", "b", "a", "b"], ["a", "b", "cc", "b"], ["a", "b", "cc"]),
        (np.array([1, 2, 3, 1], dtype=np.int8), [1.0, 2.0, 1.0, 2.0], [1, 2, 3]),  # a column that once had gaps
        ([True, False, True, True], [1, 0, 0, 1], [False, True]),
        (np.array(["2026-01-01", "2026-01-02"], "M8[ns]"), np.array(["2026-01-01"] * 2, "M8[s]"), None),
        ([1, 1], [1, 2], [1, 2]),
    ],
)
def test_right_05_human_labels_are_labels(y, labels, classes):
    noisy, manifest = corrupt(y, "human", labels=labels)
    assert (noisy == np.asarray(labels)).all()
    assert classes is None or manifest.classes == classes
    assert manifest.realised_rate == pytest.approx(np.mean(np.asarray(y) != np.asarray(labels)))
    assert noisy.dtype == np.asarray(y).dtype or classes == ["a", "b", "cc"]
    assert NoiseManifest.from_json(manifest.to_json()).verify(noisy)


@pytest.mark.parametrize(
    ("y", "labels", "message"),
    [
        ([0, 1, 2], [0, np.nan, 2], "labels has 1 missing labels, the first at position 1"),
        ([0, 1, 2], [0, 0.95, 1.9], "like those of y .*0, 1, 2.* Got 0.95"),
        ([0, 1, 2], ["a", "b", "c"], "Got 'a'"),
        (["a", "b", "a"], [0, 1, 0], "Got 0. If they are codes, pass the classes that they stand for"),
        ([0, 1, 2], [0, 1], "must be 3 labels, one a true label. Got 2"),
        ([0, 1, 2], [[0], [1], [2]], "one-dimensional"),
        ([0, 1, 2], np.ma.masked_array([0, 1, 2], [0, 0, 1]), "1 missing labels, the first at position 2"),
        ([True, False, True], [0, 1, 2], "Got 2"),
    ],
)
def test_right_05_human_labels_of_another_kind_are_refused(y, labels, message):
    with pytest.raises(ValueError, match=message):
        corrupt(y, "human", labels=labels)


def test_right_05_a_class_of_the_data_set_without_rows_is_kept():
    y = np.array([0, 9, 9, 2, 4, 5, 6])
    noisy, manifest = corrupt(y, AsymmetricCIFAR10Noise(1.0), random_state=0)
    assert noisy.tolist() == [0, 1, 1, 0, 7, 3, 6]
    assert manifest.classes == list(range(10))
    assert manifest.realised_rate_per_class[3] is None
    assert manifest.verify(noisy)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, y: corrupt(np.ma.masked_array(y, y == 1), "pair", rate=0.2), "y has 4 missing labels"),
        (lambda X, y: corrupt(np.where(y == 1, np.nan, y), "pair", rate=0.2), "y has 4 missing labels"),
        (lambda X, y: corrupt(np.array(["a", np.nan]), "pair", rate=0.2), "NumPy makes of a missing value"),
        (lambda X, y: corrupt(y, "instance", np.where(X > 8, np.nan, X), rate=0.2), r"X has 4 missing .* \(2, 3\)"),
        (lambda X, y: corrupt(y, "instance", np.where(X > 8, np.inf, X), rate=0.2), "X has 4 missing or infinite"),
        (lambda X, y: corrupt(y, "instance", np.ma.masked_array(X, X > 8), rate=0.2), "X has masked values"),
        (lambda X, y: corrupt(y, "instance", X[1:], rate=0.2), "one row a label"),
        (lambda X, y: corrupt(y, "instance", 3, rate=0.2), "one row a label"),
        (lambda X, y: corrupt(y, "instance", csr_matrix(X), rate=0.2), "X is a sparse matrix.* Pass X.toarray"),
        (lambda X, y: corrupt(y, "instance", [["x"]] * 12, rate=0.2), "X must hold numbers"),
        (lambda X, y: corrupt(y, "instance", X * 1e30, rate=0.2), "too large for 32-bit floats"),
        (lambda X, y: corrupt(y, MarginNoise(np.full((12, 3), np.nan))), "'posterior' has 36 missing values.*row 0"),
        (lambda X, y: corrupt(y, MarginNoise(np.full((12, 3), 0.5))), "rows that sum to 1. Got 12 other rows"),
        (lambda X, y: corrupt(y, MarginNoise([[1.5, -0.5, 0]] * 12)), "minimum -0.5"),
        (lambda X, y: corrupt(y, TransitionNoise([[np.nan, 1, 0]] * 3)), "'matrix' has 3 missing values"),
        (lambda X, y: corrupt(y, TransitionNoise([[None, 1, 0]] * 3)), "'matrix' has 3 missing values"),
        (lambda X, y: corrupt(y, TransitionNoise(np.ma.masked_array(np.eye(3), np.eye(3)))), "3 missing values"),
        (lambda X, y: corrupt(y, TransitionNoise([["a"] * 3] * 3)), "'matrix' must hold probabilities"),
        (lambda X, y: corrupt(y, SymmetricNoise(float("nan"))), r"'rate' must be a number in \[0, 1\]"),
        (lambda X, y: corrupt(y, SymmetricNoise(0.2, include_true="no")), "'include_true' must be a bool"),
        (lambda X, y: margin_flip_probability([0.5, np.nan], "I"), r"'margin' must be numbers in \[0, 1\]"),
        (lambda X, y: instance_probabilities(X, y, np.ones((3, 4, 3)), np.full(12, np.nan)), "'flip_rates' must be"),
        (lambda X, y: instance_probabilities(X * np.nan, y, np.ones((3, 4, 3)), np.ones(12)), "X has 48 missing"),
        (lambda X, y: check_noise_rate(y, np.where(y == 1, np.nan, y), 0.2), "noisy_y has 4 missing labels"),
        (lambda X, y: check_noise_rate(y, y.astype(str), 0.2), "No label of noisy_y is one of y. Got '0'"),
        (lambda X, y: check_noise_rate(y, y, np.nan), "'nominal_rate' must be a number"),
        (lambda X, y: inclusive_to_exclusive(0.2, 1), "'n_classes' must be an integer of at least 2"),
    ],
)
def test_right_22_missing_values_by_every_door(call, message):
    y = np.arange(12) % 3
    X = np.add.outer(y * 3.0, np.arange(4) * 0.8)
    with pytest.raises(ValueError, match=message):
        call(X, y)


def test_right_22_a_manifest_does_not_know_labels_that_are_missing():
    noisy, manifest = corrupt([1, 2, 3], "pair", rate=0.5, random_state=0)
    assert not manifest.verify([1, np.nan, 3])
    assert not manifest.verify(np.ma.masked_array(noisy, [0, 1, 0]))
    assert not manifest.verify(noisy[:, None].tolist())


TYPES = {
    "numbers as objects": np.array([np.int64(1), np.int64(2), np.int64(3)], dtype=object),
    "bytes": np.array([b"a", b"b", b"c"]),
    "days": np.array(["2026-01-01", "2026-01-02", "2026-01-03"], "M8[D]"),
    "nanoseconds": np.array(["2026-01-01", "2026-01-02", "2026-01-03"], "M8[ns]"),
    "dates": np.array([datetime.date(2026, 1, day) for day in (1, 2, 3)], dtype=object),
    "both sides of 2**63": np.array([1, 2**63 + 5, 2**63 + 6], dtype=np.uint64),
    "a NUL at the end": np.array(["abc", "abc\0", "x"], dtype=object),
    "small": np.array([1, 2, 3], dtype=np.int8),
    "floats": np.array([0.1, 0.2, 0.3], dtype=np.float32),
    "variable texts": np.array(["abc", "abc\0", "x"], dtype=getattr(np.dtypes, "StringDType", lambda: object)()),
}


@pytest.mark.parametrize("classes", TYPES.values(), ids=TYPES)
def test_right_23_a_manifest_read_back_verifies_its_own_labels(classes, tmp_path):
    noisy, manifest = corrupt(classes[np.arange(60) % 3], "pair", rate=0.3, random_state=0)
    assert noisy.dtype == classes.dtype
    assert 0 < manifest.realised_rate < 1
    manifest.to_json(tmp_path / "noise.json")
    again = NoiseManifest.from_json(tmp_path / "noise.json")
    assert again == manifest
    changed = noisy.copy()
    changed[0] = noisy[noisy != noisy[0]][0]
    for known in (manifest, again):
        assert known.verify(noisy)
        assert known.verify(pd.Series(noisy.astype(object) if classes.dtype.kind in "ST" else noisy))
        assert not known.verify(changed)


def test_right_23_lists_that_numpy_would_change_keep_their_labels():
    for y in (["abc", "abc\0", "x"], [1, 2**63 + 5, 2**63 + 6]):
        noisy, manifest = corrupt(y, "pair", rate=1.0)
        assert noisy.tolist() == [*y[1:], y[0]]
        assert manifest.classes == y
    with pytest.raises(ValueError, match="y mixes types that cannot be compared"):
        corrupt([1, "1"], "pair", rate=0.5)


def test_right_23_parameters_given_as_scalars_of_numpy_are_recorded():
    noise = SymmetricNoise(np.float64(0.4), include_true=np.bool_(False), exact=np.True_)
    manifest = corrupt(LABELS, noise, random_state=np.int64(3))[1]
    assert manifest.parameters == {"rate": 0.4, "include_true": False, "exact": True}
    assert NoiseManifest.from_json(manifest.to_json()) == manifest
    assert corrupt(LABELS, "instance", np.ones((10_000, 1)), rate=np.float32(0.25))[1].parameters["rate"] == 0.25


NAMES = ["dog", "cat", "cow"]
TABLE = pd.DataFrame([[1.0, 0, 0], [0, 1, 0], [0.5, 0.5, 0]], NAMES, NAMES)  # only cows change


def test_right_23_a_table_is_read_by_its_names():
    y = np.array(["cat", "cow", "dog"])[np.arange(240) % 3]
    noisy, manifest = corrupt(y, TransitionNoise(TABLE), random_state=0)
    assert (noisy != y).sum() == 80
    assert (noisy[y != "cow"] == y[y != "cow"]).all()
    assert manifest.matrix == [[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]]
    shuffled = TABLE[["cow", "dog", "cat"]]
    assert np.array_equal(corrupt(y, TransitionNoise(shuffled), random_state=0)[0], noisy)
    noisy, manifest = corrupt(["cow", "cow"], TransitionNoise(TABLE), random_state=0)
    assert manifest.classes == ["cat", "cow", "dog"]  # without a row
    assert manifest.verify(noisy)
    posterior = pd.DataFrame([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]], columns=NAMES)
    assert corrupt(["cow", "cat"], MarginNoise(posterior, "II"), random_state=0)[0].tolist() == ["cat", "cow"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            TABLE.rename(index={"cow": "bull"}),
            "no row for the class 'cow' of y. Its rows are named 'dog', 'cat', 'bull'",
        ),
        (TABLE.rename(columns={"cow": "bull"}), "whose columns must be named by the 3 classes"),
        (TABLE.reset_index(drop=True), "no row for the class 'cat'.*to_numpy"),
        (pd.DataFrame(np.eye(4), [*NAMES, "cow"], [*NAMES, "cow"]), "whose rows must be named by the 3 classes"),
        (TABLE.replace(1.0, np.nan), "'matrix' has 2 missing values"),
        (TABLE.astype("Float64").mask(TABLE == 1), "'matrix' has 2 missing values"),
    ],
)
def test_right_23_a_table_with_other_names_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        corrupt(["cat", "cow", "dog"], TransitionNoise(table))


def test_a_matrix_may_be_a_tensor():
    assert corrupt([0, 1], TransitionNoise(torch.tensor([[0.0, 1], [1, 0]], requires_grad=True)))[0].tolist() == [1, 0]
    half = torch.tensor([[0.0, 1], [1, 0]], dtype=torch.bfloat16)
    assert corrupt([0, 1], TransitionNoise(half))[0].tolist() == [1, 0]


@pytest.mark.parametrize("noise", [SymmetricNoise(0.4), PairNoise(0.4), "transition", "instance", "margin"])
def test_right_24_a_thousand_classes_take_no_memory_of_labels_times_classes(noise):
    y = np.arange(20_000) % 1000  # a matrix of labels times classes has 160 MB, and one of classes 8 MB
    if noise == "transition":
        noise = TransitionNoise(np.full((1000, 1000), 0.001))
    elif noise == "margin":
        noise = MarginNoise(np.full((20_000, 1000), 0.001, dtype=np.float32))
    tracemalloc.start()
    noise = InstanceNoise(0.4) if noise == "instance" else noise
    codes = noise.sample(y, 1000, np.ones((len(y), 8)), np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert codes.max() < 1000
    assert peak < 60


def test_right_24_of_more_than_a_thousand_classes_a_manifest_holds_rates_and_no_matrices():
    noisy, manifest = corrupt(np.arange(3003) % 1001, "pair", rate=0.25, random_state=0)
    assert manifest.matrix is None
    assert manifest.realised_matrix is None
    assert manifest.nominal_rate_per_class == [0.25] * 1001
    assert np.mean(manifest.realised_rate_per_class) == pytest.approx(manifest.realised_rate)
    assert NoiseManifest.from_json(manifest.to_json()).verify(noisy)


@pytest.mark.parametrize(
    ("noise", "start"),
    [
        (SymmetricNoise(0.4), "43b5a2a3e766"),
        (SymmetricNoise(0.3, False, True), "3a5a1edc5e64"),
        (PairNoise(0.3), "bce7d6055889"),
        (InstanceNoise(0.3), "15ed6f35555a"),
        (AsymmetricCIFAR10Noise(0.4), "a198899afbc8"),
        (TransitionNoise(np.random.default_rng(1).dirichlet([0.3] * 10, 10)), "4a381d27d1a7"),
        (MarginNoise(np.random.default_rng(1).dirichlet([0.3] * 10, 50_000), "II"), "acf2bd24131c"),
    ],
)
def test_right_24_a_seed_gives_the_labels_that_it_always_gave(noise, start):
    X = np.random.default_rng(0).integers(0, 16, (N, 6))
    assert corrupt(Y, noise, X, random_state=7)[1].hash.startswith(start)


class Careless(PairNoise):
    """What others may write: it returns whatever it was given."""

    def sample(self, codes, n_classes, X, rng):
        return self.rate


@pytest.mark.parametrize("returned", [np.array([0, -1, 1]), np.array([0, 1, 3]), np.array([0, 1]), np.zeros(3), None])
def test_right_22_codes_that_are_none_are_refused(returned):
    with pytest.raises(ValueError, match=r"Careless.sample must return 3 integer codes in 0..2. Got"):
        corrupt([1, 2, 3], Careless(returned))


def test_a_noise_keeps_to_its_contract_with_many_classes():
    check_noise(SymmetricNoise(0.4), n_classes=40)
