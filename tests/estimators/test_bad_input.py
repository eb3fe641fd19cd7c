"""Bad input gets an error that names the parameter, what came, and what to do."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn
from torch.utils.data import ChainDataset, DataLoader, Dataset, TensorDataset

from noisylabel import MentorNetClassifier
from noisylabel.exceptions import InvalidDataError, InvalidParameterError
from noisylabel.students import SmallCNN


def fit(X, y, **parameters):
    return MentorNetClassifier(**({"max_epochs": 2} | parameters)).fit(X, y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity(blobs, value):
    X, y = blobs
    X[3, 2] = value
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        fit(X, y)


def test_nan_in_images(images):
    X, y = images
    X = X.astype(np.float32)
    X[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fit(X, y)


def test_lengths_differ(blobs):
    with pytest.raises(ValueError, match="X has 120 samples, but y has 119 labels. Give one label for each"):
        fit(blobs[0], blobs[1][:-1])


def test_right_12_score_wants_a_label_and_a_weight_for_each_sample(blobs):
    X, y = blobs
    clf = fit(X, y)
    for n_labels in (1, 50, 119):
        with pytest.raises(InvalidDataError, match=f"X has 120 samples, but y has {n_labels} labels. Give one label"):
            clf.score(X, y[:n_labels])
    with pytest.raises(ValueError, match="0 sample"):
        clf.score(X[:0], y[:0])
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(3,\), expected \(120,\)"):
        clf.score(X, y, [1, 2, 3])
    with pytest.raises(InvalidDataError, match="'sample_weight' is zero for every row"):
        clf.score(X, y, np.zeros(120))
    weight = np.arange(120) % 3
    assert clf.score(X, y, torch.as_tensor(weight)) == np.average(clf.predict(X) == y, weights=weight)


def test_one_class(blobs):
    with pytest.raises(InvalidDataError, match="at least 2 classes. Got 1 class: 'cat'"):
        fit(blobs[0], np.full(120, "cat"))


def test_empty():
    with pytest.raises(ValueError, match="0 sample"):
        fit(np.empty((0, 4)), np.empty(0))


def test_float_labels(blobs):
    with pytest.raises(InvalidDataError, match="Unknown label type.*measured numbers.*numpy.digitize"):
        fit(blobs[0], np.linspace(0, 1, 120))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("dtype", ["object", "category", "string"])
def test_missing_labels(blobs, missing, dtype):
    X, y = blobs
    labels = pd.Series(["a", "b"] * 60, dtype=dtype)
    labels[7] = missing
    with pytest.raises(InvalidDataError, match="y has 1 missing labels, the first at position 7. Drop those rows"):
        fit(X, labels)
    with pytest.raises(InvalidDataError, match="y has 1 missing labels"):
        fit(X, labels.tolist())


def test_mixed_labels(blobs):
    with pytest.raises(InvalidDataError, match="mixes types.*Make them all texts"):
        fit(blobs[0], np.array([1, "a"] * 60, dtype=object))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss_percentile": -0.2}, r"'loss_percentile' must be a number in \[0, 1\]. Got -0.2. Give a fraction"),
        ({"loss_percentile": "Auto"}, r"'loss_percentile' must be one of \['auto'\]. Got 'Auto'. Did you mean 'auto'"),
        ({"loss_percentile": "0.5,17"}, "'loss_percentile' got the schedule '0.5,17'.*add up to 100"),
        ({"burn_in": 0.18}, "'burn_in' is a percent of training: 18 for 18 %. Got 0.18"),
        ({"curriculum": "self-paced"}, "'curriculum' must be one of .* Got 'self-paced'. Did you mean 'self_paced'"),
        ({"curriculum": 7}, "'curriculum' must be a name, a MentorNet's file, a Curriculum or a function"),
        (
            {"example_dropout": "0.5,17,0.05", "loss_percentile": 0.7},
            "'example_dropout' got the schedule .* add up to 100",
        ),
        ({"burn_in": -1}, r"'burn_in' must be a number in \[0, 100\]"),
        ({"max_epochs": 0}, "'max_epochs' must be an integer of at least 1. Got 0"),
        ({"batch_size": 1.5}, "'batch_size' must be an integer of at least 1. Got 1.5"),
        ({"lr": 0}, r"'lr' must be a number in \(0, inf\)"),
        ({"optimizer": "sdg"}, "'optimizer' must be one of .* Did you mean 'sgd'"),
        ({"lr_schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"precision": "fp16"}, "'precision' must be one of"),
        ({"validation_fraction": 0.7}, "'validation_fraction' must be a number"),
        ({"augment": "shift"}, "'augment' 'shift' is for images"),
        ({"device": "warp"}, "'device' must be 'auto' or a torch device such as 'cpu' or 'cuda'"),
        ({"student": "cnn"}, "'student' SmallCNN takes images"),
    ],
)
def test_bad_parameters(blobs, parameters, message):
    with pytest.raises(InvalidParameterError, match=message):
        fit(*blobs, **parameters)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_cuda_asked_for_and_absent(blobs):
    with pytest.raises(
        InvalidParameterError, match="'device' is 'cuda', but torch sees no CUDA device here. Use device='cpu'"
    ):
        fit(*blobs, device="cuda")


def test_student_with_the_wrong_number_of_outputs(blobs):
    with pytest.raises(
        InvalidParameterError, match="must give 3 outputs a sample.*gives shape .7,.*change its last layer"
    ):
        fit(*blobs, student=nn.Linear(5, 7))


def test_student_for_another_input(blobs):
    with pytest.raises(InvalidParameterError, match=r"cannot take samples of shape \(5,\)"):
        fit(*blobs, student=nn.Linear(6, 3))


def test_builder_with_strange_arguments(blobs):
    with pytest.raises(InvalidParameterError, match=r"must take \(sample_shape, n_classes\) or nothing"):
        fit(*blobs, student=nn.Conv2d)
    with pytest.raises(InvalidParameterError, match=r"failed as builder\(\(5,\), 3\)"):
        fit(*blobs, student=nn.Linear)


def test_wrong_image_size_at_predict(images):
    X, y = images
    clf = fit(X, y, student=SmallCNN((4,)))
    with pytest.raises(
        InvalidDataError, match=r"samples of shape \(3, 10, 10\), but .* fitted on samples of shape \(3, 12, 12\)"
    ):
        clf.predict(X[:, :, :10, :10])
    with pytest.raises(InvalidDataError, match="Resize or reshape"):
        clf.predict(X.reshape(60, -1))
    for wrong in (list(X[:, :, :10, :10]), Samples(list(torch.as_tensor(X[:, :, :10, :10])))):
        with pytest.raises(InvalidDataError, match="Resize or reshape"):
            clf.predict(wrong)


def test_floats_up_to_one_after_training_on_bytes(images):
    X, y = images
    clf = fit(X, y, student=SmallCNN((4,)))
    with pytest.raises(
        InvalidDataError, match="fitted on uint8 images, 0 to 255, but these are floats of at most 1. Multiply"
    ):
        clf.predict(X / 255)
    assert np.array_equal(clf.predict_proba(X.astype(float)), clf.predict_proba(X))


def test_grey_images_without_channels(images):
    with pytest.raises(InvalidDataError, match=r"grey images without a channel axis.*pass X\[:, None\]"):
        fit(images[0][:, 0], images[1])


def test_channels_last_images():
    with pytest.raises(InvalidDataError, match=r"look like images with the channels last.*transpose\(0, 3, 1, 2\)"):
        fit(np.zeros((10, 32, 32, 3), np.uint8), np.arange(10) % 2)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_unfitted(blobs, method):
    with pytest.raises(NotFittedError):
        getattr(MentorNetClassifier(), method)(blobs[0])


def test_wrong_number_of_features_at_predict(blobs):
    with pytest.raises(ValueError, match="X has 4 features, but MentorNetClassifier is expecting 5"):
        fit(*blobs).predict(blobs[0][:, :4])


def test_holding_out_from_classes_of_one_row(blobs):
    with pytest.raises(InvalidDataError, match="'validation_fraction' needs a class with at least 2 rows"):
        fit(blobs[0][::40], blobs[1][::40], validation_fraction=0.3)


def test_negative_sample_weight(blobs):
    with pytest.raises(ValueError, match="[Nn]egative"):
        MentorNetClassifier().fit(*blobs, sample_weight=-np.ones(120))


@pytest.mark.parametrize("value", [-0.5, 1.5, float("nan")])
def test_curriculum_function_with_weights_out_of_range(blobs, value):
    with pytest.raises(InvalidParameterError, match=r"must return weights in \[0, 1\].*clamp\(0, 1\)"):
        fit(*blobs, curriculum=lambda loss, *_: torch.full_like(loss, value), loss_percentile=0.7, burn_in=0)


def test_curriculum_function_with_a_wrong_shape(blobs):
    with pytest.raises(InvalidParameterError, match="must return a tensor of shape"):
        fit(*blobs, curriculum=lambda loss, *_: loss.mean(), loss_percentile=0.7, burn_in=0)


class Samples(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, row):
        return self.items[row]


def test_dataset_without_labels():
    with pytest.raises(InvalidDataError, match="without labels.*or pass y"):
        MentorNetClassifier().fit(Samples([torch.zeros(3)] * 4))


def test_data_loader_and_stream(blobs):
    dataset = TensorDataset(torch.as_tensor(blobs[0]), torch.as_tensor(blobs[1]))
    with pytest.raises(InvalidDataError, match="X is a DataLoader. Pass its Dataset"):
        MentorNetClassifier().fit(DataLoader(dataset), blobs[1])
    with pytest.raises(InvalidDataError, match="is empty: it yields no samples"):
        MentorNetClassifier().fit(ChainDataset([]))


def test_dataset_of_pictures():
    with pytest.raises(InvalidDataError, match="samples of type str. Yield tensors"):
        MentorNetClassifier().fit(Samples([("picture", 0), ("picture", 1)]))


def test_dataset_of_different_shapes():
    with pytest.raises(InvalidDataError, match="must all have one shape"):
        MentorNetClassifier().fit(Samples([(torch.zeros(3), 0), (torch.zeros(4), 1)]))


def test_empty_dataset():
    with pytest.raises(InvalidDataError, match="The Dataset is empty"):
        MentorNetClassifier().fit(Samples([]))
