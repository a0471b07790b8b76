"""Whether somebody still has a run in hand: its worker, on whatever machine, or the engine that is to start one."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from cnnviz.files import read_json
from cnnviz.processes import Process, alive, is_here
from cnnviz.runs.lease import in_force, storage_now
from cnnviz.runs.status import State

__all__ = ["CARRIED_SECONDS", "LAUNCHED", "START_GRACE_SECONDS", "engine_file", "launched", "lives", "written_within"]

LAUNCHED = "launched.json"
"""In a run's folder: the process that was started for it last."""
START_GRACE_SECONDS = 20.0
"""A worker that was started needs a moment before it says who it is; a run without a process is given this long."""
CARRIED_SECONDS = 30.0
"""An engine's dispatcher that has given no sign of life for so long has left its runs alone."""


def engine_file(runs: Path, engine: str) -> Path:
    """Returns where an engine's dispatcher says what its nodes carry, by which it gives its signs of life as well."""
    return runs / ".engines" / f"{engine}.json"


def launched(folder: Path) -> Process | None:
    """Returns the process that was started last for the run in `folder`, where that is known."""
    try:
        return Process.model_validate(read_json(folder / LAUNCHED))
    except (OSError, ValidationError):
        return None


def lives(folder: Path, written: State) -> bool:
    """Returns whether somebody has a run in hand that hasn't ended.

    A process of this machine is looked up; of one elsewhere its lease tells, by the clock of the storage, since those
    of machines differ.

    Args:
        folder: the run's.
        written: what its worker wrote last.
    """
    worker = written.process or (launched(folder) if written.engine == "local" else None)
    if worker is not None and is_here(worker):
        return alive(worker) or in_force(folder)
    if in_force(folder):
        return True
    if written.engine == "ray":
        carried, submitted = engine_file(folder.parent, "ray"), folder / "state.json"
        return written_within(carried, folder.parent, CARRIED_SECONDS) or written_within(
            submitted, folder.parent, CARRIED_SECONDS
        )
    if written.process is None and written.engine == "slurm":
        return True  # for as long as Slurm's queue takes
    return written.process is None and written_within(folder / "state.json", folder.parent, START_GRACE_SECONDS)


def written_within(path: Path, runs: Path, most: float) -> bool:
    """Returns whether a file below the folder of runs was written within so many seconds, by the clock of the storage.

    Not so at a time to come, which is of a clock that was put back since.
    """
    try:
        return abs(storage_now(runs) - path.stat().st_mtime) < most
    except OSError:
        return False
