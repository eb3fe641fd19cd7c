"""Start Ray, quietly, and check what trials need before any of them starts."""

import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Any

from noisylabel.exceptions import MissingDependencyError, NoisyLabelError
from noisylabel.utils import RAY_ENVIRONMENT
from noisylabel.utils import ray_session as shared_session

_PACKAGES = ("filelock", "optuna", "pydantic", "ray", "rich", "yaml")


def check_installed() -> None:
    """Refuse to start without the packages that sweeps need.

    Raises
    ------
    MissingDependencyError
        Naming the packages that are not there.
    """
    absent = [name for name in _PACKAGES if find_spec(name) is None]
    if absent:
        raise MissingDependencyError(
            f"Sweeps need packages that are not installed: {', '.join(absent)}. Install them: "
            "pip install '.[sweeps]' in a clone of noisylabel."
        )


def prepare_ray() -> None:
    """Set Ray's environment, before Ray is imported, and keep Optuna quiet.

    Raises
    ------
    MissingDependencyError
        If packages are not installed.
    """
    check_installed()
    for name, value in RAY_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)


def ray_session(address: str | None = None, n_cpus: int | None = None) -> AbstractContextManager[None]:
    """Return :func:`noisylabel.utils.ray_session`, which also sends our code to machines that do not have it."""
    return shared_session(address, n_cpus, _our_code())


def _our_code() -> dict[str, Any]:
    """Return what Ray sends to each machine: our two packages."""
    return {"py_modules": [sys.modules["noisylabel"], sys.modules["sweeps"]]}


def check_resources(resources: Mapping[str, float]) -> None:
    """Refuse trials that ask for more than any machine has; Ray would wait without end.

    Raises
    ------
    NoisyLabelError
    """
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    names = {"cpu": "CPU", "gpu": "GPU"}
    wanted = {names.get(name, name): amount for name, amount in resources.items() if amount}
    if not any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in nodes):
        there = "; ".join(", ".join(f"{node.get(n, 0):g} {n}" for n in ("CPU", "GPU")) for node in nodes)
        asked = ", ".join(f"{amount:g} {name}" for name, amount in wanted.items())
        raise NoisyLabelError(
            f"A trial asks for {asked}, and no machine has as much (there are: {there}). Ask for less, with "
            "cpus-per-trial and gpus-per-trial, or start Ray on a machine that has it."
        )
