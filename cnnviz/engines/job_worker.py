"""A run's worker within a job of a cluster, which waits for its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["job_worker"]


def job_worker(folder: str, **options: Any) -> subprocess.Popen[bytes]:
    """Starts the worker of the run in `folder`, whose words go to its log; `options` are of `subprocess.Popen`.

    Unlike a worker that outlives who started it, it stays in the session of its job, by which the cluster ends it.

    Raises:
        OSError: no process can be started, or the log can't be written.
    """
    command = [sys.executable, "-m", "cnnviz.train", folder]
    with open(Path(folder, "log.txt"), "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
