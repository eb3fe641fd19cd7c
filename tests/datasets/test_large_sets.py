"""Data sets too large for memory: small copies in the published formats, and what is wrong with broken ones.

Every image is one shade of grey, so that a test sees which file a row is.
"""

import json
import pickle
import struct

import numpy as np
import pytest
from PIL import Image
from torch import nn

from noisylabel import MentorNetClassifier
from noisylabel.cli import main
from noisylabel.datasets import (
    DATASETS,
    ImageFiles,
    fetch_animal10n,
    fetch_clothing1m,
    fetch_cnwl,
    fetch_food101n,
    fetch_tiny_imagenet,
    fetch_webvision,
)
from noisylabel.exceptions import DatasetNotFoundError, InvalidFileError, InvalidParameterError, NoisyLabelWarning


def write_image(path, shade):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 16), (shade, shade, shade)).save(path, format="JPEG")


def write_lines(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def shades(data):
    """The grey of each image."""
    return [round(float(np.asarray(image, dtype=np.float32).mean())) for image in data]


def write_clothing1m(home):
    """Noisy: images 0 to 5. Clean: one for training, one for validation, two for testing; image 5 has both labels."""
    root = home / "clothing1m"
    keys = [f"images/{row % 2}/{row},{row}.jpg" for row in range(9)]
    for row, key in enumerate(keys):
        write_image(root / key, 20 * row)
    write_lines(root / "category_names_eng.txt", "T-Shirt", "Shirt", "Down Coat")
    write_lines(root / "noisy_label_kv.txt", *[f"{keys[row]} {row % 3}" for row in (5, 4, 3, 2, 1, 0)])
    write_lines(root / "clean_label_kv.txt", *[f"{keys[row]} {row % 2}" for row in range(5, 9)])
    write_lines(root / "noisy_train_key_list.txt", *keys[:6])
    write_lines(root / "clean_train_key_list.txt", keys[5])
    write_lines(root / "clean_val_key_list.txt", keys[6])
    write_lines(root / "clean_test_key_list.txt", keys[8], keys[7])
    return root


def write_webvision(home):
    root = home / "webvision"
    write_lines(root / "info" / "synsets.txt", *[f"n{code:08d} class {code}, number {code}" for code in range(1000)])
    google = [("google/q0001/a.jpg", 0), ("google/q0900/b.jpg", 50), ("google/q0002/c.jpg", 49)]
    flickr = [("flickr/q0001/d.jpg", 999), ("flickr/q0002/e.jpg", 0)]
    valid = [("val000001.jpg", 49), ("val000002.jpg", 51), ("val000003.jpg", 0)]
    for row, (name, _) in enumerate([*google, *flickr]):
        write_image(root / name, 20 * row)
    for row, (name, _) in enumerate(valid):
        write_image(root / "val_images_256" / name, 100 + 20 * row)
    for name, entries in (
        ("train_filelist_google", google),
        ("train_filelist_flickr", flickr),
        ("val_filelist", valid),
    ):
        write_lines(root / "info" / f"{name}.txt", *[f"{image} {label}" for image, label in entries])
    return root


def write_cnwl(home, folder="mini-imagenet", n_classes=100):
    """Of three images at 40 %, the two from the web do not and do show their class."""
    root = home / "dataset_no_images" / folder
    train = ["n0153282900000005.jpg 49", "5922767e5677aef4.jpg 0", "0a0a0a0a0a0a0a0a.jpg 99"]
    valid = ["ILSVRC2012_val_00000001.jpg 99", "ILSVRC2012_val_00000007.jpg 0"]
    write_lines(root / "class_name.txt", *[f"name {code}" for code in range(n_classes)])
    write_lines(root / "split" / "red_noise_nl_0.4", *train)
    write_lines(root / "split" / "blue_noise_nl_0.05", train[0])
    write_lines(root / "split" / "clean_validation", *valid)
    for row, line in enumerate(train):
        write_image(root / "all_images" / line.split()[0], 20 * row)
    for row, line in enumerate(valid):
        write_image(root / "validation" / line.split()[1] / line.split()[0], 100 + 20 * row)
    entries = [("5922767e5677aef4", 0), ("0a0a0a0a0a0a0a0a", 1), ("not of this list", 0)]
    flags = [[{"image/uri": "", "image/id": name, "image/class/label/is_clean": flag}] for name, flag in entries]
    (root.parent / f"{folder.replace('_', '-')}-annotations.json").write_text(json.dumps({"data": flags}))
    return root


def write_tiny_imagenet(home):
    root = home / "tiny-imagenet-200"
    wnids = ["n02124075", "n01443537"]
    write_lines(root / "wnids.txt", *wnids)
    write_lines(
        root / "words.txt", "n00001740\tentity", "n01443537\tgoldfish, Carassius auratus", "n02124075\tEgyptian cat"
    )
    for code, wnid in enumerate(wnids):
        for row in range(3):
            write_image(root / "train" / wnid / "images" / f"{wnid}_{row}.JPEG", 60 * code + 20 * row)
        write_lines(root / "train" / wnid / f"{wnid}_boxes.txt", f"{wnid}_0.JPEG\t0\t10\t63\t58")
    write_lines(
        root / "val" / "val_annotations.txt",
        "val_0.JPEG\tn01443537\t0\t32\t44\t62",
        "val_1.JPEG\tn02124075\t4\t0\t9\t9",
    )
    for row in range(2):
        write_image(root / "val" / "images" / f"val_{row}.JPEG", 200 + 20 * row)
    return root


def write_animal10n(home):
    root = home / "animal10n"
    for row, name in enumerate(
        ["training/0_20.jpg", "training/9_3.jpg", "training/9_1.jpg", "testing/4_1.jpg", "testing/0_2.jpg"]
    ):
        write_image(root / name, 20 * row)
    return root


def write_food101n(home):
    root, test_root = home / "Food-101N_release", home / "food-101"
    images = ["apple_pie/a1.jpg", "waffles/b2.jpg", "apple_pie/c3.jpg", "waffles/d4.jpg"]
    write_lines(root / "meta" / "classes.txt", "class_name", "apple_pie", "waffles")
    write_lines(root / "meta" / "imagelist.tsv", "class_name/key", *images)
    heading = "class_name/key\tverification_label"
    write_lines(root / "meta" / "verified_train.tsv", heading, f"{images[2]}\t0", f"{images[1]}\t1")
    write_lines(root / "meta" / "verified_val.tsv", heading, f"{images[3]}\t0")
    write_lines(test_root / "meta" / "test.txt", "waffles/1005649", "apple_pie/1011328")
    for row, name in enumerate(images):
        write_image(root / "images" / name, 20 * row)
    write_image(test_root / "images" / "waffles" / "1005649.jpg", 100)
    write_image(test_root / "images" / "apple_pie" / "1011328.jpg", 120)
    return root


WRITERS = {
    "animal10n": write_animal10n,
    "clothing1m": write_clothing1m,
    "cnwl": write_cnwl,
    "food101n": write_food101n,
    "tiny_imagenet": write_tiny_imagenet,
    "webvision": write_webvision,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_classifier_trains_and_predicts(tmp_path, name):
    WRITERS[name](tmp_path)
    bunch = pickle.loads(pickle.dumps(DATASETS[name](size=16, data_home=tmp_path)))
    assert isinstance(bunch.data, ImageFiles)
    assert len(bunch.data) == len(bunch.target) == len(bunch.filenames)
    assert bunch.filenames is bunch.data.files
    assert bunch.target.dtype == bunch.test_target.dtype == np.int64
    assert bunch.target.max() < len(bunch.target_names)
    n_classes = len(np.unique(bunch.target))
    student = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, n_classes))
    clf = MentorNetClassifier(student=student, loss_percentile=0.7, max_epochs=2, batch_size=2, random_state=0)
    clf.fit(bunch.data, bunch.target)
    predicted = clf.predict(bunch.test_data)
    assert predicted.shape == bunch.test_target.shape
    assert set(predicted) <= set(bunch.target)


@pytest.mark.parametrize("name", WRITERS)
def test_an_absent_set_says_what_to_put_where(tmp_path, name):
    said = rf"is not in the data home {tmp_path}\. Put .* there:\n  {tmp_path}/\w+(.|\n)*NOISYLABEL_DATA\. .*\w\.\w"
    with pytest.raises(DatasetNotFoundError, match=said):
        DATASETS[name](data_home=tmp_path)


@pytest.mark.parametrize("name", WRITERS)
def test_the_command_line_says_so_too(tmp_path, monkeypatch, capsys, name):
    monkeypatch.setenv("NOISYLABEL_DATA", str(tmp_path))
    assert main(["evaluate", str(tmp_path), "--data", name]) == 2
    assert f"is not in the data home {tmp_path}. Put " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "lost", "said"),
    [
        ("clothing1m", "clothing1m/clean_label_kv.txt", r"Put this there:\n  .*/clothing1m/clean_label_kv\.txt\n"),
        ("webvision", "webvision/info/val_filelist.txt", r"/webvision/info/val_filelist\.txt\n"),
        ("cnwl", "dataset_no_images/mini-imagenet/split/red_noise_nl_0.4", r"mini-imagenet/split/red_noise_nl_0\.4\n"),
        ("food101n", "food-101/meta/test.txt", r"Food-101, which tests Food-101N, is not .*/food-101/meta/test\.txt\n"),
        ("tiny_imagenet", "tiny-imagenet-200/words.txt", r"/tiny-imagenet-200/words\.txt\n"),
    ],
)
def test_a_lost_file_is_named(tmp_path, name, lost, said):
    WRITERS[name](tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(DatasetNotFoundError, match=f"(?s){said}"):
        DATASETS[name](data_home=tmp_path)


def test_clothing1m(tmp_path):
    write_clothing1m(tmp_path)
    clothes = fetch_clothing1m(data_home=tmp_path)
    assert clothes.data[0].shape == (3, 224, 224)
    assert shades(clothes.data) == [0, 20, 40, 60, 80, 100]
    assert clothes.target.tolist() == [0, 1, 2, 0, 1, 2]
    assert clothes.filenames[3] == "images/1/3,3.jpg"
    assert clothes.target_names == ["T-Shirt", "Shirt", "Down Coat"]
    assert (shades(clothes.test_data), clothes.test_target.tolist()) == ([160, 140], [0, 1])
    assert (shades(clothes.validation_data), clothes.validation_target.tolist()) == ([120], [0])
    assert (shades(clothes.clean_train_data), clothes.clean_train_target.tolist()) == ([100], [1])


NOISY, CLEAN = "noisy_label_kv.txt", "clean_label_kv.txt"


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (
            NOISY,
            "a.jpg 3",
            r"noisy_label_kv\.txt, line 2: expected an image and its label from 0 to 2\. Got 'a\.jpg 3'",
        ),
        (NOISY, "a.jpg -1", "line 2: expected"),
        (
            CLEAN,
            "a.jpg",
            r"clean_label_kv\.txt, line 2: expected .* Got 'a\.jpg'\. Correct the line, or fetch the file",
        ),
        (CLEAN, "a.jpg 1 2", "line 2: expected"),
        (
            "clean_test_key_list.txt",
            "a.jpg",
            "clean_test_.*, line 2: expected an image that has a label in clean_label_kv",
        ),
    ],
)
def test_bad_lines_of_clothing1m(tmp_path, file, line, said):
    path = write_clothing1m(tmp_path) / file
    lines = path.read_text().splitlines()
    write_lines(path, lines[0], line, *lines[1:])
    with pytest.raises(InvalidFileError, match=said):
        fetch_clothing1m(data_home=tmp_path)


def test_files_that_are_no_text(tmp_path):
    path = write_clothing1m(tmp_path) / "noisy_label_kv.txt"
    path.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(InvalidFileError, match=r"noisy_label_kv\.txt is no text in UTF-8"):
        fetch_clothing1m(data_home=tmp_path)
    for content, said in (("\n", "is empty"), ("<html><body>404", "is a web page or XML"), ("\0" * 99, "holds zeros")):
        path.write_text(content)
        with pytest.raises(InvalidFileError, match=rf"noisy_label_kv\.txt {said}\. Fetch it again"):
            fetch_clothing1m(data_home=tmp_path)


def test_line_ends_of_windows(tmp_path):
    root = write_clothing1m(tmp_path)
    for path in root.glob("*.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    clothes = fetch_clothing1m(data_home=tmp_path)
    assert clothes.target.tolist() == [0, 1, 2, 0, 1, 2]
    assert clothes.target_names == ["T-Shirt", "Shirt", "Down Coat"]
    assert shades(clothes.test_data) == [160, 140]


def test_mini_webvision(tmp_path):
    write_webvision(tmp_path)
    web = fetch_webvision(size=32, data_home=tmp_path)
    assert (shades(web.data), web.target.tolist()) == ([0, 40], [0, 49])
    assert web.filenames.tolist() == ["google/q0001/a.jpg", "google/q0002/c.jpg"]
    assert (shades(web.test_data), web.test_target.tolist()) == ([100, 140], [49, 0])
    assert len(web.target_names) == len(web.wnids) == 50
    assert (web.wnids[49], web.target_names[49]) == ("n00000049", "class 49, number 49")
    assert web.ilsvrc_data is None
    assert web.ilsvrc_target is None


def test_full_webvision(tmp_path):
    write_webvision(tmp_path)
    web = fetch_webvision(1000, size=32, data_home=tmp_path)
    assert (shades(web.data), web.target.tolist()) == ([0, 20, 40, 60, 80], [0, 50, 49, 999, 0])
    assert (shades(web.test_data), web.test_target.tolist()) == ([100, 120, 140], [49, 51, 0])
    assert len(web.target_names) == 1000


def test_mini_webvision_needs_no_flickr_images(tmp_path):
    root = write_webvision(tmp_path)
    (root / "info" / "train_filelist_flickr.txt").unlink()
    assert len(fetch_webvision(50, data_home=tmp_path).data) == 2
    with pytest.raises(DatasetNotFoundError, match=r"webvision/info/train_filelist_flickr\.txt"):
        fetch_webvision(1000, data_home=tmp_path)


def test_webvision_on_the_validation_images_of_imagenet(tmp_path):
    write_webvision(tmp_path)
    for code in range(50):
        for row in range(2):
            write_image(tmp_path / "imagenet" / "val" / f"n{code:08d}" / f"ILSVRC2012_val_{row}.JPEG", 5 * code)
    web = fetch_webvision(50, size=16, data_home=tmp_path)
    assert web.ilsvrc_target.tolist() == [code for code in range(50) for _ in range(2)]
    assert np.abs(np.array(shades(web.ilsvrc_data)) - 5 * web.ilsvrc_target).max() <= 1
    for image in (tmp_path / "imagenet" / "val" / "n00000007").iterdir():
        image.unlink()
    with pytest.raises(InvalidFileError, match="There are no images in .*n00000007"):
        fetch_webvision(50, data_home=tmp_path)


def test_what_is_wrong_with_webvision(tmp_path):
    root = write_webvision(tmp_path)
    with pytest.raises(InvalidParameterError, match=r"'classes' must be 50 \(mini WebVision\) or 1000. Got 100"):
        fetch_webvision(100, data_home=tmp_path)
    write_lines(root / "info" / "val_filelist.txt", "val000001.jpg 1000")
    with pytest.raises(
        InvalidFileError, match=r"val_filelist.txt, line 1: expected an image and its label from 0 to 999"
    ):
        fetch_webvision(data_home=tmp_path)
    synsets = (root / "info" / "synsets.txt").read_text().splitlines()
    write_lines(root / "info" / "synsets.txt", "n00000000", *synsets[1:])
    with pytest.raises(InvalidFileError, match=r"synsets.txt, line 1: expected a WordNet id and a name"):
        fetch_webvision(data_home=tmp_path)
    write_lines(root / "info" / "synsets.txt", *synsets[:50])
    with pytest.raises(InvalidFileError, match=r"synsets.txt must name 1000 classes, one a line. It has 50 lines"):
        fetch_webvision(data_home=tmp_path)


def test_red_mini_imagenet(tmp_path):
    write_cnwl(tmp_path)
    red = fetch_cnwl(noise_level=0.4, data_home=tmp_path)
    assert red.data[0].shape == (3, 32, 32)
    assert (shades(red.data), red.target.tolist()) == ([0, 20, 40], [49, 0, 99])
    assert red.filenames[0] == "n0153282900000005.jpg"
    assert red.is_clean.tolist() == [True, False, True]
    assert (shades(red.test_data), red.test_target.tolist()) == ([100, 120], [99, 0])
    assert red.target_names[99] == "name 99"


def test_blue_mini_imagenet(tmp_path):
    write_cnwl(tmp_path)
    blue = fetch_cnwl(colour="blue", noise_level=0.05, size=(8, 8), data_home=tmp_path)
    assert blue.data[0].shape == (3, 8, 8)
    assert blue.target.tolist() == [49]
    assert blue.is_clean is None


@pytest.mark.parametrize("folder", ["stanford_cars", "stanford-cars"])
def test_red_stanford_cars(tmp_path, folder):
    write_cnwl(tmp_path, folder, 196)
    red = fetch_cnwl("stanford_cars", data_home=tmp_path)
    assert red.data[0].shape == (3, 224, 224)
    assert red.target.tolist() == [49, 0, 99]
    assert red.is_clean.tolist() == [True, False, True]
    assert len(red.target_names) == 196


@pytest.mark.parametrize("place", ["validation", "all_images"])
def test_validation_images_of_cnwl_may_lie_together(tmp_path, place):
    root = write_cnwl(tmp_path)
    for image in sorted((root / "validation").glob("*/*")):
        image.rename(root / place / image.name)
    assert shades(fetch_cnwl(data_home=tmp_path).test_data) == [100, 120]


def test_cnwl_without_names_and_annotations(tmp_path):
    root = write_cnwl(tmp_path)
    (root / "class_name.txt").unlink()
    (root.parent / "mini-imagenet-annotations.json").unlink()
    red = fetch_cnwl(data_home=tmp_path)
    assert red.is_clean is None
    assert red.target_names == [str(code) for code in range(100)]


def test_what_is_wrong_with_cnwl(tmp_path):
    root = write_cnwl(tmp_path)
    with pytest.raises(InvalidParameterError, match="'noise_level' must be one of .*0.4 for 40 %. Got 40"):
        fetch_cnwl(noise_level=40, data_home=tmp_path)
    with pytest.raises(InvalidParameterError, match="'colour' must be one of"):
        fetch_cnwl(colour="green", data_home=tmp_path)
    with pytest.raises(InvalidParameterError, match="'dataset' must be one of .* Did you mean 'mini_imagenet'"):
        fetch_cnwl("mini-imagenet", data_home=tmp_path)
    (root.parent / "mini-imagenet-annotations.json").write_text('{"data": [[{"image/id": "a"}]]}')
    with pytest.raises(InvalidFileError, match=r"annotations.json must list 'image/id' and .*is_clean"):
        fetch_cnwl(data_home=tmp_path)
    write_lines(root / "class_name.txt", "one", "two")
    with pytest.raises(InvalidFileError, match=r"class_name.txt must name 100 classes, one a line. It has 2 lines"):
        fetch_cnwl(colour="blue", noise_level=0.05, data_home=tmp_path)
    write_lines(root / "split" / "red_noise_nl_0.4", "a.jpg 0", "b.jpg 100")
    with pytest.raises(
        InvalidFileError, match=r"red_noise_nl_0.4, line 2: expected an image and its label from 0 to 99"
    ):
        fetch_cnwl(data_home=tmp_path)


def test_tiny_imagenet(tmp_path):
    root = write_tiny_imagenet(tmp_path)
    (root / "train" / "n01443537" / "images" / "._n01443537_0.JPEG").write_bytes(b"what a Mac leaves behind")
    tiny = fetch_tiny_imagenet(data_home=tmp_path)
    assert tiny.data[0].shape == (3, 64, 64)
    assert (shades(tiny.data), tiny.target.tolist()) == ([0, 20, 40, 60, 80, 100], [0, 0, 0, 1, 1, 1])
    assert tiny.filenames[4] == "n01443537/images/n01443537_1.JPEG"
    assert (shades(tiny.test_data), tiny.test_target.tolist()) == ([200, 220], [1, 0])
    assert tiny.target_names == ["Egyptian cat", "goldfish, Carassius auratus"]
    assert tiny.wnids == ["n02124075", "n01443537"]


def test_what_is_wrong_with_tiny_imagenet(tmp_path):
    root = write_tiny_imagenet(tmp_path)
    for line in ("val_1.JPEG\tn00000000\t0\t0\t1\t1", "val_1.JPEG"):
        write_lines(root / "val" / "val_annotations.txt", "val_0.JPEG\tn01443537\t0\t32\t44\t62", line)
        with pytest.raises(
            InvalidFileError, match=r"val_annotations.txt, line 2: expected an image, a tab and a WordNet"
        ):
            fetch_tiny_imagenet(data_home=tmp_path)
    write_lines(root / "wnids.txt", "n02124075", "n99999999")
    with pytest.raises(InvalidFileError, match=r"There are no images in .*train/n99999999/images. Unpack"):
        fetch_tiny_imagenet(data_home=tmp_path)


def test_animal10n_images(tmp_path):
    write_animal10n(tmp_path)
    animals = fetch_animal10n(data_home=tmp_path)
    assert animals.data[0].shape == (3, 64, 64)
    assert animals.filenames.tolist() == ["0_20.jpg", "9_1.jpg", "9_3.jpg"]
    assert (shades(animals.data), animals.target.tolist()) == ([0, 40, 20], [0, 9, 9])
    assert (shades(animals.test_data), animals.test_target.tolist()) == ([80, 60], [0, 4])
    assert (animals.target_names[0], animals.target_names[9]) == ("cat", "guinea pig")
    write_image(tmp_path / "animal10n" / "training" / "cat_1.jpg", 0)
    with pytest.raises(
        InvalidFileError, match=r"training/cat_1.jpg: the name must begin with a label from 0 to 9 and '_'"
    ):
        fetch_animal10n(data_home=tmp_path)


def record(number, label, image):
    return struct.pack(">II", number, label) + image.tobytes()


def test_animal10n_binary(tmp_path):
    root = tmp_path / "animal10n"
    root.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 64, 64), dtype=np.uint8)
    (root / "data_batch_1.bin").write_bytes(record(0, 9, images[0]) + record(300, 2, images[1]))
    (root / "data_batch_2.bin").write_bytes(record(1, 0, images[2]))
    (root / "test_batch.bin").write_bytes(record(0, 7, images[1]))
    animals = fetch_animal10n(data_home=tmp_path)
    assert np.array_equal(animals.data, images)
    assert animals.target.tolist() == [9, 2, 0]
    assert np.array_equal(animals.test_data, images[1:2])
    assert animals.test_target.tolist() == [7]
    assert animals.filenames is None
    with pytest.raises(InvalidParameterError, match="'size' must be 64 for the binary form of ANIMAL-10N. Got 32"):
        fetch_animal10n(size=32, data_home=tmp_path)
    (root / "data_batch_2.bin").write_bytes(record(0, 1, images[2]) + record(1, 10, images[2]))
    with pytest.raises(InvalidFileError, match=r"data_batch_2.bin, record 2: expected a label from 0 to 9. Got 10"):
        fetch_animal10n(data_home=tmp_path)
    (root / "data_batch_2.bin").write_bytes(record(0, 7, images[1])[:-1])
    with pytest.raises(
        InvalidFileError, match=r"data_batch_2.bin must hold records of 12296 bytes. It has 12295 bytes"
    ):
        fetch_animal10n(data_home=tmp_path)


def test_food101n(tmp_path):
    write_food101n(tmp_path)
    food = fetch_food101n(size=32, data_home=tmp_path)
    assert (shades(food.data), food.target.tolist()) == ([0, 20, 40, 60], [0, 1, 0, 1])
    assert food.filenames[1] == "waffles/b2.jpg"
    assert food.verified_label.tolist() == [-1, 1, 0, 0]
    assert food.is_verified.tolist() == [False, True, True, True]
    assert food.is_validation.tolist() == [False, False, False, True]
    assert (shades(food.test_data), food.test_target.tolist()) == ([100, 120], [1, 0])
    assert food.target_names == ["apple_pie", "waffles"]


def test_a_check_of_an_image_that_food101n_lacks_is_left_out(tmp_path):
    path = write_food101n(tmp_path) / "meta" / "verified_train.tsv"
    write_lines(path, "class_name/key\tverification_label", "waffles/a1.jpg\t1", "waffles/b2.jpg\t1")
    with pytest.warns(
        NoisyLabelWarning, match=r"checks 1 images that imagelist.tsv lacks, the first in line 2: waffles/a1"
    ):
        food = fetch_food101n(data_home=tmp_path)
    assert food.verified_label.tolist() == [-1, 1, -1, 0]


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (
            "Food-101N_release/meta/imagelist.tsv",
            "pizza/a.jpg",
            r"expected an image in a folder of classes\.txt, such as",
        ),
        ("Food-101N_release/meta/imagelist.tsv", "waffles", r"expected an image in a folder of classes\.txt"),
        ("Food-101N_release/meta/verified_val.tsv", "waffles/b2.jpg\t2", "expected an image, a tab and 0 or 1"),
        ("Food-101N_release/meta/verified_val.tsv", "waffles/b2.jpg", "expected an image, a tab and 0 or 1"),
        ("food-101/meta/test.txt", "pizza/17", r"expected an image in a folder of classes\.txt"),
    ],
)
def test_bad_lines_of_food101n(tmp_path, file, line, said):
    write_food101n(tmp_path)
    path = tmp_path / file
    lines = path.read_text().splitlines()
    write_lines(path, *lines[:2], line, *lines[2:])
    with pytest.raises(InvalidFileError, match=f"{path}, line 3: {said}"):
        fetch_food101n(data_home=tmp_path)
