"""Data sets, each as a Bunch of arrays.

Files are looked for in ``data_home=``, else in the folder that the environment variable ``NOISYLABEL_DATA`` names,
else in ``~/noisylabel_data``. Nothing is downloaded unless asked. Images of the large sets stay on disk: their data are
:class:`ImageFiles`, which ``fit`` and ``predict`` read batch by batch.
"""

from collections.abc import Callable
from typing import Any

from noisylabel.datasets._base import get_data_home
from noisylabel.datasets._cifar import fetch_cifar10, fetch_cifar100
from noisylabel.datasets._cifarn import fetch_cifarn_labels
from noisylabel.datasets._digits import load_digits
from noisylabel.datasets._fashion_mnist import fetch_fashion_mnist
from noisylabel.datasets._folder import load_image_folder
from noisylabel.datasets._image_files import ImageFiles
from noisylabel.datasets._table import load_table, read_table
from noisylabel.datasets._toy_gaussian import TOY_MEANS_2D, gaussian_posterior, make_toy_gaussian
from noisylabel.datasets.large._animal10n import fetch_animal10n
from noisylabel.datasets.large._clothing1m import fetch_clothing1m
from noisylabel.datasets.large._cnwl import fetch_cnwl
from noisylabel.datasets.large._food101n import fetch_food101n
from noisylabel.datasets.large._ray_rows import RayRows
from noisylabel.datasets.large._tiny_imagenet import fetch_tiny_imagenet
from noisylabel.datasets.large._webvision import fetch_webvision

DATASETS: dict[str, Callable[..., Any]] = {
    "digits": load_digits,
    "fashion_mnist": fetch_fashion_mnist,
    "cifar10": fetch_cifar10,
    "cifar100": fetch_cifar100,
    "animal10n": fetch_animal10n,
    "clothing1m": fetch_clothing1m,
    "cnwl": fetch_cnwl,
    "food101n": fetch_food101n,
    "tiny_imagenet": fetch_tiny_imagenet,
    "webvision": fetch_webvision,
}

__all__ = [
    "DATASETS",
    "TOY_MEANS_2D",
    "ImageFiles",
    "RayRows",
    "fetch_animal10n",
    "fetch_cifar10",
    "fetch_cifar100",
    "fetch_cifarn_labels",
    "fetch_clothing1m",
    "fetch_cnwl",
    "fetch_fashion_mnist",
    "fetch_food101n",
    "fetch_tiny_imagenet",
    "fetch_webvision",
    "gaussian_posterior",
    "get_data_home",
    "load_digits",
    "load_image_folder",
    "load_table",
    "make_toy_gaussian",
    "read_table",
]
