"""The record of a corruption."""

import json

import numpy as np
import pytest

from noisylabel import corrupt
from noisylabel.noise import NoiseManifest, check_noise_rate

Y = np.array(["ant", "bee", "cow", "dog"] * 2500)


def test_round_trip_through_json_and_file(tmp_path):
    noisy, manifest = corrupt(Y, "symmetric", rate=0.5, random_state=3)
    assert NoiseManifest.from_json(manifest.to_json()) == manifest
    manifest.to_json(tmp_path / "noise.json")
    assert NoiseManifest.from_json(tmp_path / "noise.json") == manifest
    assert [path.name for path in tmp_path.iterdir()] == ["noise.json"]
    assert manifest.seed == 3
    assert manifest.classes == ["ant", "bee", "cow", "dog"]
    assert json.loads(manifest.to_json())["parameters"] == {"rate": 0.5, "include_true": True, "exact": False}


def test_rates_and_matrix_are_counted():
    noisy, manifest = corrupt(Y, "pair", rate=0.3, random_state=0)
    per_class = [(noisy[name == Y] != name).mean() for name in manifest.classes]
    assert manifest.realised_rate_per_class == pytest.approx(per_class)
    assert np.sum(manifest.realised_matrix, axis=1) == pytest.approx(1)
    assert manifest.matrix[0] == pytest.approx([0.7, 0.3, 0, 0])


def test_hash_knows_its_labels():
    noisy, manifest = corrupt(Y, "symmetric", rate=0.2, random_state=0)
    assert manifest.verify(noisy)
    assert not manifest.verify(Y)
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
    noisy, manifest = corrupt(Y, "symmetric", rate=np.float32(0.4))
    assert np.array_equal(corrupt(Y, "symmetric", rate=np.float32(0.4), random_state=manifest.seed)[0], noisy)
    assert NoiseManifest.from_json(manifest.to_json()) == manifest
    assert corrupt(Y, "pair", rate=0.4, random_state=np.random.default_rng(0))[1].seed is None


def test_no_noise_and_pairs_are_not_taken_for_another_convention():
    assert corrupt(Y, "symmetric", rate=0.0)[1].check() == "Your 0 % is 0 %: as promised, up to chance."
    y = np.arange(5000) % 100
    said = [corrupt(y, "pair", rate=0.4, random_state=seed)[1].check() for seed in range(6)]
    assert {text.split(": ")[1] for text in said} == {"as promised, up to chance."}


def test_nominal_rate_per_class():
    assert corrupt(Y, "symmetric", rate=0.4)[1].nominal_rate_per_class == pytest.approx([0.3] * 4)


def test_something_else_is_no_manifest():
    with pytest.raises(ValueError, match="not a noise manifest"):
        NoiseManifest.from_json('{"rate": 0.4}')
