"""Clothing1M, WebVision and CNWL made up: small images in the published formats, learned through a kill, and audited.

``python tests/made_large_sets.py --images 20000 --out FOLDER`` prints what was found of each. An image shows its class
by a hue and the direction of its stripes; 30 % of the labels of training are those of another class.
"""

import argparse
import colorsys
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from noisylabel import MentorNetClassifier
from noisylabel.datasets import DATASETS
from noisylabel.evaluation import evaluate_checkpoint
from noisylabel.students import SmallCNN

RATE, SIZE = 0.3, 24
N_CLASSES = {"clothing1m": 14, "webvision": 50, "cnwl": 100}
SHARES = {"clothing1m": 0.4, "webvision": 0.3, "cnwl": 0.3}


def write_image(path, label, n_classes, rng):
    """An image of some 40 x 36 points."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = rng.integers(30, 46, 2)
    rows, columns = np.mgrid[:height, :width]
    along = rows if label % 2 else columns
    stripes = 0.6 + 0.4 * ((along // (2 + label % 3)) % 2)
    colour = np.array(colorsys.hsv_to_rgb(label / n_classes, 0.9, 1.0))
    pixels = 255 * stripes[..., None] * colour * rng.uniform(0.7, 1) + rng.normal(0, 15, (height, width, 3))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, format="JPEG")


def write_lines(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_clothing1m(home, noisy, clean, write):
    root = home / "clothing1m"
    keys = [f"images/{row % 10}/{row % 97}/{row:07d},{row * 7:08d}.jpg" for row in range(len(noisy) + len(clean))]
    for row, key in enumerate(keys):
        write(root / key, row)
    of_noisy, of_clean = keys[: len(noisy)], keys[len(noisy) :]
    write_lines(root / "category_names_eng.txt", [f"kind {code}" for code in range(14)])
    write_lines(root / "noisy_label_kv.txt", [f"{key} {label}" for key, label in zip(of_noisy, noisy, strict=True)])
    write_lines(root / "clean_label_kv.txt", [f"{key} {label}" for key, label in zip(of_clean, clean, strict=True)])
    write_lines(root / "noisy_train_key_list.txt", of_noisy)
    for part, at in (("train", 0), ("val", 1), ("test", 2)):
        write_lines(root / f"clean_{part}_key_list.txt", of_clean[at::3])


def write_webvision(home, noisy, clean, write):
    root = home / "webvision"
    files = [f"google/q{label + 1:04d}/{row:06d}.jpg" for row, label in enumerate(noisy)]
    valid = [f"val{row:06d}.jpg" for row in range(len(clean))]
    for row, file in enumerate(files):
        write(root / file, row)
    for row, file in enumerate(valid):
        write(root / "val_images_256" / file, len(noisy) + row)
    write_lines(root / "info" / "synsets.txt", [f"n{code:08d} class {code}, number {code}" for code in range(1000)])
    write_lines(
        root / "info" / "train_filelist_google.txt", [f"{f} {label}" for f, label in zip(files, noisy, strict=True)]
    )
    write_lines(root / "info" / "val_filelist.txt", [f"{f} {label}" for f, label in zip(valid, clean, strict=True)])


def write_cnwl(home, noisy, clean, write):
    root = home / "dataset_no_images" / "mini-imagenet"
    files = [f"{row:016x}.jpg" for row in range(len(noisy))]
    valid = [f"ILSVRC2012_val_{row:08d}.jpg" for row in range(len(clean))]
    for row, file in enumerate(files):
        write(root / "all_images" / file, row)
    for row, (file, label) in enumerate(zip(valid, clean, strict=True)):
        write(root / "validation" / str(label) / file, len(noisy) + row)
    write_lines(root / "class_name.txt", [f"name {code}" for code in range(100)])
    write_lines(root / "split" / "red_noise_nl_0.4", [f"{f} {label}" for f, label in zip(files, noisy, strict=True)])
    write_lines(root / "split" / "clean_validation", [f"{f} {label}" for f, label in zip(valid, clean, strict=True)])


WRITERS = {"clothing1m": write_clothing1m, "webvision": write_webvision, "cnwl": write_cnwl}


@dataclass
class Made:
    """A set that was written to a data home, and which labels of its training are wrong, in the order of its list."""

    name: str
    home: Path
    is_wrong: np.ndarray


def make(name, home, n_images):
    """Write so many images, a tenth of them with clean labels, and what lists them."""
    rng, n_classes = np.random.default_rng(0), N_CLASSES[name]
    n_clean = n_images // 10
    shown = rng.integers(0, n_classes, n_images)
    labels = shown.copy()
    is_wrong = rng.random(n_images) < RATE
    is_wrong[n_images - n_clean :] = False
    labels[is_wrong] = (shown[is_wrong] + rng.integers(1, n_classes, is_wrong.sum())) % n_classes
    noisy, clean = labels[:-n_clean].tolist(), labels[-n_clean:].tolist()
    WRITERS[name](home, noisy, clean, lambda path, row: write_image(path, shown[row], n_classes, rng))
    return Made(name, home, is_wrong[:-n_clean])


def classifier(folder, max_epochs):
    return MentorNetClassifier(
        "mentornet_pd",
        loss_percentile=0.7,
        student=SmallCNN((16, 32, 32)),
        lr=0.01,
        max_epochs=max_epochs,
        batch_size=64,
        checkpoint_dir=folder,
        random_state=0,
    )


def train(name, home, folder, max_epochs):
    """Train, or go on, as a user would."""
    data = DATASETS[name](size=SIZE, data_home=home)
    return classifier(folder, max_epochs).fit(data.data, data.target), data


def kill_in_training(made, folder, max_epochs):
    """Train in a process that is killed in the epoch after its first checkpoint; return how many epochs were saved."""
    command = [sys.executable, __file__, "--train", made.name, str(made.home), str(folder), str(max_epochs)]
    process = subprocess.Popen(command)
    while not (folder / "checkpoint.pt").exists():
        assert process.poll() is None, "it ended without a checkpoint"
        time.sleep(0.02)
    time.sleep(0.2)
    process.kill()
    process.wait()
    return evaluate_checkpoint(folder, *_test_data(made))["epoch"]


def _test_data(made):
    data = DATASETS[made.name](size=SIZE, data_home=made.home)
    return data.test_data, data.test_target


def try_out(made, folder, max_epochs):
    """Train, kill, go on, evaluate, audit; return what was found."""
    saved = kill_in_training(made, folder, max_epochs)
    start = time.monotonic()
    clf, data = train(made.name, made.home, folder, max_epochs)
    seconds = time.monotonic() - start
    found = evaluate_checkpoint(folder, data.test_data, data.test_target)
    assert found["accuracy"] == clf.score(data.test_data, data.test_target)
    issues = clf.label_issues(sort=False)
    is_issue = issues["is_label_issue"].to_numpy()
    first = clf.label_issues().index[: int(made.is_wrong.sum())]
    return {
        "set": made.name,
        "images": len(data.data) + len(data.test_data),
        "epochs_before_kill": saved,
        "epochs": clf.n_iter_,
        "seconds_after_kill": round(seconds, 1),
        "test_accuracy": round(found["accuracy"], 4),
        "wrong_labels": int(made.is_wrong.sum()),
        "flagged": int(is_issue.sum()),
        "of_flagged_wrong": round(float(made.is_wrong[is_issue].mean()), 4) if is_issue.any() else None,
        "of_as_many_first_wrong": round(float(made.is_wrong[first].mean()), 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--train", nargs=4)
    options = parser.parse_args()
    if options.train:
        name, home, folder, max_epochs = options.train
        train(name, Path(home), Path(folder), int(max_epochs))
        return
    for name, share in SHARES.items():
        made = make(name, options.out, int(share * options.images))
        print(json.dumps(try_out(made, options.out / f"run-{name}", options.epochs)), flush=True)


if __name__ == "__main__":
    main()
