"""Workers on this machine: one for each run, started when it is needed, or waiting as a spare with TensorFlow loaded.

There are as many at work as `cnnviz.runs.launch.slots` says; the others wait, oldest first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from cnnviz.files import write_json
from cnnviz.processes import import_path, process_of
from cnnviz.runs.liveness import LAUNCHED
from cnnviz.runs.store import Run

__all__ = ["PACKAGE", "TITLE", "check", "keep_spare", "new_process", "start", "write_launched"]

TITLE, PACKAGE = "This machine", ""
SIGN_OF_LIFE_SECONDS = 60.0
"""How often a spare hears that it is still wanted; after 15 minutes without a word it ends by itself."""
LEAST_FREE_BYTES = 2_000_000_000
"""Where the machine has less memory left, there is no spare: it takes about 600 MB."""

_lock = threading.Lock()
_spare: subprocess.Popen[bytes] | None = None
_heard = 0.0
_most = 0
_workers: list[subprocess.Popen[bytes]] = []


def check(runs: Path) -> None:
    """Finds nothing: this machine is always there."""


def start(run: Run) -> None:
    """Starts the run's worker, which outlives the caller: the spare, where one waits, or a new process.

    Raises:
        OSError: no process can be started, or the run's folder can't be written.
    """
    global _spare
    with _lock, open(run.log_path, "ab") as log:
        worker, _spare = _spare, None
        if worker is None or not _hand_over(worker, run):
            worker = new_process("cnnviz.train", [str(run.folder)], subprocess.DEVNULL, log)
        _workers.append(worker)
    if _most:
        threading.Thread(target=_keep_next, args=(worker,), daemon=True).start()
    write_launched(run, worker.pid)


def write_launched(run: Run, pid: int) -> None:
    """Notes which process was started for a run, until that says so itself."""
    with suppress(OSError, psutil.Error):  # without it a worker that dies at once is missed a little later
        write_json(run.folder / LAUNCHED, process_of(pid).model_dump())


def keep_spare(most: int = 1) -> None:
    """Lets a process wait with TensorFlow loaded for the next run of this one, which starts 4 to 10 seconds earlier so.

    It trains one run, as any worker, and ends with the process that calls this. There is none with `CNNVIZ_SPARE=0`,
    where memory is short, or while as many runs of this process are at work as may be; the next comes when one of them
    ends.

    Args:
        most: how many runs may train at once.
    """
    global _spare, _heard, _most
    if os.environ.get("CNNVIZ_SPARE") == "0":
        return
    with _lock:
        now, _most = time.monotonic(), most
        if _spare is not None and _spare.poll() is None:
            if now - _heard > SIGN_OF_LIFE_SECONDS:
                _heard = now
                _tell(_spare, b"\n")
            return
        _workers[:] = [worker for worker in _workers if worker.poll() is None]
        if len(_workers) >= most or psutil.virtual_memory().available < LEAST_FREE_BYTES:
            return
        with suppress(OSError):
            _spare, _heard = new_process("cnnviz.train", ["--spare"], subprocess.PIPE, subprocess.DEVNULL), now


def _keep_next(worker: subprocess.Popen[bytes]) -> None:
    """Keeps a spare again once a run has ended: the page that shows it isn't drawn anew for that."""
    worker.wait()
    keep_spare(_most)


def _hand_over(spare: subprocess.Popen[bytes], run: Run) -> bool:
    """Gives the spare its run; `False` where it has ended."""
    assert spare.stdin is not None
    taken = _tell(spare, json.dumps([str(run.folder), str(run.log_path)]).encode() + b"\n")
    with suppress(OSError):
        spare.stdin.close()
    return taken and spare.poll() is None


def _tell(spare: subprocess.Popen[bytes], words: bytes) -> bool:
    """Writes to the spare, and returns whether it could be written."""
    assert spare.stdin is not None
    try:
        spare.stdin.write(words)
        spare.stdin.flush()
    except OSError:
        return False
    return True


def new_process(module: str, arguments: list[str], stdin: int, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts one of this package's modules as a process in a session of its own.

    Raises:
        OSError: it can't be started.
    """
    package = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=stdin,
        stdout=output,
        stderr=output,
        cwd=package,
        env={**os.environ, "PYTHONPATH": import_path()},
        start_new_session=True,
    )
