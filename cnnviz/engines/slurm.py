"""Slurm: each run's worker is a job of its queue, submitted by submitit.

`CNNVIZ_SLURM` has what a site asks for, as JSON with submitit's names, such as `{"slurm_partition": "gpu",
"timeout_min": 600}`; `{"cluster": "local"}` runs the jobs on this machine, without Slurm. A job that comes to its
time's end, or has to make room, is queued again and goes on from the run's last complete state.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from cnnviz.engines import not_installed
from cnnviz.engines.job_worker import job_worker
from cnnviz.errors import RunError, first_line
from cnnviz.processes import import_path
from cnnviz.runs.store import Run

__all__ = ["PACKAGE", "TITLE", "check", "start"]

TITLE, PACKAGE = "Slurm", "submitit"
_DEFAULTS = {"timeout_min": 24 * 60}
_MOST_TIMES = 100
"""How often a job is queued again that came to its time's end."""
_EXAMPLE = '{"slurm_partition": "gpu", "timeout_min": 600}'


class Worker:
    """Has a run's worker at work in a job; submitit asks `checkpoint` what is to be done where the job has to end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, folder: str) -> int:
        """Returns the worker's exit code, once the run in `folder` has ended."""
        self._process = job_worker(folder)
        return self._process.wait()

    def checkpoint(self, folder: str) -> Any:
        """Ends the worker, whose last complete state is in its folder, and has the run queued again."""
        from submitit.helpers import DelayedSubmission

        if self._process is not None:
            self._process.kill()  # no `wait`: this is called from a signal, within the one above
        return DelayedSubmission(Worker(), folder)


def check(runs: Path) -> None:
    """Looks whether jobs can be submitted from here.

    Raises:
        RunError: submitit isn't installed, there is no Slurm, or `CNNVIZ_SLURM` can't be used.
    """
    _executor(runs)


def start(run: Run) -> None:
    """Submits the run's worker.

    Raises:
        RunError: Slurm refused the job.
    """
    wanted, executor = run.written.resources, _executor(run.folder.parent)
    resources: dict[str, Any] = {"cpus_per_task": wanted.cpus, "name": run.id}
    if wanted.gpus:
        resources["gpus_per_node"] = wanted.gpus
    if wanted.memory_gb:
        resources["mem_gb"] = wanted.memory_gb
    try:
        executor.update_parameters(**resources)
        executor.submit(Worker(), str(run.folder.absolute()))
    except Exception as error:  # submitit's own, a process's, a file's
        raise RunError(f"Slurm didn't take the job: {first_line(error)}.") from None


def _executor(runs: Path) -> Any:
    settings = _settings()
    try:
        import submitit
    except ImportError:
        raise not_installed("submitit") from None
    cluster = settings.pop("cluster", "slurm")
    try:
        executor = submitit.AutoExecutor(
            folder=runs.absolute() / ".engines" / "slurm", cluster=cluster, slurm_max_num_timeout=_MOST_TIMES
        )
        setup = [f"export PYTHONPATH={shlex.quote(import_path())}"]
        executor.update_parameters(**{**_DEFAULTS, f"{cluster}_setup": setup, **settings})
    except RuntimeError as error:
        raise RunError(f"There is no Slurm here ({first_line(error)}): runs can be started where `srun` is.") from None
    except (ValueError, TypeError, NameError, OSError) as error:
        raise RunError(f"CNNVIZ_SLURM can't be used: {first_line(error)}; expected such as {_EXAMPLE}.") from None
    return executor


def _settings() -> dict[str, Any]:
    text = os.environ.get("CNNVIZ_SLURM", "{}")
    try:
        settings = json.loads(text)
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise RunError(f"CNNVIZ_SLURM is {text!r}; expected JSON such as {_EXAMPLE}.")
    return settings
