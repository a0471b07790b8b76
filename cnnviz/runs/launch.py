"""Starting a worker process, asking it to stop, and the queue, which is a file lock that workers wait for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from cnnviz.errors import RunError
from cnnviz.files import write_json
from cnnviz.recipe import Recipe
from cnnviz.runs.store import Run, create, delete, listing, open_run

__all__ = ["request_stop", "slots", "start", "stop_requested", "wait_for_slot"]


def slots() -> int:
    """Returns how many runs may train at once: `CNNVIZ_SLOTS`, by default 1."""
    try:
        return max(1, int(os.environ.get("CNNVIZ_SLOTS", "1")))
    except ValueError:
        raise RunError(f"CNNVIZ_SLOTS is {os.environ['CNNVIZ_SLOTS']!r}; expected a whole number such as 1.") from None


def start(recipe: Recipe, runs: Path | None = None) -> Run:
    """Makes a run and starts its worker, a process of its own that outlives the caller.

    Raises:
        RunError: the folder of runs can't be written, or no process can be started.
    """
    run = create(recipe, runs)
    package = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(package), os.getenv("PYTHONPATH")]))}
    try:
        with open(run.log_path, "ab") as log:
            subprocess.Popen(
                [sys.executable, "-m", "cnnviz.train", str(run.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=package,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        write_json(run.folder / "state.json", {"state": "failed", "created": run.written.created})
        delete(run.id, runs)
        raise RunError(f"No worker process could be started: {error.strerror or error}.") from None
    return run


def request_stop(run_id: str, runs: Path | None = None) -> Run:
    """Asks a run to stop at its next batch, keeping what there is; returns it as it is then.

    Raises:
        RunError: there is no such run, it has already ended, or its folder can't be written.
    """
    run = open_run(run_id, runs)
    if not run.active:
        raise RunError(f"Run {run_id} is {run.state}; only a run that goes on can be stopped.")
    try:
        write_json(run.folder / "request.json", {"request": "stop", "time": time.time()})
    except OSError as error:
        raise RunError(f"Run {run_id} can't be asked to stop: {error.strerror or error}.") from None
    return open_run(run_id, runs)


def stop_requested(folder: Path) -> bool:
    """Returns whether somebody asked the run in this folder to stop."""
    return os.path.exists(folder / "request.json")


def wait_for_slot(
    folder: Path, *, cancelled: Callable[[], bool], waiting: Callable[[str], None], poll_seconds: float = 0.5
) -> FileLock | None:
    """Blocks until the run may train, oldest first, and returns the lock that it must hold while it does.

    Args:
        folder: the run's folder; the locks are beside it.
        cancelled: asked at every turn; when it is true, `None` is returned.
        waiting: called once with the id of a run that is waited for.
        poll_seconds: time between turns.
    """
    locks = folder.parent / ".slots"
    locks.mkdir(exist_ok=True)
    told = False
    while not cancelled():
        others = [run for run in listing(folder.parent) if run.active and run.id != folder.name]
        mine = (open_run(folder.name, folder.parent).written.created, folder.name)
        ahead = [run for run in others if run.state == "queued" and (run.written.created, run.id) < mine]
        free = None if ahead else _acquire(locks)
        if free is not None:
            return free
        if not told and others:
            told = True
            waiting((ahead or others)[-1].id)
        time.sleep(poll_seconds)
    return None


def _acquire(locks: Path) -> FileLock | None:
    for number in range(slots()):
        lock = FileLock(locks / f"{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return lock
    return None
