"""The Ray job that has the workers of a folder of runs started: `python -m cnnviz.engines.ray_dispatcher RUNS`.

Each is a task that Ray starts wherever there is room, and again elsewhere where its machine dies; the worker then waits
for the lease of the dead one to end and goes on from the last complete state. The dispatcher only looks at folders, so
it can be killed at any moment: the next one finds the same runs.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from cnnviz.engines.job_worker import job_worker
from cnnviz.errors import RunError, first_line
from cnnviz.files import write_json
from cnnviz.runs import Run, listing, open_run
from cnnviz.runs.launch import pause_requested, stop_requested
from cnnviz.runs.lease import in_force
from cnnviz.runs.liveness import engine_file
from cnnviz.runs.status import ACTIVE
from cnnviz.runs.store import write_state

POLL_SECONDS = 1.0
MOST_RETRIES = 20
"""How often a run is begun again whose machine died; one that takes its machines down with it ends sometime."""
_NOT_SHARED = 66
"""What `carry` returns on a node that doesn't have the run's folder."""
_STOPPED_WITH_ITS_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def carry(folder: str) -> int:
    """Has the worker of the run in `folder` at work until it ends, wherever Ray has put this; returns its exit code."""
    if not Path(folder, "recipe.json").is_file():
        return _NOT_SHARED
    host = host_names().get(ray.get_runtime_context().get_node_id(), socket.gethostname())
    return job_worker(folder, env={**os.environ, "CNNVIZ_HOST": host}, preexec_fn=_die_with_parent).wait()


def _die_with_parent() -> None:
    """Lets the worker end with the task, which Ray ends where a node leaves while its machine stays up."""
    with suppress(OSError, AttributeError):  # only Linux has it; elsewhere the lease keeps a second worker away
        ctypes.CDLL(None).prctl(_STOPPED_WITH_ITS_PARENT, 9)


def main(runs: Path) -> None:
    """Carries the runs in a folder that are Ray's, as long as the cluster is up."""
    ray.init(log_to_driver=False)
    task = ray.remote(max_retries=MOST_RETRIES)(carry)
    carried: dict[Path, Any] = {}
    told = engine_file(runs, "ray")
    while True:
        with suppress(RunError, OSError):  # a storage that is away for a while
            for run in reversed(listing(runs)):
                if run.written.engine == "ray" and run.written.state in ACTIVE:
                    attend(run, task, carried)
            let_go(carried)
            told.parent.mkdir(exist_ok=True)
            write_json(told, {"nodes": nodes()})
        time.sleep(POLL_SECONDS)


def attend(run: Run, task: Any, carried: dict[Path, Any]) -> None:
    """Gives a run to Ray that hasn't been; one that is asked to stop or pause while it waits for room is taken back."""
    if run.written.state == "queued" and run.written.process is None and stop_requested(run.folder):
        if (reference := carried.pop(run.folder, None)) is not None:
            ray.cancel(reference)  # a worker that begins all the same finds the state below, and leaves
        state = "paused" if pause_requested(run.folder) else "stopped"
        write_state(run.folder, run.written.model_copy(update={"state": state, "ended": time.time()}))
    elif run.folder not in carried and not in_force(run.folder):
        wanted = run.written.resources
        options: dict[str, Any] = {"num_cpus": wanted.cpus, "num_gpus": wanted.gpus, "name": run.id}
        if wanted.memory_gb:
            options["memory"] = int(wanted.memory_gb * 1e9)
        carried[run.folder] = task.options(**options).remote(str(run.folder))


def let_go(carried: dict[Path, Any]) -> None:
    """Forgets the runs whose tasks have ended, and says of one that ended without a word that it did."""
    ended, _ = ray.wait(list(carried.values()), num_returns=len(carried), timeout=0) if carried else ([], [])
    for folder in [folder for folder, reference in carried.items() if reference in ended]:
        reference, why = carried.pop(folder), ""
        try:
            code = ray.get(reference)
            if code == _NOT_SHARED:
                why = "The node that Ray put it on doesn't have its folder: all nodes have to share the folder of runs."
            elif code < 0:
                why = f"Its worker was ended by signal {-code}."
        except RayError as error:
            why = f"Ray gave it up: {first_line(error)}."
        with suppress(RunError):  # it has been deleted
            written = open_run(folder.name, folder.parent).written
            if why and written.state in ACTIVE:
                state = {"state": "crashed", "ended": time.time(), "message": why}
                write_state(folder, written.model_copy(update=state))


def host_names() -> dict[str, str]:
    """Returns what each node's machine is called, by the node's id: its name, and a part of the id where several nodes
    are on one."""
    known = {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes()}  # the dead too: names are to stay
    several = Counter(known.values())
    return {node: name if several[name] == 1 else f"{name}-{node[:6]}" for node, name in known.items()}


def nodes() -> list[dict[str, Any]]:
    """Returns the nodes that are up, with what they have."""
    hosts = host_names()
    return [
        {
            "host": hosts.get(node["NodeID"], node["NodeManagerHostname"]),
            "cpus": int(node["Resources"].get("CPU", 0)),
            "gpus": int(node["Resources"].get("GPU", 0)),
            "memory_gb": round(node["Resources"].get("memory", 0) / 1e9, 1),
        }
        for node in ray.nodes()
        if node["Alive"]
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
