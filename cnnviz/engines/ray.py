"""Ray: runs are spread over the machines of a cluster, and go on elsewhere where one of them dies.

One Ray job, the dispatcher (`cnnviz.engines.ray_dispatcher`), watches the folder of runs for as long as the cluster is
up and has each worker started as a Ray task with its processors, graphics cards and memory. So a run is given to Ray by
what stands in its folder, and many runs take one driver, not one each. What runs carry, and on which machine, the
dispatcher writes beside them, which is all that pages read: they need no Ray.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from cnnviz.engines import not_installed
from cnnviz.errors import RunError, first_line
from cnnviz.processes import import_path
from cnnviz.runs.store import Run

__all__ = ["PACKAGE", "TITLE", "check", "start"]

TITLE, PACKAGE = "Ray", "ray"
_PASSED_ON = ("CNNVIZ_DATA", "CNNVIZ_CACHE", "CNNVIZ_LEASE_SECONDS", "KERAS_HOME")
"""What a worker elsewhere needs to find the same data; where nodes have their own, they are started with it."""
_CHECK_SECONDS = 30.0
_checked: dict[Path, float] = {}


def check(runs: Path) -> None:
    """Sees to it that a dispatcher of this folder of runs is at work in the cluster that `RAY_ADDRESS` names, by
    default the one on this machine.

    Raises:
        RunError: Ray isn't installed, no cluster answers, or it doesn't take the job.
    """
    runs = runs.absolute()
    if time.monotonic() - _checked.get(runs, -_CHECK_SECONDS) < _CHECK_SECONDS:
        return
    client, known = _client()
    prefix = f"cnnviz-{hashlib.sha256(os.fsencode(runs)).hexdigest()[:8]}-"
    mine = [job for job in known if (job.submission_id or "").startswith(prefix)]
    if not any(job.status in ("PENDING", "RUNNING") for job in mine):
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            runs.mkdir(parents=True, exist_ok=True)
            client.submit_job(
                entrypoint=f"{_python()} -m cnnviz.engines.ray_dispatcher {shlex.quote(str(runs))}",
                submission_id=f"{prefix}{len(mine)}",
                runtime_env={"env_vars": {**environment, "PYTHONPATH": import_path()}},
                metadata={"job_name": f"cnnviz: {runs}"},
            )
        except Exception as error:
            if "already exists" not in str(error):  # else somebody has just done the same
                raise RunError(f"Ray didn't take the job: {first_line(error)}.") from None
    _checked[runs] = time.monotonic()


def start(run: Run) -> None:
    """Does nothing more: the dispatcher finds the run by its folder."""


def _client() -> tuple[Any, list[Any]]:
    """A client of the cluster's job server, and the jobs that it has."""
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError:
        raise not_installed(TITLE) from None
    try:
        client = JobSubmissionClient()
        return client, client.list_jobs()
    except Exception as error:
        raise RunError(
            f"No Ray cluster answers ({first_line(error)}): start one with `ray start --head`, or name its job server "
            "with RAY_ADDRESS, such as http://127.0.0.1:8265."
        ) from None


def _python() -> str:
    """What starts Python on the head: this very one where it has it, as on this machine, else the one that it finds."""
    mine = shlex.quote(sys.executable)
    return f"$(test -x {mine} && echo {mine} || echo python3)"
