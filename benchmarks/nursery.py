"""Workers that share one loading of TensorFlow, for who starts and ends many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from cnnviz.runs import Run

__all__ = ["Nursery"]

# A line names a run's folder and the environment, and a copy of this process carries it out.
_LOOP = """
import json, os, sys
import cnnviz.train.loop
from pathlib import Path
from cnnviz.train.__main__ import main
print("ready", flush=True)
for line in sys.stdin:
    if os.fork() == 0:
        folder, environment = json.loads(line)
        os.environ.clear()
        os.environ.update(environment)
        log = os.open(Path(folder) / "log.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(log, 1), os.dup2(log, 2)
        code = main(Path(folder))
        sys.stdout.flush()
        os._exit(code)
    os.wait()
    print("ended", flush=True)
"""


class Nursery:
    """Starts workers, one after another, and tells when each has ended, however it did."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
        )
        self.ended()

    def begin(self, run: Run) -> None:
        """Starts a worker on the run, in this process's environment as it is now."""
        self._process.stdin.write(json.dumps([str(run.folder), dict(os.environ)]) + "\n")
        self._process.stdin.flush()

    def ended(self) -> None:
        """Waits for the end of the worker."""
        self._process.stdout.readline()

    def close(self) -> None:
        """Ends the loop."""
        self._process.stdin.close()
        self._process.wait(60)
