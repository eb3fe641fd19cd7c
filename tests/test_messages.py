"""The messages of the commonest mistakes, word for word; ``golden/messages.txt`` holds them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from noisylabel import MentorNetClassifier
from noisylabel.exceptions import NoisyLabelError
from noisylabel.students import SmallCNN

Y = np.repeat(np.arange(3), 8)
X = (np.random.default_rng(0).normal(size=(24, 5)) + 4 * Y[:, None]).astype(np.float32)
IMAGES = np.random.default_rng(1).integers(0, 256, (12, 3, 12, 12)).astype(np.uint8)


def golden_messages():
    """Return what stands in the golden file: a name in brackets, and on the next line its message."""
    lines = (Path(__file__).parent / "golden" / "messages.txt").read_text().splitlines()
    return {name.strip("[]"): message for name, message in zip(lines[::3], lines[1::3], strict=True)}


def fit(X=X, y=Y, **parameters):
    return MentorNetClassifier(**{"max_epochs": 2, "loss_percentile": 0.7, "random_state": 0} | parameters).fit(X, y)


def changed(array, row, value):
    array = array.astype(float)
    array.flat[row] = value
    return array


def predict_other_images(folder):
    return fit(IMAGES, np.arange(12) % 2, student=SmallCNN((4,))).predict(IMAGES[:, :, :10, :10])


def go_on_with_another_rate(folder):
    fit(checkpoint_dir=folder)
    return fit(checkpoint_dir=folder, lr=0.1)


# What goes wrong, and what the message must say: the parameter, what is allowed, what came, and what to do.
MISTAKES = {
    "unknown curriculum": (
        lambda folder: fit(curriculum="selfpaced"),
        ("'curriculum'", "one of ['uniform', ", "Got 'selfpaced'", "Did you mean 'self_paced'?"),
    ),
    "percentile in percent": (
        lambda folder: fit(loss_percentile=70),
        ("'loss_percentile'", "a number in [0, 1]", "Got 70", "0.7 for 70 %"),
    ),
    "y with NaN": (
        lambda folder: fit(y=changed(Y, 3, np.nan)),
        ("y has", "missing", "1 missing labels, the first at position 3", "Drop those rows"),
    ),
    "y is measured": (
        lambda folder: fit(y=np.linspace(0, 1, 24)),
        ("y must", "classes (integers, strings or booleans)", "Got 0.0, 0.043", "y.astype(int) or numpy.digitize"),
    ),
    "one class": (
        lambda folder: fit(y=np.full(24, "cat")),
        ("y must", "at least 2 classes", "Got 1 class: 'cat'", "Check that y is the right column"),
    ),
    "numbers of samples": (
        lambda folder: fit(y=Y[:-1]),
        ("y has", "one label for each sample", "X has 24 samples, but y has 23 labels", "Give one label"),
    ),
    "another image size at predict": (
        predict_other_images,
        ("X has", "fitted on samples of shape (3, 12, 12)", "samples of shape (3, 10, 10)", "Resize or reshape X"),
    ),
    "channels last": (
        lambda folder: fit(IMAGES.transpose(0, 2, 3, 1), np.arange(12) % 2),
        ("X has samples of shape", "(N, channels, height, width)", "(12, 12, 3)", "pass X.transpose(0, 3, 1, 2)"),
    ),
    "another run's folder": (
        go_on_with_another_rate,
        ("'checkpoint_dir'", "Use the same to go on", "lr was 0.002, is 0.1", "another folder for a new run"),
    ),
    "burn-in as a fraction": (
        lambda folder: fit(burn_in=0.18),
        ("'burn_in'", "a percent of training", "Got 0.18", "18 for 18 %"),
    ),
}


def message_of(mistake, folder):
    with pytest.raises(NoisyLabelError) as caught:
        mistake(folder)
    return str(caught.value).replace(str(folder), "FOLDER")


@pytest.mark.parametrize("name", MISTAKES)
def test_the_message_is_the_golden_one(name, tmp_path):
    mistake, _ = MISTAKES[name]
    assert message_of(mistake, tmp_path) == golden_messages()[name]


@pytest.mark.parametrize("name", MISTAKES)
def test_the_message_says_what_is_allowed_what_came_and_what_to_do(name):
    _, parts = MISTAKES[name]
    assert len(parts) == 4
    assert [part for part in parts if part not in golden_messages()[name]] == []


def test_every_golden_message_has_its_mistake():
    assert golden_messages().keys() == MISTAKES.keys() | {"no CUDA"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_cuda_asked_for_and_absent(tmp_path):
    message = message_of(lambda folder: fit(device="cuda"), tmp_path)
    assert message == golden_messages()["no CUDA"]
    for part in ("'device'", "'cuda'", "torch sees no CUDA device here", "Use device='cpu'"):
        assert part in message


@pytest.mark.parametrize("where", ["fit", "predict"])
def test_nan_in_x_is_refused_by_scikit_learn(where):
    holed = changed(X, 7, np.nan)
    with pytest.raises(ValueError, match="Input X contains NaN") as caught:
        fit(holed) if where == "fit" else fit().predict(holed)
    assert str(caught.value).splitlines()[0] == "Input X contains NaN."
    assert "MentorNetClassifier does not accept missing values" in str(caught.value)
    assert "drop samples with missing values" in str(caught.value)


def test_predict_before_fit_says_to_fit():
    with pytest.raises(NotFittedError, match="This MentorNetClassifier instance is not fitted yet. Call 'fit'"):
        MentorNetClassifier().predict(X)
