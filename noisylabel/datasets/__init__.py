"""Data sets, each as a Bunch of arrays.

Files are looked for in ``data_home=``, else in the folder that the environment variable ``NOISYLABEL_DATA`` names,
else in ``~/noisylabel_data``. Nothing is downloaded unless asked.
"""

from collections.abc import Callable
from typing import Any

from noisylabel.datasets._base import get_data_home
from noisylabel.datasets._cifar import fetch_cifar10, fetch_cifar100
from noisylabel.datasets._cifarn import fetch_cifarn_labels
from noisylabel.datasets._digits import load_digits
from noisylabel.datasets._fashion_mnist import fetch_fashion_mnist
from noisylabel.datasets._folder import load_image_folder
from noisylabel.datasets._table import load_table
from noisylabel.datasets._toy_gaussian import TOY_MEANS_2D, gaussian_posterior, make_toy_gaussian

DATASETS: dict[str, Callable[..., Any]] = {
    "digits": load_digits,
    "fashion_mnist": fetch_fashion_mnist,
    "cifar10": fetch_cifar10,
    "cifar100": fetch_cifar100,
}

__all__ = [
    "DATASETS",
    "TOY_MEANS_2D",
    "fetch_cifar10",
    "fetch_cifar100",
    "fetch_cifarn_labels",
    "fetch_fashion_mnist",
    "gaussian_posterior",
    "get_data_home",
    "load_digits",
    "load_image_folder",
    "load_table",
    "make_toy_gaussian",
]
