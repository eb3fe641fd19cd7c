"""Prediction from an image and its mirror image."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from torch.utils.data import TensorDataset

import noisylabel
from noisylabel import FilterKDClassifier, MentorMixClassifier, MentorNetClassifier, load_checkpoint
from noisylabel.exceptions import InvalidParameterError
from noisylabel.students import SmallCNN

QUICK = {"student": SmallCNN((4, 8)), "max_epochs": 2, "batch_size": 16, "random_state": 0}


def mean_of_views(clf, X):
    """Softmax of the mean logits, from two calls without the option."""
    views = [clf.net_.forward_iter(torch.as_tensor(np.ascontiguousarray(x))) for x in (X, X[..., ::-1])]
    first, second = (torch.cat(list(logits)).double() for logits in views)
    return ((first + second) / 2).softmax(1).numpy()


@pytest.mark.parametrize(
    "kind", [MentorNetClassifier, partial(MentorMixClassifier, loss_percentile=0.7), FilterKDClassifier]
)
def test_it_is_the_mean_of_both_views_and_changes_no_training(images, kind):
    X, y = images
    plain = kind(**QUICK).fit(X, y)
    clf = kind(**QUICK, predict_flipped=True).fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X), mean_of_views(plain, X), rtol=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X[..., ::-1].copy()), clf.predict_proba(X), rtol=1e-6)
    assert not np.array_equal(plain.predict_proba(X), clf.predict_proba(X))
    assert clf.score(X, y) == (clf.predict(X) == y).mean()
    plain.set_params(predict_flipped=True)
    assert np.array_equal(plain.predict_proba(X), clf.predict_proba(X))


def test_it_works_in_a_pipeline_with_datasets_and_after_saving(images, tmp_path):
    X, y = images
    clf = make_pipeline(MentorNetClassifier(**QUICK, predict_flipped=True, checkpoint_dir=tmp_path / "run")).fit(X, y)
    expected = clf.predict_proba(X)
    clf[-1].save(tmp_path / "saved")
    for again in (noisylabel.load(tmp_path / "saved"), load_checkpoint(tmp_path / "run")):
        assert np.array_equal(again.predict_proba(X), expected)
    assert np.array_equal(clf[-1].predict_proba(TensorDataset(torch.as_tensor(X))), expected)
    exported = clf[-1].export_program().module()(torch.as_tensor(X)).numpy()
    np.testing.assert_allclose(exported, expected, atol=1e-5)


def test_a_run_goes_on_with_the_option_changed(images, tmp_path):
    X, y = images
    MentorNetClassifier(**QUICK, checkpoint_dir=tmp_path).fit(X, y)
    clf = MentorNetClassifier(**QUICK, checkpoint_dir=tmp_path, predict_flipped=True).fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X), mean_of_views(clf, X), rtol=1e-6)


def test_a_table_has_no_mirror_image(blobs):
    with pytest.raises(InvalidParameterError, match=r"'predict_flipped' mirrors images .* Got samples of shape \(5,\)"):
        MentorNetClassifier(predict_flipped=True).fit(*blobs)
    clf = MentorNetClassifier(max_epochs=1).fit(*blobs).set_params(predict_flipped=True)
    with pytest.raises(InvalidParameterError, match="use predict_flipped=False"):
        clf.predict(blobs[0])
