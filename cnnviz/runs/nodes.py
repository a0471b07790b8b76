"""The machines that runs are on, with what they carry: from runs' folders and what an engine's dispatcher wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cnnviz.files import read_json
from cnnviz.processes import this_host
from cnnviz.runs.liveness import CARRIED_SECONDS, engine_file, written_within
from cnnviz.runs.store import Run, root

__all__ = ["Node", "elsewhere", "host_of", "nodes"]


class Node(BaseModel):
    """A machine: its name, its processors, graphics cards and gigabytes of memory (`None` where unknown), and the ids
    of the runs that it carries."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: str = Field(max_length=300)
    cpus: int | None = None
    gpus: int | None = None
    memory_gb: float | None = None
    runs: tuple[str, ...] = ()


def host_of(run: Run) -> str:
    """Returns the machine that a run is on or was on last, "" where that isn't known or before it began."""
    return run.written.process.host if run.written.process else ""


def elsewhere(run: Run) -> str:
    """Returns the machine that a run is on or was on last, where it is another than this; else ""."""
    host = host_of(run)
    return "" if host == this_host() else host


def nodes(listed: Sequence[Run], runs: Path | None = None) -> list[Node]:
    """Returns the machines that carry runs or wait for some, by name; none where there is only this one.

    Args:
        listed: all runs.
        runs: the folder of all runs; by default `root`.
    """
    folder = runs or root()
    known = {node.host: node for node in _of_ray(folder)}
    carried: dict[str, list[str]] = {}
    for run in listed:
        if run.active and host_of(run):
            carried.setdefault(host_of(run), []).append(run.id)
    hosts = sorted({*known, *carried})
    if set(hosts) <= {this_host()}:
        return []
    return [
        known.get(host, Node(host=host)).model_copy(update={"runs": tuple(carried.get(host, ()))}) for host in hosts
    ]


def _of_ray(folder: Path) -> list[Node]:
    """The nodes of Ray's cluster, while its dispatcher gives signs of life, but for a head that carries nothing."""
    path = engine_file(folder, "ray")
    if not written_within(path, folder, CARRIED_SECONDS):
        return []
    try:
        found = read_json(path)
        listed = [Node.model_validate(node) for node in found["nodes"]] if isinstance(found, dict) else []
    except (OSError, ValidationError, KeyError, TypeError):
        return []
    return [node for node in listed if node.cpus or node.gpus]
