"""Noise: matrices of probabilities, labels that follow them, and manifests that come back from JSON as they were."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from noisylabel import corrupt
from noisylabel.noise import (
    AsymmetricCIFAR10Noise,
    NoiseManifest,
    PairNoise,
    RingCIFAR100Noise,
    SymmetricNoise,
    TransitionNoise,
    exclusive_to_inclusive,
    inclusive_to_exclusive,
    instance_probabilities,
    margin_flip_probability,
)

RATES = st.floats(0, 1)
SEEDS = st.integers(0, 2**32 - 1)
CLASSES = st.integers(2, 12)


@st.composite
def noises(draw):
    """A noise that has a matrix, and a number of classes that it takes."""
    rate, n_classes = draw(RATES), draw(CLASSES)
    kind = draw(st.sampled_from(["symmetric", "pair", "asymmetric", "ring"]))
    if kind == "symmetric":
        return SymmetricNoise(rate, include_true=draw(st.booleans()), exact=draw(st.booleans())), n_classes
    if kind == "pair":
        return PairNoise(rate), n_classes
    return (AsymmetricCIFAR10Noise(rate), 10) if kind == "asymmetric" else (RingCIFAR100Noise(rate), 100)


@given(noises())
def test_rows_of_a_matrix_are_probabilities(drawn):
    noise, n_classes = drawn
    matrix = noise.transition_matrix(n_classes)
    assert matrix.shape == (n_classes, n_classes)
    assert ((matrix >= -1e-12) & (matrix <= 1 + 1e-12)).all()
    np.testing.assert_allclose(matrix.sum(axis=1), 1)


@given(RATES, CLASSES)
def test_the_diagonal_is_what_stays_right(rate, n_classes):
    changed = {
        SymmetricNoise(rate): inclusive_to_exclusive(rate, n_classes),
        SymmetricNoise(rate, include_true=False): rate,
        PairNoise(rate): rate,
    }
    for noise, share in changed.items():
        np.testing.assert_allclose(np.diag(noise.transition_matrix(n_classes)), 1 - share, atol=1e-12)


@given(RATES, st.integers(2, 1000))
@example(1.0, 6)
def test_both_conventions_of_the_rate_lead_back_to_the_other(rate, n_classes):
    exclusive = inclusive_to_exclusive(rate, n_classes)
    assert 0 <= exclusive <= rate
    assert exclusive_to_inclusive(exclusive, n_classes) == pytest.approx(rate, abs=1e-12)


@given(RATES, CLASSES)
def test_both_conventions_are_the_same_matrix_at_the_converted_rate(rate, n_classes):
    inclusive = SymmetricNoise(rate).transition_matrix(n_classes)
    exclusive = SymmetricNoise(inclusive_to_exclusive(rate, n_classes), include_true=False)
    np.testing.assert_allclose(exclusive.transition_matrix(n_classes), inclusive, atol=1e-12)


@given(RATES, CLASSES, st.integers(1, 300), SEEDS)
def test_exact_noise_without_the_true_class_changes_exactly_its_share(rate, n_classes, n_samples, seed):
    codes = np.r_[np.arange(n_classes), np.random.default_rng(seed).integers(0, n_classes, n_samples)]
    _, manifest = corrupt(codes, SymmetricNoise(rate, include_true=False, exact=True), random_state=seed)
    assert manifest.realised_rate == pytest.approx(int(round(len(codes) * rate, 9)) / len(codes))


@given(noises(), SEEDS)
def test_the_realised_rate_is_near_the_promised_one(drawn, seed):
    noise, n_classes = drawn
    y = np.arange(5000) % n_classes
    expected = 1 - np.trace(noise.transition_matrix(n_classes)) / n_classes
    _, manifest = corrupt(y, noise, random_state=seed)
    assert manifest.realised_rate == pytest.approx(expected, abs=5 * 0.5 / np.sqrt(len(y)))


@given(SEEDS, st.integers(2, 5))
def test_no_label_goes_where_the_matrix_has_a_zero(seed, n_classes):
    rng = np.random.default_rng(seed)
    allowed = (rng.random((n_classes, n_classes)) < 0.5) | np.eye(n_classes, dtype=bool)
    matrix = np.where(allowed, rng.random((n_classes, n_classes)) + 0.01, 0)
    matrix /= matrix.sum(axis=1, keepdims=True)
    y = np.arange(50 * n_classes) % n_classes
    noisy, _ = corrupt(y, TransitionNoise(matrix), random_state=seed)
    assert allowed[y, noisy].all()


@given(SEEDS, st.integers(2, 5), st.integers(1, 30))
def test_instance_noise_keeps_a_label_with_what_its_flip_rate_leaves(seed, n_classes, n_samples):
    rng = np.random.default_rng(seed)
    X, projections = rng.normal(size=(n_samples, 3)), rng.normal(size=(n_classes, 3, n_classes))
    codes, flip_rates = rng.integers(0, n_classes, n_samples), rng.random(n_samples)
    probabilities = instance_probabilities(X, codes, projections, flip_rates)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities[np.arange(n_samples), codes], 1 - flip_rates)


@given(st.sampled_from(["I", "II", "III"]), RATES, RATES)
def test_margin_noise_flips_less_the_surer_the_posterior(kind, one, other):
    low, high = sorted((one, other))
    of_low, of_high = margin_flip_probability(np.array([low, high]), kind)
    assert 1 >= of_low >= of_high - 1e-12 >= -2e-12


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=6)
KINDS_OF_LABELS = {
    "integers": st.integers(-(2**62), 2**62),
    "words": WORDS,
    "booleans": st.booleans(),
}


@st.composite
def true_labels(draw):
    """Labels of at least two classes, as a list, an array or a pandas Series of several types."""
    kind = draw(st.sampled_from(sorted(KINDS_OF_LABELS)))
    labels = draw(st.lists(KINDS_OF_LABELS[kind], min_size=2, max_size=30).filter(lambda y: len(set(y)) > 1))
    dtypes = {"integers": ["int64", "Int64"], "words": ["object", "string"], "booleans": ["bool", "boolean"]}
    container = draw(st.sampled_from(["list", "array", "object", "category", *dtypes[kind]]))
    if container in ("list", "array"):
        return labels if container == "list" else np.array(labels)
    return pd.Series(labels, dtype=container)


@given(true_labels(), RATES, SEEDS, st.sampled_from(["symmetric", "pair"]))
def test_a_manifest_comes_back_from_json_as_it_was_and_knows_its_labels(y, rate, seed, noise):
    noisy, manifest = corrupt(y, noise, rate=rate, random_state=seed)
    again = NoiseManifest.from_json(manifest.to_json())
    assert again == manifest
    assert again.verify(noisy)
    assert again.verify(noisy.tolist())
    assert again.classes == sorted(set(y))
    assert again.realised_rate == (noisy != np.asarray(y)).mean()


@given(true_labels(), SEEDS, st.data())
def test_a_manifest_knows_one_changed_label(y, seed, data):
    noisy, manifest = corrupt(y, "symmetric", rate=0.5, random_state=seed)
    row = data.draw(st.integers(0, len(noisy) - 1))
    other = data.draw(st.sampled_from([label for label in manifest.classes if label != noisy[row]]))
    changed = noisy.copy()
    changed[row] = other
    assert not manifest.verify(changed)
    assert not manifest.verify(noisy[:-1])


@given(true_labels(), SEEDS)
def test_a_manifest_does_not_know_labels_of_another_kind(y, seed):
    noisy, manifest = corrupt(y, "symmetric", rate=0.5, random_state=seed)
    for strangers in ([f"no {label}" for label in noisy], [None] * len(noisy), [0.5] * len(noisy), []):
        assert not manifest.verify(strangers)


@given(true_labels(), RATES, SEEDS)
def test_the_seed_of_a_manifest_makes_the_labels_again(y, rate, seed):
    noisy, manifest = corrupt(y, "symmetric", rate=rate, random_state=seed)
    again, _ = corrupt(y, "symmetric", random_state=manifest.seed, **{"rate": rate})
    assert np.array_equal(again, noisy)
    assert noisy.dtype == np.asarray(y).dtype
