"""``noisylabel evaluate``: how good a training's checkpoints are, while it runs."""

import argparse
import math
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from noisylabel._support.files import local_path, reading
from noisylabel.commands._options import above_zero, add_command, place, print_written
from noisylabel.datasets import DATASETS, load_image_folder, load_table
from noisylabel.datasets._table_source import is_table
from noisylabel.estimators.saving._checkpoints import read_checkpoint
from noisylabel.evaluation import evaluate_checkpoint, save_evaluation, watch_checkpoints
from noisylabel.exceptions import (
    DatasetNotFoundError,
    InvalidDataError,
    InvalidFileError,
    InvalidParameterError,
    NoisyLabelError,
)


def add_evaluate_command(commands: Any) -> None:
    """Add ``evaluate`` to the ``noisylabel`` command."""
    about = "Evaluate the checkpoint of a training, or with --watch each new one until the training is over."
    evaluate = add_command(commands, "evaluate", about, _evaluate)
    evaluate.add_argument("folder", metavar="DIR", type=place, help="the checkpoint_dir of the training")
    evaluate.add_argument(
        "--data",
        required=True,
        help="a data set's name (its test part is used), a .csv, .tsv or .parquet table, an .npz file with X and y, or "
        "a folder with a sub-folder of images for each class",
    )
    evaluate.add_argument("--label", metavar="COLUMN", help="with a table: the column of labels")
    evaluate.add_argument("--watch", action="store_true", help="go on until the training is over")
    evaluate.add_argument("--every", type=above_zero, default=2.0, help="with --watch: seconds between looks")
    evaluate.add_argument(
        "--timeout", type=above_zero, help="with --watch: give up after so many seconds of nothing new"
    )
    evaluate.add_argument(
        "--student", help="if it was a network or function of yours: where it is, as package.module:name"
    )
    evaluate.add_argument("--device", default="cpu", help="where to predict")


def _evaluate(options: argparse.Namespace) -> None:
    try:
        _evaluate_and_save(options)
    except NoisyLabelError:
        raise
    except ValueError as error:
        raise InvalidDataError(f"--data {options.data!r} does not fit the training: {error}") from error


def _evaluate_and_save(options: argparse.Namespace) -> None:
    student = None if options.student is None else _import(options.student)
    X, y = _load(options)
    if options.watch:
        patience = {"every": options.every, "timeout": options.timeout}
        rows = watch_checkpoints(options.folder, X, y, student, options.device, **patience)
    else:
        rows = iter([evaluate_checkpoint(options.folder, X, y, student, options.device)])
    for number, row in enumerate(rows):
        table = save_evaluation([{"data": options.data, **row}], options.folder)
        if number == 0:
            print("epoch  accuracy    loss")
        print(f"{row['epoch']:5d}  {row['accuracy']:8.4f}  {row['loss']:6.3f}", flush=True)
    print_written([table, table.with_suffix(".png")])


def _import(name: str) -> Any:
    """Return the object that ``package.module:name`` names; modules of the current folder count."""
    module, _, attribute = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidParameterError(f"--student must be package.module:name. Got {name!r}: {error}.") from error


def _load(options: argparse.Namespace) -> tuple[Any, Any]:
    """Return samples and labels of what ``--data`` names."""
    if options.data in DATASETS:
        bunch = DATASETS[options.data]()
        return bunch.test_data, bunch.test_target
    path = local_path("data", options.data)
    if is_table(path):
        if options.label is None:
            raise InvalidParameterError("--data is a table: say with --label which column holds the labels.")
        table = load_table(path, label=options.label)
        return table.data, table.target
    if not path.exists():
        raise DatasetNotFoundError(
            f"--data is {options.data!r}: there is no such file or folder, nor is it one of {list(DATASETS)}."
        )
    if path.suffix.lower() == ".npz" and path.is_file():
        with (
            reading(path, "file of arrays X and y, as numpy.savez writes them", "Objects are not read."),
            np.load(path) as arrays,
        ):
            if not {"X", "y"} <= set(arrays):
                raise InvalidParameterError(f"{path} must hold the arrays X and y. It holds {list(arrays)}.")
            return arrays["X"], arrays["y"]
    if path.is_dir():
        return _load_images(path, _wait_for_checkpoint(options))
    raise InvalidParameterError(
        f"--data must be one of {list(DATASETS)}, a .csv, .tsv, .parquet or .npz file or a folder of images. "
        f"Got {options.data!r}, which is none of them."
    )


def _wait_for_checkpoint(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the checkpoint says; with ``--watch``, wait for the first one."""
    end = math.inf if options.timeout is None else time.monotonic() + options.timeout
    while (saved := read_checkpoint(options.folder)) is None:
        if not options.watch or time.monotonic() > end:
            raise InvalidFileError(f"There is no checkpoint in {str(options.folder)!r}.")
        time.sleep(options.every)
    return saved


def _load_images(folder: Path, saved: dict[str, Any]) -> tuple[Any, Any]:
    """Load a folder of images as the training's images were: of their size and colours."""
    shape = saved["sample_shape"]
    if len(shape) != 3 or saved["sample_dtype"] != "uint8":
        raise InvalidParameterError(
            f"--data is a folder of images, with values from 0 to 255, but the training saw samples of shape {shape} "
            f"({saved['sample_dtype']}). Pass an .npz file of X and y, prepared as for the training."
        )
    bunch = load_image_folder(folder, size=(shape[1], shape[2]), mode="L" if shape[0] == 1 else "RGB")
    has_names = isinstance(saved["classes"]["labels"][0], str)
    return bunch.data, np.asarray(bunch.target_names)[bunch.target] if has_names else bunch.target
