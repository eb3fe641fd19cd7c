"""The callback that records the losses of trusted rows."""

import numpy as np
import pytest
from skorch.callbacks import EarlyStopping

from noisylabel import MentorNetClassifier
from noisylabel.callbacks import StudentRecorder
from noisylabel.curricula.learned import learn_from_records, read_records
from noisylabel.exceptions import InvalidDataError, InvalidParameterError, NoisyLabelWarning
from noisylabel.mentors import PercentileMentor


def test_it_records_the_losses_that_the_mentor_saw(blobs, monkeypatch, tmp_path):
    X, y = blobs
    noisy = np.where(np.arange(120) % 4 == 0, (y + 1) % 3, y)
    seen = []
    weigh = PercentileMentor.weigh
    monkeypatch.setattr(PercentileMentor, "weigh", lambda self, obs: (seen.append(obs), weigh(self, obs))[1])
    recorder = StudentRecorder(noisy, np.where(np.arange(120) < 50, y, -1), at=(60, 25), path=tmp_path / "r.csv")
    clf = MentorNetClassifier(loss_percentile=0.7, max_epochs=4, batch_size=30, callbacks=[recorder], random_state=0)
    clf.fit(X, noisy)
    found = recorder.records_
    assert found["sample_id"].tolist() == [*range(50), *range(50)]
    assert found["epoch"].tolist() == [25] * 50 + [60] * 50
    assert (found["noisy_label"] == noisy[found["sample_id"]]).all()
    assert (found["clean_label"] == y[found["sample_id"]]).all()
    losses = np.full(120, np.nan)
    for observation in seen[:4]:  # the first epoch of four
        losses[observation.rows] = observation.losses
    assert found["loss"][:50].tolist() == losses[:50].tolist()
    written = read_records(tmp_path / "r.csv")
    assert np.allclose(written["loss"], found["loss"], rtol=1e-6)
    assert (written["noisy_label"] == written["clean_label"]).mean() == pytest.approx(0.74)


def test_strings_and_learning_from_it(digits, tmp_path):
    names = np.array([f"digit {c}" for c in range(10)])
    y_trusted = np.where(np.arange(len(digits.target)) < 500, names[digits.target], None)
    noisy = names[digits.noisy]
    recorder = StudentRecorder(noisy, y_trusted, at=(20, 60, 99), path=tmp_path / "r.parquet")
    MentorNetClassifier("uniform", max_epochs=20, callbacks=[recorder], random_state=0).fit(digits.data, noisy)
    learned = learn_from_records(tmp_path / "r.parquet", percentile=0.6, n_steps=1000, random_state=0)
    assert learned.card["learned_from"]["epoch_percents"] == [20, 60, 99]
    assert learned.card["fit"]["weight_right"] > learned.card["fit"]["weight_wrong"] + 0.3


def test_training_that_ends_early_keeps_the_network(blobs):
    X, y = blobs
    recorder = StudentRecorder(y[:, None], y, at=(10, 99))
    stopper = EarlyStopping(monitor="train_loss", patience=1, threshold=10.0)
    clf = MentorNetClassifier("uniform", max_epochs=50, callbacks=[recorder, stopper], random_state=0)
    with pytest.warns(NoisyLabelWarning, match="no records of them"):
        clf.fit(X, y)
    assert clf.n_iter_ < 5
    assert list(recorder.records_.columns) == ["sample_id", "epoch", "noisy_label", "clean_label", "loss"]
    assert len(recorder.records_) == 0


def test_bad_input(blobs):
    X, y = blobs

    def fit(recorder, **options):
        MentorNetClassifier(max_epochs=1, callbacks=[recorder], **options).fit(X, y)

    with pytest.raises(InvalidParameterError, match="120 labels, but training has 96 rows.*validation_fraction=0"):
        fit(StudentRecorder(y, y), validation_fraction=0.2)
    with pytest.raises(InvalidParameterError, match="'at' must hold whole percents"):
        fit(StudentRecorder(y, y, at=(0.5,)))
    with pytest.raises(InvalidDataError, match="'y_trusted' has the label 7"):
        fit(StudentRecorder(y, np.full(120, 7)))
