"""Whether every machine of a cluster sees the sweep's folder."""

import uuid
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from noisylabel.exceptions import InvalidParameterError


def check_storage(folder: Path) -> None:
    """Refuse a folder that the other machines of the cluster do not have: their checkpoints would be lost.

    Raises
    ------
    InvalidParameterError
        Naming the machines.
    """
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if len(nodes) == 1:
        return
    token = folder.resolve() / f".seen-{uuid.uuid4().hex}"
    token.touch()
    try:
        sees = ray.remote(num_cpus=0)(_is_file)
        asked = [
            sees.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(token)
            for node in nodes
        ]
        blind = [node["NodeManagerAddress"] for node, seen in zip(nodes, ray.get(asked), strict=True) if not seen]
    finally:
        token.unlink()
    if blind:
        raise InvalidParameterError(
            f"'out' {str(folder)!r} is not on a file system that all machines of the cluster share: {', '.join(blind)} "
            "cannot see it. Name a folder on shared storage (NFS, Lustre, EFS, Filestore, ...)."
        )


def _is_file(path: Path) -> bool:
    return path.is_file()
