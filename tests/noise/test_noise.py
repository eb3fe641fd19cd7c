"""Noise models against their definitions."""

import json

import numpy as np
import pytest

from noisylabel import corrupt
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
    noisy, manifest = corrupt(np.array(["a", "b", "b", "a"]), HumanNoise([0, 1, 0, 0], source="a crowd"))
    assert noisy.tolist() == ["a", "b", "a", "a"]
    assert manifest.realised_rate == 0.25
    assert manifest.nominal_rate is None
    assert "a crowd" in manifest.definition
    with pytest.raises(ValueError, match="must be 4 codes in 0..1"):
        corrupt(np.array(["a", "b", "b", "a"]), HumanNoise([0, 1, 2, 0]))


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


def test_something_else_is_no_manifest():
    with pytest.raises(ValueError, match="not a noise manifest"):
        NoiseManifest.from_json('{"rate": 0.4}')
