"""Image files of every kind, through each of the four doors by which images come in."""

import io
import os
import struct
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from noisylabel.audit import read_audit_folder
from noisylabel.datasets import ImageFiles, fetch_cifar10, load_image_folder
from noisylabel.datasets._read_image import read_image
from noisylabel.exceptions import InvalidDataError

SIDE = 8
WHITE, BLACK, RED = [255, 255, 255], [0, 0, 0], [255, 0, 0]
ORIENTATION = 0x0112


def by_image_folder(path):
    return load_image_folder(path.parent.parent, size=SIDE).data[0]


def by_image_files(path):
    return ImageFiles(path.parent, [path.name], SIDE)[0].numpy()


def by_audit(path):
    """An audit wants two classes of several rows, so two others stand beside the image."""
    for row in range(6):
        other = path.parent.parent / f"other {row % 2}" / f"{row}.png"
        other.parent.mkdir(exist_ok=True)
        Image.new("L", (SIDE, SIDE), 77).save(other)
    data = read_audit_folder(path.parent.parent, size=SIDE)
    if len(data.X) == 6:  # it leaves out what cannot be read, and says why
        raise InvalidDataError(" ".join(data.notes))
    return data.X[0]


def by_cifar(path):
    folder = path.parent.parent.parent / "home" / "cifar10"
    folder.mkdir(parents=True)
    rows = [{"bytes": path.read_bytes(), "path": path.name}]
    for part in ("train", "test"):
        pq.write_table(pa.table({"img": rows, "label": [0]}), folder / f"{part}-00000-of-00001.parquet")
    return fetch_cifar10(data_home=folder.parent).data[0]


DOORS = {"load_image_folder": by_image_folder, "ImageFiles": by_image_files, "audit": by_audit, "cifar": by_cifar}


@pytest.fixture(params=DOORS)
def door(request):
    return DOORS[request.param]


@pytest.fixture
def place(tmp_path):
    """A folder for one image, inside a folder of classes."""
    folder = tmp_path / "pictures" / "aa"
    folder.mkdir(parents=True)
    return folder


def halves(mode, left, right):
    """A square whose left half has one value and whose right half has another."""
    picture = Image.new(mode, (SIDE, SIDE), left)
    picture.paste(right, (SIDE // 2, 0, SIDE, SIDE))
    return picture


def palette_halves(left, right):
    picture = halves("P", 0, 1)
    picture.putpalette([*left, *right])
    return picture


def sixteen_bits(left, right, kind):
    values = np.full((SIDE, SIDE), left, dtype=kind)
    values[:, SIDE // 2 :] = right
    mode = {"<u2": "I;16", ">u2": "I;16B", "<i4": "I"}[kind]
    return Image.frombytes(mode, (SIDE, SIDE), values.tobytes())


def png_of_16_bit_colours(left, right):
    """Pillow cannot write these."""
    row = b"\0" + b"".join(struct.pack(">3H", *colour) for colour in [left] * (SIDE // 2) + [right] * (SIDE // 2))
    chunks = [(b"IHDR", struct.pack(">2I5B", SIDE, SIDE, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(row * SIDE)),
              (b"IEND", b"")]  # fmt: skip
    framed = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def two_pictures(**options):
    """The bytes of a file with two pictures, the first grey 30."""
    buffer = io.BytesIO()
    Image.new("L", (SIDE, SIDE), 30).save(
        buffer, save_all=True, append_images=[Image.new("L", (SIDE, SIDE), 200)], **options
    )
    return buffer.getvalue()


# Item "images" of the list of what was wrong, test_right_04: every mode of Pillow's, upright, or refused by name.
# what is written (or how it is made), where, with which options, the mode that Pillow sees, left and right half as read
KINDS = {
    "1": (halves("1", 0, 1), "x.png", {}, "1", BLACK, WHITE),
    "L": (halves("L", 30, 200), "x.png", {}, "L", [30] * 3, [200] * 3),
    "L, one value transparent": (halves("L", 30, 200), "x.png", {"transparency": 30}, "L", WHITE, [200] * 3),
    "LA": (halves("LA", (40, 255), (40, 0)), "x.png", {}, "LA", [40] * 3, WHITE),
    "P": (palette_halves([10, 20, 30], [40, 50, 60]), "x.png", {}, "P", [10, 20, 30], [40, 50, 60]),
    "P, one value transparent": (
        palette_halves([10, 20, 30], [40, 50, 60]), "x.png", {"transparency": 1}, "P", [10, 20, 30], WHITE,
    ),
    "P, alpha by value": (
        palette_halves([0, 0, 0], [255, 0, 0]), "x.png", {"transparency": bytes([51, 255])}, "P", [204] * 3, RED,
    ),
    "P of a GIF, transparent": (
        palette_halves([10, 20, 30], [40, 50, 60]), "x.gif", {"transparency": 0}, "P", WHITE, [40, 50, 60],
    ),
    "RGB": (halves("RGB", (9, 8, 7), (1, 2, 3)), "x.png", {}, "RGB", [9, 8, 7], [1, 2, 3]),
    "RGB, one colour transparent": (
        halves("RGB", (9, 8, 7), (1, 2, 3)), "x.png", {"transparency": (9, 8, 7)}, "RGB", WHITE, [1, 2, 3],
    ),
    "RGBA": (halves("RGBA", (255, 0, 0, 255), (0, 0, 0, 0)), "x.png", {}, "RGBA", RED, WHITE),
    "RGBA, half": (halves("RGBA", (0, 0, 0, 51), (255, 0, 0, 51)), "x.png", {}, "RGBA", [204] * 3, [255, 204, 204]),
    "CMYK": (halves("CMYK", (0, 255, 255, 0), (0, 0, 0, 255)), "x.tif", {}, "CMYK", RED, BLACK),
    "CMYK of a JPEG": (
        halves("CMYK", (0, 255, 255, 0), (0, 255, 255, 0)), "x.jpg", {"quality": 100}, "CMYK", RED, RED,
    ),
    "I;16": (sixteen_bits(257 * 3, 257 * 250, "<u2"), "x.tif", {}, "I;16", [3] * 3, [250] * 3),
    "I;16 of a PNG": (sixteen_bits(257 * 3, 65_535, "<u2"), "x.png", {}, ("I;16", "I"), [3] * 3, WHITE),
    "I;16 of a PNG, one value transparent": (
        sixteen_bits(257 * 3, 771 * 40, "<u2"), "x.png", {"transparency": 771}, ("I;16", "I"), WHITE, [120] * 3,
    ),
    "I;16B": (sixteen_bits(257 * 3, 257 * 250, ">u2"), "x.tif", {}, "I;16B", [3] * 3, [250] * 3),
    "I": (sixteen_bits(257 * 3, 65_535, "<i4"), "x.tif", {}, "I", [3] * 3, WHITE),
    "the first of a GIF": (two_pictures(format="GIF"), "x.gif", {}, ("L", "P"), [30] * 3, [30] * 3),
    "the first of a TIFF": (two_pictures(format="TIFF"), "x.tif", {}, "L", [30] * 3, [30] * 3),
    "YCbCr": (halves("YCbCr", (30, 128, 128), (200, 128, 128)), "x.tif", {}, "YCbCr", [30] * 3, [200] * 3),
    "RGBX": (halves("RGBX", (9, 8, 7, 0), (1, 2, 3, 0)), "x.tif", {}, ("RGBX", "RGB"), [9, 8, 7], [1, 2, 3]),
    "WebP, transparent": (
        halves("RGBA", (255, 0, 0, 255), (0, 0, 0, 0)), "x.webp", {"lossless": True}, "RGBA", RED, WHITE,
    ),
    "RGB of 16 bits": (
        png_of_16_bit_colours([257 * 9, 257 * 8, 257 * 7], [65_535, 0, 257]), "x.png", {}, "RGB",
        [9, 8, 7], [255, 0, 1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_comes_out_as_rgb(place, door, kind):
    picture, name, options, mode, left, right = KINDS[kind]
    if isinstance(picture, bytes):
        (place / name).write_bytes(picture)
    else:
        picture.save(place / name, **options)
    with Image.open(place / name) as seen:
        assert seen.mode in mode if isinstance(mode, tuple) else seen.mode == mode
    pixels = door(place / name)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (3, SIDE, SIDE)
    assert pixels[:, :, 0].T.tolist() == [left] * SIDE
    assert pixels[:, :, -1].T.tolist() == [right] * SIDE


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif", "x16.png"])
def test_images_stand_upright(place, door, orientation, name):
    """A picture whose quarters tell how it lies: upright they are 0, 80, 160, 240 in reading order."""
    upright = np.array([[0, 80], [160, 240]], dtype=np.uint8).repeat(SIDE // 2, 0).repeat(SIDE // 2, 1)
    lies = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
            6: np.rot90(upright, 1), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1)}  # fmt: skip
    stored = np.ascontiguousarray(lies[orientation])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = stored.astype(np.uint16) * 257 if name == "x16.png" else stored
    options = {"quality": 100} if name.endswith("jpg") else {}
    Image.fromarray(stored).save(place / name, exif=exif, **options)
    quarters = door(place / name)[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert np.abs(quarters.astype(int) - [0, 80, 160, 240]).max() <= 2


def test_neighbouring_grey_levels_of_16_bits_stay_apart(place, door):
    values = np.linspace(0, 65_535, SIDE * SIDE).round().astype(np.uint16).reshape(SIDE, SIDE)
    Image.fromarray(values).save(place / "x.png")
    assert door(place / "x.png")[0].tolist() == (values / 257).round().astype(int).tolist()


def damaged_png():
    buffer = io.BytesIO()
    Image.effect_noise((SIDE, SIDE), 50).save(buffer, format="PNG")
    return buffer.getvalue()[:60]


def tiff(values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, format="TIFF")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot identify image file"),
        (b"no image", "cannot identify image file"),
        (damaged_png(), "."),
        (tiff(np.full((SIDE, SIDE), 0.5, dtype=np.float32)), "its values are fractions, .*; save it with 8 or 16 bits"),
        (tiff(np.full((SIDE, SIDE), np.nan, dtype=np.float32)), "its values are fractions"),
        (tiff(np.full((SIDE, SIDE), -7, dtype=np.int32)), "its values go from -7 to -7, .*; save it with 8 or 16"),
        (tiff(np.full((SIDE, SIDE), 65_536, dtype=np.int32)), "its values go from 65536 to 65536"),
    ],
)
def test_what_cannot_be_read_is_named(place, door, content, reason):
    file = "row 0" if door is by_cifar else "bad.tif"
    (place / "bad.tif").write_bytes(content)
    with pytest.raises(InvalidDataError, match=f"{file} cannot be read as an image: .*{reason}"):
        door(place / "bad.tif")


def png_with_damaged_exif():
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE)).save(buffer, format="PNG", exif=b"Exif\0\0\0\x08\0\x02\x01\x12\0\x03" * 3)
    return buffer.getvalue()


def png_that_unpacks_to(width, height):
    """A picture of few bytes that says it has so many pixels."""
    buffer = io.BytesIO()
    Image.new("1", (8, 8)).save(buffer, format="PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = struct.pack(">2I", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


DAMAGED = {
    "damaged EXIF": png_with_damaged_exif(),
    "cut off": damaged_png(),
    "nothing in it": b"",
    "another kind of file": b"%PDF-1.7",
    "too many pixels": png_that_unpacks_to(10_000, 10_000),
    "far too many pixels": png_that_unpacks_to(100_000, 100_000),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", DAMAGED)
def test_right_25_a_damaged_image_is_left_out_of_an_audit_and_listed(place, kind):
    (place / "x.png").write_bytes(DAMAGED[kind])
    with pytest.raises(InvalidDataError, match=r"1 file left out: .*x\.png cannot be read as an image: "):
        by_audit(place / "x.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_right_25_small_files_do_not_unpack_to_any_size(place, door):
    (place / "x.png").write_bytes(png_that_unpacks_to(10_000, 10_000))
    with pytest.raises(InvalidDataError, match="it has 100,000,000 pixels, more than are safe to unpack"):
        door(place / "x.png")


def test_right_25_what_is_no_file_is_no_image(place):
    (place / "x.png").mkdir()
    os.mkfifo(place / "pipe.png")
    for name in ("x.png", "pipe.png"):
        with pytest.raises(InvalidDataError, match=f"{name} cannot be read as an image: it is no file"):
            by_image_files(place / name)


@pytest.mark.parametrize("door", [by_image_folder, by_audit])
def test_right_25_folders_with_more_than_images(place, door):
    """Hidden files and folders, a folder with an image's name, a text with one, and names that are no text."""
    Image.new("RGB", (SIDE, SIDE), "red").save(place / "a.jpg", format="PNG")
    for hidden in (place / "._a.jpg", place / ".cache" / "a.jpg", place.parent / ".checkpoints" / "a.jpg"):
        hidden.parent.mkdir(exist_ok=True)
        hidden.write_bytes(b"no image")
    (place / "folder.png").mkdir()
    (place.parent / "linked").symlink_to(place)
    assert door(place / "a.jpg")[:, 0, 0].tolist() == RED


def test_right_25_names_that_are_no_text_are_left_out(place):
    for name in ("a.png", "b.png"):
        Image.new("L", (SIDE, SIDE), 9).save(place / name)
    with open(os.fsencode(place) + b"/caf\xe9.png", "wb") as file:
        file.write((place / "a.png").read_bytes())
    (place.parent / "bb").mkdir()
    for name in ("a.png", "b.png"):
        Image.new("L", (SIDE, SIDE), 99).save(place.parent / "bb" / name)
    data = read_audit_folder(place.parent, size=SIDE)
    assert data.rows["file"].tolist() == ["aa/a.png", "aa/b.png", "bb/a.png", "bb/b.png"]
    assert data.notes[0].startswith("1 file left out: ")
    assert r"caf\udce9.png has a name that is no text" in data.notes[0]


HIDDEN_COLOURS = [(0, 0, 0, 0), (250, 20, 10, 0), (255, 255, 255, 0)]


@pytest.mark.parametrize("name", ["x.png", "x.webp", "x.tif", "x.gif"])
def test_right_25_colours_under_full_transparency_are_not_seen(place, door, name):
    """Files that look the same on a screen are the same to learn from, at every size and beside what is not hidden."""
    seen = []
    for colour in HIDDEN_COLOURS:
        picture = Image.new("RGBA", (2 * SIDE, 2 * SIDE), colour)
        picture.paste((20, 90, 200, 255), (5, 5, 11, 11))
        picture.save(place / name, **({"lossless": True, "exact": True} if name == "x.webp" else {}))
        seen.append(door(place / name) if door is not by_cifar else np.asarray(read_image(place / name)))
    assert all(np.array_equal(one, seen[0]) for one in seen)
    assert seen[0].max() == 255
