"""Ray as this package wants it: quiet, on loopback, without a dashboard."""

import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from noisylabel.exceptions import MissingDependencyError, NoisyLabelError

# Before Ray is imported, which reads them then. A user's own settings win.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # with verbose=0 silent; our own table takes its place
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # trials without a GPU keep what the machine shows
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the sweep keeps its own log
    "TUNE_GLOBAL_CHECKPOINT_S": "1",  # seconds of a sweep that a killed driver loses
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "0",
    "TUNE_RESULT_DELIM": "/",
}


def prepare_ray() -> None:
    """Set Ray's environment, and say what to install if it or Optuna is not there.

    Raises
    ------
    MissingDependencyError
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import optuna
        import ray.tune  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"Sweeps need Ray Tune and Optuna ({error}). Install them: pip install 'noisylabel[sweeps]'."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)


@contextmanager
def ray_session(address: str | None = None, n_cpus: int | None = None) -> Iterator[None]:
    """Use the running Ray, the cluster at ``address``, or a Ray of our own on loopback that ends with the context.

    Parameters
    ----------
    address : str, optional
        ``"auto"``, ``"HOST:PORT"``: a cluster that somebody started. None starts a Ray on this machine alone, unless
        this process is connected already.
    n_cpus : int, optional
        Of our own Ray; all cores by default.

    Raises
    ------
    NoisyLabelError
        If there is no cluster at the address.
    """
    import ray

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
            ray.init(address=address, runtime_env=_our_code(), **quiet)
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


def _our_code() -> dict[str, Any]:
    """Return what to send to machines that have this code in no file: our two packages."""
    import noisylabel
    import sweeps

    return {"py_modules": [noisylabel, sweeps]}


def check_workers(setup: Any) -> None:
    """Refuse what workers cannot read, such as a student of a module that they cannot import.

    Raises
    ------
    NoisyLabelError
    """
    import ray
    from ray import cloudpickle

    reads = ray.remote(num_cpus=0, max_retries=0)(_reading_error)
    error = ray.get(reads.remote(cloudpickle.dumps(setup)))
    if error:
        raise NoisyLabelError(
            f"A worker process cannot read the estimator or the scoring ({error}). Put the module into an installed "
            "package or on the PYTHONPATH of the machines where Ray was started."
        )


def _reading_error(pickled: bytes) -> str:
    """Return what goes wrong when a worker reads what trials need."""
    from ray import cloudpickle

    try:
        cloudpickle.loads(pickled)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def check_resources(resources: Mapping[str, float]) -> None:
    """Refuse trials that fit on no machine, which Ray would wait for for ever.

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
