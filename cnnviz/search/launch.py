"""Starting a search's coordinator, once or again."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cnnviz.engines.local import new_process, write_launched
from cnnviz.errors import RunError
from cnnviz.files import write_json
from cnnviz.runs import launch
from cnnviz.runs.store import Run
from cnnviz.search.spec import SearchSpec
from cnnviz.search.store import Search, create, delete, open_search, place_of

__all__ = ["resume", "start"]

_coordinators: list[subprocess.Popen[bytes]] = []


def start(spec: SearchSpec, runs: Path | None = None) -> Search:
    """Makes a search and starts its coordinator, a process of its own that outlives the caller.

    Args:
        spec: what is searched.
        runs: the folder of all runs; by default `runs.root`.

    Raises:
        RunError: the folder can't be written, or no process can be started.
    """
    search = create(spec, runs)
    try:
        spawn(search.run)
    except OSError as error:
        write_json(search.folder / "state.json", {"state": "failed", "created": search.run.written.created})
        delete(search.id, runs)
        raise RunError(f"No process can be started for the search: {error.strerror or error}.") from None
    return search


def resume(search_id: str, runs: Path | None = None) -> Search:
    """Starts a coordinator again on a search that was stopped, failed or crashed.

    Trials that it left in the middle go on where they were; those that it pruned stay paused.

    Raises:
        RunError: there is no such search, it goes on or is finished, or no process can be started.
    """
    open_search(search_id, runs)
    launch.resume(search_id, place_of(runs), spawn)
    return open_search(search_id, runs)


def spawn(run: Run) -> None:
    """Starts the coordinator of the search in a folder.

    Raises:
        OSError: no process can be started, or the log can't be written.
    """
    _coordinators[:] = [one for one in _coordinators if one.poll() is None]
    with open(run.log_path, "ab") as log:
        coordinator = new_process("cnnviz.search", [str(run.folder)], subprocess.DEVNULL, log)
    _coordinators.append(coordinator)
    write_launched(run, coordinator.pid)
