"""Images that stay on disk: what a row is, what goes wrong, and that training takes them as it takes arrays."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, train_test_split
from torch import nn
from torch.utils.data import DataLoader

from noisylabel import MentorNetClassifier
from noisylabel.datasets import ImageFiles
from noisylabel.exceptions import InvalidDataError, InvalidParameterError

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path):
    """Six random images of 16x16 as PNG, which loses nothing, and their pixels (6, 3, 16, 16)."""
    pixels = RNG.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    for row, one in enumerate(pixels):
        Image.fromarray(one).save(tmp_path / f"{row}.png")
    return tmp_path, [f"{row}.png" for row in range(6)], pixels.transpose(0, 3, 1, 2)


def test_rows_are_the_files_pixels(folder):
    root, names, pixels = folder
    files = ImageFiles(root, names, 16)
    assert len(files) == 6
    assert files[3].dtype == torch.uint8
    assert files[3].is_contiguous()
    assert np.array_equal(torch.stack(list(files)), pixels)
    assert np.array_equal(files[np.int64(-1)], pixels[-1])
    with pytest.raises(IndexError):
        files[6]


@pytest.mark.parametrize("rows", [np.array([4, 0]), [4, 0], slice(1, 3), np.arange(6) % 2 == 0])
def test_several_rows_are_again_files(folder, rows):
    root, names, pixels = folder
    chosen = ImageFiles(root, names, 16)[rows]
    assert isinstance(chosen, ImageFiles)
    assert chosen.files.tolist() == np.array(names)[rows].tolist()
    assert np.array_equal(torch.stack(list(chosen)), pixels[rows])


def test_scikit_learn_splits_without_reading(tmp_path):
    files = ImageFiles(tmp_path, [f"{row}.png" for row in range(10)], (4, 8))  # none of which exists
    assert files.shape == (10, 3, 4, 8)
    train, test, y, _ = train_test_split(files, np.arange(10), test_size=3, random_state=0)
    assert isinstance(train, ImageFiles)
    assert isinstance(test, ImageFiles)
    assert (len(train), len(test)) == (7, 3)
    assert train.files.tolist() == [f"{row}.png" for row in y]


@pytest.mark.parametrize("shape", [(24, 48), (48, 24), (32, 32), (24, 40)])
def test_an_integer_size_resizes_the_shorter_side_and_crops_the_centre(tmp_path, shape):
    smooth = np.add.outer(4 * np.arange(shape[0]), np.arange(shape[1])).astype(np.uint8)
    picture = Image.fromarray(np.stack([smooth, 255 - smooth, smooth // 2], axis=-1))
    picture.save(tmp_path / "wide.png")
    shorter = 12 / min(shape)
    height, width = round(shape[0] * shorter), round(shape[1] * shorter)
    resized = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    top, left = (height - 12) // 2, (width - 12) // 2
    expected = resized[top : top + 12, left : left + 12].transpose(2, 0, 1)
    assert np.array_equal(ImageFiles(tmp_path, ["wide.png"], 12)[0], expected)


def test_a_pair_resizes_the_whole_image(tmp_path):
    halves = np.zeros((10, 40, 3), np.uint8)
    halves[:, 20:] = 200
    Image.fromarray(halves).save(tmp_path / "halves.png")
    image = ImageFiles(tmp_path, ["halves.png"], (8, 4))[0]
    assert image.shape == (3, 8, 4)
    assert image[:, :, 0].max() == 0
    assert image[:, :, 3].min() == 200


@pytest.mark.parametrize("size", [0, 2.5, "64", (8,), (8, 0), None])
def test_a_wrong_size_is_said_at_once(size):
    with pytest.raises(InvalidParameterError, match="'size' must be an integer"):
        ImageFiles(".", ["a.png"], size)


@pytest.mark.parametrize("content", [None, b"", b"no image", "cut"])
def test_an_unreadable_image_is_named(folder, content):
    root, names, _ = folder
    if content == "cut":
        content = (root / "1.png").read_bytes()[:300]
    if content is not None:
        (root / "broken.jpg").write_bytes(content)
    files = ImageFiles(root, [*names, "broken.jpg"], 16)
    message = r"broken\.jpg cannot be read as an image: .*Repair it, or leave it out"
    if content is None:
        message = r"There is no image .*broken\.jpg\. Put it there, or leave it out"
    with pytest.raises(InvalidDataError, match=message):
        files[6]


def test_pickling_and_worker_processes(folder):
    root, names, pixels = folder
    files = pickle.loads(pickle.dumps(ImageFiles(root, names, 16)))
    loader = DataLoader(files, batch_size=4, num_workers=2, generator=torch.Generator())
    assert np.array_equal(torch.cat(list(loader)), pixels)


def test_training_takes_files_as_it_takes_arrays(folder):
    root, names, pixels = folder
    names, y = names * 8, np.tile([0, 1, 0, 1, 1, 0], 8)
    student = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2))
    settings = {"student": student, "max_epochs": 2, "batch_size": 16, "augment": "shift_flip", "random_state": 0}
    clf = MentorNetClassifier(**settings)
    from_files, from_arrays = clone(clf).fit(ImageFiles(root, names, 16), y), clf.fit(np.tile(pixels, (8, 1, 1, 1)), y)
    assert np.array_equal(
        from_files.predict_proba(ImageFiles(root, names, 16)), from_arrays.predict_proba(pixels)[[*range(6)] * 8]
    )
    assert np.array_equal(from_files.sample_weight_, from_arrays.sample_weight_)


def test_grid_search_checkpoints_and_label_issues(folder, tmp_path_factory):
    root, names, _ = folder
    files, y = ImageFiles(root, names * 8, 16), np.tile([0, 1, 0, 1, 1, 0], 8)
    student = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2))
    clf = MentorNetClassifier(student=student, max_epochs=2, batch_size=16, random_state=0)
    search = GridSearchCV(clf, {"loss_percentile": [0.6, 0.8]}, cv=2).fit(files, y)
    assert search.predict(files).shape == (48,)
    clf.set_params(checkpoint_dir=str(tmp_path_factory.mktemp("run")))
    first = clf.fit(files, y).predict_proba(files)
    assert np.array_equal(clone(clf).fit(files, y).predict_proba(files), first)
    assert len(clf.label_issues()) == 48


def test_right_25_the_home_folder_is_expanded(folder, monkeypatch):
    root, names, pixels = folder
    monkeypatch.setenv("HOME", str(root.parent))
    assert np.array_equal(ImageFiles(f"~/{root.name}", names, 16)[0], pixels[0])
    with pytest.raises(InvalidParameterError, match="'root' must be a path on this machine"):
        ImageFiles("s3://bucket/photos", names)
