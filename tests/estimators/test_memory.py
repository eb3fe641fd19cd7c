"""Held-out rows, trusted rows and both stages of Filter-KD train on the samples as they stand in memory: no copy."""

import sys

import numpy as np
import pytest

from benchmarks.studies.scale import OwnMemory
from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier
from noisylabel.students import MLP

N = 60_000
Y = np.random.default_rng(0).integers(0, 3, N)
TRUSTED = np.where(np.arange(N) % 5 == 0, np.where(np.arange(N) % 3 == 0, (Y + 1) % 3, Y), -1)
FITS = {
    "held-out rows": (MentorNetClassifier, {"validation_fraction": 0.4}, {}),
    "trusted rows": (MentorNetClassifier, {"curriculum": "data_driven", "validation_fraction": 0.4}, {}),
    "estimated": (MentorNetClassifier, {"loss_percentile": "auto", "validation_fraction": 0.4}, {}),
    "mixes": (MentorMixClassifier, {"loss_percentile": 0.7, "validation_fraction": 0.4}, {}),
    "Filter-KD": (FilterKDClassifier, {"validation_fraction": 0.4}, {}),
    "early stopped": (FilterKDClassifier, {"teacher": "early_stopped", "validation_fraction": 0.4}, {}),
    "weighted": (MentorNetClassifier, {"validation_fraction": 0.4}, {"sample_weight": np.arange(N) % 3}),
}


@pytest.fixture(scope="module")
def samples():
    X = np.random.default_rng(0).standard_normal((N, 512), dtype=np.float32)
    X[np.arange(N), Y] += 4
    return X


@pytest.mark.filterwarnings("ignore::noisylabel.exceptions.NoisyLabelWarning")  # so few epochs teach little
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", FITS)
def test_no_second_copy_of_the_samples(name, samples):
    kind, parameters, more = FITS[name]
    settings = {"student": MLP((4,)), "max_epochs": 2, "batch_size": 512, "random_state": 0, "standardize": False}
    if name == "trusted rows":
        more = {"y_trusted": TRUSTED}
    kind(**settings, **parameters).fit(samples[:2000], Y[:2000], **{k: v[:2000] for k, v in more.items()})
    with OwnMemory() as memory:
        kind(**settings, **parameters).fit(samples, Y, **more)
    assert memory.peak_ - memory.before_ < 0.35 * samples.nbytes  # 40 % of the rows alone are more
