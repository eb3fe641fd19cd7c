"""Loaders on small files made here, in the real formats."""

import gzip
import io
import pickle
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from noisylabel.datasets import (
    fetch_cifar10,
    fetch_cifar100,
    fetch_cifarn_labels,
    fetch_fashion_mnist,
    get_data_home,
    load_digits,
    load_image_folder,
)
from noisylabel.exceptions import DatasetNotFoundError, InvalidDataError, InvalidFileError

RNG = np.random.default_rng(0)


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def write_cifar(folder, label, n=7):
    folder.mkdir(parents=True)
    images = RNG.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    for part in ("train", "test"):
        rows = [{"bytes": png(image), "path": f"{i}.png"} for i, image in enumerate(images)]
        pq.write_table(pa.table({"img": rows, label: list(range(n))}), folder / f"{part}-00000-of-00001.parquet")
    return images


@pytest.mark.parametrize(
    ("fetch", "name", "label"), [(fetch_cifar10, "cifar10", "label"), (fetch_cifar100, "cifar100", "fine_label")]
)
def test_cifar_parquet_is_decoded_and_cached(tmp_path, fetch, name, label):
    images = write_cifar(tmp_path / name, label)
    first = fetch(data_home=tmp_path)
    assert np.array_equal(first.data, images.transpose(0, 3, 1, 2))
    assert first.test_target.tolist() == list(range(7))
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 2
    assert not list((tmp_path / "cache").glob("*.part"))
    assert np.array_equal(fetch(data_home=tmp_path).data, first.data)


def test_cache_follows_the_file(tmp_path):
    write_cifar(tmp_path / "cifar10", "label")
    fetch_cifar10(data_home=tmp_path)
    for path in (tmp_path / "cifar10").iterdir():
        path.unlink()
    (tmp_path / "cifar10").rmdir()
    images = write_cifar(tmp_path / "cifar10", "label", n=9)
    assert len(fetch_cifar10(data_home=tmp_path).data) == len(images) == 9


def test_read_only_data_home_is_left_alone(tmp_path, monkeypatch):
    write_cifar(tmp_path / "home" / "cifar10", "label")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "home").chmod(0o555)
    fetch_cifar10(data_home=tmp_path / "home")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["cifar10"]
    assert len(list((tmp_path / "user" / ".cache" / "noisylabel").glob("*.npz"))) == 2
    (tmp_path / "home").chmod(0o755)


def test_environment_variable_names_the_data_home(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISYLABEL_DATA", str(tmp_path))
    assert get_data_home() == tmp_path
    with pytest.raises(
        DatasetNotFoundError, match=r"(?s)data home .*cifar10/train-00000-of-00001.parquet.*NOISYLABEL_DATA"
    ):
        fetch_cifar10()


@pytest.mark.parametrize("fetch", [fetch_cifar100, fetch_cifarn_labels])
def test_missing_data_set_says_what_to_put_where(tmp_path, fetch):
    with pytest.raises(
        DatasetNotFoundError, match=r"(?s)Put one of these there:\n  .*or name another folder with data_home="
    ):
        fetch(data_home=tmp_path)


def test_missing_fashion_mnist(tmp_path, monkeypatch):
    monkeypatch.setattr("noisylabel.datasets._fashion_mnist.DEBIAN_FOLDER", tmp_path / "none")
    with pytest.raises(DatasetNotFoundError, match="apt install dataset-fashion-mnist"):
        fetch_fashion_mnist(data_home=tmp_path)


def test_human_labels_from_parquet_and_from_the_authors_file(tmp_path):
    clean, worse = RNG.integers(0, 10, 20), RNG.integers(0, 10, 20)
    (tmp_path / "a" / "cifar10").mkdir(parents=True)
    table = pa.table({"clean_label": clean.astype(np.int8), "worse_label": worse.astype(np.int8)})
    pq.write_table(table, tmp_path / "a" / "cifar10" / "cifar10n-worse.parquet")
    (tmp_path / "b").mkdir()
    torch.save(
        {"clean_label": clean, "worse_label": worse, "random_label1": clean}, tmp_path / "b" / "CIFAR-10_human.pt"
    )
    for home in ("a", "b"):
        labels = fetch_cifarn_labels("worst", data_home=tmp_path / home)
        assert np.array_equal(labels.noisy, worse)
        assert np.array_equal(labels.clean, clean)
    assert np.array_equal(fetch_cifarn_labels("random1", data_home=tmp_path / "b").noisy, clean)
    with pytest.raises(InvalidFileError, match="'clean_label' and 'aggre_label'"):
        fetch_cifarn_labels("aggregate", data_home=tmp_path / "b")
    with pytest.raises(ValueError, match="Did you mean 'worst'"):
        fetch_cifarn_labels("worse", data_home=tmp_path)


def test_original_cifar_files_through_torchvision(tmp_path, monkeypatch):
    folder = tmp_path / "cifar100" / "cifar-100-python"
    folder.mkdir(parents=True)
    pixels = RNG.integers(0, 256, (4, 3072), dtype=np.uint8)
    for part in ("train", "test"):
        (folder / part).write_bytes(pickle.dumps({"data": pixels, "fine_labels": [3, 1, 0, 2]}))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": ["apple", "baby", "bear", "bed"]}))
    vision = pytest.importorskip("torchvision.datasets", reason="the extra noisylabel[vision] is not installed")
    monkeypatch.setattr(
        vision.CIFAR100, "_check_integrity", lambda self: True
    )  # these files are not the published ones
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *args: True)
    data = fetch_cifar100(data_home=tmp_path)
    assert np.array_equal(data.data, pixels.reshape(4, 3, 32, 32))
    assert data.test_target.tolist() == [3, 1, 0, 2]
    assert data.target_names == ["apple", "baby", "bear", "bed"]


class Trap:
    def __reduce__(self):
        return (print, ("code from the file ran",))


def test_code_in_the_authors_file_does_not_run(tmp_path, capsys):
    torch.save({"clean_label": Trap(), "worse_label": Trap()}, tmp_path / "CIFAR-10_human.pt")
    with pytest.raises(InvalidFileError, match="CIFAR-10_human.pt is no file of CIFAR-N, or is damaged"):
        fetch_cifarn_labels(data_home=tmp_path)
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize("zipped", [True, False])
def test_fashion_mnist_files(tmp_path, zipped):
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    images, labels = RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8), np.arange(5, dtype=np.uint8)
    for part in ("train", "t10k"):
        for name, array in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
            content = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
            (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    data = fetch_fashion_mnist(data_home=tmp_path)
    assert np.array_equal(data.data[:, 0], images)
    assert data.test_target.tolist() == [0, 1, 2, 3, 4]
    (folder / ("train-images-idx3-ubyte" + ".gz" * zipped)).write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x09ab"))
    with pytest.raises(InvalidFileError, match="not an IDX file|Fetch it again"):
        fetch_fashion_mnist(data_home=tmp_path)


def test_image_folder(tmp_path):
    for name, count in (("cat", 2), ("dog", 3)):
        (tmp_path / name / "deep").mkdir(parents=True)
        for i in range(count):
            (tmp_path / name / "deep" / f"{i}.png").write_bytes(png(RNG.integers(0, 256, (20, 10, 3), dtype=np.uint8)))
    data = load_image_folder(tmp_path, size=(16, 8))
    assert data.data.shape == (5, 3, 16, 8)
    assert data.data.dtype == np.uint8
    assert data.target.tolist() == [0, 0, 1, 1, 1]
    assert data.target_names == ["cat", "dog"]
    grey = np.asarray(Image.open(tmp_path / data.filenames[3]).convert("L"))
    assert np.array_equal(load_image_folder(tmp_path, size=(20, 10), mode="L").data[3], grey[None])
    with pytest.raises(ValueError, match="'mode' must be one of"):
        load_image_folder(tmp_path, mode="CMYK")
    (tmp_path / "cat" / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(InvalidDataError, match=r"broken\.jpg cannot be read as an image: .*Repair it, or leave it out"):
        load_image_folder(tmp_path)
    with pytest.raises(DatasetNotFoundError, match="There is no folder"):
        load_image_folder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidDataError, match="no images in sub-folders"):
        load_image_folder(tmp_path / "empty")


def test_digits():
    assert load_digits().data.shape == (1200, 64)
    assert load_digits(as_images=True).test_data.shape == (597, 1, 8, 8)


@pytest.mark.data
def test_real_cifar10_and_its_human_labels():
    data, human = fetch_cifar10(), fetch_cifarn_labels("worst")
    assert data.data.shape == (50_000, 3, 32, 32)
    assert data.test_data.shape == (10_000, 3, 32, 32)
    assert np.array_equal(human.clean, data.target)
    assert (human.noisy != human.clean).mean() == pytest.approx(0.402, abs=0.0005)


PAGE = b"<!DOCTYPE html><html><body>404: not found</body></html>"


def cifar_files(home):
    write_cifar(home / "cifar10", "label")
    return fetch_cifar10, home / "cifar10" / "train-00000-of-00001.parquet"


def human_parquet(home):
    (home / "cifar10").mkdir(parents=True)
    path = home / "cifar10" / "cifar10n-worse.parquet"
    pq.write_table(pa.table({"clean_label": [1, 2], "worse_label": [1, 3]}), path)
    return fetch_cifarn_labels, path


def human_labels(home):
    home.mkdir(exist_ok=True)
    torch.save({"clean_label": np.arange(9), "worse_label": np.arange(9)}, home / "CIFAR-10_human.pt")
    return fetch_cifarn_labels, home / "CIFAR-10_human.pt"


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def fashion_files(home):
    (home / "fashion-mnist").mkdir(parents=True)
    for part in ("train", "t10k"):
        for name, array in (("images-idx3", np.zeros((5, 28, 28), np.uint8)), ("labels-idx1", np.zeros(5, np.uint8))):
            path = home / "fashion-mnist" / f"{part}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(idx(array)))
    return fetch_fashion_mnist, path


@pytest.mark.parametrize("write", [cifar_files, human_parquet, human_labels, fashion_files])
@pytest.mark.parametrize("damage", ["cut off", "empty", "a web page", "a pickle", "zeros", "a folder"])
def test_right_25_a_file_that_is_something_else_is_named(tmp_path, write, damage):
    fetch, path = write(tmp_path)
    fetch(data_home=tmp_path)
    content = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    else:
        as_bytes = {"cut off": content[: len(content) // 2], "empty": b"", "a web page": PAGE, "zeros": bytes(500)}
        path.write_bytes(as_bytes.get(damage, pickle.dumps(Trap())))
    with pytest.raises(InvalidFileError, match=f"{path} is (no|not an IDX file) .*Fetch"):
        fetch(data_home=tmp_path)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"clean_label": [1, 2]}, "has no column 'worse_label'. It has"),
        ({"clean_label": [1, 2], "worse_label": [1, None]}, "must hold in 'worse_label' whole numbers from 0 to 9"),
        ({"clean_label": [1, 2], "worse_label": [1, 10]}, "int64 of shape .2,., from 1 to 10. Fetch"),
        ({"clean_label": ["a", "b"], "worse_label": [1, 2]}, "must hold in 'clean_label' whole numbers"),
        ({"clean_label": [1.5, 2], "worse_label": [1, 2]}, "must hold in 'clean_label' whole numbers"),
    ],
)
def test_right_25_other_labels_than_those_of_a_data_set_are_refused(tmp_path, columns, said):
    _, path = human_parquet(tmp_path)
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InvalidFileError, match=said):
        fetch_cifarn_labels(data_home=tmp_path)
    path.unlink()
    torch.save({"clean_label": np.arange(9), "worse_label": np.arange(8)}, tmp_path / "CIFAR-10_human.pt")
    with pytest.raises(InvalidFileError, match=r"as many noisy labels as clean ones. Got 8 and 9"):
        fetch_cifarn_labels(data_home=tmp_path)


def test_right_25_a_column_of_no_images_is_named(tmp_path):
    fetch, path = cifar_files(tmp_path)
    pq.write_table(pa.table({"img": ["a", "b"], "label": [0, 1]}), path)
    with pytest.raises(InvalidFileError, match=f"{path} is no Parquet file with images in the column 'img'"):
        fetch(data_home=tmp_path)


def test_right_25_images_and_labels_of_different_numbers_are_refused(tmp_path):
    fetch, path = fashion_files(tmp_path)
    path.write_bytes(gzip.compress(idx(np.zeros(4, np.uint8))))
    with pytest.raises(InvalidFileError, match=r"must hold an image for each of the 4 labels of t10k-labels.*\(5, 28"):
        fetch(data_home=tmp_path)


def test_right_25_a_damaged_cache_is_made_again(tmp_path):
    images = write_cifar(tmp_path / "cifar10", "label")
    fetch_cifar10(data_home=tmp_path)
    for number, path in enumerate(sorted((tmp_path / "cache").glob("*.npz"))):
        path.write_bytes(path.read_bytes()[:1000] if number else PAGE)
    assert np.array_equal(fetch_cifar10(data_home=tmp_path).data, images.transpose(0, 3, 1, 2))
    assert all(dict(np.load(path)) for path in (tmp_path / "cache").glob("*.npz"))


def test_right_25_home_folders_expand_and_addresses_are_refused(tmp_path, monkeypatch):
    write_cifar(tmp_path / "cifar10", "label")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(fetch_cifar10(data_home="~").data) == 7
    with pytest.raises(ValueError, match="'data_home' must be a path on this machine. Got 's3://bucket'"):
        fetch_cifar10(data_home="s3://bucket")
