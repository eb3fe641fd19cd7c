"""Ray for those who use it: quiet, on loopback unless it is a cluster's, without a dashboard."""

import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from noisylabel.exceptions import MissingDependencyError, NoisyLabelError

# Before Ray is imported, which reads them then. A user's own settings win.
RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # workers without a GPU keep what the machine shows
}


@contextmanager
def ray_session(
    address: str | None = None, n_cpus: int | None = None, runtime_env: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Use the running Ray, the cluster at ``address``, or a Ray of our own on loopback that ends with the context.

    Parameters
    ----------
    address : str, optional
        ``"auto"``, ``"HOST:PORT"``: a cluster that somebody started. None starts a Ray on this machine alone, unless
        this process is connected already.
    n_cpus : int, optional
        Of our own Ray; all cores by default.
    runtime_env : mapping, optional
        Ray's, for the machines of a cluster; a Ray on this machine imports what this process can.

    Raises
    ------
    MissingDependencyError
        If Ray is not installed.
    NoisyLabelError
        If there is no cluster at the address.
    """
    for name, value in RAY_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError(
            f"Ray is needed ({error}): pip install '.[sweeps]' in a clone of noisylabel."
        ) from error

    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    if address is None:
        with _loopback(), _same_path():
            ray.init(address="local", num_cpus=n_cpus, include_dashboard=False, **quiet)
    else:
        try:
            _check_reachable(address)
            ray.init(address=address, runtime_env=dict(runtime_env or {}), **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise NoisyLabelError(
                f"There is no Ray cluster at {address!r} ({error}). Start one with 'ray start --head' and join the "
                "other machines with 'ray start --address=HEAD:6379', or leave the address out to use this machine."
            ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise a ConnectionError if nothing listens at HOST:PORT, which Ray finds out in some minutes."""
    host, _, port = address.rpartition(":")
    if not host or "/" in address or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error


@contextmanager
def _loopback() -> Iterator[None]:
    """Let the Ray that starts within listen on loopback alone, which on Linux it does only with this setting."""
    from ray._private import ray_constants

    name = ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR
    before, was_on = os.environ.get(name), ray_constants.ENABLE_RAY_CLUSTER
    os.environ[name], ray_constants.ENABLE_RAY_CLUSTER = "0", False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = was_on
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _same_path() -> Iterator[None]:
    """Let the workers of the Ray that starts within import what this process can, such as a script's neighbours."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
